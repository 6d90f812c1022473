"""C01 to C27: Ollama front, chat, vLLM engine (wire 6.1)."""

from __future__ import annotations

import pytest

from conformance.checks import (FRANCE, GREEDY, JPEG, PNG, SUM, TIMINGS, TOOL, WEATHER, WEBP, broken,
                                check_timings, error, lines, whole)
from support import wire
from support.engines import Answer

def test_c01_chat(v_any):
    """chat, `stream:false`: one object with the six timings, equal to Ollama's (wire 1.5, 3.5)"""
    v_any.play("chat_plain")
    row = whole(v_any.chat(FRANCE, stream=False, think=False, options=GREEDY))
    assert row["model"] == "segue-tiny" and row["created_at"].endswith("Z")
    assert row["message"] == {"role": "assistant", "content": "The capital of France is Paris."}
    assert row["done"] is True and row["done_reason"] == "stop"
    assert (row["prompt_eval_count"], row["eval_count"]) == (24, 11)
    check_timings(row)
    assert set(row) == set(wire.answer("ollama", "chat"))


def test_c02_chat_stream(v_all):
    """chat, `stream` absent: NDJSON lines, last line with the timings (wire 1.1, 3.6, 4.2)"""
    v_all.play("chat_stream_usage")
    rows = lines(v_all.chat(FRANCE, think=False, options=GREEDY))
    assert all(row["message"]["role"] == "assistant" and "content" in row["message"] for row in rows)
    assert wire.joined(rows) == "The capital of France is Paris."
    assert rows[-1]["message"]["content"] == "" and rows[-1]["done_reason"] == "stop"
    assert (rows[-1]["prompt_eval_count"], rows[-1]["eval_count"]) == (24, 11)
    check_timings(rows[-1])
    assert len(rows) > 3
    assert not any(name in row for row in rows[:-1] for name in TIMINGS)


def thinking_then_text(rows):
    kinds = ["t" if row["message"].get("thinking") else "c" for row in rows[:-1]]
    assert "".join(kinds) == "t" * kinds.count("t") + "c" * kinds.count("c")
    assert all(row["message"]["content"] == "" for row in rows if row["message"].get("thinking"))
    assert wire.joined(rows, "thinking") == "I add 3 and 4. That makes 7.\n"
    assert wire.joined(rows) == "3 plus 4 is 7."
    assert (rows[-1]["prompt_eval_count"], rows[-1]["eval_count"]) == (14, 23)


def test_c03_thinking_stream(v_all):
    """thinking lines, then content lines; vLLM's white space around them is gone (R:chat_think_stream)"""
    v_all.play("chat_think_stream")
    rows = lines(v_all.chat(SUM, think=True, options=GREEDY))
    thinking_then_text(rows)
    if v_all.scripted:
        recorded = wire.answer("ollama", "chat_think_stream")
        assert [row["message"] for row in rows] == [row["message"] for row in recorded]


@pytest.mark.parametrize("think", [None, "high"])
def test_c04_think_absent_or_level(v_all, think):
    """`think` absent is on; a level is on and sent as reasoning_effort (wire 3.4)"""
    v_all.play("chat_think_stream")
    fields = {} if think is None else {"think": think}
    thinking_then_text(lines(v_all.chat(SUM, options=GREEDY, **fields)))
    if v_all.scripted:
        sent = v_all.engine.sent()
        assert sent["chat_template_kwargs"] == {"enable_thinking": True, "thinking": True}
        assert sent.get("reasoning_effort") == think


def test_c05_think_refused(v, rigs):
    """bad `think`; a model that cannot think (wire 1.3)"""
    text = error(v.chat(SUM, think="x"), 400)
    assert text == 'invalid think value: "x" (must be "high", "medium", "low", "max", true, or false)'
    assert v.engine.asked() == []
    plain = rigs.get("openai", profile={"thinking": "no", "capabilities": ["completion", "tools"]})
    assert error(plain.chat(SUM, think=True), 400) == '"segue-tiny" does not support thinking'
    plain.play("chat_plain")
    row = whole(plain.chat(FRANCE, think=False, stream=False))
    assert row["message"]["content"] == "The capital of France is Paris."
    assert "chat_template_kwargs" not in plain.engine.sent()


