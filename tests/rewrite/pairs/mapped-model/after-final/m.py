import os
from openai import OpenAI

vllm_client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))


def f(q):
    a = vllm_client.chat.completions.create(model="acme/legal-7b", messages=[{"role": "user", "content": q}]).choices[0].message.content or ""
    b = vllm_client.chat.completions.create(model="team/other:13b", messages=[{"role": "user", "content": q}]).choices[0].message.content or ""
    return a + b
