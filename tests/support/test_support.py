"""The harness itself: what the scripted engine sends is what the raw client sees. Needs no Segue."""

from __future__ import annotations

import time

import pytest

from support import client, wire
from support.engines import MODES, Answer, ReplayEngine
from support.relay import Fault, Relay


@pytest.fixture
def engine():
    made = ReplayEngine("openai")
    yield made
    made.stop()


def ask(port, **fields):
    return client.request(port, "POST", "/v1/chat/completions", {"model": "segue-tiny", "messages": [], **fields})


@pytest.mark.parametrize("mode", MODES)
def test_recording_is_replayed_in_every_mode(engine, mode):
    engine.mode = mode
    engine.play("chat_stream_usage")
    reply = ask(engine.port, stream=True, stream_options={"include_usage": True})
    assert reply.complete and reply.framing == "chunked"
    assert reply.body == wire.body("vllm", "chat_stream_usage")
    assert len(reply.chunks) == {"once": 1, "recorded": 14}.get(mode, len(reply.body)) or mode == "recorded"


def test_usage_is_added_as_asked(engine):
    engine.play("chat_tools")
    data = ask(engine.port, stream=True, stream_options={"include_usage": True}).data()
    assert data[-2]["usage"]["prompt_tokens"] == 86 and data[-1] == "[DONE]"
    assert ask(engine.port).body == wire.body("vllm", "chat_tools")


@pytest.mark.parametrize("end, reset", [("close", False), ("reset", True)])
def test_cut_streams_are_seen_as_cut(engine, end, reset):
    engine.chat(Answer.sse(wire.text_stream("a b c")).cut(3, end))
    reply = ask(engine.port)
    assert not reply.complete and reply.reset == reset and len(reply.data()) == 3


def test_engine_notices_a_client_that_leaves(engine):
    engine.chat(Answer.sse([30.0]))
    with client.Connection(engine.port) as connection:
        connection.send_request("POST", "/v1/chat/completions", {})
        while not engine.requests:
            time.sleep(0.01)
        left = time.monotonic()
    seen = engine.last()
    assert seen.finished.wait(2) and seen.closed_at - left < 0.1


def test_probes_are_told_apart(engine):
    client.request(engine.port, "POST", "/v1/chat/completions", {"messages": []}, {"User-Agent": "segue-probe/1"})
    assert engine.asked() == []
    ask(engine.port)
    assert len(engine.asked()) == 1


@pytest.mark.parametrize("fault, complete", [
    (Fault(piece=1), True), (Fault(cut_after=300), False), (Fault(reset_after=300), False)])
def test_relay_faults(engine, fault, complete):
    relay = Relay(engine.port, fault)
    try:
        engine.play("chat_stream")
        reply = client.Connection(relay.port)
        reply.send_request("POST", "/v1/chat/completions", {"stream": True})
        assert reply.read_reply("POST").complete == complete
    finally:
        relay.stop()


def test_strict_readers():
    with pytest.raises(AssertionError):
        list(client.ndjson(b'{"a":1}\n\n'))
    with pytest.raises(AssertionError):
        list(client.ndjson('{"a":"x\u2028y"}\n'.encode()))
    with pytest.raises(AssertionError):
        list(client.ndjson(b'{"a":1}'))
    assert [event.value for event in client.sse(b'event: a\ndata: {"b":1}\n\ndata: [DONE]\n\n')] == [
        {"b": 1}, "[DONE]"]


@pytest.mark.parametrize("name", ["chat_plain", "chat_think", "chat_tools", "chat_logprobs", "completion"])
def test_retelling_keeps_the_text(name):
    whole = wire.answer("vllm", name)
    events = [event.value for event in client.sse(b"".join(wire.vllm_events(name, True)))]
    assert events[-1] == "[DONE]" and events[-2]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]
    choice = whole["choices"][0]
    if "text" in choice:
        assert "".join(c["text"] for e in events[:-1] for c in e["choices"]) == choice["text"]
        return
    got = "".join(c["delta"].get("content") or "" for e in events[:-1] for c in e["choices"])
    assert got == (choice["message"]["content"] or "")
