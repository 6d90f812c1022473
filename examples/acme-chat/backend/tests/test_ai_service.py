import asyncio

import pytest

from backend import config
from backend.ai_service import AIService, AIServiceError

QUESTION = [{"role": "user", "content": "Which room is the meeting in?"}]


def test_complete():
    assert asyncio.run(AIService().complete(QUESTION)).strip()


def test_stream():
    async def collect():
        return [piece async for piece in AIService().stream(QUESTION)]

    pieces = asyncio.run(collect())
    assert len(pieces) > 1
    assert "".join(pieces).strip()


def test_the_model_is_installed():
    assert config.OLLAMA_MODEL in asyncio.run(AIService().models())


def test_title():
    title = asyncio.run(AIService().title(QUESTION))
    assert 1 <= len(title.split()) <= 6


def test_nobody_there():
    with pytest.raises(AIServiceError, match="did not answer"):
        asyncio.run(AIService(base_url="http://127.0.0.1:9").complete(QUESTION))


def test_unknown_model():
    with pytest.raises(AIServiceError):
        asyncio.run(AIService(model="no-such-model").complete(QUESTION))
