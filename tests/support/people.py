"""A Segue with a private database and people, as a browser meets it: cookies, the token of a session, JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from . import client
from .segue import Segue

PASSWORD = "correct horse battery"


class Browser:
    """One person's browser: keeps the cookie, and sends the session's token with everything that changes something."""

    def __init__(self, segue: Segue):
        self.segue = segue
        self.cookie = ""
        self.session: dict[str, Any] = {}

    def request(self, method: str, path: str, body: Any = None, headers: Any = None) -> client.Reply:
        sent = dict(headers or {})
        if self.cookie:
            sent.setdefault("Cookie", f"segue_session={self.cookie}")
        if method not in ("GET", "HEAD") and self.session.get("csrf"):
            sent.setdefault("Segue-Csrf", self.session["csrf"])
        reply = self.segue.request(method, path, body, sent)
        for line in reply.all("Set-Cookie"):
            if found := re.match(r"segue_session=([^;]*);", line):
                self.cookie = found[1]
        return reply

    def get(self, path: str, headers: Any = None) -> client.Reply:
        return self.request("GET", path, None, headers)

    def post(self, path: str, body: Any = None, headers: Any = None) -> client.Reply:
        return self.request("POST", path, body, headers)

    def take(self, reply: client.Reply) -> client.Reply:
        if reply.status < 300:
            self.session = reply.json()
        return reply

    def sign_in(self, login: str, password: str = PASSWORD) -> client.Reply:
        return self.take(self.post("/segue/v1/session", {"login": login, "password": password}))


def operations(browser: Browser):
    """Method, path (0 for each parameter) and description of every operation of Segue's own API."""
    for path, methods in browser.get("/segue/v1/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), re.sub(r"{\w+}", "0", path), operation


class House(Segue):
    """`segue serve` with a database of its own; `admin` is a browser with the administrator signed in."""

    def __init__(self, config: dict[str, Any] | None = None, environment: dict[str, str] | None = None,
                 arguments: tuple[str, ...] = ()):
        super().__init__(config or {"engines": [{"name": "gone", "url": "http://127.0.0.1:9"}]},
                         {"SEGUE_DATABASE": "auto", **(environment or {})}, arguments)
        self.data = Path((environment or {}).get("SEGUE_DATA_DIR", self.folder / "data"))
        self.wait_store()

    def wait_store(self, seconds: float = 90) -> None:
        self.wait_for(lambda: self.get("/segue/v1/session").json()["store"]["state"] == "ready", seconds)

    def setup_token(self) -> str:
        return self.wait_for(lambda: re.findall(r"/ui/setup#token=(\S+)", self.log))[-1]

    def set_up(self, login: str = "ada@example.com", name: str = "Ada") -> Browser:
        browser = Browser(self)
        reply = browser.take(browser.post("/segue/v1/setup", {"token": self.setup_token(), "login": login, "name": name,
                                                              "password": PASSWORD}))
        assert reply.status == 201, reply
        return browser

    def person(self, admin: Browser, login: str, role: str = "user") -> Browser:
        """A new person, signed in."""
        reply = admin.post("/segue/v1/people", {"login": login, "name": login.title(), "role": role, "password": PASSWORD})
        assert reply.status == 201, reply
        browser = Browser(self)
        assert browser.sign_in(login).status == 200
        return browser
