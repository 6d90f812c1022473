import json
from openai import OpenAI
import ai_client

ollama_client = OpenAI(base_url=ai_client.base_url(), api_key=ai_client.API_KEY)

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
    response = ollama_client.chat.completions.create(model=ai_client.model("llama3.1:8b"), messages=messages, tools=TOOLS)
    messages.append(response.choices[0].message)
    for call in response.choices[0].message.tool_calls or []:
        function = call.function
        result = FUNCTIONS[function.name](**json.loads(function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "name": function.name, "content": result})
    if len(messages) > 2:
        response = ollama_client.chat.completions.create(model=ai_client.model("llama3.1:8b"), messages=messages)
    return response.choices[0].message.content or ""


def first_arguments(question):
    response = ollama_client.chat.completions.create(model=ai_client.model("llama3.1:8b"), messages=[{"role": "user", "content": question}], tools=TOOLS)
    if not response.choices[0].message.tool_calls:
        return response.choices[0].message.content or ""
    return json.loads(response.choices[0].message.tool_calls[0].function.arguments)
