"""C120 to C138: HTTP (wire 6.8)."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import time

import pytest

from conformance.checks import (HELLO, anthropic_error, error, lines, object_of, openai_error, text_of, whole)
from support import client, wire
from support.engines import Answer
from support.rigs import MODEL, make

FRONTS = {"O": "/api/chat", "A": "/v1/chat/completions", "N": "/v1/messages"}


def body(text="Hello", stream=False, **fields):
    return {"model": MODEL, "max_tokens": 60, "messages": [{"role": "user", "content": text}], "stream": stream,
            **fields}


def check_error(front, reply, status, kind="invalid_request_error"):
    if front == "O":
        return error(reply, status)
    if front == "A":
        return openai_error(reply, status)["message"]
    return anthropic_error(reply, status, kind)["error"]["message"]


ODD = "héllo \U0001f469\u200d\U0001f4bb wörld \u4f60\u597d \U0001f600!"


def test_c120_utf8(v_modes, l):
    """4-byte characters, cut at every byte by the engine: each piece out is whole UTF-8 (wire 3.6)"""
    for character in (ODD, "\U0001f469\u200d\U0001f4bb" * 20):
        v_modes.engine.chat(wire.stream(*(wire.delta(content=c) for c in character)))
        for front, path in FRONTS.items():
            reply = v_modes.post(path, body(stream=True))
            assert reply.complete
            for _, piece in reply.chunks:
                piece.decode("utf-8")
        assert wire.joined(lines(v_modes.chat("x", think=False))) == character
    l.engine.mode = v_modes.engine.mode
    l.engine.chat([*(wire.line(c) for c in ODD), wire.last_line()])
    reply = l.chat("x")
    assert wire.joined(lines(reply)) == ODD
    assert text_of([row for row in l.completions("x", stream=True).data()[:-1]]) == ODD


def test_c121_line_breaks(x):
    """U+2028, U+2029, U+0085, NUL, tags: escaped, so that a line stays one line for every reader (wire 4.2)"""
    text = "a\u2028b\u2029c\u0085d\u0000e</s>f\x1cg\x0bh"
    x.engine.chat(wire.text_stream(text) if x.engine.dialect == "openai" else [wire.line(text), wire.last_line()])
    reply = x.chat("x", think=False)
    assert wire.joined(lines(reply)) == text  # lines() reads as Python's splitlines does
    for raw in ("\u2028", "\u2029", "\u0085"):
        assert raw not in reply.text
    assert all(escape in reply.text for escape in ("\\u2028", "\\u2029", "\\u0085", "\\u0000"))


def test_c122_bodies(x):
    """empty, cut off, no JSON, wrong type, trailing bytes, other case: in Go's words on the Ollama front (wire 1.3)"""
    good = json.dumps(body()).encode()
    post = lambda data, path="/api/chat": x.post(path, data)  # noqa: E731
    error(post(b""), 400, "missing request body")
    error(post(b'{"model": '), 400, "unexpected EOF")
    assert "'x'" in error(post(b"{x}"), 400)
    assert error(post(b"{x}"), 400).startswith("invalid character 'x' looking for beginning of")
    error(post(json.dumps({"model": MODEL, "messages": "Hello"})), 400,
          "json: cannot unmarshal string into Go struct field ChatRequest.messages of type []api.Message")
    error(post(json.dumps({"model": MODEL, "stream": "yes"})), 400,
          "json: cannot unmarshal string into Go struct field ChatRequest.stream of type bool")
    assert whole(post(good + b" trailing"))["message"]["content"] == HELLO
    assert whole(post(good.replace(b'"model"', b'"MODEL"')))["message"]["content"] == HELLO
    for front in ("A", "N"):
        for data in (b"", b'{"model": ', b"{x}"):
            check_error(front, post(data, FRONTS[front]), 400)


def test_c123_large_bodies(rigs):
    """a body over the limit, closed after the answer; 20 MB of images under it"""
    small = rigs.get("openai", limits={"max_body": "1MiB"})
    for front, path in FRONTS.items():
        data = json.dumps(body("x" * 2_000_000)).encode()
        with small.connect() as connection:
            try:
                connection.send_request("POST", path, data)
            except OSError:
                pass  # it may answer and close before all was sent
            reply = connection.read_reply("POST")
            check_error(front, reply, 413, "request_too_large")
            assert connection.closed_by_peer()
    assert small.engine.asked() == []
    rig = rigs.get("openai")
    image = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(5_000_000)).decode()
    message = {"role": "user", "content": "What?", "images": [image, image, image]}
    rig.engine.play("chat_system")
    assert whole(rig.chat([message], stream=False, think=False))["message"]["content"] == HELLO
    assert len(rig.engine.last().body) > 20_000_000


