"""The client fails its part: it does not read, reads slowly, leaves, or says nothing, thousands at a time."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

from faults.scenario import scenario
from support import client, marked, wire
from support.stage import LONG, MODELS, expect, sanitized, wait_for

CROWD = 5000


def begin(stage, kind, model, length=LONG, buffer=None, timeout=40.0):
    """A request that is sent, on a connection of its own."""
    asked = stage.request(kind, model, length)
    connection = client.Connection(stage.port, timeout=timeout, receive_buffer=buffer)
    connection.send_request(asked.method, asked.path, asked.body)
    return connection, asked


def endless(engine, sent):
    """An answer without end; `sent` counts its bytes as far as they were taken."""
    text = "x" * 1000
    piece = wire.line(text) if engine.dialect == "ollama" else wire.delta(content=text)

    def pieces():
        while True:
            yield piece
            sent[engine.dialect] += len(piece)

    return lambda seen, events: engine.stream([*events[:3], pieces]) if "endless" in seen.body.decode() else None


@scenario(scripted=True, limits={"write_timeout": "3s"})
def test_client_that_never_reads(stage):
    """Its engine is slowed down, not read into memory; in the end it is cut, its engine is free, and nobody else notices."""
    sent = {"openai": 0, "ollama": 0}
    for engine in stage.engines.values():
        engine.fault = endless(engine, sent)
    before = stage.memory_kb()
    held = []
    for kind in marked.STREAMS:
        for model in MODELS.values():
            asked = stage.request(kind, model, 3)
            body = json.loads(json.dumps(asked.body).replace("Question:", "endless Question:"))
            connection = client.Connection(stage.port, timeout=40, receive_buffer=4096)
            connection.send_request(asked.method, asked.path, body)
            held.append(connection)
    wait_for(lambda: min(sent.values()) > 0, 10)

    def stands_still():
        count = dict(sent)
        time.sleep(0.3)
        return count == sent

    wait_for(stands_still, 15, "the engines are read although nobody takes their answers")
    assert stage.memory_kb() - before < (400_000 if sanitized() else 40_000), stage.memory_kb() - before
    expect(stage.ask_all(), ("exact",))
    wait_for(lambda: all(engine.running() == 0 for engine in stage.engines.values()), 20, "the engines were not freed")
    for connection in held:  # what is left in the kernel's buffers, then the cut
        reply = connection.read_head()
        for _ in connection.pieces(reply):
            pass
        assert reply.status == 200 and not reply.complete and b"[DONE]" not in reply.body, reply
        connection.close()


@scenario()
def test_client_reads_one_byte_a_second(stage):
    """It gets its whole answer, late; its engine was free long before."""
    held = [begin(stage, kind, model, buffer=2048) for kind in marked.STREAMS for model in MODELS.values()]
    for _ in range(4):
        for connection, _ in held:
            connection.buffer += connection.socket.recv(1)
        time.sleep(1)
    wait_for(lambda: all(engine.running() == 0 for engine in stage.engines.values()), 10)
    expect(stage.ask_all(length=10), ("exact",))
    for connection, asked in held:
        reply = connection.read_reply()
        assert marked.judge(asked, reply) == ("exact", ""), reply
        connection.close()


@scenario()
def test_client_leaves_in_prefill(stage):
    for engine in stage.engines.values():
        engine.faults({"slow": {"first_ms": 60000}})
    for leave in (client.Connection.close, client.Connection.reset):
        held = [begin(stage, kind, model)[0] for kind in marked.STREAMS + marked.WHOLES for model in MODELS.values()]
        wait_for(lambda: all(engine.running() == 6 for engine in stage.engines.values()), 15)
        for connection in held:
            leave(connection)
        wait_for(lambda: all(engine.running() == 0 for engine in stage.engines.values()), 10,
                 "the engine works for somebody who left")


OPENER = """
import resource, socket, sys, time
port, count, first = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = []
for n in range(count):
    one = socket.create_connection(("127.0.0.1", port), 30)
    try:
        if first:
            one.sendall(first)
    except OSError:
        pass  # the gateway may refuse a crowd
    held.append(one)
print("open", flush=True)
sys.stdin.readline()
"""


def crowd(stage, count, first=""):
    """A process that holds `count` connections until its standard input ends."""
    return subprocess.Popen([sys.executable, "-c", OPENER, str(stage.port), str(count), first], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


@scenario(limits={"idle_timeout": "12s", "header_timeout": "12s"})
def test_client_opens_5000_connections_and_sends_nothing(stage):
    """Half of them begin a head and never end it. Others are served meanwhile; the silent ones are closed in time."""
    # The gateway raises its own limit; what the hard one forbids cannot be tried.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    count = CROWD if hard == resource.RLIM_INFINITY or hard > CROWD + 500 else hard - 500
    before, resident = stage.descriptors(), stage.memory_kb()
    both = [crowd(stage, count // 2), crowd(stage, count // 2, "POST /api/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")]
    try:
        for one in both:
            assert one.stdout.readline() == "open\n"
        opened = stage.descriptors() - before
        assert opened > count * 0.9, f"only {opened} of {count} are open"
        grown = stage.memory_kb() - resident
        assert grown < (400_000 if sanitized() else 60_000), f"{grown} kB for {opened} silent connections"
        told = stage.ask_all(length=10)
        expect(told, ("exact",))
        assert max(one.seconds for one in told) < 10
        wait_for(lambda: stage.descriptors() < before + 100, 40, lambda: f"{stage.descriptors()} descriptors")
    finally:
        for one in both:
            one.communicate("\n")


@scenario(wrapper=("prlimit", "--nofile=300:300"))
def test_more_clients_than_descriptors(stage):
    """Clients may not take what engines need: found that with no descriptor left every request was a 503."""
    with client.Connection(stage.port) as kept:
        kept.send_request("GET", "/livez")
        assert kept.read_reply().status == 200
        many = crowd(stage, 600)
        try:
            wait_for(lambda: stage.descriptors() > 200, 20)
            time.sleep(0.5)
            for model in MODELS.values():
                asked = stage.request("openai chat stream", model)
                outcome = marked.perform(kept, asked, None, 0)
                assert outcome == ("exact", "", True), outcome
        finally:
            many.communicate("\n")
