"""Several rehearsal engines of one model behind one Segue: what balancing and the breaker are tested with."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

from . import client
from .rigs import MODEL, PROFILE, engine_entry
from .segue import NotStarted, Rehearsal, Segue

BREAKER = {"ejection": "300ms", "max_ejection": "1200ms"}
CHAT = "/v1/chat/completions"


def chat_body(text: str = "hello", stream: bool = True, **fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "stream": stream, "max_tokens": 24, "messages": [{"role": "user", "content": text}], **fields}


def wait_for(what: Callable[[], Any], seconds: float = 10.0) -> Any:
    end = time.monotonic() + seconds
    while True:
        if value := what():
            return value
        assert time.monotonic() < end, f"not so after {seconds} s"
        time.sleep(0.02)


class Pool:
    """`engine` adds to every engine's settings, `model` to the model's, `names` gives the number of engines."""

    def __init__(self, names: str = "ab", dialect: str = "vllm", engine: dict[str, Any] | None = None,
                 model: dict[str, Any] | None = None, priorities: dict[str, int] | None = None, **top: Any):
        self.dialect = dialect
        self.engines = {name: Rehearsal(dialect) for name in names}
        wire = "openai" if dialect == "vllm" else "ollama"
        settings = {"breaker": BREAKER, "probe_capabilities": False, **(engine or {})}
        targets = [{"engine": name, "model": MODEL, "priority": (priorities or {}).get(name, 0)} for name in names]
        config = {"engines": [engine_entry(name, wire, one.url, **settings) for name, one in self.engines.items()],
                  "models": [{"name": MODEL, "profile": PROFILE, "targets": targets, **(model or {})}],
                  "log": {"level": "info", "format": "json"}, **top}
        try:
            self.segue = Segue(config)
            self.segue.wait_ready()
        except Exception:
            self.stop_engines()
            raise

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: Any) -> None:
        try:
            self.segue.stop()
        finally:
            self.stop_engines()

    def stop_engines(self) -> None:
        for one in self.engines.values():
            one.stop()

    def faults(self, name: str, value: dict[str, Any]) -> None:
        self.engines[name].faults(value)

    def restart(self, name: str) -> None:
        """The same engine on the same port, after it was killed."""
        port = self.engines[name].port

        def again() -> Rehearsal | None:
            try:
                return Rehearsal(self.dialect, port=port)
            except NotStarted:  # the port may be held for a moment
                return None
        self.engines[name] = wait_for(again)

    def ask(self, text: str = "hello", **fields: Any) -> client.Reply:
        headers = fields.pop("headers", None)
        return self.segue.post(CHAT, chat_body(text, **fields), headers)

    def asked(self, name: str) -> int:
        """How many requests for an answer this engine got."""
        return sum(1 for one in self.engines[name].requests()["requests"] if one["path"] == CHAT)

    def state(self, name: str) -> dict[str, Any]:
        engines = self.segue.get("/segue/v1/engines").json()["engines"]
        return next(one for one in engines if one["name"] == name)

    def breaker(self, name: str) -> dict[str, Any]:
        return self.state(name)["breaker"]

    def metric(self, name: str, **labels: str) -> float | None:
        for row in self.segue.get("/metrics").text.splitlines():
            if row.startswith(name + "{") and all(f'{key}="{value}"' in row for key, value in labels.items()):
                return float(row.rsplit(" ", 1)[1])
        return None


class Load:
    """Requests one after another on several threads until it is stopped; what went wrong is kept."""

    def __init__(self, pool: Pool, threads: int = 3, text: Callable[[int], str] = lambda number: f"question {number}"):
        self.pool, self.text = pool, text
        self.replies: list[client.Reply] = []
        self._stop = threading.Event()
        self._number = iter(range(1_000_000))
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.replies.append(self.pool.ask(self.text(next(self._number))))
            time.sleep(0.005)
