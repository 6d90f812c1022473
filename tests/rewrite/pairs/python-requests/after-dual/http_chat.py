import os

import requests
import ai_client

OLLAMA_BASE_URL = os.getenv("OLLAMA_BASE_URL", "http://localhost:11434")


def ask(q):
    r = requests.post(f"{ai_client.address(OLLAMA_BASE_URL)}/v1/chat/completions", json={"model": ai_client.model("llama3.1:8b"), "messages": [{"role": "user", "content": q}], "stream": False}, timeout=60)
    r.raise_for_status()
    return r.json()["choices"][0]["message"]["content"] or ""


def models():
    return [m["id"] for m in requests.get(f"{ai_client.address(OLLAMA_BASE_URL)}/v1/models").json()["data"]]


def vector(text):
    payload = {"model": ai_client.model("nomic-embed-text"), "input": text}
    data = requests.post(ai_client.address(OLLAMA_BASE_URL) + "/v1/embeddings", json=payload).json()
    return data["data"][0]["embedding"]
