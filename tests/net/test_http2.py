"""HTTP/2 on the listener: streams as requests, back-pressure, and what attackers do with it."""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from support import wire
from support.engines import Answer
from support.h2client import H2Connection
from support.listener import TlsRig, chat, echo, eventually, said

CANCEL, CALM, PROTOCOL, INTERNAL, REFUSED = 8, 11, 1, 2, 7
PATH = "/v1/chat/completions"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


@pytest.fixture(scope="module")
def rig():
    one = TlsRig(https=False, limits={"header_timeout": "700ms", "body_timeout": "700ms", "write_timeout": "1s",
                                    "max_body": "1MiB", "max_streams": 60})
    yield one
    one.stop()


@pytest.fixture(params=["h2c", "tls"])
def both(request, rig):
    if request.param == "h2c":
        yield rig
        return
    one = TlsRig()
    yield one
    one.stop()


def connect(rig, **more) -> H2Connection:
    return H2Connection(rig.port, rig.context("h2") if rig.tls else None, **more)


def active(rig) -> int:
    rows = [row for row in rig.get("/metrics")[1].splitlines() if row.startswith("segue_active_requests ")]
    return int(float(rows[0].split()[1])) - 1  # the scrape itself


def test_requests_one_after_the_other(both):
    with connect(both) as client:
        for number in range(3):
            reply = client.answer(client.request("POST", PATH, chat(f"number {number}")))
            assert reply.status == 200 and said(reply.body) == f"number {number}"
            assert reply.headers["content-type"].startswith("text/event-stream") and reply.headers["date"]
        reply = client.answer(client.request("GET", "/livez"))
        assert reply.status == 200 and int(reply.headers["content-length"]) == len(reply.body)
        reply = client.answer(client.request("HEAD", "/v1/models"))
        assert reply.status == 200 and reply.body == b"" and int(reply.headers["content-length"]) > 10
        reply = client.answer(client.request("GET", "/nothing"))
        assert reply.status == 404


def test_curl(both):
    arguments = ["--http2", "--cacert", both.certificate] if both.tls else ["--http2-prior-knowledge"]
    host = "localhost" if both.tls else "127.0.0.1"
    url = f"{both.url.split(':')[0]}://{host}:{both.port}/api/version"
    done = subprocess.run(["curl", "-s", "--noproxy", "*", "--ipv4", "-w", " %{http_version}", *arguments, url],
                          capture_output=True, timeout=30)
    assert done.returncode == 0 and b"version" in done.stdout and done.stdout.endswith(b" 2")


def test_fifty_streams_at_once(both):
    """all are open together, each gets its own answer"""
    gate = threading.Event()
    together = threading.Semaphore(0)

    def answer(seen):
        together.release()
        text = seen.json["messages"][-1]["content"]
        return Answer.sse([wire.delta(content="marker "), gate, wire.delta(content=text), *wire.stream()],
                          mode="recorded")

    both.engine.on(PATH, answer)
    try:
        with connect(both) as client:
            ids = [client.request("POST", PATH, chat(f"stream {number}")) for number in range(50)]
            for _ in ids:
                assert together.acquire(timeout=20)
            assert client.run(lambda: all(client.streams[one].status == 200 for one in ids))
            gate.set()
            assert client.run(lambda: all(client.streams[one].over for one in ids))
            for number, one in enumerate(ids):
                assert said(client.streams[one].body) == f"marker stream {number}", client.streams[one]
    finally:
        gate.set()
        both.engine.on(PATH, echo)


@pytest.fixture()
def restored(rig):
    """The engine answers as before after a test that changed it."""
    yield rig
    rig.engine.on(PATH, echo)


def test_a_cancelled_stream_leaves_its_engine(restored):
    rig = restored
    never = threading.Event()
    rig.engine.on(PATH, lambda seen: Answer.sse(
        [wire.delta(content="x"), *([never] if b"wait" in seen.body else []), *wire.stream()], mode="recorded"))
    with connect(rig) as client:
        slow, other = client.request("POST", PATH, chat("wait")), client.request("POST", PATH, chat("go"))
        assert client.run(lambda: client.streams[slow].status == 200)
        seen = next(one for one in rig.engine.asked() if b"wait" in one.body)
        client.cancel(slow)
        assert eventually(lambda: seen.closed_at is not None), "the engine was not left"
        assert client.answer(other).ended
        assert client.answer(client.request("POST", PATH, chat("go"))).ended
    never.set()
    assert eventually(lambda: active(rig) == 0)


