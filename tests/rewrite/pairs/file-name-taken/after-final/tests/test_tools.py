from unittest.mock import patch

from app.vllm_tools import names


def test_names():
    with patch("app.vllm_tools.VllmLLM") as made:
        made.return_value.names.return_value = ["a"]
        assert names("http://vllm:8000") == ["a"]
