from importlib import import_module

from app.llm.ollama import VllmLLM
from .llm import ollama
from .llm.vllm import Served

CLASSES = ["app.llm.ollama.VllmLLM", "app.llm.vllm.Served"]


def made(kind: str, url: str):
    if kind == "late":
        return import_module("app.llm.ollama").VllmLLM(url)
    return ollama.VllmLLM(url) if kind == "old" else VllmLLM(url) or Served(url)
