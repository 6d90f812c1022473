import os

from langchain_openai import ChatOpenAI, OpenAIEmbeddings

llm = ChatOpenAI(
    model="meta-llama/Llama-3.1-8B-Instruct",
    base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"),
    temperature=0,
    max_tokens=200,
)
embeddings = OpenAIEmbeddings(model="nomic-ai/nomic-embed-text-v1.5", base_url="http://localhost:8000/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"), check_embedding_ctx_length=False)


def ask(q):
    return llm.invoke(q).content
