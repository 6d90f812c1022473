"""The recordings of real engines, and builders of what an engine sends.

`tests/data/wire` holds exchanges of a real Ollama and a real vLLM, byte for byte. Segue streams from an engine
even where the recording is of one whole object (wire 3), so this module also re-tells a recording as a stream,
with the recording's own texts, counts and finish reason.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any, Iterable

DATA = Path(__file__).resolve().parent.parent / "data" / "wire"
FILES = {"ollama": "ollama-2026-08.jsonl", "vllm": "vllm-0.32.0.jsonl"}
CASES = {"ollama": "ollama.cases.json", "vllm": "vllm.cases.json"}

# Prompt and answer tokens of recordings that were streamed without usage, from their twins with usage.
USAGE = {
    "chat_stream": (24, 11), "chat_think_stream": (14, 23), "chat_tools_stream": (86, 23),
    "chat_tools_required_stream": (86, 23), "chat_length_stream": (19, 6), "chat_stop_stream": (19, 7),
    "chat_logprobs_stream": (20, 4), "completion_stream": (20, 7),
}


@functools.cache
def recordings(engine: str) -> dict[str, dict[str, Any]]:
    with open(DATA / FILES[engine], encoding="utf-8") as file:
        return {row["id"]: row for row in map(json.loads, file)}


@functools.cache
def cases(engine: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in json.loads((DATA / CASES[engine]).read_text(encoding="utf-8"))}


def recording(engine: str, identifier: str) -> dict[str, Any]:
    return recordings(engine)[identifier]


def body(engine: str, identifier: str) -> bytes:
    return "".join(text for _, text in recording(engine, identifier)["chunks"]).encode()


def answer(engine: str, identifier: str) -> Any:
    """The recorded answer as JSON; a stream as the list of its objects."""
    row, data = recording(engine, identifier), body(engine, identifier).decode()
    kind = content_type(row)
    if "ndjson" in kind:
        return [json.loads(line) for line in data.splitlines()]
    if "event-stream" in kind:
        return [json.loads(event[6:]) for event in data.split("\n\n") if event.startswith("data: {")]
    return json.loads(data)


def content_type(row: dict[str, Any]) -> str:
    return next((value for name, value in row["headers"] if name.lower() == "content-type"), "")


def is_stream(row: dict[str, Any]) -> bool:
    return "event-stream" in content_type(row) or "ndjson" in content_type(row)


# --- OpenAI side -----------------------------------------------------------------------------------------------

IDENTITY = {"id": "chatcmpl-b5d1b575b261a26f", "object": "chat.completion.chunk", "created": 1795426551,
            "model": "segue-tiny"}
DONE = b"data: [DONE]\n\n"


def sse(value: Any, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(value, separators=(',', ':'), ensure_ascii=False)}\n\n".encode()


def delta(index: int = 0, finish: str | None = None, logprobs: Any = None, **fields: Any) -> bytes:
    """One chat chunk as vLLM writes it."""
    choice: dict[str, Any] = {"index": index, "delta": fields, "logprobs": logprobs, "finish_reason": finish}
    if finish:
        choice["stop_reason"] = None
    return sse({**IDENTITY, "choices": [choice]})


def usage(prompt: int, completion: int) -> bytes:
    return sse({**IDENTITY, "choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion,
                                                     "total_tokens": prompt + completion}})


def stream(*chunks: bytes, finish: str | None = "stop", counts: tuple[int, int] | None = (12, 5),
           done: bool = True) -> list[bytes]:
    """A whole chat stream: role, the given chunks, finish, usage, [DONE]."""
    out = [delta(role="assistant", content=""), *chunks]
    if finish:
        out.append(delta(finish=finish))
    if counts:
        out.append(usage(*counts))
    if done:
        out.append(DONE)
    return out


def words(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text)


def text_stream(text: str, **kwargs: Any) -> list[bytes]:
    return stream(*(delta(content=word) for word in words(text)), **kwargs)


def call(index: int | None = 0, identifier: str | None = None, name: str | None = None,
         arguments: str | None = None) -> bytes:
    """A tool call delta; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    row: dict[str, Any] = {"function": function}
    if index is not None:
        row["index"] = index
    if identifier is not None:
        row.update(id=identifier, type="function")
    return delta(content=None, tool_calls=[row])


def _split_events(data: bytes) -> list[bytes]:
    return [event + b"\n\n" for event in data.split(b"\n\n") if event]


