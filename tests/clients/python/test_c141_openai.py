"""C141: openai-python, unchanged (wire 4.3)."""

from __future__ import annotations

import openai
import pytest
from pydantic import BaseModel

from clients.python.questions import (FRANCE, MODEL, OBJECT, PARIS, SUM, SUM_ANSWER, TOOL, WEATHER, user)
from support import wire

OFF = {"reasoning_effort": "none", "temperature": 0}


def client_of(rig, **more):
    return openai.OpenAI(base_url=f"{rig.segue.url}/v1", api_key="unused", **more)


@pytest.fixture
def client(served):
    return client_of(served)


def off(rig):
    """How thinking is switched off: vLLM's own switch is relayed, Ollama's is made of reasoning_effort."""
    if rig.engine.dialect == "ollama":
        return OFF
    return {"temperature": 0, "extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}


def test_c141_create(client, served):
    """openai-python and openai-node: every call, against both engines"""
    answer = client.chat.completions.create(model=MODEL, messages=user(FRANCE), **off(served))
    choice = answer.choices[0]
    assert choice.message.content == PARIS and choice.finish_reason == "stop" and not choice.message.tool_calls
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (24, 11)
    assert answer.model == MODEL


def test_c141_stream(client, served):
    parts = list(client.chat.completions.create(model=MODEL, messages=user(FRANCE), stream=True,
                                                stream_options={"include_usage": True}, **off(served)))
    assert "".join(part.choices[0].delta.content or "" for part in parts if part.choices) == PARIS
    assert parts[-1].choices == [] and parts[-1].usage.completion_tokens == 11


def test_c141_stream_helper(client, served):
    with client.chat.completions.stream(model=MODEL, messages=user(WEATHER), tools=[TOOL], **off(served)) as stream:
        for _ in stream:
            pass
        message = stream.get_final_completion().choices[0]
    assert message.finish_reason == "tool_calls"
    call = message.message.tool_calls[0]
    assert call.function.name == "get_weather" and "Paris" in call.function.arguments


class City(BaseModel):
    city: str
    country: str


def test_c141_parse(client, served):
    answer = client.chat.completions.parse(model=MODEL, messages=user(OBJECT), response_format=City, **off(served))
    assert answer.choices[0].message.parsed == City(city="Paris", country="France")


def test_c141_reasoning(client, served):
    more = {"extra_body": {"chat_template_kwargs": {"enable_thinking": True}}} if (
        served.engine.dialect == "openai") else {"reasoning_effort": "high"}
    answer = client.chat.completions.create(model=MODEL, messages=user(SUM), temperature=0, **more)
    message = answer.choices[0].message
    assert "I add 3 and 4." in message.model_extra["reasoning"] and message.content.strip() == SUM_ANSWER


def test_c141_embeddings(embedding):
    answer = client_of(embedding).embeddings.create(model=MODEL, input=["one", "two"])
    assert [one.index for one in answer.data] == [0, 1] or [one.index for one in answer.data] == [1, 0]
    assert all(len(one.embedding) == 16 for one in answer.data) and answer.usage.prompt_tokens > 0


def test_c141_models(client):
    assert [model.id.removesuffix(":latest") for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id.startswith(MODEL)


def test_c141_errors(client):
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model="nope", messages=user("x"))
    assert raised.value.code == "model_not_found" and raised.value.param == "model"


def test_c141_broken_stream(breaking):
    client = client_of(breaking, max_retries=0)
    with pytest.raises(Exception) as raised:
        for _ in client.chat.completions.create(model=MODEL, messages=user(FRANCE), stream=True):
            pass
    assert isinstance(raised.value, openai.APIError) or "closed" in str(raised.value)


def test_c141_abort(scripted):
    first = wire.line("One") if scripted.engine.dialect == "ollama" else wire.delta(content="One")
    scripted.engine.chat([first, 20.0])
    stream = client_of(scripted).chat.completions.create(model=MODEL, messages=user("x"), stream=True)
    for part in stream:
        if part.choices and part.choices[0].delta.content:
            break
    stream.close()
    seen = scripted.engine.last()
    assert seen.finished.wait(2) and seen.closed_at is not None
