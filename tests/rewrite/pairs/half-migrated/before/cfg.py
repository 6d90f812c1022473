import os

VLLM_ENDPOINT = os.getenv("VLLM_ENDPOINT", "http://gpu:8000")
OLLAMA_URL = os.getenv("OLLAMA_URL", "http://cpu:11434")
