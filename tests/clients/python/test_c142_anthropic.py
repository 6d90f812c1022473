"""C142: anthropic-python, unchanged (wire 4.3)."""

from __future__ import annotations

import anthropic
import pytest

from clients.python.questions import (FRANCE, MODEL, PARAMETERS, PARIS, SUM, SUM_ANSWER, SUM_THINKING, WEATHER,
                                      user)

# This release of the client has no `temperature` of its own any more.
COLD = {"temperature": 0}
TOOL = {"name": "get_weather", "description": "Get the weather of a city", "input_schema": PARAMETERS}


def client_of(rig, **more):
    return anthropic.Anthropic(base_url=rig.segue.url, api_key="unused", **more)


@pytest.fixture
def client(served):
    return client_of(served)


def test_c142_create(client):
    """anthropic SDKs: create, stream, tools, thinking, count_tokens, errors, against both engines"""
    answer = client.messages.create(model=MODEL, max_tokens=60, messages=user(FRANCE), extra_body=COLD)
    assert answer.content[0].text == PARIS and answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (24, 11)


def test_c142_stream(client):
    with client.messages.stream(model=MODEL, max_tokens=60, messages=user(FRANCE), extra_body=COLD) as stream:
        assert "".join(stream.text_stream) == PARIS
        final = stream.get_final_message()
    assert final.stop_reason == "end_turn" and final.usage.output_tokens == 11


def test_c142_tools(client):
    with client.messages.stream(model=MODEL, max_tokens=80, messages=user(WEATHER), tools=[TOOL],
                                extra_body=COLD) as stream:
        final = stream.get_final_message()
    use = final.content[-1]
    assert (use.type, use.name, use.input) == ("tool_use", "get_weather", {"city": "Paris"})
    history = [*user(WEATHER), {"role": "assistant", "content": final.content}, {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": use.id, "content": '{"temperature": 21}'}]}]
    answer = client.messages.create(model=MODEL, max_tokens=60, messages=history, tools=[TOOL], extra_body=COLD)
    assert answer.content[0].text == "It is 21 degrees in Paris."


def test_c142_thinking(client):
    answer = client.messages.create(model=MODEL, max_tokens=1500, messages=user(SUM), extra_body=COLD,
                                    thinking={"type": "enabled", "budget_tokens": 1024})
    assert answer.content[0].thinking.strip() == SUM_THINKING and answer.content[0].signature
    assert answer.content[1].text == SUM_ANSWER


def test_c142_count_tokens(client):
    assert client.messages.count_tokens(model=MODEL, messages=user(SUM)).input_tokens > 0


def test_c142_errors(client):
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="nope", max_tokens=5, messages=user("x"))


def test_c142_broken_stream(breaking):
    with pytest.raises(Exception) as raised:
        with client_of(breaking, max_retries=0).messages.stream(model=MODEL, max_tokens=60,
                                                                messages=user(FRANCE)) as stream:
            for _ in stream.text_stream:
                pass
    assert isinstance(raised.value, anthropic.APIError) or "closed" in str(raised.value)
