"""C140: ollama-python, unchanged (wire 4)."""

from __future__ import annotations

import time

import ollama
import pytest

from clients.python.questions import (FRANCE, MODEL, OBJECT, PARIS, SCHEMA, SUM, SUM_ANSWER, SUM_THINKING, TOOL,
                                      WEATHER, user)

GREEDY = {"temperature": 0}


@pytest.fixture
def client(served):
    return ollama.Client(host=served.segue.url)


def test_c140_chat(client):
    """ollama-python and ollama-js: every call, with the types' fields set"""
    answer = client.chat(MODEL, user(FRANCE), think=False, options=GREEDY)
    assert answer.message.content == PARIS and answer.done_reason == "stop" and answer.done
    assert answer.prompt_eval_count == 24 and answer.eval_count == 11
    assert answer.total_duration > 0 and answer.created_at


def test_c140_stream(client):
    parts = list(client.chat(MODEL, user(FRANCE), think=False, options=GREEDY, stream=True))
    assert "".join(part.message.content or "" for part in parts) == PARIS
    assert [part.done for part in parts][-1] is True and len(parts) > 3
    parts = list(client.generate(MODEL, FRANCE, think=False, options=GREEDY, stream=True))
    assert "".join(part.response for part in parts) == PARIS


def test_c140_tools(client):
    def get_weather(city: str) -> str:
        """Get the weather of a city"""
        return city

    for tools in ([TOOL], [get_weather]):
        answer = client.chat(MODEL, user(WEATHER), tools=tools, think=False, options=GREEDY)
        (call,) = answer.message.tool_calls
        assert (call.function.name, dict(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    history = [*user(WEATHER), answer.message, {"role": "tool", "tool_name": "get_weather",
                                                "content": '{"temperature": 21}'}]
    answer = client.chat(MODEL, history, tools=[TOOL], think=False, options=GREEDY)
    assert answer.message.content == "It is 21 degrees in Paris."


def test_c140_format_and_think(client):
    answer = client.chat(MODEL, user(OBJECT), format=SCHEMA, think=False, options=GREEDY)
    assert answer.message.content == '{"city": "Paris", "country": "France"}'
    answer = client.chat(MODEL, user(SUM), think=True, options=GREEDY)
    assert answer.message.thinking.strip() == SUM_THINKING and answer.message.content == SUM_ANSWER
    parts = list(client.chat(MODEL, user(SUM), think=True, options=GREEDY, stream=True))
    assert "".join(part.message.thinking or "" for part in parts).strip() == SUM_THINKING


def test_c140_lists(client, served):
    (model,) = client.list().models
    assert model.model.startswith(MODEL) and model.digest and model.details.families is not None
    info = client.show(MODEL)
    assert info.modelinfo and "completion" in info.capabilities
    loaded = client.ps().models  # an Ollama engine lists only what was used, a vLLM always its model
    if served.engine.dialect == "openai":
        assert loaded[0].model.startswith(MODEL) and loaded[0].expires_at


def test_c140_pull(client, served):
    if served.engine.dialect == "ollama":
        pytest.skip("not applicable: an Ollama engine pulls by itself")
    assert [part.status for part in client.pull(MODEL, stream=True)][-1] == "success"
    with pytest.raises(ollama.ResponseError):
        list(client.pull("nope", stream=True))


def test_c140_embed(embedding):
    client = ollama.Client(host=embedding.segue.url)
    answer = client.embed(MODEL, ["one", "two", "three"])
    assert len(answer.embeddings) == 3 and answer.prompt_eval_count >= 1
    assert len(client.embeddings(MODEL, "one").embedding) == 16


def test_c140_error(client):
    with pytest.raises(ollama.ResponseError) as raised:
        client.chat("nope", user("x"))
    assert raised.value.status_code == 404 and raised.value.error == "model 'nope' not found"


def test_c140_broken_stream(breaking):
    with pytest.raises(Exception) as raised:
        for _ in ollama.Client(host=breaking.segue.url).chat(MODEL, user(FRANCE), think=False, stream=True):
            pass
    assert isinstance(raised.value, ollama.ResponseError) or "closed" in str(raised.value)


def test_c140_abort(scripted):
    from support import wire

    first = wire.line("One") if scripted.engine.dialect == "ollama" else wire.delta(content="One")
    scripted.engine.chat([first, 20.0])
    client = ollama.Client(host=scripted.segue.url)
    stream = client.chat(MODEL, user("x"), stream=True)
    assert next(stream).message.content == "One"
    stream.close()
    client.close()
    seen = scripted.engine.last()
    assert seen.finished.wait(2) and seen.closed_at is not None
    assert time.monotonic() - seen.closed_at < 3
