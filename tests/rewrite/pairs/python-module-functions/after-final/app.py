import os
from openai import OpenAI
from fastapi import FastAPI

vllm_client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))

app = FastAPI()


@app.get("/ask")
def ask(q: str):
    reply = vllm_client.chat.completions.create(
        model='Qwen/Qwen3-8B',
        messages=[{'role': 'user', 'content': q}],
        temperature=0, extra_body={'top_k': 20},
    )
    return {"answer": reply.choices[0].message.content or '', "tokens": reply.usage.completion_tokens}


def names():
    return [m.id for m in vllm_client.models.list().data]
