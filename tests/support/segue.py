"""Starts `segue serve` and `segue rehearse engine` as a user would, on free ports, and stops them again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from . import client

ROOT = Path(__file__).resolve().parents[2]


def binary() -> str | None:
    """SEGUE_BIN, else the newest build of this checkout."""
    given = os.environ.get("SEGUE_BIN")
    if given:
        return os.path.abspath(given) if os.access(given, os.X_OK) else None
    built = sorted(ROOT.glob("build/*/segue"), key=lambda path: path.stat().st_mtime)
    return str(built[-1]) if built else None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


class NotStarted(Exception):
    pass


class Process:
    """A child with its output in a file, in a folder of its own, ended by SIGTERM."""

    def __init__(self, arguments: list[str], environment: dict[str, str] | None = None, output: str | None = None):
        self.folder = Path(tempfile.mkdtemp(prefix="segue-test-"))
        self.log_path = self.folder / "log"
        clean = {key: value for key, value in os.environ.items()
                 if not key.startswith(("SEGUE_", "OLLAMA_", "VLLM_", "AI_BACKEND", "DATABASE_URL", "OTEL_", "NOTIFY_SOCKET",
                                        "LISTEN_"))}
        # No database unless a test asks for one (SEGUE_DATABASE=auto): making one takes a second.
        clean.update({"SEGUE_DATA_DIR": str(self.folder / "data"), "HOME": str(self.folder), "SEGUE_DATABASE": "none",
                      **(environment or {})})
        self.arguments = arguments
        self.log_path.touch()
        with open(output or self.log_path, "wb") as log:
            self.child = subprocess.Popen(arguments, stdout=log, stderr=subprocess.STDOUT,
                                          stdin=subprocess.DEVNULL, env=clean, cwd=self.folder)

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def wait_for(self, ready: Any, seconds: float = 15.0) -> Any:
        """Waits until `ready()` gives something; an early death or silence shows the log."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := ready():
                return value
            if self.child.poll() is not None:
                raise NotStarted(f"{' '.join(self.arguments)} ended with {self.child.returncode}:\n{self.log}")
            time.sleep(0.01)
        self.stop()
        raise NotStarted(f"{' '.join(self.arguments)} was not ready after {seconds} s:\n{self.log}")

    port: int

    def request(self, method: str, path: str, body: Any = None, headers: Any = None, **kwargs: Any) -> client.Reply:
        return client.request(self.port, method, path, body, headers, **kwargs)

    def terminate(self) -> None:
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Ends the child; its exit status. Sanitizer reports must not pass unseen."""
        self.terminate()
        try:
            status = self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            status = self.child.wait()
        text = self.log
        shutil.rmtree(self.folder, ignore_errors=True)
        assert "AddressSanitizer" not in text and "runtime error:" not in text and "ThreadSanitizer" not in text, text
        return status


class Segue(Process):
    """The gateway under test. `config` is segue.yaml as a Python value (JSON is YAML).

    `wrapper` is a command that ends by becoming the one behind it; `output` is where its log goes instead of a file."""

    def __init__(self, config: dict[str, Any], environment: dict[str, str] | None = None,
                 arguments: tuple[str, ...] = (), wrapper: tuple[str, ...] = (), output: str | None = None):
        program = binary()
        if program is None:
            raise NotStarted("no segue binary: set SEGUE_BIN or build one")
        folder = Path(tempfile.mkdtemp(prefix="segue-config-"))
        self._config_folder = folder
        (folder / "segue.yaml").write_text(json.dumps({"listen": "127.0.0.1:0", **config}, indent=1))
        port_file = folder / "port"
        super().__init__([*wrapper, program, "serve", "--config", str(folder / "segue.yaml"), "--port-file", str(port_file),
                          *arguments], environment, output)
        text = self.wait_for(lambda: port_file.exists() and port_file.read_text().strip())
        self.port = int(text.rsplit(":", 1)[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reload(self, config: dict[str, Any]) -> None:
        """Writes the file anew, whole at any moment, and asks for it to be read."""
        path = self._config_folder / "segue.yaml"
        made = path.with_suffix(".new")
        made.write_text(json.dumps({"listen": f"127.0.0.1:{self.port}", **config}, indent=1))
        made.replace(path)
        self.child.send_signal(signal.SIGHUP)

    def wait_ready(self, seconds: float = 10.0) -> None:
        """Until every configured engine was probed (readiness), or a failure that shows the log."""
        self.wait_for(lambda: client.request(self.port, "GET", "/readyz").status == 200, seconds)

    def stop(self) -> int:
        try:
            return super().stop()
        finally:
            shutil.rmtree(self._config_folder, ignore_errors=True)

    def get(self, path: str, headers: Any = None) -> client.Reply:
        return self.request("GET", path, None, headers)

    def post(self, path: str, body: Any = None, headers: Any = None, **kwargs: Any) -> client.Reply:
        return self.request("POST", path, body, headers, **kwargs)

    def connect(self, **kwargs: Any) -> client.Connection:
        return client.Connection(self.port, **kwargs)


class Rehearsal(Process):
    """Segue's own stand-in for an engine, with the answers of the small test model (`skill`), or its own ("")."""

    def __init__(self, dialect: str, *arguments: str, port: int = 0, skill: str = "tiny", models: tuple[str, ...] = ("segue-tiny",)):
        program = binary()
        if program is None:
            raise NotStarted("no segue binary: set SEGUE_BIN or build one")
        self.dialect = "openai" if dialect == "vllm" else "ollama"
        folder = Path(tempfile.mkdtemp(prefix="segue-rehearsal-"))
        port_file = folder / "port"
        super().__init__([program, "rehearse", "engine", "--dialect", dialect, "--port", str(port),
                          "--port-file", str(port_file), *(("--skill", skill) if skill else ()),
                          *(word for model in models for word in ("--model", model)), *arguments])
        text = self.wait_for(lambda: port_file.exists() and port_file.read_text().strip())
        self.port = int(text.rsplit(":", 1)[1])
        shutil.rmtree(folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def faults(self, value: Any) -> None:
        reply = client.request(self.port, "POST", "/rehearsal/faults", value)
        assert reply.status < 300, reply

    def requests(self) -> Any:
        return client.request(self.port, "GET", "/rehearsal/requests").json()
