import os

from openai import OpenAI

client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))


def whole(q):
    return client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": q}]).choices[0].message.content or ""


def lines(q):
    reply = client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": q}])
    return (reply.choices[0].message.content or "").strip().splitlines()


def or_else(q):
    reply = client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": q}])
    message = reply.choices[0].message
    return message.content or "nothing", f"{message.content or ''}!"
