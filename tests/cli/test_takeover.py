"""Upgrade without dropping a stream: --takeover, SIGUSR2, and what a service manager gives."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from support import client
from support.segue import Process, Rehearsal, Segue, binary

CHAT = {"model": "segue-tiny", "stream": False, "think": False, "messages": [{"role": "user", "content": "Hello"}]}
STREAMS = 200


@pytest.fixture
def engine():
    made = Rehearsal("vllm", "--slots", "400")
    yield made
    made.stop()


def config(engine, **more):
    return {"engines": [{"name": "e", "dialect": "openai", "url": engine.url, "probe_interval": "200ms"}],
            "workers": 2, **more}


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.02)


class Successor(Process):
    """`segue serve --takeover` with the data folder (and configuration) of a running Segue."""

    def __init__(self, old, text=None, environment=None, wait=True, data=None, **popen):
        self.port_file = old.folder / f"port-{time.monotonic_ns()}"
        file = old._config_folder / "segue.yaml"
        if text is not None:
            file = old._config_folder / f"segue-{time.monotonic_ns()}.yaml"
            file.write_text(text)
        super().__init__([binary(), "serve", "--takeover", "--config", str(file), "--port-file", str(self.port_file),
                          "--data-dir", str(data or old.folder / "data")], environment)
        self.port = old.port
        if wait:
            self.wait_for(lambda: self.port_file.exists())

    def ended(self, seconds=30.0):
        return self.child.wait(seconds)


class Knocker:
    """A client that connects and asks again and again; every failure is kept."""

    def __init__(self, port, keep_alive=False, path="/segue/v1/version", chat=False):
        self.port, self.keep_alive, self.chat, self.path = port, keep_alive, chat, path
        self.failures, self.answers, self._stop = [], 0, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _ask(self, connection):
        if self.chat:
            connection.send_request("POST", "/api/chat", CHAT)
        else:
            connection.send_request("GET", self.path)
        reply = connection.read_reply()
        assert reply.status == 200 and reply.complete, reply
        self.answers += 1
        return (reply.get("connection") or "").lower() != "close"

    def _run(self):
        while not self._stop.is_set():
            try:
                with client.Connection(self.port) as connection:
                    while self._ask(connection) and self.keep_alive and not self._stop.is_set():
                        pass
            except Exception as error:  # noqa: BLE001 (whatever it was is a dropped request)
                self.failures.append(repr(error))
            time.sleep(0.002)

    def stop(self):
        self._stop.set()
        self.thread.join(20)
        return self.failures


class Streams:
    """Open streams, read by one thread each."""

    def __init__(self, port, count):
        self.replies, self.failures, self.started = [], [], threading.Semaphore(0)
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._read, args=(port, i), daemon=True) for i in range(count)]
        for thread in self.threads:
            thread.start()
        for _ in self.threads:
            assert self.started.acquire(timeout=30), f"not all streams opened: {self.failures[:3]}"

    def _read(self, port, number):
        begun = False
        try:
            with client.Connection(port, timeout=60) as connection:
                connection.send_request("POST", "/api/chat", {**CHAT, "stream": True})
                reply = connection.read_head()
                for _ in connection.pieces(reply):
                    if not begun:
                        begun = True
                        self.started.release()
            with self.lock:
                self.replies.append(reply)
        except Exception as error:  # noqa: BLE001
            self.failures.append(f"{number}: {error!r}")
            if not begun:
                self.started.release()

    def whole(self):
        for thread in self.threads:
            thread.join(60)
        assert not self.failures, self.failures[:5]
        assert len(self.replies) == len(self.threads)
        texts = set()
        for reply in self.replies:
            assert reply.complete and reply.lines()[-1]["done"] is True, reply
            texts.add("".join(line["message"]["content"] for line in reply.lines()))
        return texts


def pid_of(process):
    return process.child.pid


def test_200_streams_finish_in_the_old_process_and_nobody_is_refused(engine):
    old = Segue(config(engine))
    new = None
    try:
        old.wait_ready()
        expected = old.request("POST", "/api/chat", CHAT).json()["message"]["content"]
        engine.faults({"slow": {"gap_ms": 600}})
        streams = Streams(old.port, STREAMS)
        engine.faults({})
        knockers = [Knocker(old.port), Knocker(old.port, keep_alive=True)]
        new = Successor(old)
        told = re.compile(r"another segue took over; (\d+) requests go on here")
        wait_for(lambda: told.search(old.log))
        still_open = int(told.search(old.log).group(1))
        assert still_open >= STREAMS
        at_handover = sum(knocker.answers for knocker in knockers)
        assert old.child.poll() is None, "the old one must wait for its streams"
        # A new request is answered by the new process: the old one has no ear any more.
        assert new.request("POST", "/api/chat", CHAT).status == 200
        wait_for(lambda: '"endpoint":"chat"' in new.log)
        assert streams.whole() == {expected}
        assert old.child.wait(15) == 0
        wait_for(lambda: "has ended" in new.log)
        assert sum(knocker.answers for knocker in knockers) > at_handover
        assert [knocker.stop() for knocker in knockers] == [[], []]
        # Each stream ended in the old process, and none in the new one.
        assert old.log.count('"status":200,"model"') >= STREAMS
        assert new.log.count('"endpoint":"chat"') == 1
    finally:
        if new:
            new.stop()
        old.stop()


def test_twice_in_a_row_under_load(engine):
    old = Segue(config(engine))
    successors = []
    try:
        old.wait_ready()
        engine.faults({"slow": {"gap_ms": 100}})
        streams = Streams(old.port, 40)
        knockers = [Knocker(old.port), Knocker(old.port, keep_alive=True, chat=True)]
        for _ in range(2):
            successors.append(Successor(old))
            more = Streams(old.port, 20)
        engine.faults({})
        streams.whole()
        more.whole()
        assert old.child.wait(20) == 0
        assert successors[0].child.wait(20) == 0
        assert successors[1].child.poll() is None
        assert [knocker.stop() for knocker in knockers] == [[], []]
        assert successors[1].request("POST", "/api/chat", CHAT).status == 200
    finally:
        for successor in successors:
            successor.stop()
        old.stop()


def test_a_bad_configuration_leaves_the_old_one_as_it_was(engine):
    old = Segue(config(engine))
    try:
        old.wait_ready()
        knocker = Knocker(old.port)
        new = Successor(old, text="enignes: []\n", wait=False)
        assert new.ended() == 2
        assert "did you mean 'engines'" in new.log
        # A configuration that is right, but that cannot be served: an address of somebody else.
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            second = Successor(old, text=json.dumps(config(engine, listen=address)), wait=False)
            assert second.ended() == 2
        assert f"cannot listen on {address}" in second.log
        wait_for(lambda: "ended before it was ready; this segue goes on" in old.log)
        assert knocker.stop() == [] and knocker.answers > 0
        assert "another segue took over" not in old.log
        assert old.request("POST", "/api/chat", CHAT).status == 200
        new.stop(), second.stop()
    finally:
        assert old.stop() == 0


def test_sigkill_of_the_new_one_in_mid_handover(engine):
    old = Segue(config(engine))
    try:
        old.wait_ready()
        knockers = [Knocker(old.port), Knocker(old.port, keep_alive=True)]
        with socket.create_server(("127.0.0.1", 0)) as silent:  # the first probe waits for it
            slow = {"engines": [{"name": "e", "dialect": "openai", "probe_timeout": "20s",
                                 "url": "http://127.0.0.1:%d" % silent.getsockname()[1]}]}
            new = Successor(old, text=json.dumps(slow), wait=False)
            wait_for(lambda: f"(pid {pid_of(new)}) gets the listening sockets" in old.log)
            new.child.kill()
            assert new.ended() == -signal.SIGKILL
        wait_for(lambda: "ended before it was ready; this segue goes on" in old.log)
        assert old.request("POST", "/api/chat", CHAT).status == 200
        # And the next one is not hindered by the one that failed.
        good = Successor(old)
        assert old.child.wait(15) == 0
        assert good.request("POST", "/api/chat", CHAT).status == 200
        assert [knocker.stop() for knocker in knockers] == [[], []]
        good.stop(), new.stop()
    finally:
        old.stop()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody else")
def test_another_user_is_refused(engine):
    old = Segue(config(engine))
    try:
        old.wait_ready()
        path = old.folder / "data" / "takeover.sock"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        # Even where the file's mode were opened by mistake, the kernel's word about the peer counts.
        old.folder.chmod(0o755), path.parent.chmod(0o755), path.chmod(0o666)
        question = ("import socket,sys;s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET);s.connect(sys.argv[1]);"
                    "text,rights,*_=s.recvmsg(65536,999);print(text.decode(),len(rights))")
        asked = subprocess.run(["python3", "-c", question, str(path)], user=65534, group=65534, extra_groups=[],
                               capture_output=True, text=True, timeout=20)
        assert "uid 65534 asked, but this segue runs as uid 0" in asked.stdout, asked
        assert asked.stdout.rstrip().endswith(" 0"), "no descriptor may be given"
        wait_for(lambda: "uid 65534 asked" in old.log)
        assert old.request("POST", "/api/chat", CHAT).status == 200
    finally:
        assert old.stop() == 0


def test_nobody_to_take_over_from_is_an_ordinary_start(engine):
    first = Segue(config(engine), arguments=("--takeover",))
    try:
        first.wait_ready()
        assert "no segue to take over from" in first.log
        assert first.request("POST", "/api/chat", CHAT).status == 200
        first.child.kill()  # leaves its socket file behind: the next one must see that nobody is there
        first.child.wait(10)
        assert (first.folder / "data" / "takeover.sock").exists()
        second = Successor(first)
        assert "no segue to take over from" in second.log
        second.stop()
    finally:
        first.stop()


def test_a_second_segue_with_the_same_folder_is_warned(engine):
    old = Segue(config(engine))
    other = Segue(config(engine), arguments=("--data-dir", str(old.folder / "data")))
    try:
        assert "another segue uses" in other.log
        new = Successor(old)
        assert old.child.wait(15) == 0  # the first one was reached, the other one is untouched
        assert other.request("GET", "/livez").status == 200 and other.child.poll() is None
        new.stop()
    finally:
        other.stop()
        old.stop()


def test_names_made_around_a_handover_survive(engine):
    old = Segue(config(engine))
    new = None
    try:
        old.wait_ready()
        copy = {"source": "segue-tiny"}
        assert old.request("POST", "/api/copy", {**copy, "destination": "before"}).status == 200
        with old.connect() as connection:  # stays with the old process
            connection.send_request("GET", "/livez")
            connection.read_reply()
            engine.faults({"slow": {"gap_ms": 100}})
            stream = Streams(old.port, 1)
            new = Successor(old)
            engine.faults({})
            assert new.request("POST", "/api/copy", {**copy, "destination": "in-new"}).status == 200
            connection.send_request("POST", "/api/copy", {**copy, "destination": "in-old"})
            assert connection.read_reply().status == 200
        stream.whole()
        assert old.child.wait(15) == 0
        names = lambda: {model["name"].split(":")[0] for model in new.request("GET", "/api/tags").json()["models"]}
        wait_for(lambda: {"before", "in-new", "in-old"} <= names())
        assert new.request("POST", "/api/chat", {**CHAT, "model": "in-old"}).status == 200
    finally:
        if new:
            new.stop()
        old.stop()


def test_a_stop_while_draining_waits_for_the_streams_and_a_second_one_does_not(engine):
    old = Segue(config(engine))
    new = None
    try:
        old.wait_ready()
        engine.faults({"slow": {"gap_ms": 100}})
        streams = Streams(old.port, 5)
        new = Successor(old)
        old.terminate()  # as when the service is stopped: all its processes hear it
        streams.whole()
        assert old.child.wait(15) == 0
        engine.faults({"slow": {"gap_ms": 2000}})
        stream = Streams(old.port, 1)
        newer = Successor(old)
        new.terminate()
        time.sleep(0.3)
        assert new.child.poll() is None
        new.terminate()
        assert new.child.wait(5) == 0 and "1 requests are cut" in new.log
        with pytest.raises(AssertionError):
            stream.whole()
        newer.stop()
    finally:
        if new:
            new.stop()
        old.stop()


def test_an_empty_machine_keeps_its_rehearsals_through_a_handover():
    old = Segue({"workers": 2}, {"VLLM_ENDPOINT": "", "OLLAMA_URL": ""})
    new = None
    try:
        old.wait_ready()
        if "rehearsal-vllm" not in old.log:
            pytest.skip("an engine runs at its usual address on this machine")
        body = {**CHAT, "model": "x", "stream": True}
        with old.connect() as connection:
            connection.send_request("POST", "/api/chat", body)
            reply = connection.read_head()
            new = Successor(old)
            for _ in connection.pieces(reply):
                pass
        assert reply.complete and reply.lines()[-1]["done"] is True
        assert new.request("POST", "/api/chat", {**body, "stream": False}).status == 200
        assert old.child.wait(15) == 0
    finally:
        if new:
            new.stop()
        old.stop()


def test_sigusr2_starts_a_successor(engine):
    old = Segue(config(engine))
    second = None
    try:
        old.wait_ready()
        knockers = [Knocker(old.port), Knocker(old.port, keep_alive=True)]
        port_file = old._config_folder / "port"
        port_file.unlink()
        (old._config_folder / "segue.yaml").write_text("enignes: []\n")
        os.kill(pid_of(old), signal.SIGUSR2)
        wait_for(lambda: "ended with exit status 2; this segue goes on" in old.log)
        (old._config_folder / "segue.yaml").write_text(json.dumps(config(engine, listen="127.0.0.1:0")))
        os.kill(pid_of(old), signal.SIGUSR2)
        wait_for(port_file.exists)
        second = int(old.log.rsplit("started a successor (pid ", 1)[1].split(")")[0])
        assert old.child.wait(15) == 0
        assert client.request(old.port, "POST", "/api/chat", CHAT).status == 200
        assert [knocker.stop() for knocker in knockers] == [[], []]
    finally:
        if second:
            os.kill(second, signal.SIGTERM)
            wait_for(lambda: not Path(f"/proc/{second}").exists() or "Z" in Path(f"/proc/{second}/stat").read_text())
        old.stop()


class Manager:
    """What systemd does for a socket-activated Type=notify service, as far as the service can see it."""

    def __init__(self, folder, sockets=1):
        self.path = str(folder / "notify")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.path)
        self.notify.settimeout(15)
        self.listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(sockets)]
        self.ports = [listener.getsockname()[1] for listener in self.listeners]

    def start(self, arguments, environment, log):
        """The child's descriptors are 3, 4, …; LISTEN_PID must be its own pid, so a shell sets it."""
        numbers = [listener.fileno() for listener in self.listeners]
        moves = " ".join(f"{3 + i}<&{number}" for i, number in enumerate(numbers))
        closes = " ".join(f"{number}<&-" for number in numbers if number >= 3 + len(numbers))
        script = f'export LISTEN_PID=$$ LISTEN_FDS={len(numbers)} LISTEN_FDNAMES=http; exec "$@" {moves} {closes}'
        return subprocess.Popen(["bash", "-c", script, "sh", *arguments], stdout=log, stderr=log, pass_fds=numbers,
                                env={**os.environ, **environment, "NOTIFY_SOCKET": self.path})

    def told(self):
        return dict(line.split("=", 1) for line in self.notify.recv(4096).decode().splitlines())

    def close(self):
        for one in [self.notify, *self.listeners]:
            one.close()


