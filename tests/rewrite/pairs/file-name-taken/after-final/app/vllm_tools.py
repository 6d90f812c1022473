from app.llm.ollama import VllmLLM


def names(url: str):
    return VllmLLM(url).names()
