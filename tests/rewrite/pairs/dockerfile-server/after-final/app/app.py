import os

MODEL = os.getenv("VLLM_MODEL", "microsoft/phi-4")
