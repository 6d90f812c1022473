"""A rig: one Segue in front of one engine (or several), kept for all tests that ask for the same."""

from __future__ import annotations

import copy
import json
import os
from typing import Any
from urllib.parse import urlsplit

import pytest

from .client import Connection, Reply
from .engines import ReplayEngine
from .segue import Rehearsal, Segue

MODEL = "segue-tiny"
# What the small model can do; given, so that no probe is needed to know it.
PROFILE = {"thinking": "template", "capabilities": ["completion", "tools", "thinking"]}
EMBEDS = {"thinking": "no", "capabilities": ["embedding"]}
DEADLINES = {"connect": "2s", "first_event": "15s", "between_events": "15s", "total": "60s"}


class RealEngine:
    """A server that somebody else started."""

    dialect = "openai"

    def __init__(self, url: str):
        self.url = url
        self.port = urlsplit(url).port or 80

    def stop(self) -> None:
        pass


class Rig:
    def __init__(self, segue: Segue, kind: str, engines: dict[str, Any]):
        self.segue, self.kind, self.engines = segue, kind, engines

    @property
    def engine(self) -> Any:
        return next(iter(self.engines.values()))

    @property
    def scripted(self) -> bool:
        return self.kind == "replay"

    @property
    def port(self) -> int:
        return self.segue.port

    def play(self, *identifiers: str) -> None:
        """Tells a scripted engine what to answer; others answer by themselves."""
        if self.scripted:
            self.engine.play(*identifiers)

    def reset(self) -> None:
        for engine in self.engines.values():
            if isinstance(engine, ReplayEngine):
                engine.reset()

    def request(self, method: str, path: str, body: Any = None, headers: Any = None, **kwargs: Any) -> Reply:
        if self.kind == "real-vllm":
            kwargs.setdefault("timeout", 150.0)
        return self.segue.request(method, path, body, headers, **kwargs)

    def get(self, path: str, headers: Any = None) -> Reply:
        return self.segue.get(path, headers)

    def post(self, path: str, body: Any = None, headers: Any = None, **kwargs: Any) -> Reply:
        return self.request("POST", path, body, headers, **kwargs)

    def connect(self, **kwargs: Any) -> Connection:
        return self.segue.connect(**kwargs)

    def chat(self, text: str | list[dict[str, Any]], **fields: Any) -> Reply:
        """POST /api/chat; one user message when `text` is a string."""
        messages = [{"role": "user", "content": text}] if isinstance(text, str) else text
        return self.post("/api/chat", {"model": MODEL, "messages": messages, **fields})

    def generate(self, prompt: str | None, **fields: Any) -> Reply:
        body = {"model": MODEL, **fields}
        if prompt is not None:
            body["prompt"] = prompt
        return self.post("/api/generate", body)

    def completions(self, text: str | list[dict[str, Any]], **fields: Any) -> Reply:
        """POST /v1/chat/completions."""
        messages = [{"role": "user", "content": text}] if isinstance(text, str) else text
        return self.post("/v1/chat/completions", {"model": MODEL, "messages": messages, **fields})

    def messages(self, text: str | list[dict[str, Any]], **fields: Any) -> Reply:
        """POST /v1/messages."""
        messages = [{"role": "user", "content": text}] if isinstance(text, str) else text
        return self.post("/v1/messages", {"model": MODEL, "messages": messages, "max_tokens": 60, **fields},
                         {"anthropic-version": "2023-06-01", "x-api-key": "k"})

    def stop(self) -> int:
        status = self.segue.stop()
        for engine in self.engines.values():
            engine.stop()
        return status


def engine_entry(name: str, dialect: str, url: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "dialect": dialect, "url": url, "probe_interval": "60s", "deadlines": DEADLINES, **more}


def make(dialect: str = "openai", kind: str = "replay", *, profile: dict[str, Any] | None = None,
         engine: dict[str, Any] | None = None, models: list[dict[str, Any]] | None = None, engine_url: str | None = None,
         environment: dict[str, str] | None = None, served: str = MODEL, length: int = 1024, no_models: bool = False,
         **top: Any) -> Rig:
    """A rig of its own. `profile` and `engine` add to the model's and the engine's settings, `top` to the file."""
    if kind == "replay":
        upstream: Any = ReplayEngine(dialect, () if no_models else (served,), length)
    elif kind == "rehearsal":
        upstream = Rehearsal("vllm" if dialect == "openai" else "ollama")
    else:
        upstream = RealEngine(os.environ["SEGUE_VLLM"])
    base = PROFILE if dialect == "openai" else {}
    model: dict[str, Any] = {"name": MODEL, "targets": [{"engine": "e1", "model": served}]}
    merged = {**base, **(profile or {})}
    if merged:
        model["profile"] = merged
    if kind == "real-vllm":  # a CPU may compile for half a minute, after the first event too
        slow = {"first_event": "120s", "between_events": "120s", "total": "180s"}
        engine = {"deadlines": {**DEADLINES, **slow}, **(engine or {})}
    config = {"engines": [engine_entry("e1", dialect, engine_url or upstream.url, **(engine or {}))],
              "models": models or ([] if no_models else [model]), "log": {"level": "info", "format": "json"}, **top}
    try:
        segue = Segue(config, environment)
        segue.wait_ready()
    except Exception:
        upstream.stop()
        raise
    return Rig(segue, kind, {"e1": upstream})


def make_pair(first: str = "openai", second: str = "ollama", **top: Any) -> Rig:
    """One model with two targets, tried in this order."""
    engines = {"e1": ReplayEngine(first), "e2": ReplayEngine(second)}
    config = {"engines": [engine_entry("e1", first, engines["e1"].url), engine_entry("e2", second, engines["e2"].url)],
              "models": [{"name": MODEL, "profile": PROFILE,
                          "targets": [{"engine": "e1", "model": MODEL, "priority": 0},
                                      {"engine": "e2", "model": MODEL, "priority": 1}]}],
              "log": {"level": "info", "format": "json"}, **top}
    segue = Segue(config)
    segue.wait_ready()
    return Rig(segue, "replay", engines)


class Rigs:
    """Keeps rigs by what they were made of, for the whole session."""

    def __init__(self) -> None:
        self.kept: dict[str, Rig] = {}

    def get(self, dialect: str = "openai", kind: str = "replay", **settings: Any) -> Rig:
        if kind == "real-vllm" and not os.environ.get("SEGUE_VLLM"):
            pytest.skip("no real vLLM (set SEGUE_VLLM, as `make test-engines` does)")
        key = json.dumps([dialect, kind, settings], sort_keys=True, default=str)
        rig = self.kept.get(key)
        if rig is None or rig.segue.child.poll() is not None:
            rig = self.kept[key] = make(dialect, kind, **copy.deepcopy(settings))
        rig.reset()
        return rig

    def stop(self) -> None:
        for rig in self.kept.values():
            rig.stop()
