import pytest

from backend import chat_service, config

CANTEEN = "The canteen opens at noon on weekdays."


def test_a_whole_answer(client):
    reply = client.post("/api/chat", json={"question": "When does the canteen open?", "passages": [CANTEEN]})
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert body["answer"].strip()
    assert body["model"] == config.OLLAMA_MODEL
    assert body["tokens"] > 0


def test_the_answer_is_kept(client):
    first = client.post("/api/chat", json={"question": "Good morning!"}).json()
    second = client.post("/api/chat", json={"question": "And now?", "conversation": first["conversation"]}).json()
    assert second["conversation"] == first["conversation"]
    kept = client.get(f"/api/conversations/{first['conversation']}").json()["messages"]
    assert [message["role"] for message in kept] == ["user", "assistant", "user", "assistant"]
    assert kept[1]["content"] == first["answer"]


def test_a_stream(client, events):
    reply = client.post("/api/chat/stream", json={"question": "When does the canteen open?", "passages": [CANTEEN]})
    got = events(reply.text)
    assert got[0][0] == "begin"
    assert got[0][1]["model"] == config.OLLAMA_MODEL
    pieces = [data["text"] for name, data in got if name == "piece"]
    assert len(pieces) > 1
    assert got[-1] == ("end", {"conversation": got[0][1]["conversation"]})
    kept = client.get(f"/api/conversations/{got[0][1]['conversation']}").json()["messages"]
    assert kept[-1]["content"] == "".join(pieces)


def test_ollama_answers_when_the_hosted_model_does_not(client, monkeypatch):
    monkeypatch.setattr(config, "HOSTED_LLM_URL", "http://127.0.0.1:9/v1")
    reply = client.post("/api/chat", json={"question": "Are you there?"})
    assert reply.status_code == 200, reply.text
    assert reply.json()["model"] == config.OLLAMA_MODEL


def test_the_hosted_model_answers_first(client, monkeypatch):
    async def hosted(messages):
        return messages[-1]["content"].upper(), 3

    monkeypatch.setattr(config, "HOSTED_LLM_URL", "https://llm.example.com/v1")
    monkeypatch.setattr(chat_service, "ask_hosted", hosted)
    body = client.post("/api/chat", json={"question": "hello"}).json()
    assert (body["answer"], body["model"]) == ("HELLO", config.HOSTED_LLM_MODEL)


def test_a_question_is_needed(client):
    assert client.post("/api/chat", json={"question": ""}).status_code == 422


def test_the_prompt_lists_passages():
    request = chat_service.ChatRequest(question="When?", passages=["one", "two"])
    messages = chat_service.build_messages([{"role": "user", "content": "before"}], request)
    assert [message["role"] for message in messages] == ["system", "user", "user"]
    assert messages[-1]["content"] == "Passages:\n[1] one\n\n[2] two\n\nWhen?"


def test_old_conversations_go():
    kept = chat_service.Conversations(limit=2)
    first, *_ = (kept.begin(None) for _ in range(3))
    with pytest.raises(KeyError):
        kept.history(first)
