"""The engine, or the way to it, fails. Asked on all three fronts, by streams and whole answers, of both kinds of engine.

What a client may come to know: before its first byte an error of its dialect (or the other engine's answer, where there
is one); after it, the error that its dialect has for a broken stream, then a cut. Never an end that looks complete.
"""

from __future__ import annotations

import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from faults.scenario import scenario
from support import marked, real_clients
from support.engines import Answer
from support.relay import Fault
from support.stage import MODELS, TOLD, expect, wait_for

SLOW = ("--first-token-ms", "20", "--tokens-per-second", "60")
QUICK = {"connect": "1s", "first_event": "1500ms", "between_events": "1s"}
BROKEN = ("error 502",)
LATE = ("error 504",)
MIDDLE = 2500  # bytes of an engine's stream of support.stage.LONG words: some way behind its first events
INSIDE = 600  # bytes of its whole answer: behind the head, before the end
GONE = ("error 502", "error 503", "error 529")  # 529 is Anthropic's word for 503


def spoil(stage, fault):
    """All new connections to the engines; those that are idle in the gateway's pool are ended."""
    for relay in stage.relays.values():
        relay.fault = fault
        relay.end_all()


def ask_and(stage, act, kinds=marked.STREAMS + marked.WHOLES, models=tuple(MODELS.values())):
    """Asks all, acts when the engines have all requests, and returns what the clients were told."""
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(stage.ask_all, kinds, models)
        expected = len(kinds)
        wait_for(lambda: all(engine.running() >= expected for engine in stage.engines.values()), 20)
        act()
        return asking.result()


@scenario()
def test_engine_killed_before_the_first_byte(stage):
    for engine in stage.engines.values():
        engine.faults({"slow": {"first_ms": 30000}})
    told = ask_and(stage, lambda: [engine.kill() for engine in stage.engines.values()])
    expect(told, GONE)


@scenario()
def test_engine_killed_before_the_first_byte_and_another_is_there(stage):
    stage.engines["v"].faults({"slow": {"first_ms": 30000}})
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(stage.ask_all, marked.STREAMS + marked.WHOLES, ["marked"])
        wait_for(lambda: stage.engines["v"].running() >= 6, 20)
        stage.engines["v"].kill()
        expect(asking.result(), ("exact",))


@scenario(pace=SLOW)
def test_engine_killed_mid_stream(stage):
    """The official clients, and raw ones beside them."""
    half = threading.Barrier(7)  # three clients before two engines, and the killer

    def ask(front, model):
        prompt, expected = marked.question(stage.chance, 120)
        seen = []

        def on_piece():
            seen.append(1)
            if len(seen) == 5:
                half.wait(30)

        return front, model, expected, real_clients.ask(front, stage.port, model, prompt, True, on_piece)

    with ThreadPoolExecutor(8) as pool:
        raw = pool.submit(stage.ask_all, marked.WHOLES)
        real = [pool.submit(ask, front, model) for model in MODELS.values() for front in real_clients.FRONTS]
        half.wait(30)
        for engine in stage.engines.values():
            engine.kill()
        for one in real:
            front, model, expected, answer = one.result()
            assert answer.is_told and not answer.whole, f"{front} on {model}: {answer}"
            assert answer.text and expected.startswith(answer.text), f"{front} on {model}: {answer}"
        expect(raw.result(), BROKEN)


@scenario(deadlines=QUICK)
def test_engine_half_open_before_the_first_byte(stage):
    """The engine's machine is gone without a word: everything is taken, nothing is answered."""
    for engine in stage.engines.values():
        engine.signal(signal.SIGSTOP)
    expect(stage.ask_all(), LATE)
    expect(stage.ask_all(models=["marked"]), LATE)


@scenario(deadlines=QUICK)
def test_engine_half_open_mid_stream(stage):
    told = []
    for kinds, place in ((marked.STREAMS, MIDDLE), (marked.WHOLES, INSIDE)):
        spoil(stage, Fault(stall_after=place))
        told += stage.ask_all(kinds)
    expect(told, TOLD, LATE)
    assert max(one.seconds for one in told) < 15


@scenario()
def test_engine_reset(stage):
    """A reset before the first byte, and one in the middle, seen by raw and by the official clients."""
    spoil(stage, Fault(reset_after=0))
    expect(stage.ask_all(), GONE)
    spoil(stage, Fault(reset_after=INSIDE))
    expect(stage.ask_all(marked.WHOLES), BROKEN)
    spoil(stage, Fault(reset_after=MIDDLE))
    expect(stage.ask_all(marked.STREAMS), TOLD)
    for model in MODELS.values():
        for front in real_clients.FRONTS:
            prompt, expected = marked.question(stage.chance, 120)
            answer = real_clients.ask(front, stage.port, model, prompt)
            assert answer.is_told and not answer.whole, f"{front} on {model}: {answer}"
            assert expected.startswith(answer.text), f"{front} on {model}: {answer}"


@scenario()
def test_engine_reset_and_another_is_there(stage):
    stage.relays["v"].fault = Fault(reset_after=0)
    expect(stage.ask_all(models=["marked"]), ("exact",))


