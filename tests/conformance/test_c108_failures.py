"""C108 to C119: failures, cancelling, failover (wire 6.7).

Each test has a rig of its own: an engine that failed is put aside for a while, which other tests must not see.
"""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from conformance.checks import (anthropic_broken, anthropic_error, broken, error, lines, openai_broken,
                                openai_error)
from conformance.test_c028_generate import wait_for
from support import client, wire
from support.engines import Answer, ReplayEngine
from support.relay import Fault, Relay
from support.rigs import DEADLINES, MODEL, make, make_pair

FRONTS = {"O": "/api/chat", "A": "/v1/chat/completions", "N": "/v1/messages"}


def body(stream=True):
    return {"model": MODEL, "stream": stream, "max_tokens": 60, "messages": [{"role": "user", "content": "x"}]}


def ask(rig, front, stream=True):
    return rig.post(FRONTS[front], body(stream))


def check_broken(front, reply):
    return {"O": broken, "A": openai_broken, "N": anthropic_broken}[front](reply)


def check_error(front, reply, status, anthropic_status=None, kind=None):
    if front == "O":
        return error(reply, status)
    if front == "A":
        return openai_error(reply, status)
    return anthropic_error(reply, anthropic_status or status, kind or "api_error")


@pytest.fixture(params=["openai", "ollama"])
def own(request):
    """A rig for this test alone, in front of each dialect."""
    rig = make(request.param)
    rig.dialect = request.param
    yield rig
    rig.stop()


def pieces(rig, count=3):
    """The beginning of a stream: `count` pieces of text, in the engine's dialect."""
    if rig.dialect == "ollama":
        return [wire.line(f"t{n} ") for n in range(count)]
    return [wire.delta(role="assistant", content="")] + [wire.delta(content=f"t{n} ") for n in range(count)]


def answer(rig, steps, end="clean"):
    make_answer = Answer.lines if rig.dialect == "ollama" else Answer.sse
    rig.engine.chat(make_answer(steps, end=end))


def text_in(front, reply):
    """The text that the client got before the end."""
    if front == "O":
        return wire.joined(row for row in reply.lines() if "message" in row)
    if front == "A":
        return "".join(choice["delta"].get("content") or "" for row in reply.data()
                       if isinstance(row, dict) for choice in row.get("choices", []))
    return "".join(event.value["delta"].get("text", "") for event in reply.events()
                   if event.name == "content_block_delta")


def test_c108_refused(own):
    """the engine refuses the connection, no other target: each front's words (wire 3.10)"""
    own.engine.stop()
    for front in FRONTS:
        reply = ask(own, front)
        check_error(front, reply, 503, 529, "overloaded_error")
        if front != "O":
            assert reply.get("x-should-retry") == "false"


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("front", FRONTS)
def test_c109_dies_in_stream(own, front, end):
    """the engine dies after three events: whole lines, an error, then a cut; no normal end (wire 3.10, 4.2)"""
    answer(own, pieces(own), end)
    reply = ask(own, front)
    check_broken(front, reply)
    assert text_in(front, reply) == "t0 t1 t2 "


@pytest.mark.parametrize("front", FRONTS)
def test_c110_ends_without_finish(own, front):
    """the engine ends cleanly, but without finish_reason and [DONE] (wire 2.2)"""
    answer(own, pieces(own))
    reply = ask(own, front)
    check_broken(front, reply)
    assert text_in(front, reply) == "t0 t1 t2 "
    reply = ask(own, front, stream=False)
    assert reply.status >= 500  # a row of objects is no answer to a request for one


@pytest.mark.parametrize("front", FRONTS)
def test_c111_first_event_is_error(own, front):
    """200 whose first event is an error: its status, in the front's words (wire 3.10)"""
    if own.dialect == "openai":
        failure = {"error": {"message": "too odd", "type": "BadRequestError", "param": None, "code": 400}}
        answer(own, [wire.sse(failure), wire.DONE])
        text = json.dumps(check_error(front, ask(own, front), 400, kind="invalid_request_error"))
    else:
        answer(own, [wire.ndjson({"error": "too odd"})])
        reply = ask(own, front)
        assert reply.status >= 400
        text = reply.text
    assert "too odd" in text


@pytest.mark.parametrize("front", FRONTS)
def test_c112_error_in_the_middle(own, front):
    """an error event in the middle, then [DONE] (wire 2.2)"""
    if own.dialect == "openai":
        failure = {"error": {"message": "lost it", "type": "InternalServerError", "param": None, "code": 500}}
        answer(own, [*pieces(own), wire.sse(failure), wire.DONE])
    else:
        answer(own, [*pieces(own), wire.ndjson({"error": "lost it"})])
    reply = ask(own, front)
    check_broken(front, reply)
    assert text_in(front, reply) == "t0 t1 t2 " and "lost it" in reply.text


