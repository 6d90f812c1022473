import os
from openai import OpenAI

vllm_client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))


def _call(messages):
    response = vllm_client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=messages)
    return response


def ask(q):
    return _call([{"role": "user", "content": q}]).choices[0].message.content or ""
