from app.llm.ollama import OllamaLLM


def names(url: str):
    return OllamaLLM(url).names()
