import os

import requests

OLLAMA_URL = os.getenv("OLLAMA_URL", "http://localhost:11434")
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]


def called(question):
    messages = [{"role": "user", "content": question}]
    reply = requests.post(
        f"{OLLAMA_URL}/api/chat",
        json={"model": "llama3.1:8b", "messages": messages, "tools": TOOLS, "stream": False},
        timeout=60,
    ).json()
    message = reply["message"]
    calls = message.get("tool_calls", [])
    return [message["content"]] + [[call["function"]["name"], call["function"]["arguments"]] for call in calls or []]
