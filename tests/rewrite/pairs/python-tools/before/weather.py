import ollama

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


def get_weather(city):
    return f"21 degrees in {city}"


FUNCTIONS = {"get_weather": get_weather}


def ask(question):
    messages = [{"role": "user", "content": question}]
    response = ollama.chat(model="llama3.1:8b", messages=messages, tools=TOOLS)
    messages.append(response["message"])
    for call in response["message"].get("tool_calls") or []:
        function = call["function"]
        result = FUNCTIONS[function["name"]](**function["arguments"])
        messages.append({"role": "tool", "tool_name": function["name"], "content": result})
    if len(messages) > 2:
        response = ollama.chat(model="llama3.1:8b", messages=messages)
    return response["message"]["content"]


def first_arguments(question):
    response = ollama.chat(model="llama3.1:8b", messages=[{"role": "user", "content": question}], tools=TOOLS)
    if not response.message.tool_calls:
        return response.message.content
    return response.message.tool_calls[0].function.arguments
