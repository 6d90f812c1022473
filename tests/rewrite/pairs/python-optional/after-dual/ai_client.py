"""The one place that knows which engine answers.

AI_BACKEND says it: ollama, vllm, or auto (vLLM when it is healthy at the start, else Ollama).
For vLLM the new names count first: VLLM_ENDPOINT, then the old address; VLLM_MODEL, then the old model.
"""

import logging
import os
import urllib.request

_log = logging.getLogger(__name__)

API_KEY = os.getenv("VLLM_API_KEY") or "EMPTY"
_DEFAULT = "http://localhost:11434"
# Old variable, its default, new variable.
_MODELS = (
)


def _plain(url: str) -> str:
    """With a scheme, without /v1."""
    if "://" not in url:
        url = f"http://{url}"
    return url.rstrip("/").removesuffix("/v1")


def _healthy(url: str) -> bool:
    request = urllib.request.Request(f"{url}/v1/models", headers={"Authorization": f"Bearer {API_KEY}"})
    try:
        with urllib.request.urlopen(request, timeout=3) as reply:
            return reply.status == 200
    except (OSError, ValueError):
        return False


def _choose() -> str:
    wanted = (os.getenv("AI_BACKEND") or "auto").lower()
    if wanted not in ("ollama", "vllm", "auto"):
        raise ValueError(f"AI_BACKEND is {wanted!r}; it must be ollama, vllm or auto")
    if wanted != "auto":
        return wanted
    endpoint = os.getenv("VLLM_ENDPOINT")
    chosen = "vllm" if endpoint and _healthy(_plain(endpoint)) else "ollama"
    _log.info("AI_BACKEND=auto: %s answers", chosen)
    return chosen


BACKEND = _choose()


def _is_old(url: str) -> bool:
    """The address that the program is configured with for Ollama; another one stays what it is."""
    host, port = os.getenv("OLLAMA_HOST"), os.getenv("OLLAMA_PORT", "11434")
    known = [os.getenv("OLLAMA_URL"), os.getenv("OLLAMA_BASE_URL"), host, f"{host}:{port}" if host else None,
             _DEFAULT, "http://127.0.0.1:11434"]
    return _plain(url) in [_plain(one) for one in known if one]


def address(configured: str | None = None) -> str:
    """Where the engine is, without /v1."""
    configured = configured or os.getenv("OLLAMA_HOST") or _DEFAULT
    endpoint = os.getenv("VLLM_ENDPOINT")
    if BACKEND == "vllm" and endpoint and _is_old(configured):
        return _plain(endpoint)
    return _plain(configured)


def base_url(configured: str | None = None) -> str:
    """What OpenAI's client wants."""
    return f"{address(configured)}/v1"


def model(configured: str) -> str:
    """The name under which the engine that answers has the model."""
    if BACKEND == "vllm":
        for old, default, new in _MODELS:
            if configured == (os.getenv(old) or default):
                return os.getenv(new) or configured
    return configured
