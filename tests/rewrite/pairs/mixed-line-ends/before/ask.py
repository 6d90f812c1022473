import os

import requests

URL = os.getenv("OLLAMA_URL", "http://localhost:11434")


def ask(q):
    r = requests.post(URL + "/api/generate", json={"model": "llama3.1:8b", "prompt": q, "stream": False})
    return r.json()["response"]
