import base64
import os

import httpx

OLLAMA_HOST = os.environ.get("OLLAMA_HOST", "http://localhost:11434")


def describe(data, question="What is on it?"):
    picture = base64.b64encode(data).decode()
    r = httpx.post(
        f"{OLLAMA_HOST}/api/chat",
        json={
            "model": "llava:7b",
            "messages": [{"role": "user", "content": question, "images": [picture]}],
            "stream": False,
        },
    )
    return r.json()["message"]["content"]
