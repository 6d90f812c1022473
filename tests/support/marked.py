"""Requests with a marker of their own: what is asked, what the whole answer must be, and how a reply is judged.

The marker lies in a passage of the prompt. A rehearsal engine answers with the sentence that fits the question, word for
word, so the whole answer is known beforehand, and another request's bytes cannot pass for it. Used by the soak
(bench/soak.py) and the fault tests (tests/faults).
"""

import json
import math
import re
import socket
import time
from dataclasses import dataclass

from support import client

SERVED = "marked-served"
MODELS = ("marked", "marked-v", "marked-o")  # either engine, the vLLM alone, the Ollama alone
NOUNS = ("harbour", "castle", "bridge", "garden", "museum", "station")
KINDS = ("openai chat", "openai chat stream", "openai completion", "openai completion stream", "ollama chat",
         "openai responses", "openai responses stream", "ollama chat stream", "ollama generate", "ollama generate stream",
         "anthropic", "anthropic stream", "openai embeddings", "ollama embed", "lists")
STREAMS = ("ollama chat stream", "openai chat stream", "anthropic stream")
WHOLES = ("ollama chat", "openai chat", "anthropic")
BAD = {"wrong": "not the text that was asked for", "short": "looks complete and is not", "form": "not in the dialect's form",
       "hang": "silence beyond every deadline", "unanswered": "closed without a word", "unreachable": "the gateway took no connection"}
LISTS = ("/v1/models", "/api/tags", "/api/ps", "/api/version", "/v1/models/marked-v", "/readyz")
LIST_STATUS = {"/readyz": (200, 503)}
TEXTS = [f"A {noun} of number {n} stands near the {other} of {n * 7}." for n, noun in enumerate(NOUNS) for other in NOUNS]


@dataclass
class Request:
    kind: str
    method: str
    path: str
    body: object
    expected: object = ""  # the text, or the numbers of the texts that were embedded
    vectors: object = None

    @property
    def front(self):
        return self.kind.split(" ")[0]

    @property
    def streams(self):
        return self.kind.endswith("stream")


def draw(chance, vectors, kind=None, model=None, length=None):
    kind = kind or chance.choice(KINDS)
    model = model or chance.choice(MODELS)
    if kind == "lists":
        return Request(kind, "GET", chance.choice(LISTS), None)
    if kind in ("openai embeddings", "ollama embed"):
        wanted = [chance.randrange(len(TEXTS)) for _ in range(chance.randint(1, 5))]
        path = "/v1/embeddings" if kind.startswith("openai") else "/api/embed"
        return Request(kind, "POST", path, {"model": model, "input": [TEXTS[n] for n in wanted]}, wanted, vectors)
    prompt, expected = question(chance, length)
    streams = kind.endswith("stream")
    body = {"model": model, "stream": streams}
    messages = [{"role": "user", "content": prompt}]
    if kind.startswith("openai chat"):
        return Request(kind, "POST", "/v1/chat/completions", {**body, "messages": messages}, expected)
    if kind.startswith("openai responses"):
        return Request(kind, "POST", "/v1/responses", {**body, "input": prompt}, expected)
    if kind.startswith("openai completion"):
        return Request(kind, "POST", "/v1/completions", {**body, "prompt": prompt, "max_tokens": 2000}, expected)
    if kind.startswith("ollama chat"):
        return Request(kind, "POST", "/api/chat", {**body, "messages": messages, "think": False}, expected)
    if kind.startswith("ollama generate"):
        return Request(kind, "POST", "/api/generate", {**body, "prompt": prompt, "think": False}, expected)
    return Request(kind, "POST", "/v1/messages", {**body, "max_tokens": 2000, "messages": messages}, expected)


def question(chance, length=None):
    """A prompt, and its answer word for word: the sentence that the question's words lead to, and its mark.

    `length` is the number of words after the marker; None draws one."""
    marker = f"zq{chance.getrandbits(48):012x}"
    noun = chance.choice(NOUNS)
    length = chance.choice((0, 3, 10, 30, 150)) if length is None else length
    tail = "".join(f" {marker[-4:]}x{n}" + chance.choice(("", ",", " é", " 日本", " \"q\"", " \\", " 🙂")) for n in range(length))
    sentence = f"The secret word of the {noun} {marker} is w{marker}w{tail}."
    other = f"Nothing else in this paper says anything worth reading, number {chance.randint(1, 999)}."
    passages = [f"[2] {other}", f"[1] {sentence}"]
    chance.shuffle(passages)
    return "\n\n".join([*passages, f"Question: What secret word has the {noun} {marker}?"]), f"{sentence} [1]"


