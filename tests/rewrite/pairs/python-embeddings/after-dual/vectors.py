from openai import OpenAI
import ai_client

ollama_client = OpenAI(base_url=ai_client.base_url(), api_key=ai_client.API_KEY)


def many(texts):
    return [item.embedding for item in ollama_client.embeddings.create(model=ai_client.model("nomic-embed-text"), input=texts).data]


def one(text):
    return ollama_client.embeddings.create(model=ai_client.model("nomic-embed-text"), input=text).data[0].embedding
