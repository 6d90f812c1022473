from unittest.mock import patch

from app.ollama_tools import names


def test_names():
    with patch("app.ollama_tools.OllamaLLM") as made:
        made.return_value.names.return_value = ["a"]
        assert names("http://ollama:11434") == ["a"]