def test_an_answer_that_breaks_resets_its_stream(restored):
    rig = restored
    rig.engine.on(PATH, lambda seen: Answer.sse([wire.delta(content="half an answer")], mode="recorded", end="reset")
                  if b"break" in seen.body else None)
    with connect(rig) as client:
        broken = client.answer(client.request("POST", PATH, chat("break")))
        assert broken.status == 200 and broken.reset == INTERNAL and not broken.ended
        assert b"half an answer" in broken.body
        assert client.answer(client.request("GET", "/livez")).status == 200


def test_a_stream_that_is_not_read(restored):
    """its engine is paused, then left; the connection's other streams are not delayed"""
    rig = restored
    big = Answer.sse([wire.delta(content="x" * 4000)] * 5000, mode="recorded")
    rig.engine.on(PATH, lambda seen: big if b"big" in seen.body else None)
    with connect(rig, reads=False) as client:
        slow = client.request("POST", PATH, chat("big"))
        assert client.run(lambda: len(client.streams[slow].body) >= 65_535)  # the window is used up
        seen = next(one for one in rig.engine.asked() if b"big" in one.body)
        client.h2.increment_flow_control_window(1_000_000)  # of the connection: others may be sent
        assert client.answer(client.request("GET", "/livez")).status == 200
        assert client.answer(slow).reset == CALM
        assert eventually(lambda: seen.closed_at is not None)
        assert client.answer(client.request("GET", "/livez")).status == 200
    assert eventually(lambda: active(rig) == 0)


def test_bodies(rig):
    with connect(rig) as client:
        text = " ".join(f"{number:06d}" for number in range(3_000))  # more than a frame
        assert said(client.answer(client.request("POST", PATH, chat(text)), 20).body) == text
        # Larger than the limit: told at once by the length, else by what comes.
        stream = client.request("POST", PATH, None, [("content-length", "20000000")], end=False)
        assert client.answer(stream).status == 413
        assert b"larger than 1048576" in client.streams[stream].body
        # A client that waits for leave.
        stream = client.request("POST", PATH, None, [("expect", "100-continue")], end=False)
        assert client.run(lambda: client.streams[stream].early == [100])
        client.h2.send_data(stream, json.dumps(chat("late")).encode(), end_stream=True)
        client.flush()
        assert said(client.answer(stream).body) == "late"
        # A body that never comes.
        stream = client.request("POST", PATH, None, end=False)
        assert client.answer(stream).status == 408
        assert client.answer(client.request("GET", "/livez")).status == 200


@pytest.mark.parametrize("headers", [[("connection", "keep-alive")], [("transfer-encoding", "chunked")],
                                     [("X-Upper", "1")], [(":late", "1")], [("content-length", "7")]])
def test_heads_that_must_not_be(rig, headers):
    with connect(rig, checks=False) as client:
        stream = client.request("POST", "/api/chat", b"{}", headers)
        assert client.answer(stream).reset == PROTOCOL
        assert client.answer(client.request("GET", "/livez")).status == 200


def test_heads_that_are_too_large(rig):
    with connect(rig) as client:
        reply = client.answer(client.request("GET", "/livez", None, [(f"x-{n}", "a" * 900) for n in range(40)]))
        assert reply.status == 431
        reply = client.answer(client.request("GET", "/livez", None, [(f"x-{n}", "a") for n in range(200)]))
        assert reply.status == 431
        assert client.answer(client.request("GET", "/livez")).status == 200
    with connect(rig, checks=False) as client:
        reply = client.answer(client.request("GET", "/livez", None, [("host", "elsewhere")]))
        assert reply.status == 400 and b"different servers" in reply.body


def test_rapid_reset(rig):
    """requests that are taken back at once (CVE-2023-44487): the connection ends, the engine is not flooded"""
    before = rig.refusals().get("flood", 0)
    with connect(rig) as client:
        try:
            for _ in range(100):
                for _ in range(20):
                    client.cancel(client.request("POST", PATH, chat("x")))
                if client.run(lambda: client.closed or client.goaway is not None, 0.002):
                    break
        except OSError:
            pass
        client.run(lambda: client.closed)
        assert client.goaway in (CALM, None) and client.closed
    assert rig.refusals()["flood"] > before
    assert eventually(lambda: active(rig) == 0)


