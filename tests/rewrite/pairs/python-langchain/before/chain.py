import os

from langchain_ollama import ChatOllama, OllamaEmbeddings

llm = ChatOllama(
    model="llama3.1:8b",
    base_url=os.getenv("OLLAMA_BASE_URL", "http://localhost:11434"),
    temperature=0,
    num_predict=200,
    num_ctx=8192,
)
embeddings = OllamaEmbeddings(model="nomic-embed-text", base_url="http://localhost:11434")


def ask(q):
    return llm.invoke(q).content
