import ollama
from ollama import AsyncClient

client = AsyncClient()


async def f(q):
    r = await client.chat(model="llama3.1:8b", messages=q)
    return r["message"]["content"]


def g(t):
    return ollama.embed(model="bge-m3", input=t).embeddings
