from importlib import import_module

from app.llm.ollama import OllamaLLM
from .llm import ollama
from .llm.vllm import Served

CLASSES = ["app.llm.ollama.OllamaLLM", "app.llm.vllm.Served"]


def made(kind: str, url: str):
    if kind == "late":
        return import_module("app.llm.ollama").OllamaLLM(url)
    return ollama.OllamaLLM(url) if kind == "old" else OllamaLLM(url) or Served(url)
