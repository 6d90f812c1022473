import os

from litellm import completion

BASE = os.environ.get("OLLAMA_API_BASE", "http://localhost:11434")


def ask(q):
    r = completion(model="ollama/llama3.1:8b", messages=[{"role": "user", "content": q}], api_base=BASE)
    return r.choices[0].message.content
