"""The judge of soak and fault tests must see what it is there to see: a wrong, a short, an endless and a misshapen answer."""

import json

import pytest

from . import marked as asking
from .client import Reply

TEXT = "The word is a. [1]"


def request(kind):
    return asking.Request(kind, "POST", "/x", {}, TEXT)


def reply(body, status=200, complete=True):
    return Reply(status, "", "HTTP/1.1", [], body.encode(), framing="chunked", complete=complete)


def openai(*texts, end=True, done=True):
    rows = [{"choices": [{"delta": {"content": text}, "finish_reason": None}]} for text in texts]
    if end:
        rows.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    return "".join(f"data: {json.dumps(row)}\n\n" for row in rows) + ("data: [DONE]\n\n" if done else "")


def ollama(*texts, done=True):
    rows = [{"message": {"content": text}, "done": False} for text in texts]
    if done:
        rows.append({"message": {"content": ""}, "done": True, "done_reason": "stop"})
    return "".join(json.dumps(row) + "\n" for row in rows)


ERROR = 'data: {"error":{"message":"gone","type":"server_error"}}\n\n'
CASES = [
    ("openai chat stream", reply(openai("The word", " is a. [1]")), "exact"),
    ("openai chat stream", reply(openai("The word", " is b. [1]")), "wrong"),
    ("openai chat stream", reply(openai("The word")), "short"),
    ("openai chat stream", reply(openai(TEXT, end=False, done=False)), "short"),
    ("openai chat stream", reply(openai("The", end=False, done=False), complete=False), "cut"),
    ("openai chat stream", reply(openai("The", end=False, done=False) + ERROR, complete=False), "told in stream"),
    ("openai chat stream", reply(openai("A", end=False, done=False) + ERROR, complete=False), "wrong"),
    ("ollama chat stream", reply(ollama("The word", " is a. [1]")), "exact"),
    ("ollama chat stream", reply(ollama("The word", done=False)), "short"),
    ("ollama chat stream", reply(ollama("The word")), "short"),
    ("ollama chat stream", reply(ollama("The", done=False) + '{"error":"gone"}\n', complete=False), "told in stream"),
    ("ollama chat", reply('{"error":"rehearsed failure"}', 502), "error 502"),
    ("ollama chat", reply('{"error":{"message":"m","type":"t"}}', 502), "form"),
    ("anthropic", reply('{"error":{"message":"m","type":"t"}}', 502), "form"),
    ("openai chat", reply('{"error":{"message":"the field is wrong","type":"t"}}', 400), "wrong"),
]


@pytest.mark.parametrize("kind, given, outcome", CASES)
def test_judge(kind, given, outcome):
    assert asking.judge(request(kind), given)[0] == outcome


def test_a_half_json_is_no_answer():
    with pytest.raises(ValueError):
        asking.judge(request("openai chat stream"), reply("data: {\"choi\n\n"))
