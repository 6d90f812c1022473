"""A raw HTTP/1.1 client that shows what the wire carried: exact bytes, framing, timing, whether the end came.

Ready-made clients hide what the conformance cases ask for: whether the terminating chunk was sent, whether a
line was whole, when each piece arrived. So this one speaks over a plain socket and keeps everything.
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass, field
from typing import Any, Iterator


class Broken(Exception):
    """The peer closed or reset the connection where more was due."""


@dataclass
class Reply:
    status: int
    reason: str
    version: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    framing: str = "none"  # chunked | length | close | none
    complete: bool = False  # the terminating chunk came, or all of Content-Length
    reset: bool = False

    def get(self, name: str, default: str | None = None) -> str | None:
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return default

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def content_type(self) -> str:
        return (self.get("content-type") or "").split(";")[0].strip()

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def json(self) -> Any:
        return json.loads(self.body)

    def lines(self) -> list[dict[str, Any]]:
        """The NDJSON objects, read as the strictest known client reads them (wire 4.2)."""
        return list(ndjson(self.body))

    def events(self) -> list["Event"]:
        return list(sse(self.body))

    def data(self) -> list[Any]:
        """The JSON of each SSE event; `[DONE]` as that string."""
        return [event.value for event in self.events()]

    def __repr__(self) -> str:  # what pytest prints on a failure
        return (f"<{self.status} {self.content_type} {self.framing} complete={self.complete} "
                f"{self.body[:600]!r}>")


@dataclass
class Event:
    name: str | None
    data: str

    @property
    def value(self) -> Any:
        return self.data if self.data.startswith("[DONE]") else json.loads(self.data)


def ndjson(body: bytes) -> Iterator[dict[str, Any]]:
    """One object a line, each line ended by one newline, and no other line break of Python's (wire 4.2)."""
    text = body.decode("utf-8")
    assert text == "" or text.endswith("\n"), f"the last line is not whole: {text[-200:]!r}"
    rows = text.split("\n")[:-1]
    assert rows == text.splitlines(), "a line holds a character that Python's splitlines breaks at"
    for row in rows:
        assert row != "", "blank line"
        value = json.loads(row)
        assert isinstance(value, dict)
        yield value


def sse(body: bytes) -> Iterator[Event]:
    """Events of a `text/event-stream` body. A tail without its blank line is an error."""
    text = body.decode("utf-8")
    assert text == "" or text.endswith("\n\n"), f"the last event is not whole: {text[-200:]!r}"
    for block in text.split("\n\n"):
        name, data = None, []
        for row in block.split("\n"):
            if row.startswith("event:"):
                name = row[6:].strip()
            elif row.startswith("data:"):
                data.append(row[5:].removeprefix(" "))
        if data:
            yield Event(name, "\n".join(data))


class Connection:
    """One socket to a server. Requests may be sent in pieces; replies are read one by one."""

    def __init__(self, port: int, host: str = "127.0.0.1", timeout: float = 20.0,
                 receive_buffer: int | None = None):
        self.host, self.port = host, port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.eof = False

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Close with RST, as a killed client does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_request(self, method: str, path: str, body: Any = None,
                     headers: dict[str, str] | list[tuple[str, str]] | None = None,
                     version: str = "1.1") -> None:
        self.send(request_bytes(method, path, body, headers, f"{self.host}:{self.port}", version))

    def _fill(self) -> bool:
        if self.eof:
            return False
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            self.eof = True
            raise
        if not data:
            self.eof = True
            return False
        self.buffer += data
        return True

    def _line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            if not self._fill():
                raise Broken(f"closed inside a line: {self.buffer!r}")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def read_head(self) -> Reply:
        status_line = self._line().decode("latin-1")
        version, status, reason = (status_line.split(" ", 2) + [""])[:3]
        headers = []
        while line := self._line():
            key, _, value = line.decode("utf-8").partition(":")
            headers.append((key, value.strip()))
        reply = Reply(int(status), reason, version, headers)
        if (reply.get("transfer-encoding") or "").lower() == "chunked":
            reply.framing = "chunked"
        elif reply.get("content-length") is not None:
            reply.framing = "length"
        elif reply.status in (204, 304) or reply.status < 200:
            reply.framing = "none"
        else:
            reply.framing = "close"
        return reply

    def pieces(self, reply: Reply, method: str = "GET") -> Iterator[bytes]:
        """Yields the body as it arrives; sets `complete`, `body` and `chunks` of the reply."""
        started = time.monotonic()

        def keep(data: bytes) -> bytes:
            reply.chunks.append((time.monotonic() - started, data))
            reply.body += data
            return data

        try:
            if method == "HEAD" or reply.framing == "none":
                reply.complete = True
            elif reply.framing == "length":
                left = int(reply.get("content-length") or 0)
                while left > 0:
                    if not self.buffer and not self._fill():
                        return
                    data, self.buffer = self.buffer[:left], self.buffer[left:]
                    left -= len(data)
                    yield keep(data)
                reply.complete = True
            elif reply.framing == "close":
                while self.buffer or self._fill():
                    data, self.buffer = self.buffer, b""
                    yield keep(data)
                reply.complete = True
            else:
                while True:
                    size = int(self._line().split(b";")[0], 16)
                    while len(self.buffer) < size + 2:
                        if not self._fill():
                            raise Broken("closed inside a chunk")
                    data, self.buffer = self.buffer[:size], self.buffer[size + 2:]
                    if size == 0:
                        reply.complete = True
                        return
                    yield keep(data)
        except Broken:
            reply.complete = False
        except ConnectionResetError:
            reply.complete, reply.reset = False, True

    def read_reply(self, method: str = "GET") -> Reply:
        reply = self.read_head()
        for _ in self.pieces(reply, method):
            pass
        return reply

    def closed_by_peer(self, within: float = 2.0) -> bool:
        """True when the peer closes (or has closed) the connection and sent nothing more."""
        if self.buffer:
            return False
        self.socket.settimeout(within)
        try:
            return not self._fill()
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def body_bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body).encode()


def request_bytes(method: str, path: str, body: Any = None,
                  headers: dict[str, str] | list[tuple[str, str]] | None = None,
                  host: str = "127.0.0.1", version: str = "1.1") -> bytes:
    given = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    names = {name.lower() for name, _ in given}
    data = body_bytes(body)
    if "host" not in names:
        given.insert(0, ("Host", host))
    if body is not None:
        if "content-type" not in names:
            given.append(("Content-Type", "application/json"))
        if "content-length" not in names and "transfer-encoding" not in names:
            given.append(("Content-Length", str(len(data))))
    head = f"{method} {path} HTTP/{version}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in given if v is not None)
    return head.encode("utf-8") + b"\r\n" + data


def request(port: int, method: str, path: str, body: Any = None,
            headers: dict[str, str] | list[tuple[str, str]] | None = None,
            timeout: float = 20.0, version: str = "1.1") -> Reply:
    """One request on a socket of its own."""
    with Connection(port, timeout=timeout) as connection:
        connection.send_request(method, path, body, headers, version)
        return connection.read_reply(method)


def exchange(port: int, data: bytes, timeout: float = 10.0, method: str = "POST") -> Reply:
    """Raw bytes out, one reply in; `complete` also says that the reply could be read at all."""
    with Connection(port, timeout=timeout) as connection:
        connection.send(data)
        return connection.read_reply(method)
