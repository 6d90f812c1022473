#!/usr/bin/env python3
"""Mixed load on a gateway before two rehearsal engines that break on purpose, for SOAK_SECONDS (default 600).

Each request carries a marker of its own in a passage of its prompt. A rehearsal engine answers with the sentence that fits
the question, word for word, so the whole answer is known beforehand. Every reply must be that answer, or an error or a cut
in the form of the client's dialect: a wrong or a short answer that looks complete is a failure. Meanwhile faults come and
go, engines are killed and started again, the configuration is reloaded, and memory and descriptors are watched.

usage: soak.py [--seconds 600] [--threads 12] [--seed N]      (SEGUE_BIN names another binary than build/release/segue)
"""

import argparse
import json
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
sys.path.insert(0, str(ROOT / "bench"))
os.environ.setdefault("SEGUE_BIN", str(ROOT / "build/release/segue"))

import soak_requests as asking  # noqa: E402
from support import client  # noqa: E402
from support.segue import Process, Segue, free_port  # noqa: E402

FAULTS = [
    {"error": 500}, {"error": 503, "share": 0.5}, {"error": {"status": 429, "message": "slow down"}, "retry_after": 1},
    {"busy": True}, {"busy": True, "share": 0.3, "retry_after": 1}, {"drop_after": 0}, {"drop_after": 1}, {"drop_after": 9},
    {"drop_after": 0, "share": 0.5}, {"stall_after": 0, "share": 0.2}, {"stall_after": 5, "share": 0.2}, {"garbage_after": 4},
    {"error_after": 6}, {"error_after": 0, "share": 0.5}, {"end_after": 5}, {"end_after": 0}, {"wrong_length": True},
    {"health": "failing"}, {"lying_counts": True}, {"bad_template": True, "share": 0.5}, {"slow": {"first_ms": 80, "gap_ms": 2}, "share": 0.3},
]
DEADLINES = {"connect": "1s", "first_event": "2s", "between_events": "1s", "total": "20s"}
# One engine answers at once, the other piece by piece, so that clients can leave in the middle.
PACE = {"vllm": [], "ollama": ["--first-token-ms", "3", "--tokens-per-second", "2000", "--slots", "64"]}
PATIENCE = 15.0  # seconds without a byte that no client should see, given the deadlines above


class Engine(Process):
    """A rehearsal engine on a port that it keeps when it is killed and started again."""

    def __init__(self, dialect, port):
        self.dialect, self.port = dialect, port
        super().__init__([os.environ["SEGUE_BIN"], "rehearse", "engine", "--dialect", dialect, "--port", str(port),
                          "--model", asking.SERVED, "--no-latency", "--embeddings", *PACE[dialect]])
        self.wait_for(self._answers)

    def _answers(self):
        try:
            return client.request(self.port, "GET", "/rehearsal/state", timeout=2).status == 200
        except OSError:
            return False

    def faults(self, value):
        method = "POST" if value else "DELETE"
        reply = client.request(self.port, method, "/rehearsal/faults", value, timeout=5)
        if reply.status != 200:
            raise RuntimeError(f"the engine refused the fault {value}: {reply}")

    def kill(self):
        self.child.kill()
        self.child.wait()
        self.stop()  # only removes its folder


def configuration(engines, generation):
    listed = [{"name": name, "dialect": "ollama" if name == "o" else "vllm", "url": f"http://127.0.0.1:{engine.port}",
               "probe_interval": "500ms", "probe_timeout": "1s", "deadlines": DEADLINES}
              for name, engine in engines.items()]
    # Both orders of the targets occur, and a reload changes something each time.
    order = ["v", "o"] if generation % 2 == 0 else ["o", "v"]
    models = [{"name": f"soak-{name}", "targets": [{"engine": name, "model": asking.SERVED}]} for name in engines]
    models.append({"name": "soak", "targets": [{"engine": name, "model": asking.SERVED} for name in order]})
    return {"engines": listed, "models": models, "max_attempts": 2 + generation % 2, "log": {"level": "error"}}