def test_c06_thinking_cut(v_any):
    """thinking cut by num_predict: content empty, `length` (R:chat_think_cut)"""
    v_any.play("chat_think_cut")
    row = whole(v_any.chat(SUM, think=True, stream=False, options={"temperature": 0, "num_predict": 5}))
    assert row["message"] == {"role": "assistant", "content": "", "thinking": "I add 3"}
    assert row["done_reason"] == "length" and row["eval_count"] == 5


def test_c07_think_tags_in_content(v):
    """no reasoning parser: Segue splits the tags itself, wherever the deltas are cut (wire 3.4)"""
    text = "<think>a</think>\n\nb"
    cuts = [[text], list(text)] + [[text[:n], text[n:]] for n in range(1, len(text))]
    for parts in cuts:
        v.engine.chat(wire.stream(*(wire.delta(content=part) for part in parts)))
        rows = lines(v.chat(SUM, think=True))
        assert (wire.joined(rows, "thinking"), wire.joined(rows)) == ("a", "b"), parts
        rows = lines(v.chat(SUM, think=False))
        assert (wire.joined(rows, "thinking"), wire.joined(rows)) == ("", "b"), parts


def check_calls(calls):
    assert len(calls) == 1 and set(calls[0]) == {"id", "function"}
    assert isinstance(calls[0]["id"], str) and calls[0]["id"]
    assert calls[0]["function"] == {"index": 0, "name": "get_weather", "arguments": {"city": "Paris"}}


def test_c08_tool_call(v_any):
    """one tool call, whole: arguments are an object, done_reason `stop` (R:chat_tools)"""
    v_any.play("chat_tools")
    row = whole(v_any.chat(WEATHER, tools=[TOOL], stream=False, think=False, options=GREEDY))
    assert row["message"]["content"] == "" and row["done_reason"] == "stop"
    check_calls(row["message"]["tool_calls"])
    if v_any.scripted:
        sent = v_any.engine.sent()
        assert sent["tools"] == [TOOL] and "tool_choice" not in sent


def test_c09_tool_call_stream(v_all):
    """one tool call, streamed: exactly one line with it, before the done line (R:vllm:chat_tools_stream)"""
    v_all.play("chat_tools_stream")
    rows = lines(v_all.chat(WEATHER, tools=[TOOL], think=False, options=GREEDY))
    holders = [row for row in rows if "tool_calls" in row["message"]]
    assert len(holders) == 1 and holders[0]["done"] is False
    check_calls(holders[0]["message"]["tool_calls"])
    assert rows[-1]["done_reason"] == "stop" and rows[-1]["message"] == {"role": "assistant", "content": ""}


def test_c10_interleaved_calls(v_modes):
    """calls interleaved by index, one without index but with a new id: one line, index 0, 1, 2 (wire 3.6)"""
    v_modes.engine.chat(wire.stream(
        wire.call(0, "a", "first", '{"n":'), wire.call(1, "b", "second", '{"m'), wire.call(0, arguments="1}"),
        wire.call(1, arguments='":2}'), wire.call(None, "c", "third", '{"k":3}'), finish="tool_calls"))
    rows = lines(v_modes.chat(WEATHER, tools=[TOOL], think=False))
    holders = [row["message"]["tool_calls"] for row in rows if "tool_calls" in row["message"]]
    assert holders == [[
        {"id": "a", "function": {"index": 0, "name": "first", "arguments": {"n": 1}}},
        {"id": "b", "function": {"index": 1, "name": "second", "arguments": {"m": 2}}},
        {"id": "c", "function": {"index": 2, "name": "third", "arguments": {"k": 3}}}]]


