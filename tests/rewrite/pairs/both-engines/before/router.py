"""Chooses the engine."""
import os

ENGINES = {"vllm": "http://gpu:8000/v1", "ollama": "http://cpu:11434/v1"}


def engine():
    return ENGINES[os.getenv("LLM_ENGINE", "ollama")]
