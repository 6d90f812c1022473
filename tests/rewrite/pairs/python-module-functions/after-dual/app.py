from openai import OpenAI
from fastapi import FastAPI
import ai_client

ollama_client = OpenAI(base_url=ai_client.base_url(), api_key=ai_client.API_KEY)

app = FastAPI()


@app.get("/ask")
def ask(q: str):
    reply = ollama_client.chat.completions.create(
        model=ai_client.model('qwen3:8b'),
        messages=[{'role': 'user', 'content': q}],
        temperature=0, extra_body={'top_k': 20},
    )
    return {"answer": reply.choices[0].message.content or '', "tokens": reply.usage.completion_tokens}


def names():
    return [m.id for m in ollama_client.models.list().data]
