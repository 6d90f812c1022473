"""A TCP relay that spoils a connection: delay, cut, reset, half-open, one byte at a time.

Stands between Segue and an engine (or a client and Segue) where `tc netem` cannot. It works below HTTP, so it
also breaks framing where a scripted engine would keep it whole.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from dataclasses import dataclass


@dataclass
class Fault:
    delay: float = 0.0  # seconds before each piece from the server
    cut_after: int | None = None  # bytes from the server, then a plain close
    reset_after: int | None = None  # bytes from the server, then RST
    stall_after: int | None = None  # bytes from the server, then silence with the socket open
    piece: int = 65536  # bytes forwarded at a time
    refuse: bool = False  # close at once after accept
    black_hole: bool = False  # accept and never forward anything


class Relay:
    def __init__(self, target: int, fault: Fault | None = None):
        self.target, self.fault = target, fault or Fault()
        self.connections = 0
        self.client_closed_at: float | None = None
        self.port = 0
        self._sockets: list[socket.socket] = []
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Accepts, also again after `refuse`, on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=1024)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """New connections are refused, as on a machine where the program is gone."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def stop(self) -> None:
        self.refuse()
        for one in self._sockets:
            one.close()

    def end_all(self) -> None:
        """Ends every connection, as an engine does with idle ones."""
        for one in self._sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._sockets.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(client)
            fault = self.fault
            if fault.refuse:
                client.close()
                continue
            if fault.black_hole:
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            self._sockets.append(server)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            over, down_ended = threading.Event(), threading.Event()
            up = threading.Thread(target=self._up, args=(client, server, over, down_ended), daemon=True)
            up.start()
            threading.Thread(target=self._down, args=(client, server, fault, over, up, down_ended), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket, over: threading.Event,
            down_ended: threading.Event) -> None:
        try:
            while not over.is_set():
                # Never blocked in recv: a socket that is being read is not reset by closing it.
                readable, _, _ = select.select([client], [], [], 0.02)
                if not readable:
                    continue
                data = client.recv(65536)
                if not data:
                    self.client_closed_at = time.monotonic()
                    break
                server.sendall(data)
        except (OSError, ValueError):
            pass
        if over.is_set():
            return
        try:  # a client that resets has left, too
            server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        # Closed, too: an engine that is in the middle of a long write hears nothing of a mere shutdown.
        down_ended.wait(5)
        server.close()

    def _down(self, client: socket.socket, server: socket.socket, fault: Fault, over: threading.Event,
              up: threading.Thread, ended: threading.Event) -> None:
        try:
            self._forward(client, server, fault, over, up)
        finally:
            ended.set()

    def _forward(self, client: socket.socket, server: socket.socket, fault: Fault, over: threading.Event,
                 up: threading.Thread) -> None:
        limits = [n for n in (fault.cut_after, fault.reset_after, fault.stall_after) if n is not None]
        left = min(limits) if limits else None
        try:
            while data := server.recv(65536):
                for start in range(0, len(data), fault.piece):
                    part = data[start:start + fault.piece]
                    if fault.delay:
                        time.sleep(fault.delay)
                    if left is not None:
                        part = part[:left]
                        left -= len(part)
                    client.sendall(part)
                    if left == 0:
                        if fault.stall_after is not None:
                            return
                        over.set()
                        up.join()
                        if fault.reset_after is not None:
                            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                            client.close()
                        else:
                            client.shutdown(socket.SHUT_RDWR)
                        server.close()
                        return
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass
