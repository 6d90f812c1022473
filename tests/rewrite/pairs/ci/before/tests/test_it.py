import os


def test_url(monkeypatch):
    monkeypatch.setenv("OLLAMA_URL", "http://localhost:11434")
    assert os.environ["OLLAMA_URL"].endswith("11434")
