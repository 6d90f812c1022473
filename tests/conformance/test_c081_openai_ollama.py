"""C81 to C93: OpenAI front, Ollama engine, through its native API (wire 6.5)."""

from __future__ import annotations

import base64
import json
import struct

import pytest

from conformance.checks import (FRANCE, PARAMETERS, PARIS, PNG, SUM, TOOL, WEATHER, chunks, finishes, object_of,
                                openai_broken, openai_error, text_of)
from support import wire
from support.engines import Answer
from support.rigs import MODEL, make

CALL = {"id": "call_ojaep40k", "function": {"index": 0, "name": "get_weather", "arguments": {"city": "Paris"}}}


def test_c81_stream(l_all):
    """chat stream: role first, text, a finish chunk with an empty delta, one id, one created (wire 3.12)"""
    l_all.play("chat_stream")
    rows = chunks(l_all.completions(FRANCE, stream=True, temperature=0, reasoning_effort="none"))
    assert rows[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert text_of(rows) == PARIS and all(row["choices"] for row in rows)
    assert rows[-1]["choices"][0]["delta"] == {} and finishes(rows) == ["stop"]
    assert len({row["id"] for row in rows}) == 1 and len({row["created"] for row in rows}) == 1
    assert rows[0]["id"].startswith("chatcmpl-") and {row["object"] for row in rows} == {"chat.completion.chunk"}
    assert {row["model"] for row in rows} == {MODEL}
    assert not any("usage" in row and row["usage"] for row in rows)
    row = object_of(l_all.completions(FRANCE, temperature=0, reasoning_effort="none"))
    assert row["object"] == "chat.completion" and row["choices"][0]["message"]["content"] == PARIS
    assert row["usage"] == {**row["usage"], "prompt_tokens": 24, "completion_tokens": 11, "total_tokens": 35}
    l_all.play("chat_think_stream")
    rows = chunks(l_all.completions(SUM, stream=True, temperature=0))
    assert text_of(rows, "reasoning") == "I add 3 and 4. That makes 7.\n" and text_of(rows) == "3 plus 4 is 7."


def test_c82_usage(l_all):
    """include_usage: the usage chunk from Ollama's counts (wire 3.12)"""
    l_all.play("chat_stream")
    rows = chunks(l_all.completions(FRANCE, stream=True, temperature=0, reasoning_effort="none",
                                    stream_options={"include_usage": True}))
    assert rows[-1]["choices"] == []
    usage = rows[-1]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (24, 11, 35)


def check_call(rows):
    deltas = [call for row in rows for choice in row["choices"] for call in choice["delta"].get("tool_calls") or []]
    assert len(deltas) == 1
    (call,) = deltas
    assert call["index"] == 0 and call["type"] == "function" and call["id"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"]) == {"city": "Paris"} and " " not in call["function"]["arguments"]
    assert finishes(rows) == ["tool_calls"]


@pytest.mark.parametrize("where", ["before", "in the done line"])
def test_c83_tool_calls(l_modes, where):
    """calls in a line of their own, or in the done line (0.30): finish `tool_calls` both times (wire 1.5)"""
    if where == "before":
        l_modes.play("chat_tools_stream")
    else:
        l_modes.engine.chat([wire.last_line(counts=(88, 23), tool_calls=[CALL])])
    fields = {"tools": [TOOL], "temperature": 0, "reasoning_effort": "none"}
    check_call(chunks(l_modes.completions(WEATHER, stream=True, **fields)))
    message = object_of(l_modes.completions(WEATHER, **fields))["choices"][0]
    assert message["finish_reason"] == "tool_calls"
    assert json.loads(message["message"]["tool_calls"][0]["function"]["arguments"]) == {"city": "Paris"}


def test_c84_tool_history(l_any):
    """history with tool_call_id only: tool_name is found through the id, arguments become an object (wire 3.12)"""
    messages = wire.cases("vllm")["chat_tool_result"]["body"]["messages"]
    l_any.play("chat_tool_result")
    row = object_of(l_any.completions(messages, tools=[TOOL], temperature=0, reasoning_effort="none"))
    assert row["choices"][0]["message"]["content"] == "It is 21 degrees in Paris."
    if l_any.scripted:
        sent = l_any.engine.sent()["messages"]
        assert sent[1]["tool_calls"][0]["function"]["arguments"] == {"city": "Paris"}
        assert sent[2]["tool_name"] == "get_weather" and sent[2]["role"] == "tool"


def test_c85_sampling_defaults(l):
    """temperature and top_p absent become 1.0, as Ollama's own shim does (wire 1.12)"""
    object_of(l.completions("Hello"))
    options = l.engine.sent()["options"]
    assert (options["temperature"], options["top_p"]) == (1.0, 1.0)


def test_c86_fields(l):
    """OpenAI's fields in Ollama's words (wire 3.12)"""

    def sent(text="Hello", **fields):
        object_of(l.completions(text, **fields))
        return l.engine.sent()

    assert sent(max_completion_tokens=6, max_tokens=60)["options"]["num_predict"] == 6
    assert sent(max_tokens=60)["options"]["num_predict"] == 60
    assert sent(stop="x")["options"]["stop"] == ["x"]
    assert sent(seed=5)["options"]["seed"] == 5
    schema = {"type": "json_schema", "json_schema": {"name": "c", "schema": PARAMETERS}}
    assert sent(response_format=schema)["format"] == PARAMETERS
    assert sent(response_format={"type": "json_object"})["format"] == "json"
    for effort, think in (("none", False), ("minimal", "low"), ("low", "low"), ("high", "high"), ("xhigh", "max")):
        assert sent(reasoning_effort=effort)["think"] == think
    parts = [{"role": "user", "content": [
        {"type": "text", "text": "What is"}, {"type": "text", "text": "this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]}]
    (message,) = sent(parts)["messages"]
    assert (message["content"], message["images"]) == ("What is\nthis?", [PNG])


def test_c87_effort_without_thinking(rigs):
    """reasoning_effort to a model that cannot think: left out, answered (wire 3.12)"""
    rig = rigs.get("ollama", profile={"capabilities": ["completion"]})
    object_of(rig.completions("Hello", reasoning_effort="high"))
    assert not rig.engine.sent().get("think")


def test_c88_three_choices(l):
    """n:3 is three requests side by side; one that fails, fails the whole (wire 3.12)"""
    texts = iter(["A", "B", "C", "D", "E", "F"])
    l.engine.chat(lambda seen: Answer.lines([wire.line(next(texts)), wire.last_line(counts=(24, 2))]))
    row = object_of(l.completions("x", n=3))
    assert sorted(choice["message"]["content"] for choice in row["choices"]) == ["A", "B", "C"]
    assert [choice["index"] for choice in row["choices"]] == [0, 1, 2]
    assert row["usage"]["prompt_tokens"] == 24 and row["usage"]["completion_tokens"] == 6
    assert len(l.engine.asked()) == 3
    rows = chunks(l.completions("x", n=3, stream=True))
    assert sorted(text_of(rows, index=n) for n in range(3)) == ["D", "E", "F"]
    assert all(finishes(rows, n) == ["stop"] for n in range(3))


def test_c88_one_of_three_fails():
    """n:3, one fails: the whole fails, before the first byte or inside the stream (wire 3.12)"""
    rig = make("ollama")
    try:
        # Late enough for the other two to have arrived: none of them may take an answer of the second part.
        rig.engine.chat([Answer([0.2, b'{"error":"out of memory"}'], 500, framing="length")]
                        + [Answer.lines([0.3, wire.line("x"), wire.last_line()])] * 2)
        openai_error(rig.completions("x", n=3, stream=True), 500)
        rig.engine.chat([Answer.lines([wire.line("x"), 0.1, wire.ndjson({"error": "lost"})])]
                        + [Answer.lines([wire.line("y"), 0.3, wire.last_line()])] * 2)
        openai_broken(rig.completions("x", n=3, stream=True))
    finally:
        rig.stop()


def test_c89_logprobs(l):
    """logprobs in OpenAI's place; an engine that knows none: null and a header (wire 5.3)"""
    l.play("chat_logprobs_stream")
    rows = chunks(l.completions(SUM, stream=True, logprobs=True, top_logprobs=2, max_tokens=4, temperature=0,
                                reasoning_effort="none"))
    tokens = [token for row in rows for choice in row["choices"]
              for token in (choice.get("logprobs") or {}).get("content") or []]
    assert [token["token"] for token in tokens] == ["3", " plus", " 4", " is"]
    assert all(len(token["top_logprobs"]) == 2 and token["logprob"] <= 0 for token in tokens)
    l.engine.chat([wire.line("Hi"), wire.last_line()])
    reply = l.completions("x", logprobs=True)
    assert object_of(reply)["choices"][0]["logprobs"] is None


def test_c90_embeddings(l):
    """embeddings: base64 by Segue, order kept, usage; too long is refused (wire 3.12)"""
    l.engine.on("/api/embed", lambda seen: Answer.json({
        "model": MODEL, "embeddings": [[1.0, 0.0], [0.0, 1.0]][:len(seen.json["input"])], "total_duration": 9,
        "load_duration": 1, "prompt_eval_count": 4}))
    body = {"model": MODEL, "input": ["a", "b"], "encoding_format": "base64"}
    row = object_of(l.post("/v1/embeddings", body))
    values = [struct.unpack("<2f", base64.b64decode(one["embedding"])) for one in row["data"]]
    assert values == [(1.0, 0.0), (0.0, 1.0)] and [one["index"] for one in row["data"]] == [0, 1]
    assert row["usage"]["prompt_tokens"] == 4
    sent = l.engine.sent("/api/embed")
    assert sent["truncate"] is False and sent["input"] == ["a", "b"]
    l.engine.on("/api/embed", Answer.json({"error": "the input length exceeds the context length"}, 400))
    openai_error(l.post("/v1/embeddings", body), 400)


def test_c91_what_ollama_cannot(l):
    """an image URL, logit_bias (wire 3.12)"""
    part = {"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/x.png"}}
    openai_error(l.completions([{"role": "user", "content": [part]}]), 400)
    assert l.engine.asked() == []
    reply = l.completions("x", logit_bias={"5": 1})
    assert object_of(reply) and reply.get("segue-ignored") == "logit_bias"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}],
                         ids=["required", "named"])
def test_c91_a_forced_call_is_done_by_format(l_any, choice, stream):
    """tool_choice required or named: `format` holds the engine to one call (wire 3.12)"""
    if l_any.scripted:
        head = {"model": MODEL, "created_at": "2026-11-23T09:35:59.5Z"}
        said = ['{"name": "get_weather", ', '"arguments": {"city": ', '"Paris"}}']
        l_any.engine.on("/api/chat", Answer.lines(
            [wire.ndjson({**head, "message": {"role": "assistant", "content": one}, "done": False}) for one in said]
            + [wire.ndjson({**head, "message": {"role": "assistant", "content": ""}, "done": True,
                            "done_reason": "stop", "prompt_eval_count": 88, "eval_count": 20, **wire.TIMINGS})]))
    reply = l_any.completions(WEATHER, tools=[TOOL], tool_choice=choice, stream=stream, temperature=0)
    if stream:
        rows = chunks(reply)
        calls = [call for row in rows for one in row["choices"] for call in one["delta"].get("tool_calls", [])]
        assert finishes(rows) == ["tool_calls"] and text_of(rows) == ""
    else:
        only = object_of(reply)["choices"][0]
        calls = only["message"]["tool_calls"]
        assert only["finish_reason"] == "tool_calls" and not only["message"]["content"]
    assert len(calls) == 1 and calls[0]["id"] and calls[0]["type"] == "function"
    assert calls[0]["function"]["name"] == "get_weather"
    assert set(json.loads(calls[0]["function"]["arguments"])) == {"city"}
    if l_any.scripted:
        schema = l_any.engine.sent()["format"]
        assert schema["properties"]["name"] == {"type": "string", "enum": ["get_weather"]}
        assert schema["properties"]["arguments"] == TOOL["function"]["parameters"]


def test_c91_a_forced_call_that_cannot_be_exact(l):
    """parameters with $ref, a name that is no tool: 400; an engine that does not keep to the schema: 502 (wire 3.12)"""
    refers = {"type": "function", "function": {"name": "f", "parameters": {
        "type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}}}}
    openai_error(l.completions(WEATHER, tools=[refers], tool_choice="required"), 400, param="tool_choice")
    openai_error(l.completions(WEATHER, tools=[TOOL], tool_choice={"type": "function", "function": {"name": "x"}}),
                 400, param="tool_choice")
    assert l.engine.asked() == []
    l.play("chat")
    openai_error(l.completions(WEATHER, tools=[TOOL], tool_choice="required"), 502, code="upstream_failed")


def test_c92_completions(l_any):
    """completions: generate raw, without the template (wire 3.12)"""
    prompt = wire.cases("ollama")["generate_raw"]["body"]["prompt"]
    if l_any.scripted:
        head = {"model": MODEL, "created_at": "2026-11-23T09:35:59.5Z"}
        l_any.engine.on("/api/generate", Answer.lines(
            [wire.ndjson({**head, "response": word, "done": False}) for word in wire.words("3 plus 4 is 7.")]
            + [wire.ndjson({**head, "response": "", "done": True, "done_reason": "stop", "prompt_eval_count": 20,
                            "eval_count": 7, **wire.TIMINGS})]))
    row = object_of(l_any.post("/v1/completions", {"model": MODEL, "prompt": prompt, "temperature": 0,
                                                   "max_tokens": 20}))
    assert row["object"] == "text_completion" and row["choices"][0]["text"] == "3 plus 4 is 7."
    assert row["usage"]["prompt_tokens"] == 20 and row["usage"]["completion_tokens"] == 7
    if l_any.scripted:
        sent = l_any.engine.sent("/api/generate")
        assert sent["raw"] is True and sent["prompt"] == prompt and sent["options"]["num_predict"] == 20


def test_c93_unknown_model(x):
    """an unknown model in OpenAI's words (wire 3.10)"""
    reply = x.post("/v1/chat/completions", {"model": "nope", "messages": [{"role": "user", "content": "x"}]})
    openai_error(reply, 404, type="invalid_request_error", param="model", code="model_not_found")
