#!/usr/bin/env python3
"""Mixed load on a gateway before two rehearsal engines that break on purpose, for SOAK_SECONDS (default 600).

Each request carries a marker of its own in a passage of its prompt. A rehearsal engine answers with the sentence that fits
the question, word for word, so the whole answer is known beforehand. Every reply must be that answer, or an error or a cut
in the form of the client's dialect: a wrong or a short answer that looks complete is a failure. Meanwhile faults come and
go, connections are spoilt, engines are frozen, killed and started again, clients crowd in and read nothing, the
configuration is reloaded, and memory and descriptors are watched.

usage: soak.py [--seconds 600] [--threads 12] [--seed N]      (SEGUE_BIN names another binary than build/release/segue)

The seed decides what is asked and what breaks; when, is up to the machine. Under a sanitizer (its name is in the binary's
path) memory may grow by 128 MB instead of 8, and clients wait longer; what the sanitizer reports is a failure.
"""

import argparse
import os
import random
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("SEGUE_BIN", str(ROOT / "build/release/segue"))

from support import client  # noqa: E402
from support import marked as asking  # noqa: E402
from support.relay import Fault  # noqa: E402
from support.stage import Stage, sanitized  # noqa: E402

FAULTS = [
    {"error": 500}, {"error": 503, "share": 0.5}, {"error": {"status": 429, "message": "slow down"}, "retry_after": 1},
    {"busy": True}, {"busy": True, "share": 0.3, "retry_after": 1}, {"drop_after": 0}, {"drop_after": 1}, {"drop_after": 9},
    {"drop_after": 0, "share": 0.5}, {"stall_after": 0, "share": 0.2}, {"stall_after": 5, "share": 0.2}, {"garbage_after": 4},
    {"error_after": 6}, {"error_after": 0, "share": 0.5}, {"end_after": 5}, {"end_after": 0}, {"wrong_length": True},
    {"health": "failing"}, {"lying_counts": True}, {"bad_template": True, "share": 0.5}, {"slow": {"first_ms": 80, "gap_ms": 2}, "share": 0.3},
]
# What happens to the connections themselves; bytes count from the beginning of a connection.
SPOILS = [Fault(reset_after=0), Fault(reset_after=700), Fault(reset_after=4000), Fault(cut_after=0), Fault(cut_after=1500),
          Fault(cut_after=6000), Fault(stall_after=0), Fault(stall_after=2000), Fault(piece=1), Fault(piece=7),
          Fault(delay=0.02), Fault(black_hole=True)]
DEADLINES = {"connect": "1s", "first_event": "2s", "between_events": "1s", "total": "20s"}
# One engine answers at once, the other piece by piece, so that clients can leave in the middle.
PACE = {"v": ("--no-latency",), "o": ("--first-token-ms", "3", "--tokens-per-second", "2000")}
# Seconds without a byte that no client should see: an engine that brings one byte at a time keeps every deadline but the last.
PATIENCE = 30.0
if sanitized():
    PATIENCE = 60.0
# A sanitizer keeps freed memory for a while, so that its use is seen: 16 MB of it here, and shadow memory beside.
os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=16")
os.environ.setdefault("TSAN_OPTIONS", f"suppressions={ROOT / 'tests/tsan.supp'}")
MOST_GROWTH_KB = 128 * 1024 if sanitized() else 8192


class Gateway(Stage):
    """Each reload changes something: both orders of the targets occur."""

    def __init__(self):
        self.generation = 0
        super().__init__(deadlines=DEADLINES, probe_interval="500ms", pace=PACE, log={"level": "error"},
                         limits={"write_timeout": "3s"})

    def reload(self):
        self.generation += 1
        fresh = self.configuration(max_attempts=2 + self.generation % 2)
        for row in fresh["models"][-1]["targets"]:
            row["priority"] = 0
        if self.generation % 2:
            fresh["models"][-1]["targets"].reverse()
        self.segue.reload(fresh)


class Tally:
    """What the load threads saw."""

    def __init__(self):
        self.lock = threading.Lock()
        self.by_kind = {}
        self.failures = []

    def add(self, kind, outcome, detail=""):
        with self.lock:
            self.by_kind.setdefault(kind, Counter())[outcome] += 1
            if outcome in asking.BAD:
                self.failures.append(f"{kind}: {outcome}: {detail}")
                if len(self.failures) <= 20:
                    print(f"FAILURE {self.failures[-1]}", flush=True)

    def total(self):
        with self.lock:
            return sum(self.by_kind.values(), Counter())


