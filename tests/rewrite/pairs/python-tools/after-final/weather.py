import json
import os
from openai import OpenAI

vllm_client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))

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
    response = vllm_client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=messages, tools=TOOLS)
    messages.append(response.choices[0].message)
    for call in response.choices[0].message.tool_calls or []:
        function = call.function
        result = FUNCTIONS[function.name](**json.loads(function.arguments))
        messages.append({"role": "tool", "tool_call_id": call.id, "name": function.name, "content": result})
    if len(messages) > 2:
        response = vllm_client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=messages)
    return response.choices[0].message.content or ""


def first_arguments(question):
    response = vllm_client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": question}], tools=TOOLS)
    if not response.choices[0].message.tool_calls:
        return response.choices[0].message.content or ""
    return json.loads(response.choices[0].message.tool_calls[0].function.arguments)
