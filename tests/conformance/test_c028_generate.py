"""C28 to C48: Ollama front, generate, options, load, vLLM engine (wire 6.2)."""

from __future__ import annotations

import time

import pytest

from conformance.checks import (COUNT, FRANCE, GREEDY, HELLO, PARIS, SUM, TIMINGS, check_timings, error, lines,
                                whole)
from support import wire
from support.engines import Answer
from support.rigs import MODEL, make

RAW_PROMPT = "<|im_start|>user\nWhat is 3 plus 4?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
TEMPLATE = ("<|im_start|>user\nWhat is the capital of {{ .Prompt }}?<|im_end|>\n<|im_start|>assistant\n<think>\n\n"
            "</think>\n\n")


def sent_options(rig, **options):
    """What reaches the engine's chat for these options."""
    reply = rig.chat("Hello", think=False, stream=False, options=options)
    assert reply.status == 200, reply
    return rig.engine.sent(), reply


def test_c28_generate(v_all):
    """generate, whole and streamed: `response`, never `message`, no `context` (R:generate)"""
    v_all.play("chat_stream_usage")
    row = whole(v_all.generate(FRANCE, stream=False, think=False, options=GREEDY))
    assert row["response"] == PARIS and "message" not in row and "context" not in row
    check_timings(row)
    assert (row["prompt_eval_count"], row["eval_count"], row["done_reason"]) == (24, 11, "stop")
    rows = lines(v_all.generate(FRANCE, think=False, options=GREEDY))
    assert "".join(row["response"] for row in rows) == PARIS and rows[-1]["response"] == ""
    assert not any("message" in row or "context" in row for row in rows)
    check_timings(rows[-1])
    v_all.play("chat_think_stream")
    rows = lines(v_all.generate(SUM, think=True, options=GREEDY))
    assert "".join(row.get("thinking", "") for row in rows) == "I add 3 and 4. That makes 7.\n"
    assert "".join(row["response"] for row in rows) == "3 plus 4 is 7."


def test_c29_raw(v_all):
    """`raw:true` goes to completions as it is, without thinking (R:generate_raw)"""
    v_all.play("completion_stream_usage")
    row = whole(v_all.generate(RAW_PROMPT, raw=True, stream=False, options=GREEDY))
    assert row["response"] == "3 plus 4 is 7." and "thinking" not in row and "context" not in row
    assert (row["prompt_eval_count"], row["eval_count"]) == (20, 7)
    if v_all.scripted:
        sent = v_all.engine.sent("/v1/completions")
        assert sent["prompt"] == RAW_PROMPT and sent["max_tokens"] == 60 and sent["stream"] is True


def test_c30_raw_without_limit(v):
    """raw without num_predict asks for the whole context, not for the engine's 16 (wire 2.4)"""
    v.play("completion_stream_usage")
    whole(v.generate(RAW_PROMPT, raw=True, stream=False, options={"temperature": 0}))
    assert v.engine.sent("/v1/completions")["max_tokens"] == 1023


@pytest.mark.parametrize("field", [{"template": "x"}, {"system": "x"}, {"context": [1, 2]}])
def test_c31_raw_refused(v, field):
    """raw with template, system or context (wire 1.3)"""
    error(v.generate("x", raw=True, **field), 400, "raw mode does not support template, system, or context")
    assert v.engine.asked() == []


def test_c32_template(v_any):
    """`template` is rendered by Segue; one outside its subset is refused (R:generate_template, wire 3.3)"""
    if v_any.scripted:
        v_any.engine.on("/v1/completions", lambda seen: Answer.sse(_completion(PARIS)))
    row = whole(v_any.generate("France", template=TEMPLATE, stream=False, options=GREEDY))
    assert row["response"] == PARIS
    if v_any.scripted:
        assert v_any.engine.sent("/v1/completions")["prompt"] == TEMPLATE.replace("{{ .Prompt }}", "France")
    error(v_any.generate("France", template="{{ frobnicate .Prompt }}", stream=False), 400,
          "custom templates are not supported by this engine")


def _completion(text, ids=(), prompt_ids=None, counts=(24, 11)):
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": MODEL}
    rows = []
    for number, word in enumerate(wire.words(text)):
        choice = {"index": 0, "text": word, "logprobs": None, "finish_reason": None, "stop_reason": None}
        if number == 0 and prompt_ids is not None:
            choice["prompt_token_ids"] = list(prompt_ids)
        if number < len(ids):
            choice["token_ids"] = [ids[number]]
        rows.append(wire.sse({**head, "choices": [choice]}))
    rows.append(wire.sse({**head, "choices": [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop",
                                               "stop_reason": None}]}))
    rows.append(wire.sse({**head, "choices": [], "usage": {"prompt_tokens": counts[0], "completion_tokens": counts[1],
                                                           "total_tokens": sum(counts)}}))
    return rows + [wire.DONE]