def vllm_events(identifier: str, with_usage: bool) -> list[bytes]:
    """The recording as SSE events, usage chunk added or left out as the request asked."""
    row = recording("vllm", identifier)
    if is_stream(row):
        events = _split_events(body("vllm", identifier))
        has_usage = any(b'"choices":[]' in event for event in events)
        if with_usage and not has_usage:
            first = json.loads(events[0][6:])
            prompt, completion = USAGE[identifier]
            chunk = {key: first[key] for key in ("id", "object", "created", "model")}
            chunk.update(choices=[], usage={"prompt_tokens": prompt, "total_tokens": prompt + completion,
                                            "completion_tokens": completion})
            events.insert(len(events) - 1, sse(chunk))
        if not with_usage:
            events = [event for event in events if b'"choices":[]' not in event]
        return events
    whole = answer("vllm", identifier)
    if whole["object"] == "text_completion":
        return _completion_events(whole, with_usage)
    out = []
    for choice in whole["choices"]:
        message, index = choice["message"], choice["index"]
        out.append(delta(index, role="assistant", content=""))
        out += [delta(index, reasoning=word) for word in words(message.get("reasoning") or "")]
        logprobs = (choice.get("logprobs") or {}).get("content")
        if logprobs:
            out += [delta(index, content=token["token"], logprobs={"content": [token]}) for token in logprobs]
        else:
            out += [delta(index, content=word) for word in words(message.get("content") or "")]
        for number, one in enumerate(message.get("tool_calls") or []):
            out.append(call(number, one["id"], one["function"]["name"]))
            out += [call(number, arguments=part) for part in re.findall(r".{1,4}", one["function"]["arguments"])]
        out.append(delta(index, finish=choice["finish_reason"]))
    if with_usage:
        out.append(usage(whole["usage"]["prompt_tokens"], whole["usage"]["completion_tokens"]))
    return out + [DONE]


def _completion_events(whole: dict[str, Any], with_usage: bool) -> list[bytes]:
    head = {"id": whole["id"], "object": "text_completion", "created": whole["created"], "model": whole["model"]}
    out = []
    for choice in whole["choices"]:
        parts = words(choice["text"]) or [""]
        for number, part in enumerate(parts):
            finish = choice["finish_reason"] if number == len(parts) - 1 else None
            out.append(sse({**head, "choices": [{"index": choice["index"], "text": part, "logprobs": None,
                                                 "finish_reason": finish, "stop_reason": None}]}))
    if with_usage:
        out.append(sse({**head, "choices": [], "usage": whole["usage"]}))
    return out + [DONE]


def vllm_whole(identifier: str) -> bytes:
    """The recording as one object; a stream is summed up."""
    row = recording("vllm", identifier)
    if not is_stream(row):
        return body("vllm", identifier)
    chunks = answer("vllm", identifier)
    if chunks[0]["object"] == "text_completion":
        raise KeyError(f"{identifier} has no recorded whole answer")
    message: dict[str, Any] = {"role": "assistant", "content": "", "reasoning": None}
    finish = "stop"
    for chunk in chunks:
        for choice in chunk["choices"]:
            part = choice["delta"]
            message["content"] += part.get("content") or ""
            if part.get("reasoning"):
                message["reasoning"] = (message["reasoning"] or "") + part["reasoning"]
            for one in part.get("tool_calls") or []:
                calls = message.setdefault("tool_calls", [])
                while len(calls) <= one["index"]:
                    calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
                kept = calls[one["index"]]
                kept["id"] += one.get("id") or ""
                kept["function"]["name"] += one["function"].get("name") or ""
                kept["function"]["arguments"] += one["function"].get("arguments") or ""
            finish = choice["finish_reason"] or finish
    prompt, completion = USAGE[identifier]
    return json.dumps({**IDENTITY, "object": "chat.completion", "choices": [
        {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": {"prompt_tokens": prompt, "total_tokens": prompt + completion,
                  "completion_tokens": completion}}).encode()


# --- Ollama side -----------------------------------------------------------------------------------------------

def ndjson(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def line(content: str = "", *, model: str = "segue-tiny", done: bool = False, **fields: Any) -> bytes:
    """One chat line as Ollama writes it. `thinking` and `tool_calls` go into the message."""
    message: dict[str, Any] = {"role": "assistant", "content": content}
    for key in ("thinking", "tool_calls"):
        if key in fields:
            message[key] = fields.pop(key)
    return ndjson({"model": model, "created_at": "2026-11-23T09:35:59.728084353Z", "message": message,
                   "done": done, **fields})


TIMINGS = {"total_duration": 21931996, "load_duration": 5887410, "prompt_eval_duration": 3272000,
           "eval_duration": 6724000}


def last_line(reason: str = "stop", counts: tuple[int, int] = (24, 11), **fields: Any) -> bytes:
    return line(done=True, done_reason=reason, prompt_eval_count=counts[0], eval_count=counts[1], **TIMINGS,
                **fields)


def ollama_lines(identifier: str) -> list[bytes]:
    """The recording as NDJSON lines; a whole answer becomes content lines and a last line."""
    row = recording("ollama", identifier)
    if is_stream(row):
        return [part + b"\n" for part in body("ollama", identifier).split(b"\n") if part]
    whole = answer("ollama", identifier)
    message = whole["message"]
    out = [line(thinking=word) for word in words(message.get("thinking") or "")]
    out += [line(word) for word in words(message.get("content") or "")]
    if message.get("tool_calls"):
        out.append(line(tool_calls=message["tool_calls"]))
    rest = {key: value for key, value in whole.items() if key not in ("model", "created_at", "message", "done")}
    return out + [line(done=True, **rest)]


def joined(lines: Iterable[dict[str, Any]], key: str = "content") -> str:
    return "".join(row["message"].get(key) or "" for row in lines if "message" in row)
