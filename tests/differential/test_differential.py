"""The same request to a real Ollama, and to Segue in front of what a real vLLM answered: equal, field by field.

Both engines served the same weights and were recorded. Each pair below is one request of `ollama.cases.json` with
the vLLM recording of the equivalent request. Ids, times and durations are normalised. What may differ, and why, is
said in ALLOWED; nothing else may.
"""

from __future__ import annotations

import json

import pytest

from support import wire

# Ollama's case -> vLLM's recording of the same question. None: Segue answers by itself.
PAIRS = {
    "chat": "chat_stream_usage", "chat_stream": "chat_stream_usage", "chat_think": "chat_think_stream",
    "chat_think_stream": "chat_think_stream", "chat_think_unset": "chat_think_stream",
    "chat_think_level": "chat_think_stream", "chat_tools": "chat_tools_stream",
    "chat_tools_stream": "chat_tools_stream", "chat_tool_result": "chat_tool_result",
    "chat_format_json": "chat_json_object", "chat_format_schema": "chat_json_schema",
    "chat_length_stream": "chat_length_stream", "chat_stop": "chat_stop_stream",
    "chat_logprobs_stream": "chat_logprobs_stream", "chat_system": "chat_system", "chat_load": None,
    "chat_load_stream_false": None, "chat_unload": None, "chat_bad_keep_alive": None,
    "generate": "chat_stream_usage", "generate_stream": "chat_stream_usage",
    "generate_raw": "completion_stream_usage", "generate_system": "chat_system",
    "generate_format_json": "chat_json_object", "generate_format_schema": "chat_json_schema",
    "generate_think_stream": "chat_think_stream", "generate_length": "chat_length_stream",
    "generate_stop": "chat_stop_stream", "generate_logprobs": "chat_logprobs_stream", "generate_load": None,
    "generate_load_no_prompt": None, "generate_unload": None, "generate_bad_option": None,
    "err_unknown_model": None, "err_bad_json": None, "err_empty_body": None, "err_missing_model": None,
    "err_generate_missing_model": None, "err_type": None, "err_invalid_name": None, "embed": "embeddings_unsupported",
    "embed_empty": None, "embed_unknown": None, "show_unknown": None, "show_missing_model": None,
    "copy_unknown": None, "delete_unknown": None, "create_missing": None, "get_root": None, "head_root": None,
    "get_api_nope": None, "get_nope": None, "get_chat_wrong_method": None, "cors_foreign": None,
    "host_foreign": None, "blob_head_missing": None,
}

ALLOWED = {
    "context": "off by default in front of vLLM, deprecated in Ollama (wire 3.3)",
    "prompt_eval_count of tool prompts": "the engines' templates write tools in other words: 86 and 88 tokens",
    "where a stream is cut": "each engine cuts its text where it likes; what is compared is the joined text",
}


def normal(value, tools=False):
    """Ids, dates and durations replaced; logprobs to two digits, because the engines compute in other precision."""
    if isinstance(value, dict):
        out = {}
        for key, one in value.items():
            if key == "context":
                continue
            if key.endswith("_at") or key == "id":
                out[key] = "normalised"
            elif key.endswith("_duration"):
                assert isinstance(one, int) and one >= 1, key
                out[key] = "normalised"
            elif key == "prompt_eval_count" and tools:
                out[key] = "normalised"
            elif key == "logprob":
                out[key] = round(one, 1)
            elif key == "top_logprobs":
                out[key] = [normal(one[0]), len(one)]
            else:
                out[key] = normal(one, tools)
        return out
    return [normal(one, tools) for one in value] if isinstance(value, list) else value


def merged(rows):
    """A stream as one object: texts joined, lists put together, the last line's own fields."""
    out = {}
    for row in rows:
        for place, key in (("message", "content"), ("message", "thinking"), (None, "response"), (None, "thinking")):
            holder = row.get(place, {}) if place else row
            if isinstance(holder.get(key), str):
                name = f"{place}.{key}" if place else key
                out[name] = out.get(name, "") + holder[key]
        out.setdefault("tool_calls", []).extend(row.get("message", {}).get("tool_calls", []))
        out.setdefault("logprobs", []).extend(row.get("logprobs", []))
    rest = {key: value for key, value in rows[-1].items() if key not in ("message", "response", "thinking",
                                                                        "logprobs", "tool_calls")}
    return {**out, **rest}


@pytest.mark.parametrize("name", PAIRS)
def test_equal_to_ollama(v, name):
    row = wire.recording("ollama", name)
    request = row["request"]
    if PAIRS[name]:
        v.play(PAIRS[name])
    body = request["body"]
    data = body if isinstance(body, (str, type(None))) else json.dumps(body)
    reply = v.request(request["method"], request["path"], data, request["headers"])
    expected = wire.body("ollama", name)
    assert reply.status == row["status"], reply
    assert reply.complete
    assert (reply.get("content-type") or "") == wire.content_type(row)
    if not expected or not wire.content_type(row).startswith("application"):
        assert reply.body == expected
        return
    tools = bool(isinstance(body, dict) and body.get("tools"))
    if wire.is_stream(row):
        ours, theirs = merged(reply.lines()), merged(wire.answer("ollama", name))
    else:
        ours, theirs = reply.json(), wire.answer("ollama", name)
    assert normal(ours, tools) == normal(theirs, tools)
    if PAIRS[name] is None:
        assert v.engine.asked() == [] or name == "embed_empty"
