import os
from openai import OpenAI

vllm_client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))


def ask(q):
    return vllm_client.chat.completions.create(model="google/gemma-2-2b-it", messages=[{"role": "user", "content": q}]).choices[0].message.content or ""
