"""The way to an engine: TLS that stalls, a name that stops resolving, a name server that is silent."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from faults.scenario import scenario
from support.relay import Fault
from support.stage import Stage, expect, wait_for

QUICK = {"connect": "1s", "first_event": "20s"}
LATE = ("error 504",)
GONE = ("error 503", "error 529")
NAME = "engine.segue.test"


@scenario(tls=True, deadlines=QUICK)
def test_engine_tls_handshake_stall(stage):
    """Silence after the connection is made, and after a part of the handshake; then all is well over TLS."""
    expect(stage.ask_all(models=["marked-v", "marked"]), ("exact",))
    for fault in (Fault(black_hole=True), Fault(stall_after=100)):
        stage.relays["v"].fault = fault
        stage.relays["v"].end_all()
        told = stage.ask_all(models=["marked-v"])
        expect(told, LATE)
        assert max(one.seconds for one in told) < 10
        expect(stage.ask_all(models=["marked"]), ("exact",))
    stage.relays["v"].fault = Fault(cut_after=100)
    expect(stage.ask_all(models=["marked-v"]), (*GONE, "error 502"))


def own_names(folder: Path) -> tuple[str, ...]:
    """A command that runs another one with `hosts` and `resolv.conf` of this folder in the place of the system's."""
    script = 'mount --bind "$1/hosts" /etc/hosts && mount --bind "$1/resolv.conf" /etc/resolv.conf && shift && exec "$@"'
    for unshare in (["unshare", "-m"], ["unshare", "-r", "-m"]):
        command = (*unshare, "sh", "-c", script, "sh", str(folder))
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    pytest.skip("no mount namespace for a /etc/hosts of its own (needs root or user namespaces)")


class Names:
    """The names that the gateway under test can resolve."""

    def __init__(self, server):
        """`server` is the address of a name server that never helps: nobody is there, or nobody answers."""
        self.folder = Path(tempfile.mkdtemp(prefix="segue-names-"))
        self.write(True)
        (self.folder / "resolv.conf").write_text(f"nameserver {server}\noptions timeout:20 attempts:2\n")

    def write(self, known: bool) -> None:
        with open(self.folder / "hosts", "w", encoding="ascii") as file:  # in place: the mount shows this file
            file.write("127.0.0.1 localhost\n" + (f"127.0.0.1 {NAME}\n" if known else ""))

    def play(self, act) -> None:
        def and_back(stage):
            act(stage)
            self.write(True)

        try:
            Stage(host=NAME, wrapper=own_names(self.folder), deadlines=QUICK, probe_interval="500ms").play(and_back)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def stops_resolving(stage: Stage, names: Names, outcomes: tuple[str, ...]) -> None:
    expect(stage.ask_all(models=["marked-v", "marked"]), ("exact",))
    names.write(False)
    time.sleep(5)  # what was found is remembered for 5 s, and pooled connections stay for 4 s after their last use
    end = time.monotonic() + 30

    def lost() -> bool:
        told = stage.ask_all(models=["marked-v", "marked"], length=3)
        expect([one for one in told if one.model == "marked"], ("exact",))
        expect([one for one in told if one.model == "marked-v"], ("exact", *outcomes))
        return all(one.outcome != "exact" for one in told if one.model == "marked-v")

    while not lost():
        assert time.monotonic() < end, "the name still leads somewhere"
        time.sleep(5)
    told = stage.ask_all(models=["marked-v"])
    expect(told, outcomes)
    assert max(one.seconds for one in told) < 10


@scenario(own_stage=True)
def test_name_stops_resolving():
    """A name that is not known any more: said at once; the other engine answers meanwhile."""
    names = Names("127.0.0.252")
    names.play(lambda stage: stops_resolving(stage, names, GONE))


@scenario(own_stage=True)
def test_name_server_is_silent():
    """Lookups hang for 40 s: requests keep their deadline, and neither reload nor stop waits for them."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        server.bind(("127.0.0.253", 53))
    except OSError as problem:
        server.close()
        pytest.skip(f"cannot be a name server on 127.0.0.253:53 ({problem})")
    names = Names("127.0.0.253")
    try:
        def act(stage):
            stops_resolving(stage, names, (*LATE, *GONE))
            assert stage.segue is not None
            stage.segue.reload(stage.configuration())
            wait_for(lambda: "configuration reloaded" in stage.segue.log, 20)
            started = time.monotonic()
            assert stage.segue.stop() == 0
            assert time.monotonic() - started < 8
            names.write(True)
            stage.start()

        names.play(act)
    finally:
        server.close()