class Load:
    """Threads that ask, each one request after the other."""

    def __init__(self, gateway, tally, vectors, threads, seed):
        self.gateway, self.tally, self.vectors = gateway, tally, vectors
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(random.Random(seed * 1000 + n),), daemon=True)
                        for n in range(threads)]
        for one in self.threads:
            one.start()

    def _run(self, chance):
        connection = None
        while not self.stopping.is_set():
            request = asking.draw(chance, self.vectors)
            slow = chance.random() < 0.03
            is_fresh = False
            if connection is None or slow or chance.random() < 0.2:
                if connection:
                    connection.close()
                connection = self._connect(slow)
                if connection is None:
                    continue
                is_fresh = True
            if chance.random() < 0.01:
                self.tally.add(request.kind, asking.abandon(connection, request, chance))
                connection = None
                continue
            abort_after = chance.randint(0, 12) if chance.random() < 0.08 else None
            outcome, detail, usable = asking.perform(connection, request, abort_after, 0.02 if slow else 0)
            if outcome == "closed" and is_fresh:
                outcome = "unanswered"
            self.tally.add(request.kind, outcome, detail)
            if not usable or slow:
                connection.close()
                connection = None
        if connection:
            connection.close()

    def _connect(self, slow):
        try:
            return client.Connection(self.gateway.port, timeout=PATIENCE, receive_buffer=2048 if slow else None)
        except OSError as problem:
            self.tally.add("connect", "unreachable", repr(problem))
            time.sleep(0.2)
            return None

    def stop(self):
        """Names the threads that do not come to an end."""
        self.stopping.set()
        end = time.monotonic() + PATIENCE + 10
        for one in self.threads:
            one.join(max(0.0, end - time.monotonic()))
        return sum(one.is_alive() for one in self.threads)


class Trouble:
    """Faults, kills, spoilt connections, crowds and reloads, drawn by chance; `step` is called often."""

    EVERY = {"fault": 1.5, "spoil": 4.0, "freeze": 9.0, "kill": 12.0, "crowd": 7.0, "never_read": 5.0, "reload": 4.0}

    def __init__(self, gateway, chance):
        self.gateway, self.chance = gateway, chance
        self.done = Counter()
        self.next_at = {what: pause * 0.5 for what, pause in self.EVERY.items()}
        self.held = []  # connections that are open for trouble's sake, and until when
        self.elapsed = 0.0

    def step(self, elapsed):
        self.elapsed = elapsed
        for what, at in list(self.next_at.items()):
            if elapsed >= at:
                getattr(self, what)()
                self.done[what] += 1
                self.next_at[what] = elapsed + self.EVERY[what] * self.chance.uniform(0.5, 1.5)
        for connection, until in self.held:
            if elapsed >= until:
                connection.reset() if self.chance.random() < 0.5 else connection.close()
        self.held = [row for row in self.held if elapsed < row[1]]

    def any_engine(self):
        return self.chance.choice(list(self.gateway.engines.items()))

    def fault(self):
        _, engine = self.any_engine()
        # Half of the time an engine is well, or nothing would be learned about correct answers.
        engine.faults(self.chance.choice(FAULTS) if self.chance.random() < 0.5 else None)

    def spoil(self):
        """The next connections to one engine are spoilt, until the next spoil of the same."""
        name, _ = self.any_engine()
        relay = self.gateway.relays[name]
        relay.fault = self.chance.choice(SPOILS) if self.chance.random() < 0.4 else Fault()
        relay.end_all()

    def freeze(self):
        """Alive for the kernel, silent for everybody else."""
        _, engine = self.any_engine()
        engine.signal(signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.2, 2.0))
        engine.signal(signal.SIGCONT)

    def kill(self):
        name, engine = self.any_engine()
        engine.kill()
        is_gone = self.chance.random() < 0.5
        if is_gone:
            self.gateway.relays[name].refuse()
        time.sleep(self.chance.uniform(0, 1.5))
        engine.start()
        if is_gone:
            self.gateway.relays[name].open()

    def connect(self, buffer=None):
        connection = client.Connection(self.gateway.port, timeout=5, receive_buffer=buffer)
        self.held.append((connection, self.elapsed + self.chance.uniform(0.5, 4.0)))
        return connection

    def crowd(self):
        """Clients that say nothing, or half a head."""
        for _ in range(self.chance.randint(20, 200)):
            try:
                connection = self.connect()
                if self.chance.random() < 0.5:
                    connection.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le")
            except OSError:  # the gateway may refuse a crowd
                return

    def never_read(self):
        """Clients that ask for long answers and take nothing of them."""
        for _ in range(self.chance.randint(2, 10)):
            request = asking.draw(self.chance, None, self.chance.choice(asking.STREAMS), self.chance.choice(asking.MODELS), 900)
            try:
                self.connect(2048).send_request(request.method, request.path, request.body)
            except OSError:
                return

    def reload(self):
        self.gateway.reload()

    def end(self):
        for connection, _ in self.held:
            connection.close()
        for name, engine in self.gateway.engines.items():
            self.gateway.relays[name].fault = Fault()
            self.gateway.relays[name].end_all()
            engine.heal()


