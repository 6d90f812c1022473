"""A scripted engine: an HTTP server that answers exactly the bytes a test gives it, and remembers what it was asked.

It has no web framework under it, because the cases need control of every byte: a stream cut at each byte, a
reset in the middle, an end without the terminating chunk, an answer that never comes.
"""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable

from . import wire

MODES = ("recorded", "bytewise", "once")


@dataclass
class Seen:
    """One request as it reached the engine."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    at: float
    closed_at: float | None = None  # when the peer closed the socket before the answer was whole
    finished: threading.Event = field(default_factory=threading.Event)

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What to send back. A step is bytes (one piece), a number (seconds of silence), an event to wait for, or a
    function that makes pieces without end until the peer closes."""

    steps: list[Any] = field(default_factory=list)
    status: int = 200
    content_type: str = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)
    framing: str = "auto"  # chunked | length | auto (one bytes step: length)
    end: str = "clean"  # clean | close (no terminating chunk) | reset | stall (open and silent) | drop (no byte)
    mode: str | None = None  # overrides the engine's mode
    length: int | None = None  # a Content-Length that lies
    raw: bool = False  # the steps are all that is sent: status line, headers and framing too

    @staticmethod
    def json(value: Any, status: int = 200, **kwargs: Any) -> "Answer":
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        return Answer([data], status, framing="length", **kwargs)

    @staticmethod
    def sse(events: list[Any], **kwargs: Any) -> "Answer":
        return Answer(list(events), content_type="text/event-stream; charset=utf-8", framing="chunked", **kwargs)

    @staticmethod
    def lines(lines: list[Any], **kwargs: Any) -> "Answer":
        return Answer(list(lines), content_type="application/x-ndjson", framing="chunked", **kwargs)

    @staticmethod
    def recorded(engine: str, identifier: str, **kwargs: Any) -> "Answer":
        """The recording as it is, but for headers that a server makes anew."""
        row = wire.recording(engine, identifier)
        kind = wire.content_type(row)
        data = [text.encode() for _, text in row["chunks"]]
        framing = "chunked" if wire.is_stream(row) else "length"
        if framing == "length":
            data = [b"".join(data)]
        return Answer(data, row["status"], kind, framing=framing, **kwargs)

    def with_length(self, length: int) -> "Answer":
        """The same by Content-Length, true or not."""
        self.framing, self.length = "length", length
        return self

    def cut(self, pieces: int, end: str = "close") -> "Answer":
        return Answer(self.steps[:pieces], self.status, self.content_type, self.headers, self.framing, end, self.mode)


Script = Callable[[Seen], Answer | None]


class Gone(Exception):
    """The peer closed its socket."""


