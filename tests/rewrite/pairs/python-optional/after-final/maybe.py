import os
import logging

try:
    from openai import APIStatusError, OpenAI
    vllm_client = OpenAI(base_url=os.getenv("VLLM_ENDPOINT", "http://localhost:8000") + "/v1", api_key=os.getenv("VLLM_API_KEY", "EMPTY"))

    HAS_VLLM = True
except ImportError:
    vllm_client = None
    HAS_VLLM = False

log = logging.getLogger(__name__)


def ask(q):
    if vllm_client is None:
        log.warning("vLLM is not installed")
        return None
    try:
        return vllm_client.chat.completions.create(model="meta-llama/Llama-3.1-8B-Instruct", messages=[{"role": "user", "content": q}]).choices[0].message.content or ""
    except APIStatusError as error:
        log.error("vLLM refused: %s (%s)", error.message, error.status_code)
        return None
