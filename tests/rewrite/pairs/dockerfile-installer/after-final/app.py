import os
from openai import OpenAI
from fastapi import FastAPI

vllm_client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))

app = FastAPI()


@app.get("/ask")
def ask(q: str):
    return {"answer": vllm_client.chat.completions.create(model="google/gemma-2-2b-it", messages=[{"role": "user", "content": q}]).choices[0].message.content or ""}
