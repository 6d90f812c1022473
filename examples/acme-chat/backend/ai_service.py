"""What the backend asks the language model besides chat: titles, summaries, which models there are.

Talks to Ollama's HTTP API itself, because the jobs that use it run in an image without the client library.
"""

import json
import logging
from collections.abc import AsyncIterator

import httpx

from backend import config

log = logging.getLogger(__name__)

TITLE_PROMPT = "Write a title of at most six words for this conversation. Answer with the title alone."
SUMMARY_PROMPT = "Summarise this conversation in three sentences, for somebody who was not there."


class AIServiceError(Exception):
    """The language model could not answer; the text says why and may be shown."""


class AIService:
    """One Ollama server. Stateless; safe to share."""

    def __init__(self, base_url: str = config.OLLAMA_URL, model: str = config.OLLAMA_MODEL) -> None:
        self.base_url = base_url.rstrip("/")
        self.model = model

    async def complete(self, messages: list[dict[str, str]]) -> str:
        """The whole answer at once."""
        payload = {
            "model": self.model,
            "messages": messages,
            "stream": False,
            "options": {
                "temperature": config.TEMPERATURE,
                "num_predict": config.MAX_ANSWER_TOKENS,
            },
        }
        try:
            async with httpx.AsyncClient(timeout=config.REQUEST_TIMEOUT) as client:
                response = await client.post(f"{self.base_url}/api/chat", json=payload)
                response.raise_for_status()
        except httpx.HTTPError as error:
            raise AIServiceError(f"the language model did not answer: {error}") from error
        data = response.json()
        log.info("answered with %s tokens", data.get("eval_count"))
        return data["message"]["content"]

    async def stream(self, messages: list[dict[str, str]]) -> AsyncIterator[str]:
        """The answer piece by piece, as the model writes it."""
        payload = {
            "model": self.model,
            "messages": messages,
            "stream": True,
            "options": {
                "temperature": config.TEMPERATURE,
                "num_predict": config.MAX_ANSWER_TOKENS,
            },
        }
        try:
            async with httpx.AsyncClient(timeout=config.REQUEST_TIMEOUT) as client:
                async with client.stream("POST", f"{self.base_url}/api/chat", json=payload) as response:
                    response.raise_for_status()
                    async for line in response.aiter_lines():
                        if not line:
                            continue
                        chunk = json.loads(line)
                        if chunk.get("done"):
                            break
                        piece = chunk["message"]["content"]
                        if piece:
                            yield piece
        except httpx.HTTPError as error:
            raise AIServiceError(f"the language model did not answer: {error}") from error

    async def models(self) -> list[str]:
        """Names of the models that are installed."""
        try:
            async with httpx.AsyncClient(timeout=10) as client:
                response = await client.get(f"{self.base_url}/api/tags")
                response.raise_for_status()
        except httpx.HTTPError as error:
            raise AIServiceError(f"the language model did not answer: {error}") from error
        return [model["name"] for model in response.json()["models"]]

    async def title(self, conversation: list[dict[str, str]]) -> str:
        """A short title; the first words of the conversation where the model has no better idea."""
        answer = await self.complete([{"role": "system", "content": TITLE_PROMPT}, *conversation])
        line = answer.strip().splitlines()[0] if answer.strip() else conversation[0]["content"]
        return " ".join(line.strip('"# ').split()[:6])

    async def summary(self, conversation: list[dict[str, str]]) -> str:
        return await self.complete([{"role": "system", "content": SUMMARY_PROMPT}, *conversation])
