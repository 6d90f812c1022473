import os

import requests

URL = os.getenv("VLLM_ENDPOINT", "http://localhost:8000")


def ask(q):
    r = requests.post(URL + "/v1/chat/completions", json={"model": "meta-llama/Llama-3.1-8B-Instruct", "messages": [{"role": "user", "content": q}], "stream": False})
    return r.json()["choices"][0]["message"]["content"] or ""
