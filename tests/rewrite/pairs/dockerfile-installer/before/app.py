import ollama
from fastapi import FastAPI

app = FastAPI()


@app.get("/ask")
def ask(q: str):
    return {"answer": ollama.generate(model="gemma2:2b", prompt=q)["response"]}