class ReplayEngine:
    """One scripted engine on a free port. `dialect` decides the answers to lists and probes."""

    def __init__(self, dialect: str = "openai", models: tuple[str, ...] = ("segue-tiny",), length: int = 1024):
        self.dialect, self.models, self.length = dialect, models, length
        self.mode = "recorded"
        self.api_key: str | None = None
        self.asleep: bool | None = None  # None: this server knows no sleep
        self.wake_seconds = 0.0
        self.dead = False  # /health answers 503
        self.requests: list[Seen] = []
        self.connections = 0
        self._routes: dict[str, Script] = {}
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._sockets: set[socket.socket] = set()
        self._stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    # --- what a test says -------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def on(self, path: str, script: Script | Answer | list[Answer]) -> None:
        """Answers requests to `path`: a function, one answer for all, or a list taken one by one (the last stays)."""
        if isinstance(script, Answer):
            answer = script
            self._routes[path] = lambda seen: answer
        elif isinstance(script, list):
            rest = list(script)
            self._routes[path] = lambda seen: rest.pop(0) if len(rest) > 1 else rest[0]
        else:
            self._routes[path] = script

    def chat(self, script: Script | Answer | list[Answer] | list[bytes]) -> None:
        """Answers chat. A list of bytes is a stream of this engine's dialect."""
        if isinstance(script, list) and script and not isinstance(script[0], Answer):
            steps = script
            script = Answer.sse(steps) if self.dialect == "openai" else Answer.lines(steps)
        self.on(self.chat_path, script)  # type: ignore[arg-type]

    @property
    def chat_path(self) -> str:
        return "/v1/chat/completions" if self.dialect == "openai" else "/api/chat"

    def play(self, *identifiers: str) -> None:
        """Answers with the recording of this name, streamed or whole as the request asks."""
        for identifier in identifiers:
            path = wire.recording("vllm" if self.dialect == "openai" else "ollama", identifier)["request"]["path"]
            self.on(path, lambda seen, name=identifier: recorded_answer(self.dialect, name, seen))

    def reset(self) -> None:
        with self._lock:
            self._routes.clear()
            self.requests.clear()
        self.mode = "recorded"
        self.asleep, self.dead, self.api_key = None, False, None

    def asked(self, path: str | None = None) -> list[Seen]:
        """Requests that ask for an answer; lists, health and probes do not count."""
        with self._lock:
            seen = list(self.requests)
        if path:
            return [one for one in seen if one.path.split("?")[0] == path]
        return [one for one in seen if one.method == "POST" and one.path in GENERATING]

    def last(self, path: str | None = None) -> Seen:
        seen = self.asked(path)
        assert seen, f"the engine was not asked {path or 'anything'}"
        return seen[-1]

    def sent(self, path: str | None = None) -> Any:
        """The body of the one request (the last if several)."""
        return self.last(path).json

    def drop_connections(self) -> None:
        """Closes every open socket, as an engine does with idle ones."""
        for one in list(self._sockets):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self) -> None:
        self._stopped = True
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.drop_connections()

    # --- the server -------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._stopped:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        self._sockets.add(peer)
        try:
            buffer = b""
            while not self._stopped:
                seen, buffer = self._read(peer, buffer)
                if seen is None:
                    return
                try:
                    if not self._answer(peer, seen):
                        return
                except (Gone, OSError):
                    seen.closed_at = time.monotonic()
                    return
                finally:
                    seen.finished.set()
        except OSError:
            pass
        finally:
            self._sockets.discard(peer)
            peer.close()

    def _read(self, peer: socket.socket, buffer: bytes) -> tuple[Seen | None, bytes]:
        while b"\r\n\r\n" not in buffer:
            data = peer.recv(65536)
            if not data:
                return None, b""
            buffer += data
        head, buffer = buffer.split(b"\r\n\r\n", 1)
        first, *rows = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = [(name, value.strip()) for name, _, value in (row.partition(":") for row in rows)]
        seen = Seen(method, path, headers, b"", time.monotonic())
        if (seen.get("transfer-encoding") or "").lower() == "chunked":
            body = b""
            while True:
                while b"\r\n" not in buffer:
                    buffer += peer.recv(65536)
                size_text, buffer = buffer.split(b"\r\n", 1)
                size = int(size_text, 16)
                while len(buffer) < size + 2:
                    buffer += peer.recv(65536)
                body, buffer = body + buffer[:size], buffer[size + 2:]
                if size == 0:
                    break
        else:
            length = int(seen.get("content-length") or 0)
            while len(buffer) < length:
                data = peer.recv(1 << 20)
                if not data:
                    return None, b""
                buffer += data
            body, buffer = buffer[:length], buffer[length:]
        seen.body = body
        return seen, buffer

    def _answer(self, peer: socket.socket, seen: Seen) -> bool:
        route = seen.path.split("?")[0]
        with self._lock:
            script = self._routes.get(route)
            if not is_probe(seen):
                self.requests.append(seen)
        answer = None
        if not is_probe(seen) and script is not None:
            answer = script(seen)
        if answer is None:
            answer = self._default(seen)
        return send(peer, seen, answer, answer.mode or (self.mode if route in GENERATING else "recorded"))

    def _default(self, seen: Seen) -> Answer:
        if self.api_key and seen.path.startswith("/v1") and seen.get("authorization") != f"Bearer {self.api_key}":
            return Answer.json({"error": "Unauthorized"}, 401)
        return (vllm_default if self.dialect == "openai" else ollama_default)(self, seen)


GENERATING = {"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/api/chat", "/api/generate",
              "/api/embed", "/v1/responses", "/v1/messages", "/tokenize", "/detokenize", "/v1/rerank", "/rerank",
              "/score", "/v1/score", "/api/embeddings"}


def is_probe(seen: Seen) -> bool:
    """Segue marks what it asks on its own account, so that an operator (and a test) can tell it apart."""
    return (seen.get("user-agent") or "").lower().startswith("segue-probe") or seen.get("segue-probe") is not None


def recorded_answer(dialect: str, identifier: str, seen: Seen) -> Answer:
    engine = "vllm" if dialect == "openai" else "ollama"
    row = wire.recording(engine, identifier)
    if row["status"] != 200 or seen.path not in ("/v1/chat/completions", "/v1/completions", "/api/chat"):
        return Answer.recorded(engine, identifier)
    asked = seen.json
    if dialect == "ollama":
        if asked.get("stream", True):
            return Answer.lines(wire.ollama_lines(identifier))
        return Answer.recorded(engine, identifier)
    if asked.get("stream"):
        with_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        return Answer.sse(wire.vllm_events(identifier, with_usage))
    return Answer.json(wire.vllm_whole(identifier))


