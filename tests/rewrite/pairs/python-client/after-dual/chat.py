"""Asks the model."""
import os

from openai import OpenAI
import ai_client

client = OpenAI(base_url=ai_client.base_url(os.getenv("OLLAMA_HOST", "http://localhost:11434")), api_key=ai_client.API_KEY)


def ask(question: str) -> str:
    response = client.chat.completions.create(model=ai_client.model("llama3.1:8b"), messages=[{"role": "user", "content": question}])
    return response.choices[0].message.content or ""
