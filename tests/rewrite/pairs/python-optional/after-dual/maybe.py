import logging
import ai_client

try:
    from openai import APIStatusError, OpenAI
    ollama_client = OpenAI(base_url=ai_client.base_url(), api_key=ai_client.API_KEY)

    HAS_OLLAMA = True
except ImportError:
    ollama_client = None
    HAS_OLLAMA = False

log = logging.getLogger(__name__)


def ask(q):
    if ollama_client is None:
        log.warning("Ollama is not installed")
        return None
    try:
        return ollama_client.chat.completions.create(model=ai_client.model("llama3.1:8b"), messages=[{"role": "user", "content": q}]).choices[0].message.content or ""
    except APIStatusError as error:
        log.error("Ollama refused: %s (%s)", error.message, error.status_code)
        return None
