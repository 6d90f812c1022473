import os
from openai import OpenAI

vllm_client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))


def many(texts):
    return [item.embedding for item in vllm_client.embeddings.create(model="nomic-ai/nomic-embed-text-v1.5", input=texts).data]


def one(text):
    return vllm_client.embeddings.create(model="nomic-ai/nomic-embed-text-v1.5", input=text).data[0].embedding