def vllm_default(engine: ReplayEngine, seen: Seen) -> Answer:
    path = seen.path.split("?")[0]
    if path == "/v1/models":
        entry = wire.answer("vllm", "get_v1_models")["data"][0]
        rows = [{**entry, "id": name, "root": f"/models/{name}", "max_model_len": engine.length}
                for name in engine.models]
        return Answer.json({"object": "list", "data": rows})
    if path == "/version":
        return Answer.json({"version": "0.32.0"})
    if path in ("/health", "/ping"):
        return Answer.json(b"", 503 if engine.dead else 200)
    if path == "/is_sleeping" and engine.asleep is not None:
        return Answer.json({"is_sleeping": engine.asleep})
    if path == "/wake_up" and engine.asleep is not None:
        time.sleep(engine.wake_seconds)
        engine.asleep = False
        return Answer.json(b"")
    if path == "/sleep" and engine.asleep is not None:
        engine.asleep = True
        return Answer.json(b"")
    if path == "/metrics":
        return Answer.recorded("vllm", "get_metrics")
    if path == "/tokenize":
        return Answer.json({"count": 15, "max_model_len": engine.length, "tokens": list(range(15)),
                            "token_strs": None})
    if path == "/v1/chat/completions":
        if "image_url" in seen.body.decode("utf-8", "replace"):
            return Answer.recorded("vllm", "chat_image_to_text_model")
        if seen.json.get("tools"):
            return recorded_answer("openai", "chat_tools", seen)
        return recorded_answer("openai", "chat_system", seen)
    if path == "/v1/completions":
        if seen.json.get("suffix"):
            return Answer.recorded("vllm", "completion_suffix")
        return recorded_answer("openai", "completion", seen)
    return Answer.json({"detail": "Not Found"}, 404)


def ollama_default(engine: ReplayEngine, seen: Seen) -> Answer:
    path = seen.path.split("?")[0]
    if path == "/api/tags":
        entry = wire.answer("ollama", "get_api_tags")["models"][0]
        return Answer.json({"models": [{**entry, "name": f"{name}:latest", "model": f"{name}:latest"}
                                       for name in engine.models]})
    fixed = {"/": "get_root", "/api/version": "get_api_version", "/api/ps": "ps_loaded", "/api/show": "show"}
    if path in fixed:
        return Answer.recorded("ollama", fixed[path])
    if path == "/api/chat":
        return recorded_answer("ollama", "chat_system", seen)
    return Answer.json(b"404 page not found", 404)


# --- sending ---------------------------------------------------------------------------------------------------

def send(peer: socket.socket, seen: Seen, answer: Answer, mode: str) -> bool:
    """Sends the answer; False when the connection is to be closed after it."""
    if answer.end == "drop":
        return False
    pieces = [step for step in answer.steps if isinstance(step, bytes)]
    framing = answer.framing
    if framing == "auto":
        framing = "length" if len(pieces) <= 1 and len(answer.steps) == len(pieces) else "chunked"
    head = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Status')}",
            f"Content-Type: {answer.content_type}", "Server: uvicorn"]
    if framing == "chunked":
        head.append("Transfer-Encoding: chunked")
    else:
        length = answer.length if answer.length is not None else sum(map(len, pieces))
        head.append(f"Content-Length: {length}")
    head += [f"{name}: {value}" for name, value in answer.headers]
    start = ("\r\n".join(head) + "\r\n\r\n").encode("utf-8")
    bare = seen.method == "HEAD"
    if answer.raw:
        start, framing = b"", "raw"

    def framed(data: bytes) -> bytes:
        return b"%x\r\n%s\r\n" % (len(data), data) if framing == "chunked" else data

    closing = framing == "chunked" and answer.end == "clean" and not bare
    if mode == "once" and len(pieces) == len(answer.steps) and not bare:
        data = b"".join(pieces)
        out = start + (framed(data) if data else b"") + (b"0\r\n\r\n" if closing else b"")
        peer.sendall(out)
    else:
        peer.sendall(start)
        for step in [] if bare else answer.steps:
            if isinstance(step, (int, float)):
                pause(peer, float(step))
            elif isinstance(step, threading.Event):
                while not step.is_set():
                    pause(peer, 0.02)
            elif callable(step):
                for data in step():
                    peer.sendall(framed(data))
                    check(peer)
            elif mode == "bytewise":
                for position in range(len(step)):
                    peer.sendall(framed(step[position:position + 1]))
            elif step:
                peer.sendall(framed(step))
                check(peer)
        if closing:
            peer.sendall(b"0\r\n\r\n")
    if answer.end == "reset":
        time.sleep(0.02)  # let the bytes before it arrive; a reset throws away what waits in the buffers
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        return False
    if answer.end == "stall":
        pause(peer, 60.0)
    return answer.end == "clean" and not any(k.lower() == "connection" and v == "close" for k, v in answer.headers)


REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests",
           500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable"}


def check(peer: socket.socket) -> None:
    """Raises when the peer has closed: it sends nothing while it waits, so readable means closed."""
    readable, _, _ = select.select([peer], [], [], 0)
    if readable and peer.recv(1, socket.MSG_PEEK) == b"":
        raise Gone


def pause(peer: socket.socket, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        readable, _, _ = select.select([peer], [], [], min(left, 0.05))
        if readable:
            if peer.recv(1, socket.MSG_PEEK) == b"":
                raise Gone
            time.sleep(min(left, 0.01))
