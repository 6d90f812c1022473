"""C94 to C107: Anthropic front, both engines (wire 6.6)."""

from __future__ import annotations

import json
import os
import threading

import pytest

from conformance.checks import (COUNT, FRANCE, HELLO, PARAMETERS, PARIS, PNG, SUM, WEATHER, anthropic_error,
                                anthropic_events, blocks_of)
from support import wire
from support.engines import Answer
from support.rigs import MODEL, make

TOOL = {"name": "get_weather", "description": "Get the weather of a city", "input_schema": PARAMETERS}
# The recording that plays each question, for each dialect.
PLAYS = {"text": {"openai": "chat_stream_usage", "ollama": "chat_stream"},
         "think": {"openai": "chat_think_stream", "ollama": "chat_think_stream"},
         "tools": {"openai": "chat_tools_stream", "ollama": "chat_tools_stream"},
         "length": {"openai": "chat_length_stream", "ollama": "chat_length_stream"},
         "result": {"openai": "chat_tool_result", "ollama": "chat_tool_result"},
         "stop": {"openai": "chat_stop_stream", "ollama": "chat_stop"},
         "hello": {"openai": "chat_system", "ollama": "chat_system"}}
PARAMS = [f"{dialect}-{kind}" for dialect in ("openai", "ollama")
          for kind in ("replay:recorded", "replay:bytewise", "replay:once", "rehearsal")]
REAL = ["openai-real-vllm"] if os.environ.get("SEGUE_VLLM") else []


def rig_for(rigs, parameter):
    dialect, _, kind = parameter.partition("-")
    kind, _, mode = kind.partition(":")
    rig = rigs.get(dialect, kind)
    rig.dialect = dialect
    if mode:
        rig.engine.mode = mode
    return rig


@pytest.fixture(params=[*PARAMS, *REAL])
def n_all(rigs, request):
    return rig_for(rigs, request.param)


@pytest.fixture(params=["openai-replay", "ollama-replay", "openai-rehearsal", "ollama-rehearsal", *REAL])
def n_any(rigs, request):
    return rig_for(rigs, request.param)


@pytest.fixture(params=["openai-replay", "ollama-replay"])
def n(rigs, request):
    return rig_for(rigs, request.param)


def play(rig, what):
    rig.play(PLAYS[what][rig.dialect])


def message_of(reply):
    assert reply.status == 200 and reply.complete, reply
    assert reply.content_type == "application/json"
    value = reply.json()
    assert value["type"] == "message" and value["role"] == "assistant" and value["id"].startswith("msg_")
    assert value["model"] == MODEL
    return value


def test_c94_text_stream(n_all):
    """text stream: the whole order of events, names equal types, no [DONE] (wire 3.13)"""
    play(n_all, "text")
    reply = n_all.messages(FRANCE, stream=True, temperature=0)
    rows = anthropic_events(reply)
    assert [row["type"] for row in rows[:3]] == ["message_start", "ping", "content_block_start"]
    assert rows[2]["content_block"] == {"type": "text", "text": ""}
    (block,) = blocks_of(rows)
    assert block["text"] == PARIS
    delta = rows[-2]
    assert delta["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert delta["usage"]["output_tokens"] == 11 and "[DONE]" not in reply.text
    value = message_of(n_all.messages(FRANCE, temperature=0))
    assert value["content"] == [{"type": "text", "text": PARIS}] and value["stop_reason"] == "end_turn"
    assert value["stop_sequence"] is None
    assert (value["usage"]["input_tokens"], value["usage"]["output_tokens"]) == (24, 11)


def test_c95_thinking(n_all):
    """thinking enabled: a thinking block with one signature, then text; absent is off (wire 3.13)"""
    play(n_all, "think")
    fields = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000, "temperature": 0}
    rows = anthropic_events(n_all.messages(SUM, stream=True, **fields))
    thinking, text = blocks_of(rows)
    assert thinking["thinking"] == "I add 3 and 4. That makes 7.\n" and text["text"] == "3 plus 4 is 7."
    signatures = [d for d in thinking["deltas"] if d["type"] == "signature_delta"]
    assert len(signatures) == 1 and thinking["deltas"][-1] is signatures[0] and signatures[0]["signature"]
    value = message_of(n_all.messages(SUM, **fields))
    assert [block["type"] for block in value["content"]] == ["thinking", "text"]
    assert value["content"][0]["signature"]
    if n_all.scripted:
        n_all.messages(SUM)
        sent = n_all.engine.sent()
        if n_all.dialect == "openai":
            assert sent["chat_template_kwargs"]["enable_thinking"] is False
        else:
            assert sent["think"] is False


