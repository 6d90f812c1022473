import os
from openai import OpenAI

client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))


def ask(q):
    r = client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": q}])
    return r.choices[0].message.content
