"""Asks the model."""
import os

import ollama

client = ollama.Client(host=os.getenv("OLLAMA_HOST", "http://localhost:11434"))


def ask(question: str) -> str:
    response = client.chat(model="llama3.1:8b", messages=[{"role": "user", "content": question}])
    return response["message"]["content"]
