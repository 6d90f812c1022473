from backend import config


def test_health(client):
    body = client.get("/health").json()
    assert body["status"] == "ok"
    assert body["backend"] == "ollama"
    assert body["model"] == config.OLLAMA_MODEL


def test_about_names_the_model(client):
    assert config.OLLAMA_MODEL in client.get("/about").json()["text"]


def test_models(client):
    assert config.OLLAMA_MODEL in client.get("/models").json()["models"]


def test_titles(client):
    reply = client.post("/titles", json={"messages": [{"role": "user", "content": "Where is the printer?"}]})
    assert reply.status_code == 200, reply.text
    assert reply.json()["title"]
    assert reply.json()["model"] == config.OLLAMA_MODEL
