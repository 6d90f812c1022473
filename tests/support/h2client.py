"""A raw HTTP/2 client (the h2 library does the protocol) that shows what each stream carried and how it ended."""

from __future__ import annotations

import json
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Any, Callable

import h2.config
import h2.connection
import h2.events


@dataclass
class Stream:
    headers: dict[str, str] = field(default_factory=dict)
    early: list[int] = field(default_factory=list)  # 1xx statuses
    body: bytes = b""
    ended: bool = False
    reset: int | None = None  # the error code

    @property
    def status(self) -> int:
        return int(self.headers.get(":status", 0))

    @property
    def over(self) -> bool:
        return self.ended or self.reset is not None

    def json(self) -> Any:
        return json.loads(self.body)


class H2Connection:
    """`reads`: whether what comes is acknowledged, so that the server may send more."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, reads: bool = True, checks: bool = True):
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), 20)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
            assert self.socket.selected_alpn_protocol() == "h2"
        config = h2.config.H2Configuration(client_side=True, validate_outbound_headers=checks,
                                           normalize_outbound_headers=checks)
        self.h2 = h2.connection.H2Connection(config)
        self.reads = reads
        self.port = port
        self.streams: dict[int, Stream] = {}
        self.goaway: int | None = None
        self.closed = False
        self.h2.initiate_connection()
        self.flush()

    def __enter__(self) -> "H2Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def flush(self) -> None:
        data = self.h2.data_to_send()
        if data:
            self.socket.sendall(data)

    def send(self, data: bytes) -> None:
        """Bytes as they are, past the library's rules."""
        self.flush()
        self.socket.sendall(data)

    def request(self, method: str, path: str, body: Any = None, headers: list[tuple[str, str]] | None = None,
                end: bool = True) -> int:
        stream = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":path", path), (":scheme", "http"), (":authority", f"127.0.0.1:{self.port}")]
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.h2.send_headers(stream, head + (headers or []), end_stream=end and not data)
        self.streams[stream] = Stream()
        for at in range(0, len(data), 16000):
            self.h2.send_data(stream, data[at:at + 16000], end_stream=end and at + 16000 >= len(data))
        self.flush()
        return stream

    def cancel(self, stream: int) -> None:
        self.h2.reset_stream(stream, 8)
        self.flush()

    def run(self, until: Callable[[], bool], seconds: float = 15.0) -> bool:
        """Reads until `until()` holds; False when the time is over first."""
        end = time.monotonic() + seconds
        while not until():
            left = end - time.monotonic()
            if left <= 0 or self.closed:
                return until()
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                return until()
            except OSError:
                data = b""
            if not data:
                self.closed = True
                continue
            for event in self.h2.receive_data(data):
                self.take(event)
            try:
                self.flush()
            except OSError:
                self.closed = True
        return True

    def take(self, event: Any) -> None:
        stream = self.streams.get(getattr(event, "stream_id", None) or 0, Stream())
        if isinstance(event, h2.events.ResponseReceived):
            stream.headers = {text(key): text(value) for key, value in event.headers}
        elif isinstance(event, h2.events.InformationalResponseReceived):
            stream.early.append(int(dict(event.headers)[b":status"]))
        elif isinstance(event, h2.events.DataReceived):
            stream.body += event.data
            if self.reads and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset = int(event.error_code)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = int(event.error_code)

    def answer(self, stream: int, seconds: float = 15.0) -> Stream:
        self.run(lambda: self.streams[stream].over or self.goaway not in (None, 0), seconds)
        return self.streams[stream]


def text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
