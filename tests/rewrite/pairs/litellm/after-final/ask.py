import os

from litellm import completion

BASE = os.environ.get("HOSTED_VLLM_API_BASE", "http://localhost:8000/v1")


def ask(q):
    r = completion(model="hosted_vllm/meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": q}], api_base=BASE)
    return r.choices[0].message.content
