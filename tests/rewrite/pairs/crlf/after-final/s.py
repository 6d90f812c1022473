import os
from openai import OpenAI

vllm_client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))


def f(q):
    for c in vllm_client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=q, stream=True):
        if not c.choices:
            continue
        print(c.choices[0].delta.content or "")
