"""Settings of the chat backend. Everything comes from the environment; `.env.example` lists it."""

import os


def _text(name: str, default: str) -> str:
    """Compose hands variables on that were left empty; those count as not set."""
    return os.getenv(name) or default


# The language model runs on our own Ollama. OLLAMA_URL wins; without it the address is made of host and port.
OLLAMA_HOST = os.getenv("OLLAMA_HOST", "localhost")
OLLAMA_PORT = int(os.getenv("OLLAMA_PORT", "11434"))
OLLAMA_URL = os.getenv("OLLAMA_URL", f"http://{OLLAMA_HOST}:{OLLAMA_PORT}")
OLLAMA_MODEL = os.getenv("OLLAMA_MODEL", "llama3.1:8b")

# A hosted model that is asked first, for those teams that have a contract. Speaks OpenAI's API.
HOSTED_LLM_URL = _text("HOSTED_LLM_URL", "")
HOSTED_LLM_KEY = _text("HOSTED_LLM_KEY", "")
HOSTED_LLM_MODEL = _text("HOSTED_LLM_MODEL", "acme-large")

# How answers are made.
TEMPERATURE = float(_text("CHAT_TEMPERATURE", "0.2"))
MAX_ANSWER_TOKENS = int(_text("CHAT_MAX_ANSWER_TOKENS", "256"))
REQUEST_TIMEOUT = float(_text("CHAT_REQUEST_TIMEOUT", "120"))
HISTORY_LENGTH = int(_text("CHAT_HISTORY_LENGTH", "20"))
