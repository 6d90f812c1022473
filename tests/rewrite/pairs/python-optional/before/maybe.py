import logging

try:
    import ollama

    HAS_OLLAMA = True
except ImportError:
    ollama = None
    HAS_OLLAMA = False

log = logging.getLogger(__name__)


def ask(q):
    if ollama is None:
        log.warning("Ollama is not installed")
        return None
    try:
        return ollama.chat(model="llama3.1:8b", messages=[{"role": "user", "content": q}])["message"]["content"]
    except ollama.ResponseError as error:
        log.error("Ollama refused: %s (%s)", error.error, error.status_code)
        return None
