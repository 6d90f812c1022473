import os
try:
    from openai import OpenAI
except ModuleNotFoundError:
    OpenAI = None


def answer(q):
    if OpenAI is None:
        return "no model"
    return OpenAI(base_url="http://localhost:8000/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY")).chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": q}]).choices[0].message.content or ""