def answer_to(prompt):
    """What a rehearsal engine says to the prompt of `question`, for scripted engines that stand in for one."""
    return re.search(r"\[1\] (The secret word of the .*)", prompt).group(1) + " [1]"


def known_vectors(ports):
    """What each engine says of each text, asked without the gateway."""
    out = {}
    for name, port in ports.items():
        path = "/api/embed" if name == "o" else "/v1/embeddings"
        answer = client.request(port, "POST", path, {"model": SERVED, "input": TEXTS}).json()
        out[name] = embeddings_of(answer)
    return out


def embeddings_of(answer):
    if "embeddings" in answer:
        return answer["embeddings"]
    return [row["embedding"] for row in sorted(answer["data"], key=lambda row: row["index"])]


def perform(connection, request, abort_after, pause):
    """Sends and judges: outcome, detail, and whether the connection can be used again."""
    try:
        connection.send_request(request.method, request.path, request.body)
        reply = connection.read_head()
        pieces = 0
        for _ in connection.pieces(reply, request.method):
            pieces += 1
            if abort_after is not None and pieces > abort_after:
                connection.reset()
                return judge_part(request, reply)
            if pause:
                time.sleep(pause)
    except (client.Broken, ConnectionError) as problem:
        # A kept connection may be closed at any time; nothing was said that could be wrong.
        return ("closed", repr(problem), False)
    except (socket.timeout, TimeoutError):
        return ("hang", f"{request.path} {json.dumps(request.body)[:300]}", False)
    usable = reply.complete and reply.framing != "close" and (reply.get("connection") or "").lower() != "close"
    try:
        outcome, detail = judge(request, reply)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError) as problem:
        outcome, detail = "form", f"{problem!r} in {reply}"
    return outcome, detail, usable


def abandon(connection, request, chance):
    """Sends a part of the request and goes away, politely or not."""
    whole = client.request_bytes(request.method, request.path, request.body)
    try:
        connection.send(whole[:chance.randrange(1, len(whole))])
    except OSError:
        pass
    if chance.random() < 0.5:
        connection.reset()
    else:
        connection.close()
    return "abandoned"


def judge_part(request, reply):
    """What came before the client went away must be the beginning of the right answer."""
    if reply.status != 200 or not request.streams:
        return ("aborted", "", False)
    end = b"\n" if request.front == "ollama" else b"\n\n"
    reply.body = reply.body[:reply.body.rfind(end) + len(end)] if end in reply.body else b""
    try:
        text, _, _ = read_stream(request, reply)
    except (ValueError, KeyError, TypeError, IndexError, AssertionError) as problem:
        return ("form", f"{problem!r} in {reply}", False)
    if not request.expected.startswith(text):
        return ("wrong", f"{text!r} is no beginning of {request.expected!r}", False)
    return ("aborted", "", False)


def judge(request, reply):
    if request.kind == "lists":
        return judge_list(request, reply)
    if reply.status != 200:
        if not reply.complete:
            return "cut", ""
        value = reply.json()
        if reply.status < 400 or not error_text(request.front, value):
            return "form", repr(reply)
        # A request in order may only fail for the engine's sake; bad_template says so with 400.
        says_so = any(words in error_text(request.front, value) for words in ("roles must alternate", "template: "))
        if reply.status in (400, 404, 405, 415, 422) and not says_so:
            return "wrong", f"{request.path} was blamed: {reply}"
        return f"error {reply.status}", ""
    if request.vectors is not None:
        return judge_vectors(request, reply)
    if not request.streams:
        if not reply.complete:
            return "cut", ""
        text = whole_text(request, reply.json())
        return ("exact", "") if text == request.expected else ("wrong", f"{text!r} for {request.expected!r}")
    if not reply.complete:
        end = b"\n" if request.front == "ollama" else b"\n\n"
        if reply.body and not reply.body.endswith(end):
            reply.body = reply.body[:reply.body.rfind(end) + len(end)] if end in reply.body else b""
    text, is_ended, is_error = read_stream(request, reply)
    if not request.expected.startswith(text):
        return "wrong", f"{text!r} is no beginning of {request.expected!r}"
    if is_error:
        return ("short", f"an error and a good end in {reply}") if is_ended else ("told in stream", "")
    if is_ended and text != request.expected:
        return "short", f"{text!r} for {request.expected!r}"
    if not reply.complete:
        return ("cut", "") if not is_ended else ("form", f"a good end, then a cut: {reply}")
    return ("exact", "") if is_ended else ("short", f"neither end nor error in {reply}")


def judge_list(request, reply):
    if not reply.complete:
        return "short", repr(reply)
    if reply.status not in LIST_STATUS.get(request.path, (200,)):
        return "wrong", f"{request.path}: {reply}"
    value = reply.json()
    rows = value.get("data") or value.get("models") or []
    for row in rows if isinstance(rows, list) else []:
        name = (row.get("id") or row.get("name", "")).removesuffix(":latest")
        if name not in (*MODELS, SERVED):
            return "wrong", f"{request.path} names {name}"
    return "exact", ""