def test_c124_hostile_json(x):
    """deep nesting, 1e999, lone surrogates, bad UTF-8: an answer or a 400, never a crash"""
    deep = b'{"model":"segue-tiny","messages":[{"role":"user","content":"x"}],"options":' + b"[" * 100_000
    for front, path in FRONTS.items():
        check_error(front, x.post(path, deep), 400)
        check_error(front, x.post(path, deep + b"]" * 100_000 + b"}"), 400)
    number = b'{"model":"segue-tiny","max_tokens":5,"temperature":1e999,"options":{"temperature":1e999},' \
             b'"messages":[{"role":"user","content":"x"}]}'
    for front, path in FRONTS.items():
        assert x.post(path, number).status in (400, 500), front
    lone = b'{"model":"segue-tiny","stream":false,"messages":[{"role":"user","content":"a\\ud800b"}]}'
    bad = b'{"model":"segue-tiny","stream":false,"messages":[{"role":"user","content":"a\xff\xfeb"}]}'
    assert x.post("/api/chat", lone).status == 200
    assert x.post("/api/chat", bad).status == 200
    if x.engine.dialect == "openai":
        for data, expected in ((lone, "a\ufffdb"), (bad, "a\ufffd\ufffdb")):
            assert x.post("/api/chat", data).status == 200
            assert x.engine.sent()["messages"][-1]["content"] == expected
    for front in ("A", "N"):
        check_error(front, x.post(FRONTS[front], bad), 400)
    assert x.segue.child.poll() is None


def test_c125_methods_and_paths(x):
    """wrong method, unknown path, trailing slash (R:get_chat_wrong_method)"""
    reply = x.get("/api/chat")
    assert (reply.status, reply.content_type, reply.text) == (405, "text/plain", "405 method not allowed")
    assert reply.get("allow") == "POST"
    for path in ("/api/nope", "/nope"):
        reply = x.get(path)
        assert (reply.status, reply.content_type, reply.text) == (404, "text/plain", "404 page not found")
    reply = x.get("/api/tags/")
    assert reply.status == 301 and reply.get("location") == "/api/tags"
    openai_error(x.request("DELETE", "/v1/models"), 405)


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_c126_content_types(x, kind):
    """no Content-Type, another one: answered on every front (wire 1.1)"""
    for path in FRONTS.values():
        reply = x.post(path, json.dumps(body()), {"Content-Type": kind})
        assert reply.status == 200 and HELLO in reply.text, reply


def test_c127_cors_and_host(x):
    """preflight, foreign origin, foreign host, headers asked for (R:cors_preflight, wire 1.4)"""
    row = wire.recording("ollama", "cors_preflight")
    reply = x.request("OPTIONS", "/api/chat", None, row["request"]["headers"])
    assert (reply.status, reply.body) == (204, b"")
    recorded = {name.lower(): value for name, value in row["headers"]}
    for name in ("access-control-allow-methods", "access-control-allow-origin", "access-control-max-age"):
        assert reply.get(name) == recorded[name]
    asked = {value.strip().lower() for value in reply.get("access-control-allow-headers").split(",")}
    assert {value.lower() for value in recorded["access-control-allow-headers"].split(",")} <= asked
    reply = x.get("/api/tags", {"Origin": "http://localhost:3000"})
    assert reply.status == 200 and reply.get("access-control-allow-origin") == "http://localhost:3000"
    assert "origin" in (reply.get("vary") or "").lower()
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        reply = x.get("/api/tags", headers)
        assert (reply.status, reply.body) == (403, b"")
    for origin in ("app://x", "file://x", "tauri://localhost", "vscode-webview://x"):
        assert x.get("/api/tags", {"Origin": origin}).status == 200
    reply = x.request("OPTIONS", "/v1/messages", None, {
        "Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key,anthropic-dangerous-direct-browser-access"})
    allowed = reply.get("access-control-allow-headers").lower()
    assert reply.status == 204 and "x-api-key" in allowed and "anthropic-dangerous-direct-browser-access" in allowed