@scenario()
def test_engine_one_byte_a_read(stage):
    spoil(stage, Fault(piece=1))
    expect(stage.ask_all(length=20), ("exact",))


@scenario(scripted=True)
def test_engine_10_mb_line(stage):
    """One event of 10 MB that never ends in sense, after a good beginning: not kept in memory, and told."""
    huge = b'"' + b"x" * 10_000_000 + b'"'

    def fault(engine):
        return lambda seen, pieces: engine.stream([*pieces[:4], engine.framed(huge)])

    for engine in stage.engines.values():
        engine.fault = fault(engine)
    for kinds in (marked.STREAMS, marked.WHOLES):
        expect(stage.ask_all(kinds), TOLD, BROKEN)


@scenario(scripted=True)
def test_engine_endless_headers(stage):
    def endless():
        yield b"HTTP/1.1 200 OK\r\n"
        while True:
            yield b"X-More: " + b"y" * 1000 + b"\r\n"

    for engine in stage.engines.values():
        engine.fault = lambda seen, pieces: Answer([endless], raw=True)
    expect(stage.ask_all(), BROKEN)
    for engine in stage.engines.values():
        engine.fault = lambda seen, pieces: Answer([b"HTTP/1.1 200 OK\r\nX-Long: ", lambda: iter(lambda: b"y" * 9000, b"")],
                                                   raw=True)
    expect(stage.ask_all(), BROKEN)


@scenario(scripted=True)
def test_engine_wrong_length_too_long(stage):
    """Content-Length says more than comes: the connection ends inside the body."""
    for engine in stage.engines.values():
        engine.fault = lambda seen, pieces, one=engine: one.stream(pieces[:-3], end="close").with_length(100_000)
    expect(stage.ask_all(), TOLD, BROKEN)


@scenario(scripted=True)
def test_engine_wrong_length_too_short(stage):
    """Content-Length says less than comes: the rest must not become the beginning of another answer."""
    for engine in stage.engines.values():
        engine.fault = lambda seen, pieces, one=engine: one.stream(pieces).with_length(len(b"".join(pieces)) // 2)
    for _ in range(3):
        expect(stage.ask_all(), TOLD, BROKEN)
    for engine in stage.engines.values():
        engine.fault = None
    stage.recovered()


@scenario(scripted=True)
def test_engine_garbage(stage):
    """Bytes that are no HTTP, chunks that are none, lines that are no JSON, JSON that is no answer."""
    plans = {
        "no HTTP": (lambda one, pieces: Answer([b"\x16\x03\x01 SSH-2.0-OpenSSH_9.2\r\n\x00\xff"], raw=True, end="close"), BROKEN),
        "no chunks": (lambda one, pieces: Answer([b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                                  b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello"], raw=True, end="close"), BROKEN),
        "no JSON": (lambda one, pieces: one.stream([*pieces[:4], one.framed(b"\x00\xffnonsense}"), *pieces[4:]]), TOLD),
        "no answer": (lambda one, pieces: one.stream([*pieces[:4], one.framed(b'[1, {"a": [[[]]]}]'), *pieces[4:]]), TOLD),
    }
    for name, (make, streams) in plans.items():
        for engine in stage.engines.values():
            engine.fault = lambda seen, pieces, one=engine: make(one, pieces)
        told = stage.ask_all()
        try:
            expect(told, streams, BROKEN)
        except AssertionError as problem:
            raise AssertionError(f"{name}: {problem}") from None


@scenario(scripted=True, deadlines=QUICK)
def test_engine_200_then_silence(stage):
    silent = threading.Event()
    for engine in stage.engines.values():
        engine.fault = lambda seen, pieces, one=engine: one.stream([silent, *pieces])
    told = stage.ask_all()
    expect(told, LATE)
    assert max(one.seconds for one in told) < 15
    silent.set()


@scenario(deadlines=QUICK, probe_interval="200ms")
def test_engine_health_flapping(stage):
    """The vLLM's health comes and goes under load; whoever has another engine sees nothing of it."""
    stopping = threading.Event()

    def flap():
        while not stopping.is_set():
            for value in ({"health": "failing"}, None):
                stage.engines["v"].faults(value)
                stopping.wait(0.35)

    with ThreadPoolExecutor(1) as pool:
        flapping = pool.submit(flap)
        end = time.monotonic() + 4
        while time.monotonic() < end:
            expect(stage.ask_all(models=["marked", *MODELS.values()], length=10), ("exact",))
        stopping.set()
        flapping.result()


@scenario(probe_interval="200ms")
def test_engines_all_gone_and_back(stage):
    for name, engine in stage.engines.items():
        engine.kill()
        stage.relays[name].refuse()
    expect(stage.ask_all(models=["marked", *MODELS.values()]), GONE)
    wait_for(lambda: stage.segue.get("/readyz").status == 503)
    told = stage.ask_all(models=["marked"])
    expect(told, ("error 503", "error 529"))
    assert max(one.seconds for one in told) < 5, "known to be gone: told at once"
    for name, engine in stage.engines.items():
        engine.start()
        stage.relays[name].open()
    stage.recovered()
    wait_for(lambda: stage.segue.get("/readyz").status == 200)
    expect(stage.ask_all(models=["marked"]), ("exact",))
