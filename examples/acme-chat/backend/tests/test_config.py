import importlib

import pytest

from backend import config


@pytest.fixture
def reloaded(monkeypatch):
    """The settings as they are with other variables; put back afterwards."""

    def load(**variables: str):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return importlib.reload(config)

    yield load
    monkeypatch.undo()
    importlib.reload(config)


def test_the_address_of_the_model(reloaded):
    assert reloaded(OLLAMA_URL="http://10.1.2.3:11434").OLLAMA_URL == "http://10.1.2.3:11434"


def test_the_name_of_the_model(reloaded):
    assert reloaded(OLLAMA_MODEL="mistral:7b").OLLAMA_MODEL == "mistral:7b"


def test_empty_variables_count_as_not_set(reloaded):
    assert reloaded(CHAT_TEMPERATURE="").TEMPERATURE == 0.2
