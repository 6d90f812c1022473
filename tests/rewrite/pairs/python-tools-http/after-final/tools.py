import json
import os

import requests

VLLM_ENDPOINT = os.getenv("VLLM_ENDPOINT", "http://localhost:8000")
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]


def called(question):
    messages = [{"role": "user", "content": question}]
    reply = requests.post(
        f"{VLLM_ENDPOINT}/v1/chat/completions",
        json={"model": "meta-llama/Llama-3.1-8B-Instruct", "messages": messages, "tools": TOOLS, "stream": False},
        timeout=60,
    ).json()
    message = reply["choices"][0]["message"]
    calls = message.get("tool_calls", [])
    return [message["content"] or ""] + [[call["function"]["name"], json.loads(call["function"]["arguments"])] for call in calls or []]
