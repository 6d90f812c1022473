import base64
import os

import httpx

VLLM_ENDPOINT = os.environ.get("VLLM_ENDPOINT", "http://localhost:8000")


def describe(data, question="What is on it?"):
    picture = base64.b64encode(data).decode()
    r = httpx.post(
        f"{VLLM_ENDPOINT}/v1/chat/completions",
        json={
            "model": "llava-hf/llava-v1.6-mistral-7b-hf",
            "messages": [{"role": "user", "content": [{"type": "text", "text": question}, {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64," + picture}}]}],
            "stream": False,
        },
    )
    return r.json()["choices"][0]["message"]["content"] or ""
