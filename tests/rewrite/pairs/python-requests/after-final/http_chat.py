import os

import requests

VLLM_ENDPOINT = os.getenv("VLLM_ENDPOINT", "http://localhost:8000")


def ask(q):
    r = requests.post(f"{VLLM_ENDPOINT}/v1/chat/completions", json={"model": "meta-llama/Llama-3.1-8B-Instruct", "messages": [{"role": "user", "content": q}], "stream": False}, timeout=60)
    r.raise_for_status()
    return r.json()["choices"][0]["message"]["content"] or ""


def models():
    return [m["id"] for m in requests.get(f"{VLLM_ENDPOINT}/v1/models").json()["data"]]


def vector(text):
    payload = {"model": "nomic-ai/nomic-embed-text-v1.5", "input": text}
    data = requests.post(VLLM_ENDPOINT + "/v1/embeddings", json=payload).json()
    return data["data"][0]["embedding"]