def test_c33_suffix(v_any):
    """`suffix` to an engine without fill-in-the-middle (R:generate_suffix)"""
    v_any.play("completion_suffix")
    text = error(v_any.generate("def add(", suffix="return", stream=False, options=GREEDY), 400)
    assert text.endswith("does not support insert")


def test_c34_exact_context(rigs):
    """`context: exact`: the answer's context, sent back, gives a prompt of tokens with one BOS (wire 3.3)"""
    rig = rigs.get("openai", profile={"context": "exact"})

    def chat(seen):
        assert seen.json["return_token_ids"] is True
        first = {**wire.IDENTITY, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""},
                                               "logprobs": None, "finish_reason": None}],
                 "prompt_token_ids": [1, 286, 201]}
        pieces = [{**wire.IDENTITY, "choices": [{"index": 0, "delta": {"content": text}, "logprobs": None,
                                                 "finish_reason": None, "token_ids": ids}]}
                  for text, ids in (("Hel", [40]), ("lo.", [41, 42]))]
        return Answer.sse([wire.sse(first), *map(wire.sse, pieces), wire.delta(finish="stop"), wire.usage(3, 3),
                           wire.DONE])

    rig.engine.on("/v1/chat/completions", chat)
    row = whole(rig.generate("Hello", think=False, stream=False))
    assert row["context"] == [1, 286, 201, 40, 41, 42]
    # What the tokenizer puts before an empty text is its BOS; a chat template's first token is not to be taken for it.
    rig.engine.on("/tokenize", lambda seen: Answer.json(
        {"count": 3, "max_model_len": 1024, "tokens": [1] if seen.json.get("prompt") == "" else [1, 300, 301],
         "token_strs": None}))
    rig.engine.on("/v1/completions", lambda seen: Answer.sse(
        _completion("Good bye", ids=(50, 51), prompt_ids=seen.json["prompt"])))
    row = whole(rig.generate("Bye", think=False, stream=False, context=row["context"]))
    assert rig.engine.sent("/v1/completions")["prompt"] == [1, 286, 201, 40, 41, 42, 300, 301]
    assert row["context"] == [1, 286, 201, 40, 41, 42, 300, 301, 50, 51]


def test_c35_num_predict(v_any):
    """num_predict: no limit, none, 0, 6, more than fits (R:chat_length)"""
    v_any.play("chat_length_stream")
    row = whole(v_any.chat(COUNT, think=False, stream=False, options={"temperature": 0, "num_predict": 6}))
    assert (row["message"]["content"], row["done_reason"], row["eval_count"]) == ("1 2 3 4 5 6", "length", 6)
    if v_any.scripted:
        for value, expected in ((-1, None), (-2, None), (0, 1), (6, 6), (100000, 1023)):
            sent, _ = sent_options(v_any, num_predict=value)
            assert sent.get("max_tokens") == expected, value


def test_c36_stop(v_all):
    """stop: a string that matches; empty ones; not an array (R:chat_stop)"""
    v_all.play("chat_stop_stream")
    rows = lines(v_all.chat(COUNT, think=False, options={"temperature": 0, "num_predict": 60, "stop": ["7"]}))
    assert wire.joined(rows) == "1 2 3 4 5 6 "
    assert (rows[-1]["done_reason"], rows[-1]["eval_count"]) == ("stop", 7)
    if v_all.scripted:
        assert v_all.engine.sent()["stop"] == ["7"]
        sent, _ = sent_options(v_all, stop=["", ""])
        assert "stop" not in sent
    error(v_all.chat(COUNT, options={"stop": "7"}), 500, 'option "stop" must be of type array')


def test_c37_fifth_stop(v_modes):
    """five stops: the fifth is matched by Segue, over three deltas, and nothing of it is sent (wire 3.1)"""
    parts = ["Hello ", "there ", "E", "N", "D and", " more", " text"]
    endless = [wire.delta(content=f" more {n}") for n in range(500)]
    events = [wire.delta(role="assistant", content=""), *(wire.delta(content=part) for part in parts)]
    gaps = [step for event in endless for step in (event, 0.01)]
    v_modes.engine.on("/v1/chat/completions", Answer.sse([*events, *gaps]))
    started = time.monotonic()
    reply = v_modes.chat("x", think=False, options={"stop": ["s1", "s2", "s3", "s4", "END"]})
    rows = lines(reply)
    assert wire.joined(rows) == "Hello there " and rows[-1]["done_reason"] == "stop"
    assert "stop" in (reply.get("segue-adjusted") or "")
    seen = v_modes.engine.last()
    assert seen.json["stop"] == ["s1", "s2", "s3", "s4"]
    assert seen.finished.wait(2) and seen.closed_at is not None and seen.closed_at - started < 3


