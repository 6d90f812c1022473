import os


def test_url(monkeypatch):
    monkeypatch.setenv("VLLM_ENDPOINT", "http://localhost:8000")
    assert os.environ["VLLM_ENDPOINT"].endswith("8000")