@pytest.mark.parametrize("when", ["prefill", "stream", "whole"])
def test_c113_client_leaves(own, when):
    """the client leaves: the engine's socket is closed within 100 ms, and the log says 499 (wire 3.6, 2.2)"""
    for front, path in FRONTS.items():
        steps = [30.0] if when == "prefill" else [*pieces(own), 30.0]
        answer(own, steps)
        before = len(own.engine.asked())
        connection = own.connect()
        connection.send_request("POST", path, body(stream=when != "whole"))
        wait_for(lambda: len(own.engine.asked()) > before)
        seen = own.engine.last()
        if when == "stream":
            connection.read_head()
        else:
            time.sleep(0.05)
        left = time.monotonic()
        connection.reset() if when == "stream" else connection.close()
        assert seen.finished.wait(3), f"{front}: the engine was not told"
        assert seen.closed_at is not None and seen.closed_at - left < 0.1 + 0.06, front
    wait_for(lambda: own.segue.log.count("499") >= 3)
    answer(own, wire.text_stream("Still here.") if own.dialect == "openai"
           else [wire.line("Still here."), wire.last_line()])
    assert wire.joined(lines(ask(own, "O"))) == "Still here."


def test_c113_engine_is_free_again(v_any):
    """after the client left, a real engine has nothing running within 2 s (wire 2.2)"""
    if v_any.scripted:
        pytest.skip("not applicable: a scripted engine has no gauge; its socket is watched instead")

    def running():
        text = client.request(v_any.engine.port, "GET", "/metrics").text
        rows = [row for row in text.splitlines() if row.startswith("vllm:num_requests_running")]
        return sum(float(row.rsplit(" ", 1)[1]) for row in rows)

    if v_any.kind == "rehearsal":
        v_any.engine.faults({"slow": {"first_ms": 3000}})
    try:
        connection = v_any.connect()
        connection.send_request("POST", "/api/chat", {**body(), "options": {"num_predict": 900}})
        time.sleep(0.2)
        connection.close()
        wait_for(lambda: running() == 0, 2.0)
    finally:
        if v_any.kind == "rehearsal":
            v_any.engine.faults({})


@pytest.mark.parametrize("dialects", [("openai", "ollama"), ("ollama", "openai")])
@pytest.mark.parametrize("front", FRONTS)
def test_c114_failover(dialects, front):
    """target 1 fails before its first event: the answer is target 2's, of the other dialect (wire 3.10)"""
    rig = make_pair(*dialects)
    try:
        first, second = rig.engines["e1"], rig.engines["e2"]
        good = {"openai": wire.text_stream("From two."), "ollama": [wire.line("From two."), wire.last_line()]}
        second.chat(good[second.dialect])
        first.chat(Answer.json({"error": {"message": "no", "type": "x", "code": 500}}, 500))
        reply = ask(rig, front)
        assert reply.status == 200 and reply.complete, reply
        assert text_in(front, reply) == "From two." and len(first.asked()) == 1
        rig.dialect = first.dialect
        first.chat((Answer.lines if first.dialect == "ollama" else Answer.sse)(pieces(rig), end="close"))
        before = len(second.asked())
        check_broken(front, ask(rig, front))
        assert len(second.asked()) == before
    finally:
        rig.stop()


def test_c114_failover_without_answer():
    """target 1 refuses the connection: the client sees nothing of it (wire 3.10)"""
    rig = make_pair()
    try:
        rig.engines["e1"].stop()
        rig.engines["e2"].chat([wire.line("From two."), wire.last_line()])
        for front in FRONTS:
            assert text_in(front, ask(rig, front)) == "From two."
    finally:
        rig.stop()


def full_listener(port):
    """A port whose queue of connections is full: connecting hangs."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
        waiting.append(one)
    return [listener, *waiting]


@pytest.mark.parametrize("which", ["connect", "first_event", "between_events", "total"])
def test_c115_deadlines(which):
    """deadlines: 504 before the first byte, a broken stream after it (wire 3.10)"""
    limits = {**DEADLINES, which: "300ms"}
    rig = make("openai", engine={"deadlines": limits})
    held = []
    try:
        rig.dialect = "openai"
        if which == "connect":
            rig.engine.stop()
            time.sleep(0.05)
            held = full_listener(rig.engine.port)
        elif which == "first_event":
            answer(rig, [10.0])
        elif which == "between_events":
            answer(rig, [*pieces(rig), 10.0])
        else:
            answer(rig, [pieces(rig)[0]] + [step for n in range(100) for step in (wire.delta(content="x"), 0.05)])
        for front in FRONTS:
            started = time.monotonic()
            reply = ask(rig, front)
            assert time.monotonic() - started < 3
            if which in ("connect", "first_event"):
                assert reply.status in ((504, 503) if front != "N" else (504, 529)), reply
                if which == "first_event" and front == "O":
                    assert reply.status == 504
            else:
                check_broken(front, reply)
            if which == "connect":
                break
    finally:
        for one in held:
            one.close()
        rig.stop()


@pytest.mark.parametrize("front", FRONTS)
def test_c116_busy(own, front):
    """the engine's 429 with Retry-After, its full queue, its 401 (wire 3.10)"""
    def failure(status, kind):
        value = {"error": {"message": "busy", "type": kind, "param": None, "code": status}}
        return value if own.dialect == "openai" else {"error": "busy"}

    own.engine.chat(Answer.json(failure(429, "RateLimitError"), 429, headers=[("Retry-After", "7")]))
    reply = ask(own, front)
    check_error(front, reply, 429, kind="rate_limit_error")
    assert reply.get("retry-after") == "7"
    own.engine.chat(Answer.json(failure(503, "Service Unavailable"), 503))
    check_error(front, ask(own, front), 503, 529, "overloaded_error")


