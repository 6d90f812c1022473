import ollama


def many(texts):
    return ollama.embed(model="nomic-embed-text", input=texts)["embeddings"]


def one(text):
    return ollama.embeddings(model="nomic-embed-text", prompt=text)["embedding"]