def test_c128_content_coding(x):
    """gzip and zstd bodies are decoded, br is refused; answers are not compressed (wire 5.3)"""
    data = json.dumps(body()).encode()
    for path in FRONTS.values():
        reply = x.post(path, gzip.compress(data), {"Content-Encoding": "gzip", "Accept-Encoding": "gzip"})
        assert reply.status == 200 and HELLO in reply.text and reply.get("content-encoding") is None
        assert (x.engine.last().get("accept-encoding") or "identity") == "identity"
    # A zstd frame of one raw block, made by hand: magic, descriptor (single segment, 4-byte size), size, block.
    frame = b"\x28\xb5\x2f\xfd\xa0" + len(data).to_bytes(4, "little")
    frame += ((len(data) << 3) | 1).to_bytes(3, "little") + data
    assert HELLO in x.post("/api/chat", frame, {"Content-Encoding": "zstd"}).text
    assert x.post("/api/chat", data, {"Content-Encoding": "br"}).status == 415


def head(path="/api/chat", *rows):
    return ("\r\n".join([f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *rows]) + "\r\n\r\n").encode()


def test_c129_chunked_requests(x):
    """chunked, with extensions and trailers: answered; nonsense: 400 and close"""
    data = json.dumps(body()).encode()
    first, second = data[:20], data[20:]
    chunked = b"%x;ext=1\r\n%s\r\n%x\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(first), first, len(second), second)
    reply = client.exchange(x.port, head("/api/chat", "Transfer-Encoding: chunked") + chunked)
    assert HELLO in whole(reply)["message"]["content"]
    for nonsense in (b"0x5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffffff\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n"):
        refused(x, head("/api/chat", "Transfer-Encoding: chunked") + nonsense)


def refused(x, data):
    before = len(x.engine.asked())
    with x.connect() as connection:
        connection.send(data)
        reply = connection.read_reply("POST")
        assert reply.status == 400, reply
        assert connection.closed_by_peer()
    assert len(x.engine.asked()) == before


def test_c130_smuggling(x):
    """two framings, two lengths, folded and spaced header names: 400 and close, the engine sees nothing"""
    data = json.dumps(body())
    length = f"Content-Length: {len(data)}"
    for rows in ((length, "Transfer-Encoding: chunked"), (length, f"Content-Length: {len(data) + 1}"),
                 (length, "X-Fold: a\r\n b"), (f"Content-Length : {len(data)}",)):
        refused(x, head("/api/chat", *rows) + data.encode())


def test_c131_expect(x):
    """Expect: 100-continue is answered at once; another expectation is refused (wire 4.4)"""
    data = json.dumps(body()).encode()
    with x.connect() as connection:
        started = time.monotonic()
        connection.send(head("/api/chat", f"Content-Length: {len(data)}", "Expect: 100-continue"))
        assert connection.read_head().status == 100 and time.monotonic() - started < 0.5
        connection.send(data)
        assert HELLO in connection.read_reply("POST").text
    with x.connect() as connection:
        connection.send(head("/api/chat", f"Content-Length: {len(data)}", "Expect: x"))
        assert connection.read_reply("POST").status == 417


def test_c132_keep_alive(x):
    """three requests on one socket, one after another and pipelined: in order, each whole (wire 4.2)"""
    with x.connect() as connection:
        for _ in range(3):
            connection.send_request("POST", "/api/chat", body())
            reply = connection.read_reply("POST")
            assert reply.status == 200 and reply.complete
        pipelined = [client.request_bytes("GET", "/api/version"),
                     client.request_bytes("POST", "/api/chat", body(stream=True)), client.request_bytes("GET", "/")]
        connection.send(b"".join(pipelined))
        assert "version" in connection.read_reply("GET").json()
        assert wire.joined(lines(connection.read_reply("POST"))) == HELLO
        assert connection.read_reply("GET").text == "Ollama is running"
        assert not connection.closed_by_peer(0.05)