@pytest.mark.parametrize("front", FRONTS)
def test_c116_wrong_key(own, front):
    """the engine's 401 is Segue's own fault: 502, so that no client asks its user to sign in (wire 3.10)"""
    own.engine.chat(Answer.json({"error": "Unauthorized"}, 401))
    check_error(front, ask(own, front), 502)


@pytest.mark.parametrize("dialect", ["openai", "ollama"])
def test_c117_idle_socket_closed(dialect):
    """an idle socket was closed as the request was written: sent again, once, the client sees nothing"""
    rig = make(dialect, workers=1)  # each worker has sockets of its own
    try:
        good = Answer.sse(wire.text_stream("Fine.")) if dialect == "openai" else Answer.lines(
            [wire.line("Fine."), wire.last_line()])
        rig.engine.chat([good, Answer(end="drop"), good])
        assert wire.joined(lines(ask(rig, "O"))) == "Fine."
        time.sleep(0.2)  # the end of the engine's body comes after its last event: only then is the socket idle
        assert wire.joined(lines(ask(rig, "O"))) == "Fine."
        assert len(rig.engine.asked()) == 3
        rig.engine.drop_connections()
        assert wire.joined(lines(ask(rig, "O"))) == "Fine."
    finally:
        rig.stop()


@pytest.mark.parametrize("what", ["garbage", "half", "huge", "length", "head"])
def test_c118_nonsense(own, what):
    """garbage, half a JSON, a 10 MB line, a wrong length, a bad head: an error, no crash (wire 4.2)"""
    prefix = b"" if own.dialect == "ollama" else b"data: "
    end = b"\n" if own.dialect == "ollama" else b"\n\n"
    if what == "garbage":
        answer(own, [*pieces(own), prefix + b"\x00\xffnonsense}" + end])
    elif what == "half":
        answer(own, [*pieces(own), prefix + b'{"choices": [{"ind'])
    elif what == "huge":
        answer(own, [*pieces(own), prefix + b'"' + b"x" * 10_000_000])
    elif what == "length":
        answer(own, [])
        own.engine.chat(Answer([b'{"id":"x"'], framing="length", length=5000, end="close"))
    else:
        own.engine.chat(Answer([b""], content_type="text/html\r\nBroken header without colon", framing="length"))
    for front in FRONTS:
        reply = ask(own, front)
        if what == "length":
            assert reply.status >= 500 or not reply.complete, reply
        elif reply.status == 200:
            check_broken(front, reply)
        else:
            assert reply.status >= 500, reply
    assert own.segue.child.poll() is None
    resident = int(next(row.split()[1] for row in open(f"/proc/{own.segue.child.pid}/status")
                        if row.startswith("VmHWM")))
    limit = 150_000 if "asan" not in own.segue.arguments[0] and "tsan" not in own.segue.arguments[0] else 1_500_000
    assert resident < limit, f"{resident} kB"


def test_c118_relay_faults():
    """the connection itself fails: cut, reset, one byte at a time, silence (wire 4.2)"""
    engine = ReplayEngine("openai")
    relay = Relay(engine.port)
    rig = make("openai", engine_url=relay.url, engine={"deadlines": {**DEADLINES, "between_events": "500ms"}})
    try:
        size = len(b"".join(wire.vllm_events("chat_stream_usage", True)))
        engine.play("chat_stream_usage")
        for fault, fine in ((Fault(piece=1), True), (Fault(cut_after=size // 2), False),
                            (Fault(reset_after=size // 2), False), (Fault(stall_after=size // 2), False)):
            relay.fault = fault
            engine.drop_connections()
            time.sleep(0.05)
            reply = ask(rig, "O")
            if fine:
                assert wire.joined(lines(reply)) == "The capital of France is Paris."
            else:
                broken(reply)
    finally:
        rig.stop()
        relay.stop()
        engine.stop()


def test_c119_graceful_stop(own):
    """SIGTERM during a stream: it ends whole, new connections are refused, exit 0"""
    go_on = threading.Event()
    last = [wire.last_line()] if own.dialect == "ollama" else [wire.delta(finish="stop"), wire.usage(3, 3), wire.DONE]
    answer(own, [*pieces(own), go_on, *last])
    with own.connect() as connection:
        connection.send_request("POST", "/api/chat", body())
        reply = connection.read_head()
        own.segue.terminate()

        def refused():
            try:
                socket.create_connection(("127.0.0.1", own.port), 1).close()
                return False
            except OSError:
                return True

        wait_for(refused)
        go_on.set()
        for _ in connection.pieces(reply):
            pass
    assert wire.joined(lines(reply)) == "t0 t1 t2 "
    assert own.segue.child.wait(10) == 0
