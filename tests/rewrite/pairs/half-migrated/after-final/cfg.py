import os

VLLM_ENDPOINT = os.getenv("VLLM_ENDPOINT", "http://gpu:8000")
VLLM_URL = os.getenv("VLLM_URL", "http://cpu:8000")