def test_c133_old_http(x):
    """HTTP/1.0: no chunked coding, the end is the close; Connection: close is honoured"""
    for stream in (False, True):
        with x.connect() as connection:
            connection.send_request("POST", "/api/chat", body(stream=stream), version="1.0")
            reply = connection.read_reply("POST")
            assert reply.status == 200 and reply.framing in ("close", "length")
            if stream:
                assert wire.joined(reply.lines()) == HELLO
            assert connection.closed_by_peer()
    with x.connect() as connection:
        connection.send_request("POST", "/api/chat", body(stream=True), {"Connection": "close"})
        assert wire.joined(lines(connection.read_reply("POST"))) == HELLO
        assert connection.closed_by_peer()


def test_c134_head(x):
    """HEAD of POST-only paths: 405 without body; HEAD of /v1/models as GET (wire 1.2)"""
    for path in ("/api/chat", "/v1/chat/completions"):
        reply = x.request("HEAD", path)
        assert (reply.status, reply.body) == (405, b"")
    got, bare = x.get("/v1/models"), x.request("HEAD", "/v1/models")
    assert bare.status == 200 and bare.body == b"" and bare.get("content-length") == str(len(got.body))


def test_c135_slow_reader():
    """a slow reader slows its engine; memory stays bounded, others are not delayed"""
    rig = make("openai")
    try:
        piece = wire.delta(content="x" * 4000)
        sent = [0]

        def count(number):
            sent[0] = number
            return piece

        class Steps(list):
            def __iter__(self):
                return (count(number) for number in range(10_000))

        answer = Answer.sse([])
        answer.steps = Steps([piece, piece])
        rig.engine.on("/v1/chat/completions", lambda seen: answer if b"slow" in seen.body
                      else Answer.sse(wire.text_stream(HELLO)))
        with rig.connect(receive_buffer=4096) as connection:
            connection.send_request("POST", "/api/chat", body("slow", stream=True))
            connection.read_head()
            time.sleep(1.0)
            stopped = sent[0]
            started = time.monotonic()
            assert wire.joined(lines(rig.chat("quick", think=False))) == HELLO
            assert time.monotonic() - started < 1.0
            time.sleep(0.3)
            assert sent[0] == stopped < 5000, "the engine was not slowed"
    finally:
        rig.stop()


def test_c136_headers(rigs):
    """64 kB of header: 431; a header that drips: 408 after the deadline"""
    rig = rigs.get("openai", limits={"header_timeout": "500ms"})
    with rig.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Big: " + b"a" * 65536 + b"\r\n\r\n")
        assert connection.read_reply().status == 431
    with rig.connect() as connection:
        done = threading.Event()

        def drip():
            for byte in b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaa":
                if done.wait(0.1):
                    return
                try:
                    connection.send(bytes([byte]))
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        started = time.monotonic()
        assert connection.read_reply().status == 408
        assert 0.3 < time.monotonic() - started < 3
        done.set()
        thread.join()


def test_c137_own_key(rigs):
    """Segue wants a key: each front's 401; the root and liveness stay open (wire 3.10)"""
    rig = rigs.get("openai", keys=["secret"])
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"x-api-key": "wrong"}):
        reply = rig.post("/api/chat", body(), headers)
        error(reply, 401, "unauthorized")
        openai_error(rig.post("/v1/chat/completions", body(), headers), 401, code="invalid_api_key")
        anthropic_error(rig.post("/v1/messages", body(), headers), 401, "authentication_error")
    assert rig.get("/").status == 200 and rig.get("/livez").status == 200
    for headers in ({"Authorization": "Bearer secret"}, {"x-api-key": "secret"}):
        for path in FRONTS.values():
            assert rig.post(path, body(), headers).status == 200


def test_c138_keys_stay_apart(rigs):
    """the client's key never reaches the engine; the engine's own does"""
    rig = rigs.get("openai", engine={"api_key": "engine-key"})
    for path in FRONTS.values():
        reply = rig.post(path, body(), {"Authorization": "Bearer client-key", "x-api-key": "client-key",
                                        "Cookie": "session=1"})
        assert reply.status == 200
        seen = rig.engine.last()
        assert seen.get("authorization") == "Bearer engine-key"
        assert "client-key" not in str(seen.headers) and seen.get("cookie") is None
    plain = rigs.get("openai")
    assert object_of(plain.post("/v1/chat/completions", body(), {"Authorization": "Bearer client-key"}))
    assert plain.engine.last().get("authorization") is None
