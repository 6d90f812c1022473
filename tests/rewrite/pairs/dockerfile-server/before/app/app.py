import os

MODEL = os.getenv("OLLAMA_MODEL", "phi4:14b")