def test_c38_seed(v_any):
    """seed: negative is not sent; the same seed gives the same text (wire 3.1)"""
    options = {"temperature": 1, "seed": 42, "num_predict": 20}
    v_any.play("chat_stream_usage")
    texts = {whole(v_any.chat(FRANCE, think=False, stream=False, options=options))["message"]["content"]
             for _ in range(2)}
    assert len(texts) == 1
    if v_any.scripted:
        assert v_any.engine.sent()["seed"] == 42
        assert "seed" not in sent_options(v_any, seed=-1)[0]


def test_c39_num_ctx(v, rigs):
    """num_ctx: a hint that fits, a larger one, a larger one under `translation: strict` (wire 3, 3.1)"""
    for value in (512, 8192):
        _, reply = sent_options(v, num_ctx=value)
        assert reply.get("segue-ignored") == "num_ctx"
    strict = rigs.get("openai", translation="strict")
    assert "num_ctx" in error(strict.chat("Hello", stream=False, options={"num_ctx": 8192}), 400)
    assert strict.engine.asked() == []
    assert strict.chat("Hello", stream=False, options={"num_ctx": 512}).status == 200


ALL_OPTIONS = {
    "num_keep": 10, "seed": 7, "num_predict": 30, "top_k": 20, "top_p": 0.5, "min_p": 0.1, "typical_p": 0.7,
    "repeat_last_n": 33, "temperature": 0.5, "repeat_penalty": 1.2, "presence_penalty": 0.3,
    "frequency_penalty": 0.4, "stop": ["x"], "num_ctx": 512, "num_batch": 2, "num_gpu": 1, "main_gpu": 2,
    "num_thread": 8, "use_mmap": False, "draft_num_predict": 2}


def test_c40_all_options(v):
    """every option at once: upstream is exactly the table, the rest is declared, in request order (wire 3.1)"""
    v.play("chat_stream_usage")
    reply = v.chat(FRANCE, think=False, options=ALL_OPTIONS)
    lines(reply)
    ignored = [name.strip() for name in reply.get("segue-ignored").split(",")]
    kept = {"seed", "num_predict", "top_k", "top_p", "min_p", "temperature", "repeat_penalty", "presence_penalty",
            "frequency_penalty", "stop"}
    assert ignored == [name for name in ALL_OPTIONS if name not in kept]
    assert v.engine.sent() == {
        "model": MODEL, "messages": [{"role": "user", "content": FRANCE}], "stream": True,
        "stream_options": {"include_usage": True}, "seed": 7, "max_tokens": 30, "top_k": 20, "top_p": 0.5,
        "min_p": 0.1, "temperature": 0.5, "repetition_penalty": 1.2, "presence_penalty": 0.3,
        "frequency_penalty": 0.4, "stop": ["x"],
        "chat_template_kwargs": {"enable_thinking": False, "thinking": False}}


def test_c41_neutral_options(v):
    """neutral values are dropped without mention (wire 3)"""
    neutral = {"mirostat": 0, "repeat_penalty": 1, "typical_p": 1, "presence_penalty": 0, "tfs_z": 1}
    sent, reply = sent_options(v, **{key: neutral[key] for key in ("mirostat", "repeat_penalty", "typical_p",
                                                                  "presence_penalty")})
    assert reply.get("segue-ignored") is None and reply.get("segue-adjusted") is None
    assert "mirostat" not in sent and "typical_p" not in sent


def test_c42_odd_options(v):
    """wrong type, unknown name, out of range, a float for an integer (wire 1.3, 1.7)"""
    error(v.chat("Hello", options={"temperature": "hot"}), 500, 'option "temperature" must be of type float32')
    assert v.engine.asked() == []
    sent, reply = sent_options(v, frobnicate=1)
    assert "frobnicate" not in sent and reply.get("segue-ignored") is None
    sent, reply = sent_options(v, temperature=3)
    assert sent["temperature"] == 2 and reply.get("segue-adjusted") == "temperature"
    sent, _ = sent_options(v, top_k=2.9)
    assert sent["top_k"] == 2


