import os
from openai import AsyncOpenAI, OpenAI

vllm_client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))

client = AsyncOpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))


async def f(q):
    r = await client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=q)
    return r.choices[0].message.content or ""


def g(t):
    return [item.embedding for item in vllm_client.embeddings.create(model="BAAI/bge-m3", input=t).data]