def test_c96_tool_stream(n_all):
    """a tool call, streamed: start with empty input, pieces whose join parses (R:messages_tools_stream)"""
    play(n_all, "tools")
    rows = anthropic_events(n_all.messages(WEATHER, tools=[TOOL], stream=True, temperature=0))
    (block,) = [block for block in blocks_of(rows) if block["type"] == "tool_use"]
    assert block["name"] == "get_weather" and block["id"] and block["input"] == {}
    assert json.loads(block["json"]) == {"city": "Paris"}
    assert rows[-2]["delta"]["stop_reason"] == "tool_use"
    value = message_of(n_all.messages(WEATHER, tools=[TOOL], temperature=0))
    use = value["content"][-1]
    assert (use["type"], use["name"], use["input"]) == ("tool_use", "get_weather", {"city": "Paris"})
    assert value["stop_reason"] == "tool_use"


def test_c97_text_then_calls(v_modes):
    """text, then two calls: blocks 0, 1, 2, never two open (wire 3.13)"""
    v_modes.engine.chat(wire.stream(
        wire.delta(content="I look."), wire.call(0, "a", "first", '{"n":'), wire.call(0, arguments="1}"),
        wire.call(1, "b", "second", '{"m":2}'), finish="tool_calls"))
    rows = anthropic_events(v_modes.messages(WEATHER, tools=[TOOL], stream=True))
    blocks = blocks_of(rows)
    assert [block["type"] for block in blocks] == ["text", "tool_use", "tool_use"]
    assert [block.get("json") for block in blocks[1:]] == ['{"n":1}', '{"m":2}']


def test_c98_call_without_arguments(v_modes):
    """a call without arguments: one delta `{}` (wire 3.13, 4.4)"""
    v_modes.engine.chat(wire.stream(wire.call(0, "a", "now"), wire.call(0, arguments=""), finish="tool_calls"))
    rows = anthropic_events(v_modes.messages("What time?", tools=[{**TOOL, "name": "now"}], stream=True))
    (block,) = blocks_of(rows)
    assert [d["partial_json"] for d in block["deltas"] if d["partial_json"]] == ["{}"]


def test_c99_tool_result_turn(n):
    """tool_use and tool_result turn: tool messages first, then the user's text; errors marked (wire 3.13)"""
    play(n, "result")
    messages = [{"role": "user", "content": WEATHER},
                {"role": "assistant", "content": [
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}},
                    {"type": "tool_use", "id": "toolu_2", "name": "get_weather", "input": {"city": "Rome"}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": '{"temperature": 21}'},
                    {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": True,
                     "content": [{"type": "text", "text": "no such city"}]},
                    {"type": "text", "text": "And now?"}]}]
    value = message_of(n.messages(messages, tools=[TOOL]))
    assert value["content"][0]["text"] == "It is 21 degrees in Paris."
    sent = n.engine.sent()["messages"]
    assert [m["role"] for m in sent] == ["user", "assistant", "tool", "tool", "user"]
    assert sent[1]["content"] == "I look." and [c["id"] for c in sent[1]["tool_calls"]] == ["toolu_1", "toolu_2"]
    assert [m["tool_call_id"] for m in sent[2:4]] == ["toolu_1", "toolu_2"]
    assert sent[3]["content"] == "Error: no such city" and sent[4]["content"] == "And now?"


def test_c100_stop_reasons(n_any):
    """stop reasons: natural, length, stop sequence, tool (wire 3.13)"""
    play(n_any, "length")
    assert message_of(n_any.messages(COUNT, max_tokens=6, temperature=0))["stop_reason"] == "max_tokens"
    play(n_any, "stop")
    if n_any.scripted and n_any.dialect == "openai":
        events = wire.vllm_events("chat_stop_stream", True)
        assert b'"stop_reason":"7"' in b"".join(events)
    value = message_of(n_any.messages(COUNT, stop_sequences=["7"], temperature=0))
    assert value["content"][0]["text"] == "1 2 3 4 5 6 "
    if n_any.dialect == "openai":
        assert (value["stop_reason"], value["stop_sequence"]) == ("stop_sequence", "7")
    else:
        assert value["stop_reason"] in ("end_turn", "stop_sequence")  # Ollama never says which (wire 1.14)


def test_c101_refusals(n_any):
    """max_tokens, messages, model: each missing or wrong (wire 1.14)"""
    for fields in ({"max_tokens": None}, {"max_tokens": 0}):
        value = anthropic_error(n_any.messages("x", **fields), 400, "invalid_request_error")
        assert value["error"]["message"] == "max_tokens is required and must be positive"
    anthropic_error(n_any.post("/v1/messages", {"model": MODEL, "max_tokens": 5}), 400, "invalid_request_error")
    value = anthropic_error(n_any.post("/v1/messages", {"model": "nope", "max_tokens": 5, "messages": [
        {"role": "user", "content": "x"}]}), 404, "not_found_error")
    assert value["request_id"].startswith("req_")


