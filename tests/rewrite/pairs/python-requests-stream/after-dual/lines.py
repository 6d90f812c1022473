import json

import requests
import ai_client

URL = "http://localhost:11434"


def stream(messages):
    body = {"stream": True, "model": ai_client.model("llama3.1:8b"), "messages": messages, "max_tokens": 50}
    with requests.post(ai_client.address(URL) + "/v1/chat/completions", json=body, stream=True) as response:
        for line in response.iter_lines():
            if not line:
                continue
            if not line.startswith(b"data: "):
                continue
            if line.strip() == b"data: [DONE]":
                break
            data = json.loads(line[6:])
            if not data["choices"]:
                continue
            yield data["choices"][0]["delta"].get("content") or ""