class Watch:
    """Memory and descriptors every five seconds."""

    def __init__(self, gateway):
        self.gateway, self.samples = gateway, []

    def step(self, elapsed):
        if not self.samples or elapsed >= self.samples[-1][0] + 5:
            self.samples.append((elapsed, self.gateway.memory_kb(), self.gateway.descriptors()))

    def growth(self, seconds):
        """Medians of the first and the last third after the warm-up, in kB; None: too few samples."""
        kept = [row[1] for row in self.samples if row[0] >= 0.2 * seconds]
        third = len(kept) // 3
        if third < 1:
            return None
        return statistics.median(kept[:third]), statistics.median(kept[-third:])


def settle(gateway, limit, seconds=20.0):
    """Descriptors after the load; idle connections to engines are kept for 4 s."""
    end = time.monotonic() + seconds
    while (count := gateway.descriptors()) > limit and time.monotonic() < end:
        time.sleep(0.5)
    return count


def recovered(gateway, vectors, chance):
    """With the faults gone every kind of request must be answered; returns what is not."""
    end = time.monotonic() + 40  # an engine may have been put aside for half a minute
    while time.monotonic() < end and any(one.outcome != "exact" for one in gateway.ask_all(length=3)):
        time.sleep(0.5)
    bad = []
    for kind in asking.KINDS:
        for model in asking.MODELS:
            request = asking.draw(chance, vectors, kind, model)
            with client.Connection(gateway.port, timeout=PATIENCE) as connection:
                outcome, detail, _ = asking.perform(connection, request, None, 0)
            if outcome != "exact":
                bad.append(f"{request.kind} on {model}: {outcome} {detail}")
    return bad


def run(options):
    chance = random.Random(options.seed)
    gateway = Gateway()
    good = bad = 0

    def check(is_good, text):
        nonlocal good, bad
        good, bad = (good + 1, bad) if is_good else (good, bad + 1)
        print(f"{'ok  ' if is_good else 'FAIL'} {text}", flush=True)

    try:
        vectors = asking.known_vectors({name: engine.port for name, engine in gateway.engines.items()})
        before = gateway.descriptors_before
        tally, watch = Tally(), Watch(gateway)
        trouble = Trouble(gateway, chance)
        load = Load(gateway, tally, vectors, options.threads, options.seed)
        started, told = time.monotonic(), 0.0
        while (elapsed := time.monotonic() - started) < options.seconds and gateway.segue.child.poll() is None:
            watch.step(elapsed)
            trouble.step(elapsed)
            if elapsed >= told + 10:
                told = elapsed
                seen = tally.total()
                rows = ", ".join(f"{name} {count}" for name, count in sorted(seen.items()))
                print(f"{elapsed:6.0f} s  rss {watch.samples[-1][1] / 1024:.1f} MB  fds {watch.samples[-1][2]}  {rows}  "
                      f"{dict(trouble.done)}", flush=True)
            time.sleep(0.1)
        alive = gateway.segue.child.poll() is None
        stuck = load.stop()
        print(f"\nseed {options.seed}; by kind:")
        for kind, seen in sorted(tally.by_kind.items()):
            print(f"  {kind:24} " + ", ".join(f"{name} {count}" for name, count in sorted(seen.items())))
        check(alive, f"the gateway ran to the end{'' if alive else ': ' + gateway.segue.log[-3000:]}")
        check(not stuck, f"{stuck} load threads stuck")
        for name, meaning in asking.BAD.items():
            count = tally.total()[name]
            check(not count, f"{count} replies: {meaning}")
        silent = [kind for kind in asking.KINDS if not tally.by_kind.get(kind, Counter())["exact"]]
        check(not silent, f"each kind of request was answered{': not ' + ', '.join(silent) if silent else ''}")
        if alive:
            trouble.end()
            limit = before + 16
            after = settle(gateway, limit)
            check(after <= limit, f"{after} descriptors after the load, {before} before it; up to {limit} are in order")
            growth = watch.growth(options.seconds)
            if growth:
                first, last = growth
                check(last <= first * 1.15 + MOST_GROWTH_KB,
                      f"resident memory went from {first / 1024:.1f} MB to {last / 1024:.1f} MB")
            lost = recovered(gateway, vectors, chance)
            check(not lost, "all is answered again without faults" + "".join(f"\n       {row}" for row in lost))
        try:
            status, said = gateway.segue.stop(), ""
        except AssertionError as problem:  # a sanitizer's report
            status, said = gateway.segue.child.returncode, f": {str(problem)[:5000]}"
        check(status == 0 and not said, f"the gateway ended with status {status}{said}")
    finally:
        gateway.stop()
    print(f"{good} passed, {bad} failed")
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SOAK_SECONDS", "600")))
    parser.add_argument("--threads", type=int, default=12)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    if not os.access(os.environ["SEGUE_BIN"], os.X_OK):
        sys.exit(f"there is no {os.environ['SEGUE_BIN']}; make build makes it")
    sys.exit(run(options))


if __name__ == "__main__":
    main()
