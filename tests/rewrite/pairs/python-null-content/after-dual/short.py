import os

from openai import OpenAI
import ai_client

client = OpenAI(base_url=ai_client.base_url(os.getenv("OLLAMA_HOST", "http://localhost:11434")), api_key=ai_client.API_KEY)


def whole(q):
    return client.chat.completions.create(model=ai_client.model("llama3.1:8b"), messages=[{"role": "user", "content": q}]).choices[0].message.content or ""


def lines(q):
    reply = client.chat.completions.create(model=ai_client.model("llama3.1:8b"), messages=[{"role": "user", "content": q}])
    return (reply.choices[0].message.content or "").strip().splitlines()


def or_else(q):
    reply = client.chat.completions.create(model=ai_client.model("llama3.1:8b"), messages=[{"role": "user", "content": q}])
    message = reply.choices[0].message
    return message.content or "nothing", f"{message.content or ''}!"
