import ollama
from fastapi import FastAPI

app = FastAPI()


@app.get("/ask")
def ask(q: str):
    reply = ollama.chat(
        model='qwen3:8b',
        messages=[{'role': 'user', 'content': q}],
        options={'temperature': 0, 'num_ctx': 4096, 'top_k': 20},
        keep_alive='10m',
    )
    return {"answer": reply['message']['content'], "tokens": reply['eval_count']}


def names():
    return [m['name'] for m in ollama.list()['models']]