def test_socket_activation_and_notification(engine, tmp_path):
    manager = Manager(tmp_path, sockets=2)
    file = tmp_path / "segue.yaml"
    file.write_text(json.dumps(config(engine, listen="127.0.0.1:1")))  # not used: the manager says where
    arguments = [binary(), "serve", "--config", str(file), "--data-dir", str(tmp_path / "data")]
    with open(tmp_path / "log", "wb") as log:
        old = manager.start(arguments, {}, log)
        new = None
        try:
            # Before the service is ready its clients wait; they are not refused.
            for port in manager.ports:
                assert client.request(port, "POST", "/api/chat", CHAT).status == 200
            told = manager.told()
            assert told["READY"] == "1" and told["MAINPID"] == str(old.pid)
            assert all(str(port) in told["STATUS"] for port in manager.ports)
            old.send_signal(signal.SIGHUP)
            told = manager.told()
            assert told["RELOADING"] == "1" and int(told["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
            assert manager.told()["READY"] == "1"

            new = subprocess.Popen([*arguments, "--takeover"], stdout=log, stderr=log,
                                   env={**os.environ, "NOTIFY_SOCKET": manager.path})
            told = manager.told()  # the service has a new main process, and is not stopping
            assert told["READY"] == "1" and told["MAINPID"] == str(new.pid)
            assert old.wait(15) == 0
            for port in manager.ports:
                assert client.request(port, "POST", "/api/chat", CHAT).status == 200

            new.send_signal(signal.SIGTERM)
            assert manager.told()["STOPPING"] == "1"
            assert new.wait(15) == 0
            # The manager still holds the sockets: who comes between two services waits for the next one.
            with client.Connection(manager.ports[0]) as waiting:
                waiting.send_request("GET", "/livez")
                new = manager.start(arguments, {}, log)
                assert waiting.read_reply().status == 200
        finally:
            for process in (old, new):
                if process and process.poll() is None:
                    process.terminate()
                    process.wait(15)
            manager.close()


def test_a_descriptor_that_is_no_listening_socket_is_refused(engine, tmp_path):
    manager = Manager(tmp_path, sockets=0)
    manager.listeners = [socket.socket()]
    with open(tmp_path / "log", "wb") as log:
        child = manager.start([binary(), "serve", "--data-dir", str(tmp_path / "data")], {}, log)
        assert child.wait(15) == 2
    manager.close()
    assert "descriptor 3 is not a listening TCP socket" in (tmp_path / "log").read_text()
