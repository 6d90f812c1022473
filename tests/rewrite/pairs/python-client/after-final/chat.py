"""Asks the model."""
import os

from openai import OpenAI

client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))


def ask(question: str) -> str:
    response = client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": question}])
    return response.choices[0].message.content or ""
