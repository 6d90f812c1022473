"""A stage for faults: one Segue between clients and two engines, one of each dialect, each behind a relay that can spoil
the connection; and what must be true again after every fault.

The engines are rehearsal engines in processes of their own (they can be killed and stopped), or scripted ones where the
fault lies in bytes that no rehearsal engine would send. All answers are known word for word (support.marked).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable, Iterable

from . import client, marked, wire
from .engines import Answer, ReplayEngine, Seen
from .relay import Fault, Relay
from .segue import Process, Segue, binary, free_port
from .tls_front import TlsFront

DEADLINES = {"connect": "2s", "first_event": "20s", "between_events": "20s", "total": "60s"}
PATIENCE = 40.0  # seconds of silence that no client should see, given the deadlines
LONG = 60  # words after the marker: an answer of some 10 KB on the wire
TOLD = ("told in stream",)
MODELS = {"v": "marked-v", "o": "marked-o"}


def sanitized() -> bool:
    """A build under a sanitizer uses several times the memory and the time."""
    return any(name in (binary() or "") for name in ("asan", "tsan"))


def wait_for(condition: Callable[[], Any], seconds: float = 15.0, what: Any = "") -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"did not come true in {seconds} s: {what() if callable(what) else what}"
        time.sleep(0.02)
    return value


class EngineProcess:
    """A rehearsal engine that keeps its port when it dies and comes back."""

    kind = "rehearsal"

    def __init__(self, dialect: str, *arguments: str):
        self.dialect, self.port, self.arguments = dialect, free_port(), arguments
        self.process: Process | None = None
        self.start()

    def start(self) -> None:
        self.process = Process([str(binary()), "rehearse", "engine", "--dialect", self.dialect, "--port", str(self.port),
                                "--model", marked.SERVED, "--slots", "64", "--embeddings",
                                *(self.arguments or ("--first-token-ms", "3", "--tokens-per-second", "1000"))])
        self.process.wait_for(self._answers)

    def _answers(self) -> bool:
        try:
            return client.request(self.port, "GET", "/rehearsal/state", timeout=5).status == 200
        except (OSError, client.Broken):
            return False

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.child.poll() is None

    def faults(self, value: Any) -> None:
        reply = client.request(self.port, "POST" if value else "DELETE", "/rehearsal/faults", value, timeout=10)
        assert reply.status == 200, f"the engine refused the fault {value}: {reply}"

    def running(self) -> int:
        state = client.request(self.port, "GET", "/rehearsal/state", timeout=10).json()
        return state["running"] + state["waiting"]

    def signal(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.child.pid, number)

    def kill(self) -> None:
        assert self.process is not None
        self.process.child.kill()
        self.process.child.wait()
        shutil.rmtree(self.process.folder, ignore_errors=True)

    def heal(self) -> None:
        if not self.is_alive:
            self.start()
        self.signal(signal.SIGCONT)
        self.faults(None)

    def stop(self) -> None:
        if self.is_alive and self.process is not None:
            self.signal(signal.SIGCONT)
            self.process.stop()


class ScriptedEngine(ReplayEngine):
    """Answers as a rehearsal engine would, unless `fault` gives something else."""

    kind = "scripted"

    def __init__(self, dialect: str):
        super().__init__("openai" if dialect == "vllm" else "ollama", (marked.SERVED,), 8192)
        self.fault: Callable[[Seen, list[bytes]], Answer | None] | None = None
        self.chat(self._script)
        self.is_alive = True

    def _script(self, seen: Seen) -> Answer:
        text = marked.answer_to(seen.json["messages"][-1]["content"])
        pieces = self.events(text)
        if self.fault is not None and (spoiled := self.fault(seen, pieces)) is not None:
            return spoiled
        if self.streams(seen):
            return self.stream(pieces)
        if self.dialect == "ollama":
            return Answer.json(json.loads(wire.last_line()) | {"message": {"role": "assistant", "content": text}})
        message = {"role": "assistant", "content": text}
        return Answer.json({**wire.IDENTITY, "object": "chat.completion", "choices": [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}})

    def streams(self, seen: Seen) -> bool:
        return seen.json.get("stream", self.dialect == "ollama")

    def stream(self, pieces: list[Any], **more: Any) -> Answer:
        return (Answer.lines if self.dialect == "ollama" else Answer.sse)(pieces, **more)

    def events(self, text: str) -> list[bytes]:
        if self.dialect == "ollama":
            return [*(wire.line(word) for word in wire.words(text)), wire.last_line()]
        return wire.text_stream(text)

    def framed(self, data: bytes) -> bytes:
        """One event of this dialect."""
        return data + b"\n" if self.dialect == "ollama" else b"data: " + data + b"\n\n"

    def running(self) -> int:
        return sum(not seen.finished.is_set() for seen in self.requests)

    def heal(self) -> None:
        self.fault = None


@dataclass
class Told:
    """What one client came to know."""

    request: marked.Request
    model: str
    outcome: str
    detail: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.request.kind} on {self.model}: {self.outcome} after {self.seconds:.1f} s {self.detail}"


class Stage:
    """Models: `marked-v` and `marked-o` have one engine each, `marked` asks the vLLM first and then the Ollama."""

    def __init__(self, scripted: bool = False, deadlines: dict[str, str] | None = None, probe_interval: str = "60s",
                 pace: tuple[str, ...] | dict[str, tuple[str, ...]] = (), tls: bool = False, host: str = "127.0.0.1", wrapper: tuple[str, ...] = (),
                 output: str | None = None, data_dir: str | None = None,
                 engine: dict[str, Any] | None = None, **top: Any):
        """`pace` is the engines' timing (or each one's by its name), `tls` puts the vLLM behind https, `host` is its name, `wrapper`, `output` and `data_dir` are the gateway process's,
        `engine` adds to the settings of both engines, `top` to the configuration."""
        self.deadlines, self.probe_interval = {**DEADLINES, **(deadlines or {})}, probe_interval
        self.top, self.host, self.engine_settings = top, host, engine or {}
        self.start_options: dict[str, Any] = {"wrapper": wrapper, "output": output}
        self.data_dir = data_dir
        self.tls: TlsFront | None = None
        self.chance = random.Random(f"{os.getpid()} {time.monotonic_ns()}")

        def made(name: str, dialect: str) -> Any:
            if scripted:
                return ScriptedEngine(dialect)
            return EngineProcess(dialect, *(pace[name] if isinstance(pace, dict) else pace))

        self.engines: dict[str, Any] = {}
        self.relays: dict[str, Relay] = {}
        self.segue: Segue | None = None
        self.port = free_port()
        try:
            for name, dialect in (("v", "vllm"), ("o", "ollama")):
                self.engines[name] = made(name, dialect)
                port = self.engines[name].port
                if tls and name == "v":
                    self.tls = TlsFront(port)
                    port = self.tls.port
                self.relays[name] = Relay(port)
            self.start()
        except BaseException:
            self.stop()
            raise

    # --- the gateway ------------------------------------------------------------------------------------------

    def configuration(self, **more: Any) -> dict[str, Any]:
        engines = [{"name": name, "dialect": dialect, "url": f"http://127.0.0.1:{self.relays[name].port}",
                    "probe_interval": self.probe_interval, "probe_timeout": "2s", "deadlines": self.deadlines,
                    **self.engine_settings}
                   for name, dialect in (("v", "vllm"), ("o", "ollama"))]
        engines[0]["url"] = f"http{'s' if self.tls else ''}://{self.host}:{self.relays['v'].port}"
        if self.tls:
            engines[0]["tls"] = self.tls.settings
        models = [{"name": MODELS[name], "targets": [{"engine": name, "model": marked.SERVED}]} for name in ("v", "o")]
        models.append({"name": "marked", "targets": [{"engine": "v", "model": marked.SERVED, "priority": 0},
                                                     {"engine": "o", "model": marked.SERVED, "priority": 1}]})
        return {"listen": f"127.0.0.1:{self.port}", "workers": 2, "engines": engines, "models": models,
                "log": {"level": "info", "format": "json"}, **self.top, **more}

    def start(self) -> None:
        """Also the next one after a stop or a kill, on the same port."""
        if self.segue is not None:
            self.segue.stop()  # it is gone; its folder goes, too
        environment = {"SEGUE_DATA_DIR": self.data_dir} if self.data_dir else None
        self.segue = Segue(self.configuration(), environment, **self.start_options)
        self.segue.wait_ready(30)
        self.descriptors_before = min(self.descriptors() for _ in range(5) if not time.sleep(0.02))

    @property
    def pid(self) -> int:
        assert self.segue is not None
        return self.segue.child.pid

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def memory_kb(self, row: str = "VmRSS") -> int:
        with open(f"/proc/{self.pid}/status", encoding="ascii") as rows:
            return next(int(line.split()[1]) for line in rows if line.startswith(row))

    def connections(self) -> list[str]:
        """The TCP connections that the gateway holds, as `local remote state` of /proc/net/tcp, without listeners."""
        held = set()
        for one in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                target = os.readlink(f"/proc/{self.pid}/fd/{one}")
            except OSError:
                continue
            if target.startswith("socket:["):
                held.add(target[8:-1])
        rows = []
        for table in ("tcp", "tcp6"):
            with open(f"/proc/{self.pid}/net/{table}", encoding="ascii") as file:
                for line in list(file)[1:]:
                    parts = line.split()
                    if parts[9] in held and parts[3] != "0A":
                        rows.append(f"{parts[1]} {parts[2]} {parts[3]}")
        return rows

    # --- asking -----------------------------------------------------------------------------------------------

    def request(self, kind: str, model: str, length: int = LONG) -> marked.Request:
        return marked.draw(self.chance, None, kind, model, length)

    def ask(self, kind: str, model: str, length: int = LONG, patience: float = PATIENCE) -> Told:
        asked, started = self.request(kind, model, length), time.monotonic()
        try:
            with client.Connection(self.port, timeout=patience) as connection:
                outcome, detail, _ = marked.perform(connection, asked, None, 0)
        except OSError as problem:
            outcome, detail = "unreachable", repr(problem)
        return Told(asked, model, outcome, detail, time.monotonic() - started)

    def ask_all(self, kinds: Iterable[str] = marked.STREAMS + marked.WHOLES, models: Iterable[str] = tuple(MODELS.values()),
                length: int = LONG) -> list[Told]:
        """All combinations at the same time."""
        pairs = [(kind, model) for model in models for kind in kinds]
        with ThreadPoolExecutor(len(pairs)) as pool:
            return list(pool.map(lambda pair: self.ask(*pair, length=length), pairs))

    def recovered(self, seconds: float = 30.0) -> None:
        """Every front gets a whole answer of its own from each engine."""
        end = time.monotonic() + seconds
        while True:
            # One at a time for each engine: some stages are full with two.
            told = [one for kind in marked.STREAMS + marked.WHOLES for one in self.ask_all([kind], length=3)]
            wrong = [str(one) for one in told if one.outcome in marked.BAD]
            assert not wrong, "\n".join(wrong)
            left = [str(one) for one in told if one.outcome != "exact"]
            if not left:
                return
            assert time.monotonic() < end, "not well again: " + "\n".join(left)
            time.sleep(0.2)

    # --- after the fault --------------------------------------------------------------------------------------

    def check_after(self) -> None:
        """No leak, all well again, memory within bounds. Waits for the time-out of idle engine connections (4 s)."""
        assert self.segue is not None
        for name, relay in self.relays.items():
            relay.fault = Fault()
            self.engines[name].heal()
        assert self.segue.child.poll() is None, f"the gateway is gone: {self.segue.log[-3000:]}"
        self.recovered()
        for name, engine in self.engines.items():
            wait_for(lambda one=engine: one.running() == 0, 15, f"engine {name} still works for somebody who left")
        wait_for(lambda: not self.connections() and self.descriptors() <= self.descriptors_before, 20,
                 lambda: f"{self.descriptors()} descriptors, {self.descriptors_before} before; {self.connections()}")
        most = 1_500_000 if sanitized() else 200_000
        assert self.memory_kb("VmHWM") < most, f"{self.memory_kb('VmHWM')} kB resident"

    def play(self, act: Callable[["Stage"], None]) -> None:
        """The act, the checks after it, the end."""
        try:
            act(self)
            self.check_after()
        finally:
            self.stop()

    def stop(self) -> None:
        try:
            if self.segue is not None and self.segue.child.poll() is None:
                status = self.segue.stop()
                assert status == 0, f"the gateway ended with status {status}"
        finally:
            for relay in self.relays.values():
                relay.stop()
            for engine in self.engines.values():
                engine.stop()
            if self.tls:
                self.tls.stop()


def expect(told: Iterable[Told], streams: Iterable[str], wholes: Iterable[str] | None = None) -> None:
    """Each client came to know what it may: a name ending in `*` stands for all that begin so ("error*")."""
    wrong = []
    for one in told:
        allowed = streams if wholes is None or one.request.streams else wholes
        if not any(one.outcome == name or (name[-1] == "*" and one.outcome.startswith(name[:-1])) for name in allowed):
            wrong.append(f"{one} (expected {' or '.join(allowed)})")
    assert not wrong, "\n".join(wrong)