@pytest.mark.parametrize("arguments, expected", [
    ("", "{}"),
    ('"{\\"a\\":1}"', '{"a":1}'),
    ('{"n":12345678901234567890,"b":1,"a":2}', '{"n":12345678901234567890,"b":1,"a":2}'),
])
def test_c11_arguments(v_modes, arguments, expected):
    """arguments: empty, a string with an object, big numbers and key order kept (wire 3.6)"""
    v_modes.engine.chat(wire.stream(wire.call(0, "a", "f", arguments), finish="tool_calls"))
    reply = v_modes.chat(WEATHER, tools=[TOOL], think=False)
    lines(reply)
    assert f'"arguments":{expected}' in reply.text.replace(": ", ":").replace(", ", ",")


def test_c12_call_cut_by_length(v_modes):
    """a call cut by length is dropped, done_reason `length` (wire 3.6)"""
    v_modes.engine.chat(wire.stream(wire.call(0, "a", "get_weather", '{"city": "Par'), finish="length"))
    rows = lines(v_modes.chat(WEATHER, tools=[TOOL], think=False))
    assert not any("tool_calls" in row["message"] for row in rows)
    assert rows[-1]["done_reason"] == "length"


def test_c13_bad_arguments(v_modes):
    """half arguments with finish tool_calls: error line, connection cut (wire 3.6, 4.2)"""
    v_modes.engine.chat(wire.stream(wire.delta(content="ok"), wire.call(0, "a", "f", '{"a":'),
                                    finish="tool_calls"))
    broken(v_modes.chat(WEATHER, tools=[TOOL], think=False))
    v_modes.engine.reset()
    lines(v_modes.chat(FRANCE, think=False))  # a good answer, so that the shared rig's engine is not put aside


def test_c14_tool_history(v_any):
    """history without ids: arguments become a string, one made id in both places, stable (wire 3.2)"""
    messages = wire.cases("ollama")["chat_tool_result"]["body"]["messages"]
    v_any.play("chat_tool_result")
    row = whole(v_any.chat(messages, tools=[TOOL], stream=False, think=False, options=GREEDY))
    assert row["message"]["content"] == "It is 21 degrees in Paris."
    if not v_any.scripted:
        return
    sent = v_any.engine.sent()["messages"]
    made = sent[1]["tool_calls"][0]
    assert isinstance(made["function"]["arguments"], str) and made["type"] == "function"
    assert made["function"]["arguments"].replace(" ", "") == '{"city":"Paris"}'
    assert made["id"] and sent[2]["tool_call_id"] == made["id"] and sent[2]["role"] == "tool"
    assert sent[2].get("name") == "get_weather"
    v_any.chat(messages, tools=[TOOL], stream=False, think=False, options=GREEDY)
    assert v_any.engine.sent()["messages"][1]["tool_calls"][0]["id"] == made["id"]


def test_c15_two_calls_of_one_name(v):
    """two calls of one name, two results without ids: matched in order (wire 3.2)"""
    messages = [{"role": "user", "content": WEATHER},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"function": {"name": "get_weather", "arguments": {"city": "Paris"}}},
                    {"function": {"name": "get_weather", "arguments": {"city": "Rome"}}}]},
                {"role": "tool", "tool_name": "get_weather", "content": "21"},
                {"role": "tool", "tool_name": "get_weather", "content": "25"}]
    v.chat(messages, tools=[TOOL], stream=False, think=False)
    sent = v.engine.sent()["messages"]
    ids = [call["id"] for call in sent[1]["tool_calls"]]
    assert len(set(ids)) == 2
    assert [sent[2]["tool_call_id"], sent[3]["tool_call_id"]] == ids


@pytest.mark.parametrize("tools", [[], None])
def test_c16_empty_tools(v, tools):
    """`tools:[]` and null are left out (wire 2.2, 3.1)"""
    v.play("chat_plain")
    whole(v.chat(FRANCE, tools=tools, stream=False, think=False))
    sent = v.engine.sent()
    assert "tools" not in sent and "tool_choice" not in sent


