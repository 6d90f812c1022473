"""C65 to C80: OpenAI front, vLLM engine: relayed, with repairs (wire 6.4)."""

from __future__ import annotations

import base64
import json
import struct

import pytest

from conformance.checks import (COUNT, FRANCE, OFF, PARIS, SUM, TOOL, WEATHER, chunks, finishes, object_of,
                                openai_error, text_of)
from support import wire
from support.embedder import make_embedder, vector
from support.engines import Answer
from support.rigs import EMBEDS, MODEL, PROFILE

ALIAS = "tiny-alias"


def aliased(rigs, kind="replay", mode=None):
    """Clients say tiny-alias (or `a/b:c`), the engine serves segue-tiny."""
    targets = [{"engine": "e1", "model": MODEL}]
    rig = rigs.get("openai", kind, models=[{"name": name, "targets": targets, "profile": PROFILE}
                                           for name in (ALIAS, "a/b:c")])
    if mode:
        rig.engine.mode = mode
    return rig


@pytest.fixture
def alias(rigs):
    return aliased(rigs)


@pytest.fixture(params=["replay:recorded", "replay:bytewise", "replay:once"])
def alias_modes(rigs, request):
    return aliased(rigs, mode=request.param.partition(":")[2])


def ask(rig, text, **fields):
    messages = [{"role": "user", "content": text}] if isinstance(text, str) else text
    return rig.post("/v1/chat/completions", {"model": ALIAS, "messages": messages, **fields})


def renamed(data):
    return data.replace(b'"model":"segue-tiny"', b'"model":"tiny-alias"')


def test_c65_whole(alias_modes):
    """chat, not streamed: the engine's bytes, but `model` (wire 3.11)"""
    alias_modes.play("chat_plain")
    reply = ask(alias_modes, FRANCE, temperature=0, **OFF)
    assert object_of(reply)["choices"][0]["message"]["content"] == PARIS
    assert reply.body == renamed(wire.body("vllm", "chat_plain"))
    sent = alias_modes.engine.sent()
    assert sent == {"model": MODEL, "messages": [{"role": "user", "content": FRANCE}], "temperature": 0, **OFF}


def test_c66_stream(alias_modes):
    """chat streamed without stream_options: the engine's chunks, no usage chunk (R:vllm:chat_stream)"""
    alias_modes.play("chat_stream")
    reply = ask(alias_modes, FRANCE, temperature=0, stream=True, **OFF)
    rows = chunks(reply)
    assert text_of(rows) == PARIS and all(row["choices"] for row in rows)
    assert reply.body == renamed(wire.body("vllm", "chat_stream"))
    assert alias_modes.engine.sent()["stream_options"]["include_usage"] is True


def test_c67_usage(alias_modes):
    """include_usage, continuous_usage_stats: passed as they are (R:vllm:chat_stream_usage)"""
    for name, options in (("chat_stream_usage", {"include_usage": True}),
                          ("chat_stream_continuous_usage", {"include_usage": True, "continuous_usage_stats": True})):
        alias_modes.play(name)
        reply = ask(alias_modes, FRANCE, temperature=0, stream=True, stream_options=options, **OFF)
        rows = chunks(reply)
        assert reply.body == renamed(wire.body("vllm", name))
        assert rows[-1]["choices"] == [] and rows[-1]["usage"]["completion_tokens"] > 0
        assert alias_modes.engine.sent()["stream_options"] == options


def test_c68_alias_in_errors(alias):
    """the alias is in the answer, also inside error texts (wire 2.3)"""
    alias.engine.chat(Answer.json({"error": {"message": "The model `segue-tiny` is busy.", "type": "BadRequestError",
                                             "param": None, "code": 400}}, 400))
    failure = openai_error(ask(alias, "x"), 400)
    assert "tiny-alias" in failure["message"] and MODEL not in failure["message"]


