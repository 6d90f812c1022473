"""A conversation as the page has it: asks, follows the events, comes back to them."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any, Iterator

API = "/segue/v1"


class Event:
    def __init__(self, number: int, name: str, data: dict[str, Any]):
        self.id, self.name, self.data = number, name, data


class Stream:
    """Server-sent events of one address; may be dropped at any moment."""

    def __init__(self, browser: Any, path: str, after: int | None = None):
        self.connection = http.client.HTTPConnection("127.0.0.1", browser.segue.port, timeout=30)
        headers = {"Cookie": f"segue_session={browser.cookie}", "Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        self.connection.request("GET", path, headers=headers)
        self.reply = self.connection.getresponse()
        assert self.reply.status == 200, self.reply.read()
        assert self.reply.headers["Content-Type"] == "text/event-stream"

    def __iter__(self) -> Iterator[Event]:
        fields: dict[str, str] = {}
        while line := self.reply.readline():
            text = line.decode().rstrip("\n")
            if text.startswith(":"):
                continue
            if text:
                name, _, value = text.partition(": ")
                fields[name] = value
            elif fields:
                yield Event(int(fields.get("id", "0")), fields["event"], json.loads(fields["data"]))
                fields = {}

    def close(self) -> None:
        self.connection.close()


class Conversation:
    def __init__(self, browser: Any, **wanted: Any):
        self.browser = browser
        reply = browser.post(f"{API}/conversations", wanted)
        assert reply.status == 201, reply
        self.id = reply.json()["id"]
        self.path = f"{API}/conversations/{self.id}"

    def ask(self, text: str, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        reply = self.browser.post(f"{self.path}/messages", {"text": text, **more})
        assert reply.status == 202, reply
        both = reply.json()
        return both["question"], both["answer"]

    def follow(self, answer: str, after: int | None = None) -> Stream:
        return Stream(self.browser, f"{API}/messages/{answer}/events", after)

    def answer(self, text: str, **more: Any) -> dict[str, Any]:
        """Asks and waits for the last event."""
        _, answer = self.ask(text, **more)
        return list(self.follow(answer["id"]))[-1].data["message"]

    def texts(self, **query: str) -> list[str]:
        words = "&".join(f"{key}={value}" for key, value in query.items())
        return [one["text"] for one in self.browser.get(f"{self.path}/messages?{words}").json()["messages"]]


def wait(ready: Any, seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := ready():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")