def test_c43_defaults(v, rigs):
    """no options: Ollama's defaults; the profile's parameters over them (wire 3.1)"""
    sent, reply = sent_options(v)
    assert (sent["temperature"], sent["top_k"], sent["top_p"]) == (0.8, 40, 0.9)
    assert "repetition_penalty" not in sent and reply.get("segue-ignored") is None
    warm = rigs.get("openai", profile={"parameters": {"temperature": 0.1}})
    sent, _ = sent_options(warm)
    assert (sent["temperature"], sent["top_k"], sent["top_p"]) == (0.1, 40, 0.9)


def load_forms(rig, **fields):
    yield "generate", rig.generate(None, **fields)
    yield "generate", rig.generate("", **fields)
    yield "chat", rig.chat([], **fields)
    yield "chat", rig.post("/api/chat", {"model": MODEL, **fields})


@pytest.mark.parametrize("stream", [True, None, False])
def test_c44_load(x, stream):
    """the load form: one JSON object, also with stream true (R:generate_load, R:chat_load)"""
    if x.engine.dialect == "ollama":
        x.engine.on("/api/generate", Answer.recorded("ollama", "generate_load"))
        x.engine.on("/api/chat", Answer.recorded("ollama", "chat_load"))
    for kind, reply in load_forms(x, **({} if stream is None else {"stream": stream})):
        row = whole(reply)
        expected = wire.answer("ollama", f"{kind}_load")
        assert {**row, "created_at": ""} == {**expected, "created_at": ""}
        assert not any(name in row for name in TIMINGS)
    if x.engine.dialect == "openai":
        assert x.engine.asked() == []


@pytest.mark.parametrize("keep_alive", [0, "0", "0s"])
def test_c45_unload(v, keep_alive):
    """the unload form: done_reason `unload`, the model stays in ps (wire 3.9)"""
    for _, reply in load_forms(v, keep_alive=keep_alive):
        assert whole(reply)["done_reason"] == "unload"
    assert [row["model"] for row in whole(v.get("/api/ps"))["models"]] == [f"{MODEL}:latest"]
    assert v.engine.asked() == []


def test_c46_keep_alive(v):
    """keep_alive: durations pass, bad ones in Go's words (wire 1.3)"""
    for value in ("10m", -1, "-1m", 300, "1h30m"):
        reply = v.chat("Hello", stream=False, keep_alive=value)
        assert whole(reply)["message"]["content"] == HELLO
        assert reply.get("segue-ignored") is None and "keep_alive" not in v.engine.sent()
    for value, text in (("soon", 'time: invalid duration "soon"'), ("-1", 'time: missing unit in duration "-1"'),
                        (True, "Unsupported type: 'bool'")):
        error(v.chat("Hello", keep_alive=value), 400, text)


def test_c47_wakes_engine():
    """an engine asleep is woken by the load form; load_duration of an answer holds the wake time (wire 3.9)"""
    rig = make("openai", engine={"probe_interval": "100ms"})
    try:
        rig.engine.wake_seconds, rig.engine.asleep = 0.3, True
        wait_for(lambda: rig.get("/api/ps").json()["models"] == [])
        row = whole(rig.generate(None))
        assert row["done_reason"] == "load" and rig.engine.asleep is False
        rig.engine.asleep = True
        wait_for(lambda: rig.get("/api/ps").json()["models"] == [])
        row = whole(rig.chat("Hello", think=False, stream=False))
        assert row["message"]["content"] == HELLO and row["load_duration"] > 0.3e9
    finally:
        rig.stop()


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.02)


def test_c48_timings(v_all):
    """timings of any answer add up; counts come from the usage chunk (wire 3.5)"""
    v_all.play("chat_stream_usage")
    check_timings(whole(v_all.chat(FRANCE, think=False, stream=False, options=GREEDY)))
    check_timings(lines(v_all.generate(FRANCE, think=False, options=GREEDY))[-1])
    if v_all.scripted:
        v_all.engine.chat([wire.delta(role="assistant", content=""), wire.delta(content="One", finish="stop"),
                           wire.usage(31, 1), wire.DONE])
        row = lines(v_all.chat("x", think=False))[-1]
        check_timings(row)
        assert (row["prompt_eval_count"], row["eval_count"]) == (31, 1)
        v_all.engine.chat(wire.text_stream("no usage at all", counts=None))
        row = lines(v_all.chat("x", think=False))[-1]
        assert row["eval_count"] >= 1 and "eval_duration" in row