def test_c17_format(v_any):
    """`format`: json, a schema byte for byte, empty, null (R:chat_format_schema)"""
    question = "Give me a JSON object for Paris."
    v_any.play("chat_json_schema")
    for value in ("json", {"type": "object", "properties": {"city": {"type": "string"},
                           "country": {"type": "string"}}, "required": ["city", "country"]}):
        row = whole(v_any.chat(question, format=value, stream=False, think=False, options=GREEDY))
        assert row["message"]["content"] == '{"city": "Paris", "country": "France"}'
        if v_any.scripted:
            sent = v_any.engine.sent()["response_format"]
            expected = {"type": "json_object"} if value == "json" else {
                "type": "json_schema", "json_schema": {"name": "response", "schema": value}}
            assert sent == expected
    if v_any.scripted:
        odd = '{"type":"object","properties":{"b":{"type":"integer"},"a":{"const":1.50}},"x":12345678901234567890}'
        v_any.post("/api/chat", '{"model":"segue-tiny","messages":[{"role":"user","content":"x"}],"stream":false,'
                                '"format":' + odd + "}")
        assert odd.encode() in v_any.engine.last().body
        for nothing in ("", None):
            v_any.chat(question, format=nothing, stream=False, think=False)
            assert "response_format" not in v_any.engine.sent()


def test_c18_bad_format(v):
    """`format:"xml"` is refused before the engine is asked (wire 1.3)"""
    expected = 'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object'
    error(v.chat(FRANCE, format="xml"), 500, expected)
    assert v.engine.asked() == []


def test_c19_images(v):
    """images become parts after the text, with the right media type (wire 3.2)"""
    v.play("chat_plain")
    message = {"role": "user", "content": "What is this?", "images": [PNG, JPEG, WEBP, f"data:image/png;base64,{PNG}"]}
    v.chat([message], stream=False, think=False)
    (sent,) = v.engine.sent()["messages"]
    assert sent["role"] == "user"
    assert sent["content"][0] == {"type": "text", "text": "What is this?"}
    urls = [part["image_url"]["url"] for part in sent["content"][1:]]
    assert urls == [f"data:image/png;base64,{PNG}", f"data:image/jpeg;base64,{JPEG}",
                    f"data:image/webp;base64,{WEBP}", f"data:image/png;base64,{PNG}"]


def test_c20_bad_images(v_any):
    """bad base64; an image to a text model (R:chat_image_to_text_model)"""
    message = {"role": "user", "content": "x", "images": ["!!"]}
    error(v_any.chat([message], stream=False), 400, "illegal base64 data at input byte 0")
    if v_any.scripted:
        assert v_any.engine.asked() == []
    v_any.play("chat_image_to_text_model")
    error(v_any.chat([{**message, "images": [PNG]}], stream=False), 400, "segue-tiny is not a multimodal model")


def test_c21_logprobs(v_all):
    """logprobs in each content line, none in the done line (R:chat_logprobs_stream)"""
    v_all.play("chat_logprobs_stream")
    rows = lines(v_all.chat(SUM, think=False, logprobs=True, top_logprobs=2,
                            options={"temperature": 0, "num_predict": 4}))
    assert wire.joined(rows) == "3 plus 4 is" and rows[-1]["done_reason"] == "length"
    assert "logprobs" not in rows[-1]
    for row in rows[:-1]:
        for token in row["logprobs"]:
            assert set(token) == {"token", "logprob", "bytes", "top_logprobs"}
            assert bytes(token["bytes"]).decode() == token["token"]
            assert len(token["top_logprobs"]) == 2
    if v_all.scripted:
        assert [row["logprobs"][0]["token"] for row in rows[:-1]] == ["3", " plus", " 4", " is"]


def test_c22_top_logprobs(v):
    """`top_logprobs:21` (wire 1.3)"""
    error(v.chat(SUM, logprobs=True, top_logprobs=21), 400, "top_logprobs must be between 0 and 20")
    assert v.engine.asked() == []


def test_c23_odd_messages(v):
    """content null, role absent, unknown role, empty content is not the load form (R:chat_empty_user)"""
    v.play("chat_system")
    for message, role, content in (
            ({"role": "user", "content": None}, "user", ""), ({"content": "Hello"}, "user", "Hello"),
            ({"role": "Wizard", "content": "Hello"}, "wizard", "Hello"), ({"role": "user", "content": ""}, "user", "")):
        row = whole(v.chat([message], stream=False, think=False))
        assert row["message"]["content"] == "Hello! How can I help you?" and row["done_reason"] == "stop"
        assert v.engine.sent()["messages"] == [{"role": role, "content": content}]