def test_c102_count_tokens(n_any):
    """count_tokens: the tokenizer's count, equal to the request's; an estimate in front of Ollama (wire 3.13)"""
    body = {"model": MODEL, "messages": [{"role": "user", "content": SUM}]}
    if n_any.scripted and n_any.dialect == "openai":
        n_any.engine.on("/tokenize", Answer.json({"count": 20, "max_model_len": 1024, "tokens": [1] * 20,
                                                  "token_strs": None}))
        n_any.engine.chat(wire.text_stream("3 plus 4 is 7.", counts=(20, 7)))
    reply = n_any.post("/v1/messages/count_tokens", body)
    assert reply.status == 200, reply
    count = reply.json()["input_tokens"]
    if n_any.dialect == "openai":
        value = message_of(n_any.messages(SUM, temperature=0))
        assert count == value["usage"]["input_tokens"] == 20
    else:
        assert count > 0 and any(name.lower().startswith("segue-") for name, _ in reply.headers)


def test_c103_usage(n_all):
    """input_tokens of message_delta is the true count (wire 4.3)"""
    play(n_all, "text")
    rows = anthropic_events(n_all.messages(FRANCE, stream=True, temperature=0))
    assert rows[-2]["usage"]["input_tokens"] == 24 and rows[-2]["usage"]["output_tokens"] == 11
    assert rows[0]["message"]["usage"]["input_tokens"] in (0, 24)


def test_c104_headers(n):
    """any anthropic-version, the key in either header (wire 4.4)"""
    play(n, "hello")
    body = {"model": MODEL, "max_tokens": 30, "messages": [{"role": "user", "content": "Hello"}]}
    for headers in ({"anthropic-version": "2023-06-01", "x-api-key": "k"}, {"anthropic-version": "2026-10-21"},
                    {"Authorization": "Bearer k"}, {}):
        assert message_of(n.post("/v1/messages", body, headers))["content"][0]["text"] == HELLO


def test_c105_left_out(n):
    """server tools are declared, cache_control ignored, the billing header dropped (wire 3.13)"""
    play(n, "hello")
    reply = n.messages([{"role": "user", "content": [{"type": "text", "text": "Hello",
                                                      "cache_control": {"type": "ephemeral"}}]}],
                       tools=[{"type": "web_search_20260209", "name": "web_search"}, TOOL],
                       system=[{"type": "text", "text": "x-anthropic-billing-header: cc_version=1"},
                               {"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral"}}])
    assert message_of(reply)["content"][0]["text"] == HELLO
    assert "web_search" in (reply.get("segue-ignored") or "") or "tools" in (reply.get("segue-ignored") or "")
    sent = n.engine.sent()
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["get_weather"]
    assert sent["messages"][0] == {"role": "system", "content": "Be short."}
    assert b"cache_control" not in n.engine.last().body and b"billing" not in n.engine.last().body


def test_c106_images(v):
    """image blocks: base64, url, inside a tool_result (wire 3.13)"""
    v.play("chat_system")
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    v.messages([{"role": "user", "content": [
        {"type": "text", "text": "What?"}, image,
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}]}])
    parts = v.engine.sent()["messages"][0]["content"]
    assert [part["image_url"]["url"] for part in parts if part["type"] == "image_url"] == [
        f"data:image/png;base64,{PNG}", "https://example.com/a.png"]
    v.messages([{"role": "user", "content": "x"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [
                    {"type": "text", "text": "seen"}, image]}]}])
    sent = v.engine.sent()["messages"]
    assert [m["role"] for m in sent[2:]] == ["tool", "user"] and sent[2]["content"] == "seen"
    assert any(part["type"] == "image_url" for part in sent[3]["content"])


def test_c107_silence():
    """a long prefill: `ping` for Anthropic, a comment for OpenAI, nothing for Ollama (wire 4.1, 4.3)

    The 15 s between them are set to 0.3 s here, so that nobody waits.
    """
    rig = make("openai", keep_alive_comments="300ms")
    try:
        rig.engine.chat([1.2, *wire.text_stream("At last.")])
        body = {"model": MODEL, "stream": True, "max_tokens": 50, "messages": [{"role": "user", "content": "x"}]}
        replies = {}

        def ask(front, path):
            replies[front] = rig.post(path, body)

        paths = {"O": "/api/chat", "A": "/v1/chat/completions", "N": "/v1/messages"}
        threads = [threading.Thread(target=ask, args=pair) for pair in paths.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all("last." in reply.text for reply in replies.values())
        assert replies["O"].body.startswith(b"{") and replies["O"].lines()[-1]["done"]
        assert 2 <= replies["A"].body.count(b": keep-alive") <= 5
        assert replies["A"].data()[-1] == "[DONE]"
        before = replies["N"].body.split(b"content_block_start")[0]
        assert 2 <= before.count(b"event: ping") <= 6
        anthropic_events(replies["N"])
    finally:
        rig.stop()