def judge_vectors(request, reply):
    if not reply.complete:
        return "cut", ""
    got = embeddings_of(reply.json())
    if len(got) != len(request.expected):
        return "short", f"{len(got)} vectors for {len(request.expected)} texts"
    for vector, number in zip(got, request.expected):
        if not any(likeness(vector, known[number]) > 0.9999 for known in request.vectors.values()):
            return "wrong", f"the vector of another text than {TEXTS[number]!r}"
    return "exact", ""


def likeness(a, b):
    if len(a) != len(b):
        return 0.0
    size = math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b)) / size if size else 0.0


def error_text(front, value):
    """The message of an error in this dialect, or nothing."""
    error = value.get("error")
    if front == "ollama":
        return error if isinstance(error, str) else ""
    if not isinstance(error, dict) or not isinstance(error.get("type"), str):
        return ""
    if front == "anthropic" and value.get("type") != "error":
        return ""
    return error.get("message") or ""


def whole_text(request, value):
    if request.front == "anthropic":
        if value["stop_reason"] != "end_turn":
            raise ValueError("not end_turn")
        return "".join(part["text"] for part in value["content"] if part["type"] == "text")
    if request.front == "ollama":
        if value["done"] is not True or value["done_reason"] != "stop":
            raise ValueError("not done by stop")
        return value["response"] if "generate" in request.kind else value["message"]["content"]
    if "responses" in request.kind:
        return responses_text(value)
    choice = value["choices"][0]
    if choice["finish_reason"] != "stop":
        raise ValueError("finish_reason is not stop")
    return choice["text"] if "completion" in request.kind else choice["message"]["content"]


def read_stream(request, reply):
    """The text, whether the good end came, and whether an error was told."""
    if request.front == "ollama":
        return read_ollama(request, reply.lines())
    if "responses" in request.kind:
        return read_responses(reply.events())
    if request.front == "openai":
        return read_openai(request, reply.data())
    return read_anthropic(reply.events())


def read_ollama(request, rows):
    text = ""
    for number, row in enumerate(rows):
        if "error" in row:
            if not error_text("ollama", row) or number != len(rows) - 1:
                raise ValueError("an error without a text, or not at the end")
            return text, False, True
        text += row["response"] if "generate" in request.kind else row["message"]["content"]
        if row["done"]:
            if number != len(rows) - 1 or row["done_reason"] != "stop":
                raise ValueError("more after the end, or not ended by stop")
            return text, True, False
    return text, False, False


def read_openai(request, rows):
    text, finished = "", False
    for number, row in enumerate(rows):
        if row == "[DONE]":
            if number != len(rows) - 1 or not finished:
                raise ValueError("[DONE] without a finish_reason, or not at the end")
            return text, True, False
        if "error" in row:
            if not error_text("openai", row) or number != len(rows) - 1:
                raise ValueError("an error without a text, or not at the end")
            return text, False, True
        for choice in row["choices"]:
            added = choice["text"] if "completion" in request.kind else choice["delta"].get("content")
            text += added or ""
            finished = finished or choice.get("finish_reason") == "stop"
    return text, False, False


def responses_text(value):
    if value["status"] != "completed":
        raise ValueError("status is not completed")
    return "".join(part["text"] for item in value["output"] if item["type"] == "message" for part in item["content"])


def read_responses(events):
    text = ""
    for number, event in enumerate(events):
        value = event.value
        is_last = number == len(events) - 1
        # Errors come as `event: error`, as a failed response, or as chat's plain data.
        if event.name in ("error", "response.failed") or value.get("error"):
            if not is_last:
                raise ValueError("more after an error")
            return text, False, True
        if event.name == "response.output_text.delta":
            text += value["delta"]
        if event.name == "response.completed":
            if not is_last or responses_text(value["response"]) != text:
                raise ValueError("more after the end, or another text in it")
            return text, True, False
    return text, False, False


def read_anthropic(events):
    text = ""
    for number, event in enumerate(events):
        value = event.value
        if value["type"] != event.name:
            raise ValueError("the event's name is not its type")
        if event.name == "error":
            if not error_text("anthropic", value) or number != len(events) - 1:
                raise ValueError("an error without a text, or not at the end")
            return text, False, True
        if event.name == "content_block_delta" and value["delta"]["type"] == "text_delta":
            text += value["delta"]["text"]
        if event.name == "message_stop":
            if number != len(events) - 1:
                raise ValueError("more after the end")
            return text, True, False
    return text, False, False
