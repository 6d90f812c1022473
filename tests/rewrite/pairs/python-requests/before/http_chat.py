import os

import requests

OLLAMA_BASE_URL = os.getenv("OLLAMA_BASE_URL", "http://localhost:11434")


def ask(q):
    r = requests.post(f"{OLLAMA_BASE_URL}/api/generate", json={"model": "llama3.1:8b", "prompt": q, "stream": False}, timeout=60)
    r.raise_for_status()
    return r.json()["response"]


def models():
    return [m["name"] for m in requests.get(f"{OLLAMA_BASE_URL}/api/tags").json()["models"]]


def vector(text):
    payload = {"model": "nomic-embed-text", "prompt": text}
    data = requests.post(OLLAMA_BASE_URL + "/api/embeddings", json=payload).json()
    return data["embedding"]
