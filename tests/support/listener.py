"""A Segue whose listener speaks TLS, in front of a scripted engine."""

from __future__ import annotations

import http.client
import json
import ssl
import tempfile
import time
from pathlib import Path
from typing import Any

from . import certificates, wire
from .engines import Answer, ReplayEngine, Seen
from .rigs import MODEL, engine_entry
from .segue import Segue

PROFILE = {"thinking": "no", "capabilities": ["completion"]}


def echo(seen: Seen) -> Answer:
    """Answers with the last message, word by word, so that each request knows its own answer."""
    asked = seen.json
    text = asked["messages"][-1]["content"]
    if asked.get("stream"):
        return Answer.sse(wire.text_stream(text), mode="recorded")
    message = {"role": "assistant", "content": text}
    return Answer.json({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": asked["model"],
                        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
                        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}})


class TlsRig:
    """`https` False: the same on a plain socket."""

    def __init__(self, https: bool = True, **top: Any):
        self.folder = tempfile.TemporaryDirectory(prefix="segue-tls-")
        self.path = Path(self.folder.name)
        self.engine = ReplayEngine("openai")
        self.engine.on("/v1/chat/completions", echo)
        self.certificate, self.key = certificates.make(self.path, "a")
        config = {"engines": [engine_entry("e1", "openai", self.engine.url)],
                  "models": [{"name": MODEL, "targets": [{"engine": "e1"}], "profile": PROFILE}], **top}
        if https:
            config["tls"] = {"certificate": self.certificate, "key": self.key, **config.get("tls", {})}
        self.tls = https
        try:
            self.segue = Segue(config)
            end = time.monotonic() + 10
            while self.get("/readyz")[0] != 200:
                assert time.monotonic() < end, self.segue.log
                time.sleep(0.02)
        except Exception:
            self.engine.stop()
            raise

    @property
    def port(self) -> int:
        return self.segue.port

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def context(self, *protocols: str, **more: Any) -> ssl.SSLContext:
        return certificates.trusting(self.certificate, *protocols, **more)

    def get(self, path: str) -> tuple[int, str]:
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """One request over a connection of its own."""
        if self.tls:
            connection: Any = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=self.context())
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Content-Type": "application/json"} if body is not None else {})
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        finally:
            connection.close()

    def refusals(self) -> dict[str, float]:
        out = {}
        for row in self.get("/metrics")[1].splitlines():
            if row.startswith("segue_client_refusals_total{"):
                name, _, value = row.rpartition(" ")
                out[name.split('reason="')[1].split('"')[0]] = float(value)
        return out

    def stop(self) -> int:
        try:
            return self.segue.stop()
        finally:
            self.engine.stop()
            self.folder.cleanup()


def chat(text: str, stream: bool = True) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], "stream": stream}


def said(body: bytes) -> str:
    """The text of a streamed answer."""
    out = ""
    for row in body.decode().split("\n"):
        if row.startswith("data: {"):
            for choice in json.loads(row[6:]).get("choices", []):
                out += choice.get("delta", {}).get("content") or ""
    return out


def eventually(holds: Any, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False
