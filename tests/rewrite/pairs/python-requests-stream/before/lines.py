import json

import requests

URL = "http://localhost:11434"


def stream(messages):
    body = {"model": "llama3.1:8b", "messages": messages, "options": {"num_predict": 50}}
    with requests.post(URL + "/api/chat", json=body, stream=True) as response:
        for line in response.iter_lines():
            if not line:
                continue
            data = json.loads(line)
            yield data["message"]["content"]
            if data.get("done"):
                break