def test_c69_named_tool(v_any):
    """a named tool_choice ends with finish_reason `tool_calls`, streamed and not (R:vllm:chat_tools_named)"""
    choice = {"type": "function", "function": {"name": "get_weather"}}
    common = {"tools": [TOOL], "tool_choice": choice, "temperature": 0, "max_tokens": 80, **OFF}
    v_any.play("chat_tools_named")
    row = object_of(v_any.completions(WEATHER, **common))
    assert row["choices"][0]["finish_reason"] == "tool_calls"
    assert row["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get_weather"
    rows = chunks(v_any.completions(WEATHER, stream=True, **common))
    assert finishes(rows) == ["tool_calls"]


def test_c70_two_choices(alias, v_any):
    """n:2 streamed: both choices, each with its own end; greedy n:2: the engine's 400 (R:chat_n2)"""
    alias.engine.chat([wire.delta(0, role="assistant", content=""), wire.delta(1, role="assistant", content=""),
                       wire.delta(0, content="One"), wire.delta(1, content="Two"), wire.delta(0, finish="stop"),
                       wire.delta(1, content="!", finish="length"), wire.usage(9, 4), wire.DONE])
    rows = chunks(ask(alias, "x", n=2, temperature=1, stream=True))
    assert (text_of(rows, index=0), text_of(rows, index=1)) == ("One", "Two!")
    assert (finishes(rows, 0), finishes(rows, 1)) == (["stop"], ["length"])
    v_any.play("chat_n2")
    failure = openai_error(v_any.completions(SUM, n=2, temperature=0), 400)
    assert failure["message"] == "n must be 1 when using greedy sampling, got 2."


def test_c71_repairs(alias):
    """what Ollama's shim took: empty tools, six stops, empty stop, null content, no or another Content-Type"""
    alias.play("chat_plain")
    object_of(ask(alias, "x", tools=[], tool_choice="auto"))
    sent = alias.engine.sent()
    assert "tools" not in sent and "tool_choice" not in sent
    alias.engine.chat(lambda seen: Answer.sse(wire.text_stream("one two three")) if seen.json.get("stream")
                      else Answer.json(wire.vllm_whole("chat_plain")))
    row = object_of(ask(alias, "x", stop=["a1", "b1", "c1", "d1", "e1", "f1"]))
    assert row["choices"][0]["finish_reason"] == "stop" and len(alias.engine.sent()["stop"]) == 4
    object_of(ask(alias, "x", stop=[""]))
    assert not alias.engine.sent().get("stop")
    object_of(ask(alias, [{"role": "user", "content": None}]))
    assert alias.engine.sent()["messages"] == [{"role": "user", "content": ""}]
    body = json.dumps({"model": ALIAS, "messages": [{"role": "user", "content": "x"}]}).encode()
    for kind in (None, "text/plain"):
        object_of(alias.post("/v1/chat/completions", body, {"Content-Type": kind}))
        assert alias.engine.last().get("content-type").startswith("application/json")


def test_c72_empty_tool_calls(alias_modes):
    """`tool_calls: []` in an answer is removed (wire 5.1)"""
    whole = json.loads(wire.vllm_whole("chat_plain"))
    whole["choices"][0]["message"]["tool_calls"] = []
    events = wire.stream(wire.delta(content="Hi", tool_calls=[]))
    alias_modes.engine.chat(lambda seen: Answer.sse(events) if seen.json.get("stream") else Answer.json(whole))
    message = object_of(ask(alias_modes, "x"))["choices"][0]["message"]
    assert "tool_calls" not in message and message["content"] == PARIS
    rows = chunks(ask(alias_modes, "x", stream=True))
    assert text_of(rows) == "Hi" and not any("tool_calls" in c["delta"] for r in rows for c in r["choices"])


def test_c73_max_completion_tokens(v_any):
    """max_completion_tokens wins over max_tokens (R:chat_max_completion_tokens)"""
    v_any.play("chat_max_completion_tokens")
    row = object_of(v_any.completions(COUNT, max_completion_tokens=6, max_tokens=60, temperature=0, **OFF))
    assert row["choices"][0]["message"]["content"] == "1 2 3 4 5 6"
    assert row["choices"][0]["finish_reason"] == "length" and row["usage"]["completion_tokens"] == 6
    if v_any.scripted:
        sent = v_any.engine.sent()
        assert sent.get("max_completion_tokens", sent.get("max_tokens")) == 6


def test_c74_old_reasoning_field(rigs, alias_modes):
    """an old engine's reasoning_content comes out as `reasoning`, or as both where so set (wire 5.1)"""
    whole = json.loads(wire.vllm_whole("chat_plain"))
    whole["choices"][0]["message"].update(reasoning_content="I think.")
    whole["choices"][0]["message"].pop("reasoning")
    events = wire.stream(wire.delta(reasoning_content="I "), wire.delta(reasoning_content="think."),
                         wire.delta(content="So."))
    both = rigs.get("openai", reasoning_field="both")
    for rig, name, expected in ((alias_modes, ALIAS, {"reasoning"}), (both, MODEL, {"reasoning", "reasoning_content"})):
        rig.engine.chat(lambda seen: Answer.sse(events) if seen.json.get("stream") else Answer.json(whole))
        body = {"model": name, "messages": [{"role": "user", "content": "x"}]}
        message = object_of(rig.post("/v1/chat/completions", body))["choices"][0]["message"]
        assert {key: message[key] for key in message if "reasoning" in key} == dict.fromkeys(expected, "I think.")
        rows = chunks(rig.post("/v1/chat/completions", {**body, "stream": True}))
        for field in ("reasoning", "reasoning_content"):
            assert text_of(rows, field) == ("I think." if field in expected else "")
        assert text_of(rows) == "So."


def test_c75_models(alias):
    """models: Segue's names; one by one, also with a slash; unknown (wire 3.11)"""
    value = object_of(alias.get("/v1/models"))
    assert value["object"] == "list"
    names = [row["id"] for row in value["data"]]
    assert all(row["object"] == "model" and isinstance(row["created"], int) for row in value["data"])
    assert sorted(names) == ["a/b:c", ALIAS] or sorted(names) == ["a/b:c", f"{ALIAS}:latest"]
    assert object_of(alias.get(f"/v1/models/{ALIAS}"))["id"].startswith(ALIAS)
    assert object_of(alias.get("/v1/models/a%2Fb:c"))["id"] == "a/b:c"
    assert object_of(alias.get("/v1/models/a/b:c"))["id"] == "a/b:c"
    openai_error(alias.get("/v1/models/nope"), 404, code="model_not_found")


def test_c76_embeddings(rigs):
    """embeddings: base64 as openai-python asks for it, token ids passed on (wire 4.4)"""
    rig = rigs.get("openai", profile=EMBEDS)
    make_embedder(rig.engine)
    row = object_of(rig.post("/v1/embeddings", {"model": MODEL, "input": "x", "encoding_format": "base64"}))
    packed = base64.b64decode(row["data"][0]["embedding"])
    assert struct.unpack("<16f", packed) == pytest.approx(vector(0), abs=1e-6)
    row = object_of(rig.post("/v1/embeddings", {"model": MODEL, "input": [1, 2, 3]}))
    assert row["data"][0]["embedding"] == pytest.approx(vector(0))
    assert rig.engine.sent("/v1/embeddings")["input"] == [1, 2, 3]


def test_c77_string_and_flat_errors(alias):
    """the engine's 401 with a string error is a 502 with an object; the flat error of 0.10.0 (wire 2.2, 5.1)"""
    alias.engine.chat(Answer.json({"error": "Unauthorized"}, 401))
    openai_error(ask(alias, "x"), 502)
    flat = {"object": "error", "message": "too hot", "type": "BadRequestError", "param": None, "code": 400}
    alias.engine.chat(Answer.json(flat, 400))
    assert openai_error(ask(alias, "x"), 400)["message"] == "too hot"


def test_c78_context_overflow(v_any):
    """too long: 400, code context_length_exceeded, the engine's message (wire 3.10)"""
    v_any.play("err_context_overflow")
    failure = openai_error(v_any.completions("word " * 3000), 400, code="context_length_exceeded")
    assert "maximum context length is 1024 tokens" in failure["message"]


@pytest.mark.parametrize("name", ["completion", "completion_echo", "completion_logprobs", "completion_batch",
                                  "completion_stream"])
def test_c79_completions(v_modes, name):
    """completions: echo, logprobs, several prompts, stream: the engine's bytes (R:completion_*)"""
    v_modes.play(name)
    reply = v_modes.post("/v1/completions", wire.cases("vllm")[name]["body"])
    assert reply.status == 200 and reply.complete
    assert reply.body == wire.body("vllm", name)


def test_c80_other_routes(alias):
    """tokenize, detokenize, rerank, score: passed, with the model resolved (wire 2.5)"""
    fixed = {"/tokenize": ({"prompt": "Hello Paris"}, wire.answer("vllm", "tokenize_prompt")),
             "/detokenize": ({"tokens": [40, 41, 42]}, wire.answer("vllm", "detokenize")),
             "/v1/rerank": ({"query": "q", "documents": ["a", "b"]}, {"id": "rerank-1", "results": [
                 {"index": 1, "document": {"text": "b"}, "relevance_score": 0.9}]}),
             "/score": ({"text_1": "a", "text_2": "b"}, {"id": "score-1", "data": [
                 {"index": 0, "object": "score", "score": 0.5}]})}
    for path, (body, answer) in fixed.items():
        alias.engine.on(path, Answer.json(answer))
        assert object_of(alias.post(path, {"model": ALIAS, **body})) == answer
        assert alias.engine.sent(path) == {"model": MODEL, **body}