def test_floods_of_frames(rig):
    for flood in (frame(6, 0, 0, b"12345678"), frame(4, 0, 0), frame(2, 0, 1, b"\0\0\0\0\1")):
        with connect(rig) as client:
            try:
                for _ in range(40):
                    client.send(flood * 100)
                    client.run(lambda: client.goaway is not None, 0.01)
            except OSError:
                pass
            assert client.run(lambda: client.closed or client.goaway == CALM), flood
    with connect(rig) as client:  # a head that never ends (CVE-2024-27316)
        try:
            client.send(frame(1, 0, 1, b"\x82"))
            for _ in range(20_000):
                client.send(frame(9, 0, 1, b"\x00\x01a\x01b" * 100))
        except OSError:
            pass
        assert client.run(lambda: client.closed)
    assert rig.get("/livez")[0] == 200


def test_a_head_that_stops_in_the_middle(rig):
    with connect(rig) as client:
        client.run(lambda: client.h2.remote_settings.max_concurrent_streams == 60)
        client.send(frame(1, 0, 1, b"\x82"))  # HEADERS without END_HEADERS, and nothing more
        assert client.run(lambda: client.closed)
        assert client.goaway == CALM
    with socket.create_connection(("127.0.0.1", rig.port), 10) as raw:
        raw.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        while raw.recv(4096):
            pass


def test_the_preface_in_pieces(rig):
    whole = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
    for cut in range(1, 25):
        with socket.create_connection(("127.0.0.1", rig.port), 10) as raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.sendall(whole[:cut])
            time.sleep(0.01)
            raw.sendall(whole[cut:])
            assert raw.recv(9)[3] == 4, cut  # SETTINGS


def test_more_streams_than_are_allowed(restored):
    rig = restored
    gate = threading.Event()
    rig.engine.on(PATH, lambda seen: Answer.sse([wire.delta(content="x"), gate, *wire.stream()], mode="recorded"))
    with connect(rig) as client:
        # Before the server's SETTINGS were read: a client cannot know yet.
        ids = [client.request("POST", PATH, chat("x")) for _ in range(70)]
        assert client.run(lambda: sum(client.streams[one].reset == REFUSED for one in ids) == 10)
        gate.set()
        assert client.run(lambda: all(client.streams[one].over for one in ids))
        assert sum(client.streams[one].ended for one in ids) == 60


def test_sigterm_lets_streams_finish():
    """by curl, as the h2 library reads nothing after a GOAWAY"""
    rig = TlsRig()
    try:
        gate = threading.Event()
        rig.engine.on(PATH, lambda seen: Answer.sse(
            [wire.delta(content="one "), gate, wire.delta(content="two"), *wire.stream()], mode="recorded"))
        curl = subprocess.Popen(
            ["curl", "-sN", "--noproxy", "*", "--ipv4", "--http2", "--cacert", rig.certificate, "-d",
             json.dumps(chat("x")), "-H", "content-type: application/json", "-w", "%{http_version}",
             f"https://localhost:{rig.port}{PATH}"], stdout=subprocess.PIPE)
        got = curl.stdout.read1(65536)
        rig.segue.child.send_signal(signal.SIGTERM)
        assert eventually(lambda: "stopping: no new requests" in rig.segue.log)
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", rig.port), 5)
        gate.set()
        got += curl.stdout.read()
        assert curl.wait(20) == 0 and got.endswith(b"2")
        assert said(got[:-1]) == "one two" and b"[DONE]" in got
        assert rig.segue.child.wait(10) == 0
    finally:
        gate.set()
        rig.stop()


def test_a_connection_that_rests_is_closed():
    """after idle_timeout, with a GOAWAY that blames nobody; an answer under way is no rest, however long it is silent"""
    rig = TlsRig(https=False, limits={"idle_timeout": "500ms"})
    try:
        gate = threading.Event()
        rig.engine.on(PATH, lambda seen: Answer.sse([wire.delta(content="slow"), gate, *wire.stream()], mode="recorded"))
        with connect(rig) as client:
            slow = client.request("POST", PATH, chat("wait"))
            assert client.run(lambda: client.streams[slow].status == 200)
            assert not client.run(lambda: client.closed or client.goaway is not None, 1.5), "closed under an answer"
            gate.set()
            assert client.answer(slow).ended
            assert client.run(lambda: client.closed, 20), "still open after its idle_timeout"
            assert client.goaway == 0
        assert eventually(lambda: active(rig) == 0)
    finally:
        rig.stop()


def test_turned_off():
    rig = TlsRig(limits={"max_streams": 0})
    try:
        with socket.create_connection(("127.0.0.1", rig.port), 10) as raw:
            with rig.context("h2", "http/1.1").wrap_socket(raw, server_hostname="localhost") as tls:
                assert tls.selected_alpn_protocol() == "http/1.1"
                tls.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                assert tls.recv(1000).startswith(b"HTTP/1.1 505 ")
    finally:
        rig.stop()
