"""What several cases check in the same way: good answers, broken streams, errors, in each front's words."""

from __future__ import annotations

import base64

FRANCE = "What is the capital of France?"
PARIS = "The capital of France is Paris."
SUM = "What is 3 plus 4?"
WEATHER = "What is the weather in Paris?"
COUNT = "Count to 50."
HELLO = "Hello! How can I help you?"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Get the weather of a city",
                                         "parameters": PARAMETERS}}
GREEDY = {"temperature": 0, "seed": 1, "num_predict": 60}
OFF = {"chat_template_kwargs": {"enable_thinking": False}}
TIMINGS = ("total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count",
           "eval_duration")
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(24)).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(24)).decode()
WEBP = base64.b64encode(b"RIFF\x18\0\0\0WEBPVP8 " + bytes(16)).decode()


# --- Ollama front ----------------------------------------------------------------------------------------------

def whole(reply):
    """A good `stream:false` answer."""
    assert reply.status == 200, reply
    assert reply.get("content-type") == "application/json; charset=utf-8"
    assert reply.complete
    return reply.json()


def lines(reply):
    """A good stream: NDJSON, chunked, ended as HTTP ends, `done` once and last."""
    assert reply.status == 200, reply
    assert reply.content_type == "application/x-ndjson" and reply.framing == "chunked"
    rows = reply.lines()
    assert reply.complete, reply
    assert [row["done"] for row in rows] == [False] * (len(rows) - 1) + [True]
    assert not any("error" in row or "type" in row for row in rows)
    return rows


def check_timings(row):
    for name in TIMINGS:
        assert isinstance(row[name], int) and row[name] >= 1, f"{name} in {row}"
    assert row["load_duration"] + row["prompt_eval_duration"] + row["eval_duration"] <= row["total_duration"]


def broken(reply):
    """A stream that ended as a failure: whole lines, the error line last, no terminating chunk."""
    assert reply.status == 200 and not reply.complete, reply
    rows = reply.lines()
    assert list(rows[-1]) == ["error"] and isinstance(rows[-1]["error"], str) and rows[-1]["error"], rows
    assert not any(row.get("done") for row in rows)
    return rows


def error(reply, status, text=None):
    assert reply.status == status, reply
    assert reply.content_type == "application/json"
    value = reply.json()
    assert list(value) == ["error"] and isinstance(value["error"], str)
    if text is not None:
        assert value["error"] == text
    return value["error"]


# --- OpenAI front ----------------------------------------------------------------------------------------------

def object_of(reply):
    assert reply.status == 200 and reply.complete, reply
    assert reply.content_type == "application/json"
    return reply.json()


def chunks(reply):
    """A good SSE stream: JSON in each event, [DONE] last and once, no event names."""
    assert reply.status == 200, reply
    assert reply.content_type == "text/event-stream"
    assert reply.complete, reply
    events = reply.events()
    assert all(event.name is None for event in events)
    data = [event.value for event in events]
    assert data[-1] == "[DONE]" and "[DONE]" not in data[:-1], data[-2:]
    return data[:-1]


def text_of(rows, field="content", index=0):
    return "".join(choice["delta"].get(field) or "" for row in rows for choice in row["choices"]
                   if choice["index"] == index)


def finishes(rows, index=0):
    return [choice["finish_reason"] for row in rows for choice in row["choices"]
            if choice["index"] == index and choice.get("finish_reason")]


def openai_error(reply, status, **expected):
    assert reply.status == status, reply
    assert reply.content_type == "application/json"
    value = reply.json()["error"]
    assert isinstance(value, dict) and isinstance(value["message"], str) and value["message"]
    for name, wanted in expected.items():
        assert value.get(name) == wanted, value
    return value


def openai_broken(reply):
    """`data: {"error":…}` last, no [DONE], no terminating chunk (wire 3.10)."""
    assert reply.status == 200 and not reply.complete, reply
    data = reply.data()
    assert "[DONE]" not in data
    failure = data[-1]["error"]
    assert failure["code"] == "upstream_failed" and failure["type"] == "server_error" and failure["message"]
    return data


# --- Anthropic front -------------------------------------------------------------------------------------------

def anthropic_events(reply):
    """A good Anthropic stream: names equal types, blocks in order and never two open, one message_stop."""
    assert reply.status == 200, reply
    assert reply.content_type == "text/event-stream"
    assert reply.complete, reply
    events = reply.events()
    assert all(event.name == event.value["type"] for event in events)
    rows = [event.value for event in events]
    kinds = [row["type"] for row in rows]
    assert kinds[0] == "message_start" and kinds.count("message_start") == 1
    assert kinds[-2:] == ["message_delta", "message_stop"] and kinds.count("message_stop") == 1
    blocks, current = 0, None
    for row in rows:
        if row["type"] == "content_block_start":
            assert current is None and row["index"] == blocks
            current, blocks = row["index"], blocks + 1
        elif row["type"] == "content_block_delta":
            assert row["index"] == current
        elif row["type"] == "content_block_stop":
            assert row["index"] == current
            current = None
    assert current is None
    delta = next(row for row in rows if row["type"] == "message_delta")
    assert set(delta["delta"]) >= {"stop_reason", "stop_sequence"} and "output_tokens" in delta["usage"]
    return rows


def blocks_of(rows):
    """The content blocks of a stream, put together."""
    out = []
    for row in rows:
        if row["type"] == "content_block_start":
            out.append({**row["content_block"], "deltas": []})
        elif row["type"] == "content_block_delta":
            out[-1]["deltas"].append(row["delta"])
    for block in out:
        for key, kind in (("text", "text_delta"), ("thinking", "thinking_delta")):
            if block["type"] == key:
                block[key] += "".join(d[key] for d in block["deltas"] if d["type"] == kind)
        if block["type"] == "tool_use":
            block["json"] = "".join(d["partial_json"] for d in block["deltas"])
    return out


def anthropic_error(reply, status, kind):
    assert reply.status == status, reply
    assert reply.content_type == "application/json"
    value = reply.json()
    assert value["type"] == "error" and value["error"]["type"] == kind, value
    assert isinstance(value["error"]["message"], str) and value["error"]["message"]
    return value


def anthropic_broken(reply):
    assert reply.status == 200 and not reply.complete, reply
    events = reply.events()
    assert events[-1].name == "error" and events[-1].value["error"]["type"] == "api_error"
    assert not any(event.name == "message_stop" for event in events)
    return [event.value for event in events]
