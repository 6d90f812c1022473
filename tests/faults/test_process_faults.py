"""The gateway's own process: signals under load, a kill, and a log that takes nothing any more."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from faults.scenario import scenario
from support import marked, real_clients
from support.stage import MODELS, Stage, expect, sanitized, wait_for

SLOW = ("--first-token-ms", "20", "--tokens-per-second", "60")
CLOCK_SHIFT = Path(__file__).resolve().parents[1] / "support" / "clock_shift.c"


def is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return False
    except OSError:
        return True


class RealClients:
    """The three official clients in front of each engine, one stream each; `begun` tells when all have read some text."""

    def __init__(self, stage, length):
        self.stage, self.length, self.parties = stage, length, len(real_clients.FRONTS) * len(MODELS)
        self.begun = threading.Barrier(self.parties + 1)
        self.pool = ThreadPoolExecutor(self.parties)
        self.asked = [self.pool.submit(self._ask, front, model) for front in real_clients.FRONTS
                      for model in MODELS.values()]

    def _ask(self, front, model):
        prompt, expected = marked.question(self.stage.chance, self.length)
        pieces = []

        def on_piece():
            pieces.append(1)
            if len(pieces) == 3:
                self.begun.wait(30)

        return f"{front} on {model}", expected, real_clients.ask(front, self.stage.port, model, prompt, True, on_piece)

    def answers(self):
        return [one.result() for one in self.asked]


@scenario(pace=SLOW)
def test_sigterm_under_load(stage):
    """What is under way ends whole, new connections are refused, the status is 0."""
    clients = RealClients(stage, 100)
    clients.begun.wait(30)
    stage.segue.terminate()
    wait_for(lambda: is_refused(stage.port), 10)
    for name, expected, answer in clients.answers():
        assert answer.whole and answer.problem is None and answer.text == expected, f"{name}: {answer}"
    assert stage.segue.child.wait(20) == 0
    stage.start()


@scenario(pace=SLOW, drain="300ms")
def test_sigterm_with_streams_longer_than_the_drain(stage):
    """The rest is cut, and every client knows it; the engines are free."""
    clients = RealClients(stage, 500)
    clients.begun.wait(30)
    stage.segue.terminate()
    for name, expected, answer in clients.answers():
        assert answer.is_told and not answer.whole and expected.startswith(answer.text), f"{name}: {answer}"
    assert stage.segue.child.wait(20) == 0
    wait_for(lambda: all(engine.running() == 0 for engine in stage.engines.values()), 10)
    stage.start()


@scenario()
def test_sighup_under_load(stage):
    """Twenty reloads, good and bad ones, each with another order of targets; not one answer suffers."""
    stopping = threading.Event()

    def keep_asking():
        while not stopping.is_set():
            expect(stage.ask_all(models=["marked", *MODELS.values()], length=10), ("exact",))

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(keep_asking)
        try:
            for turn in range(20):
                fresh = stage.configuration(max_attempts=2 + turn % 2)
                fresh["models"][-1]["targets"].reverse() if turn % 2 else None
                said = "configuration reloaded" if turn % 5 != 4 else "was not reloaded"
                before = stage.segue.log.count(said)
                stage.segue.reload({**fresh, "nonsense": 1} if turn % 5 == 4 else fresh)
                wait_for(lambda: stage.segue.log.count(said) > before, 10, f"no word of {said!r}")
        finally:
            stopping.set()
        asking.result()
    stage.segue.reload(stage.configuration())


@scenario(pace=SLOW)
def test_sigkill_under_load(stage):
    """Every client knows that its answer is broken, the engines are free, and nothing that was kept is lost."""
    made = stage.segue.post("/api/copy", {"source": "marked-v", "destination": "kept"})
    assert made.status == 200, made
    data = stage.segue.folder / "data"
    kept = Path(tempfile.mkdtemp(prefix="segue-kept-"))
    try:
        clients = RealClients(stage, 300)
        clients.begun.wait(30)
        stage.segue.child.kill()
        stage.segue.child.wait()
        for name, expected, answer in clients.answers():
            assert answer.is_told and not answer.whole and expected.startswith(answer.text), f"{name}: {answer}"
        wait_for(lambda: all(engine.running() == 0 for engine in stage.engines.values()), 10)
        shutil.copytree(data, kept / "data", ignore=shutil.ignore_patterns("*.sock"))
        stage.data_dir = str(kept / "data")
        stage.start()
        prompt, expected = marked.question(stage.chance, 5)
        answer = real_clients.ask("ollama", stage.port, "kept", prompt)
        assert answer.text == expected, answer
        stage.check_after()
    finally:
        shutil.rmtree(kept, ignore_errors=True)


@scenario()
def test_restart_under_load(stage):
    """Killed and started again three times while clients ask on and on: refused, broken or whole, never wrong."""
    stopping = threading.Event()
    seen = []

    def keep_asking(front, model):
        while not stopping.is_set():
            prompt, expected = marked.question(stage.chance, 20)
            answer = real_clients.ask(front, stage.port, model, prompt)
            if answer.problem is None:
                assert answer.whole and answer.text == expected, f"{front} on {model}: {answer}"
            else:
                assert answer.is_told and not answer.whole and expected.startswith(answer.text), f"{front} on {model}: {answer}"
            seen.append(answer.problem is None)

    with ThreadPoolExecutor(6) as pool:
        asking = [pool.submit(keep_asking, front, model) for front in real_clients.FRONTS for model in MODELS.values()]
        try:
            for _ in range(3):
                count = seen.count(True)
                wait_for(lambda: seen.count(True) > count + 6 or any(one.done() for one in asking), 30)
                stage.segue.child.kill()
                stage.segue.child.wait()
                stage.start()
        finally:
            stopping.set()
        for one in asking:
            one.result()
    assert seen.count(True) > 18


def ask_much(stage, rounds):
    for _ in range(rounds):
        expect(stage.ask_all(kinds=marked.STREAMS, length=3), ("exact",))


@scenario(output="/dev/full")
def test_log_disk_full(stage):
    """Every write to the log fails from the beginning."""
    ask_much(stage, 5)


@scenario(own_stage=True)
def test_data_disk_full():
    """Log and data on a full disk of 1 MB: requests go on, what cannot be kept is refused, nothing that was kept is lost."""
    folder = Path(tempfile.mkdtemp(prefix="segue-disk-"))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("cannot mount a tmpfs (needs root)")

    def act(stage):
        assert stage.segue.post("/api/copy", {"source": "marked-v", "destination": "before"}).status == 200
        filler = folder / "filler"
        try:
            with open(filler, "wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)
        except OSError:
            pass
        ask_much(stage, 3)
        refused = stage.segue.post("/api/copy", {"source": "marked-v", "destination": "during"})
        assert refused.status == 500 and "error" in refused.json(), refused
        names = {row["name"] for row in stage.segue.get("/api/tags").json()["models"]}
        assert "before:latest" in names and "during:latest" not in names, names
        filler.unlink()
        assert stage.segue.post("/api/copy", {"source": "marked-v", "destination": "after"}).status == 200
        stage.segue.stop()
        stage.start()
        names = {row["name"] for row in stage.segue.get("/api/tags").json()["models"]}
        assert {"before:latest", "after:latest"} <= names and "during:latest" not in names, names

    try:
        Stage(output=str(folder / "log"), data_dir=str(folder / "data")).play(act)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        folder.rmdir()


@scenario(own_stage=True)
def test_log_pipe_that_nobody_reads():
    """The program behind `segue serve 2> >(…)` stands still. Found that a worker waited for its access line's place."""
    folder = Path(tempfile.mkdtemp(prefix="segue-pipe-"))
    pipe = folder / "log"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        def act(stage):
            ask_much(stage, 40)  # some 100 KB of access lines; the pipe holds 64
            os.set_blocking(reader, False)
            before = b""
            while True:
                try:
                    before += os.read(reader, 65536)
                except BlockingIOError:
                    break
            assert len(before) > 30_000, "the pipe was not full: nothing was tried"
            ask_much(stage, 1)
            assert b"log lines were lost" in os.read(reader, 65536)

        Stage(output=str(pipe)).play(act)
    finally:
        os.close(reader)
        shutil.rmtree(folder, ignore_errors=True)