class Gateway(Segue):
    def __init__(self, engines):
        self.generation = 0
        self.listen = f"127.0.0.1:{free_port()}"
        super().__init__(self._configuration(engines))

    def _configuration(self, engines):
        return {"listen": self.listen, "workers": 2, **configuration(engines, self.generation)}

    def reload(self, engines):
        self.generation += 1
        path = self._config_folder / "segue.yaml"
        made = path.with_suffix(".new")
        made.write_text(json.dumps(self._configuration(engines)))
        made.replace(path)
        self.child.send_signal(signal.SIGHUP)

    def resident_kb(self):
        with open(f"/proc/{self.child.pid}/status") as rows:
            return next(int(row.split()[1]) for row in rows if row.startswith("VmRSS"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))


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
    """Faults, kills and reloads, drawn by chance; `step` is called often."""

    def __init__(self, engines, gateway, chance):
        self.engines, self.gateway, self.chance = engines, gateway, chance
        self.done = Counter()
        self.next_at = {"fault": 1.0, "kill": 6.0, "reload": 3.0}

    def step(self, elapsed):
        for what, at in list(self.next_at.items()):
            if elapsed >= at:
                getattr(self, what)()
                self.done[what] += 1
                pause = {"fault": 1.5, "kill": 12.0, "reload": 4.0}[what]
                self.next_at[what] = elapsed + pause * self.chance.uniform(0.5, 1.5)

    def fault(self):
        name = self.chance.choice(list(self.engines))
        # Half of the time an engine is well, or nothing would be learned about correct answers.
        self.engines[name].faults(self.chance.choice(FAULTS) if self.chance.random() < 0.5 else None)

    def kill(self):
        name = self.chance.choice(list(self.engines))
        old = self.engines[name]
        old.kill()
        time.sleep(self.chance.uniform(0, 1.5))
        self.engines[name] = Engine(old.dialect, old.port)

    def reload(self):
        self.gateway.reload(self.engines)

    def end(self):
        for engine in self.engines.values():
            engine.faults(None)


class Watch:
    """Memory and descriptors every five seconds."""

    def __init__(self, gateway):
        self.gateway, self.samples = gateway, []

    def step(self, elapsed):
        if not self.samples or elapsed >= self.samples[-1][0] + 5:
            self.samples.append((elapsed, self.gateway.resident_kb(), self.gateway.descriptors()))

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
    end = time.monotonic() + 20
    while time.monotonic() < end and gateway.get("/readyz").status != 200:
        time.sleep(0.2)
    time.sleep(1.5)  # a probe interval or two
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
    engines = {"v": Engine("vllm", free_port()), "o": Engine("ollama", free_port())}
    gateway = Gateway(engines)
    good = bad = 0

    def check(is_good, text):
        nonlocal good, bad
        good, bad = (good + 1, bad) if is_good else (good, bad + 1)
        print(f"{'ok  ' if is_good else 'FAIL'} {text}", flush=True)

    try:
        gateway.wait_ready()
        vectors = asking.known_vectors({name: engine.port for name, engine in engines.items()})
        before = gateway.descriptors()
        tally, watch = Tally(), Watch(gateway)
        trouble = Trouble(engines, gateway, chance)
        load = Load(gateway, tally, vectors, options.threads, options.seed)
        started, told = time.monotonic(), 0.0
        while (elapsed := time.monotonic() - started) < options.seconds and gateway.child.poll() is None:
            watch.step(elapsed)
            trouble.step(elapsed)
            if elapsed >= told + 10:
                told = elapsed
                seen = tally.total()
                rows = ", ".join(f"{name} {count}" for name, count in sorted(seen.items()))
                print(f"{elapsed:6.0f} s  rss {watch.samples[-1][1] / 1024:.1f} MB  fds {watch.samples[-1][2]}  {rows}  "
                      f"{dict(trouble.done)}", flush=True)
            time.sleep(0.1)
        alive = gateway.child.poll() is None
        stuck = load.stop()
        print(f"\nseed {options.seed}; by kind:")
        for kind, seen in sorted(tally.by_kind.items()):
            print(f"  {kind:24} " + ", ".join(f"{name} {count}" for name, count in sorted(seen.items())))
        check(alive, f"the gateway ran to the end{'' if alive else ': ' + gateway.log[-3000:]}")
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
                check(last <= first * 1.15 + 8192, f"resident memory went from {first / 1024:.1f} MB to {last / 1024:.1f} MB")
            lost = recovered(gateway, vectors, chance)
            check(not lost, "all is answered again without faults" + "".join(f"\n       {row}" for row in lost))
        status = gateway.stop()
        check(status == 0, f"the gateway ended with status {status}")
    finally:
        if gateway.child.poll() is None:
            gateway.stop()
        for engine in engines.values():
            engine.stop()
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
