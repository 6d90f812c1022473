"""The tests ask a real language model: the one that the environment names, as in `.env.example`."""

import json

import pytest
from fastapi.testclient import TestClient

from backend.main import app


@pytest.fixture
def client():
    with TestClient(app) as test_client:
        yield test_client


@pytest.fixture
def events():
    """Reads server-sent events into (name, data)."""

    def read(text: str) -> list[tuple[str, dict]]:
        found = []
        for block in text.strip().split("\n\n"):
            name, data = block.split("\n", 1)
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
        return found

    return read