@scenario(own_stage=True)
def test_clock_jump():
    """The wall clock goes back a day and forward a year in the middle of streams: whole answers, sane durations."""
    if sanitized():
        pytest.skip("a sanitizer must be the first library of its process (the unit test is in src/llm)")
    if not shutil.which("cc"):
        pytest.skip("no C compiler for the library that shifts the clock")
    folder = Path(tempfile.mkdtemp(prefix="segue-clock-"))
    library, shift = folder / "clock_shift.so", folder / "shift"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(CLOCK_SHIFT), "-ldl"], check=True)

    def jump(seconds):
        with open(shift, "wb" if not shift.exists() else "r+b") as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))

    def act(stage):
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(stage.ask_all, length=60)
            for seconds in (-86_400, 31_536_000, -31_536_000, 0):
                time.sleep(0.35)
                jump(seconds)
            expect(asking.result(), ("exact",))
        jump(-86_400)
        asked = stage.request("ollama chat stream", MODELS["v"], 10)
        last = stage.segue.post(asked.path, asked.body).lines()[-1]
        assert last["done"] and 0 < last["total_duration"] < 60e9 and 0 <= last["eval_duration"] < 60e9, last
        assert time.time() - datetime.fromisoformat(last["created_at"].replace("Z", "+00:00")).timestamp() > 80_000, (
            "the clock was not shifted: nothing was tried")
        rows = [json.loads(row) for row in stage.segue.log.splitlines() if '"level":"access"' in row]
        assert len(rows) > 12 and all(0 <= row["ms"] < 60_000 for row in rows), rows
        stage.segue.reload(stage.configuration(max_attempts=2))
        jump(0)

    jump(0)
    try:
        Stage(pace=SLOW, wrapper=("env", f"LD_PRELOAD={library}", f"CLOCK_SHIFT_FILE={shift}")).play(act)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
