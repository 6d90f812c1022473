"""What the listener does to clients that want too much or too little (docs/configuration.md, `limits`)."""

from __future__ import annotations

import time

from support import client, wire
from support.engines import Answer
from support.rigs import MODEL, make


def refusals(rig) -> dict[str, float]:
    """Counts of segue_client_refusals_total by reason."""
    out = {}
    for row in rig.get("/metrics").text.splitlines():
        if row.startswith("segue_client_refusals_total{"):
            name, _, value = row.rpartition(" ")
            out[name.split('reason="')[1].split('"')[0]] = float(value)
    return out


def eventually(holds, seconds: float = 8.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


def admitted(rig) -> client.Connection:
    """A connection that is in; those of earlier requests may still be about to be closed."""
    while True:
        connection = rig.connect()
        connection.send(PING)
        if connection.read_reply().status == 200:
            return connection
        connection.close()


PING = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def test_connections_in_all():
    """one connection too many is told so in its dialect, and there is room again when another one leaves"""
    rig = make("openai", limits={"max_connections": 3})
    try:
        kept = [admitted(rig) for _ in range(3)]
        assert client.exchange(rig.port, PING).status == 503
        reply = client.request(rig.port, "POST", "/v1/chat/completions", {"model": MODEL})
        assert reply.status == 503 and reply.get("retry-after") and reply.get("connection") == "close"
        assert "too many connections" in reply.json()["error"]["message"]
        reply = client.request(rig.port, "POST", "/api/chat", {"model": MODEL})
        assert "too many connections" in reply.json()["error"]
        kept.pop().close()
        assert eventually(lambda: rig.get("/livez").status == 200)
        # The question itself is one too many while the connection before it is not gone yet.
        assert eventually(lambda: refusals(rig).get("connections", 0) >= 3)
        for one in kept:
            one.close()
    finally:
        rig.stop()


def test_connections_of_one_address():
    rig = make("openai", limits={"max_connections_per_address": 2})
    try:
        kept = [admitted(rig) for _ in range(2)]
        assert client.exchange(rig.port, PING).status == 429
        # The limit is that client's alone.
        with client.socket.socket() as other:
            other.settimeout(10)
            other.bind(("127.0.0.2", 0))
            other.connect(("127.0.0.1", rig.port))
            other.sendall(PING)
            assert other.recv(100).startswith(b"HTTP/1.1 200 ")
        for one in kept:
            one.close()
    finally:
        rig.stop()


def test_a_client_that_never_reads_is_cut():
    """its engine is paused at once and left when the client's time is over; nobody else is delayed"""
    rig = make("openai", limits={"write_timeout": "1s"})
    try:
        piece = wire.delta(content="x" * 4000)
        answer = Answer.sse([piece] * 10_000)  # 40 MB, more than the kernel holds for both sides
        rig.engine.on("/v1/chat/completions", answer)
        with rig.connect(receive_buffer=4096) as connection:
            connection.send_request("POST", "/v1/chat/completions",
                                    {"model": MODEL, "messages": [{"role": "user", "content": "x"}], "stream": True})
            connection.read_head()
            assert eventually(lambda: rig.engine.last().closed_at is not None), "the engine was not left"
            assert eventually(lambda: refusals(rig).get("write_timeout") == 1)
        assert eventually(lambda: "segue_active_requests 1\n" in rig.get("/metrics").text)
    finally:
        rig.stop()


def test_a_body_that_trickles():
    rig = make("openai", limits={"body_timeout": "300ms", "min_body_rate": 2000})
    try:
        with rig.connect() as connection:
            connection.send(b"POST /api/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n")
            try:
                for _ in range(500):
                    connection.send(b" ")
                    time.sleep(0.01)
            except OSError:
                pass
            reply = connection.read_reply()
            assert reply.status == 408 and "slower than 2000 bytes a second" in reply.json()["error"]
    finally:
        rig.stop()