def test_c24_content_array(v):
    """content as an array, in Go's words (wire 1.3)"""
    reply = v.chat([{"role": "user", "content": [{"type": "text", "text": "x"}]}])
    error(reply, 400, "json: cannot unmarshal array into Go struct field "
                      "ChatRequest.messages.content of type string")


def test_c25_system(rigs):
    """the request's system message wins when it is first, else the profile's comes first (wire 1.5)"""
    rig = rigs.get("openai", profile={"system": "Be kind."})
    rig.play("chat_system")
    rig.chat([{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hello"}], stream=False)
    assert [m["content"] for m in rig.engine.sent()["messages"]] == ["Be short.", "Hello"]
    rig.chat([{"role": "user", "content": "Hello"}, {"role": "system", "content": "Be short."}], stream=False)
    assert [m["content"] for m in rig.engine.sent()["messages"]] == ["Be kind.", "Hello", "Be short."]


def overflow(limit, count):
    return {"error": {"message": f"This model's maximum context length is {limit} tokens. However, your request has "
                                 f"{count} input tokens. (parameter=input_tokens, value={count})",
                      "type": "BadRequestError", "param": "input_tokens", "code": 400}}


def narrow(engine, limit=100):
    """An engine with room for `limit` words, that counts words as tokens."""

    def count(messages):
        return sum(len(str(message.get("content") or "").split()) + 4 for message in messages)

    def chat(seen):
        body = seen.json
        if count(body["messages"]) + 1 > limit:
            return Answer.json(overflow(limit, count(body["messages"])), 400)
        return Answer.sse(wire.text_stream("It fits."))

    engine.on("/v1/chat/completions", chat)
    engine.on("/tokenize", lambda seen: Answer.json({
        "count": count(seen.json["messages"]) if "messages" in seen.json else len(seen.json["prompt"].split()),
        "max_model_len": limit, "tokens": [], "token_strs": None}))


def test_c26_too_long_drops_oldest(rigs):
    """too long: the oldest messages go, a call and its result together (wire 3.7)"""
    rig = rigs.get("openai", length=60)
    narrow(rig.engine, 60)
    many = "word " * 50
    messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": many},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"id": "c1", "function": {"name": "get_weather", "arguments": {"city": "Paris"}}}]},
                {"role": "tool", "tool_call_id": "c1", "content": many},
                {"role": "assistant", "content": "It is warm."}, {"role": "user", "content": "Thanks."}]
    reply = rig.chat(messages, stream=False, think=False)
    assert whole(reply)["message"]["content"] == "It fits."
    sent = rig.engine.sent("/v1/chat/completions")["messages"]
    assert sent[0] == {"role": "system", "content": "Be short."} and sent[-1]["content"] == "Thanks."
    called = {call["id"] for m in sent for call in m.get("tool_calls") or []}
    answered = {m["tool_call_id"] for m in sent if m["role"] == "tool"}
    assert answered <= called and many not in [m.get("content") for m in sent]
    dropped = len(messages) - len(sent)
    assert dropped >= 3 and f"messages(-{dropped})" in (reply.get("segue-adjusted") or "")


def test_c27_too_long_for_one_message(rigs):
    """`truncate:false` refuses; one long message is cut in the middle, or refused where so set (wire 3.7)"""
    rig = rigs.get("openai", length=100)
    narrow(rig.engine)
    text = " ".join(f"w{number}" for number in range(300))
    error(rig.chat(text, truncate=False, stream=False, think=False), 400)
    reply = rig.chat(text, stream=False, think=False)
    assert whole(reply)["message"]["content"] == "It fits."
    sent = rig.engine.sent("/v1/chat/completions")["messages"][0]["content"]
    assert sent.startswith("w0 ") and sent.endswith("w299") and len(sent) < len(text)
    assert "text(-" in (reply.get("segue-adjusted") or "")
    strict = rigs.get("openai", length=100, profile={"overflow": "error"})
    narrow(strict.engine)
    error(strict.chat(text, stream=False, think=False), 400, "the input length exceeds the context length")
