"""`segue audit --prove` and `segue evidence` from outside, with real engines, processes and sockets.

What a part says of the machine itself depends on the machine: a test asserts what it put there, and that the exit code follows the parts.
"""

import hashlib
import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.segue import Rehearsal, Segue, binary


def run(*arguments, data, environment=None, cwd=None):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("SEGUE_", "OLLAMA_", "VLLM_", "DOCKER_"))}
    clean |= {"SEGUE_DATA_DIR": str(data), "HOME": str(data), **(environment or {})}
    return subprocess.run([binary(), *map(str, arguments)], env=clean, cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder with one signing key."""
    folder = tmp_path_factory.mktemp("data")
    made = run("keys", "signing", "create", "--name", "release", data=folder)
    assert made.returncode == 0 and made.stdout.startswith("ed25519:")
    return folder


@pytest.fixture
def tree(tmp_path):
    """A committed repository without a reference."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "app.py").write_text("print('hello')\n")
    (root / "notes with space.md").write_text("# Notes\n")
    (root / "link.py").symlink_to("app.py")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    return root


def git(folder, *words):
    return subprocess.run(["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t", *words], check=True,
                          capture_output=True, text=True).stdout


def prove(tree, data, *arguments, **more):
    """The record, its parts by id, and how the command ended."""
    file = tree.parent / "proof.json"
    engine = [] if "--docker-socket" in arguments else ["--docker-socket", tree.parent / "none.sock"]
    done = run("audit", "--prove", tree, "--output", file, *engine, *arguments, data=data, **more)
    assert done.returncode in (0, 1), done.stderr
    record = json.loads(file.read_text())["record"]
    parts = {part["id"]: part for part in record["parts"]}
    spoilt = any(p["standing"] == "not clean" or (p["required"] and p["standing"] != "clean") for p in parts.values())
    assert record["holds"] is (not spoilt) and done.returncode == int(spoilt)
    return record, parts, done


@pytest.fixture(scope="module")
def vllm():
    engine = Rehearsal("vllm", "--no-latency", skill="", models=("acme",))
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def ollama():
    engine = Rehearsal("ollama", "--no-latency", skill="", models=("acme",))
    yield engine
    engine.stop()


def gateway(engine, dialect):
    segue = Segue({"engines": [{"name": "box", "url": engine.url, "dialect": dialect}]})
    segue.wait_ready()
    return segue


CHAT = {"model": "acme", "stream": False, "messages": [{"role": "user", "content": "hello"}]}


def test_a_tree_without_a_reference_behind_a_gateway_without_ollama(tree, data, vllm):
    segue = gateway(vllm, "vllm")
    try:
        assert segue.post("/v1/chat/completions", CHAT).status == 200
        record, parts, _ = prove(tree, data, "--gateway", segue.url, "--days", "0")
    finally:
        segue.stop()
    assert record["kind"] == "audit" and record["claim"] == "reference-free"
    for part in ("REFERENCES", "FILES", "SEG201", "SEG202"):
        assert parts[part]["standing"] == "clean", parts[part]
    assert record["subject"]["commit"] == git(tree, "rev-parse", "HEAD").strip()
    assert record["subject"]["dirty"] is False
    assert {p for p, part in parts.items() if part["required"]} == {"REFERENCES", "SEG201", "SEG204", "SEG206", "SEG208"}
    assert "settings in databases and in people's browsers" in record["blind_spots"]


def test_a_gateway_that_used_ollama(tree, data, ollama):
    segue = gateway(ollama, "ollama")
    try:
        assert segue.post("/api/chat", CHAT, {"User-Agent": "old-app/1.2"}).status == 200
        usage = segue.get("/segue/v1/usage").json()
        _, parts, _ = prove(tree, data, "--gateway", segue.url, "--days", "0")
        _, allowed, _ = prove(tree, data, "--gateway", segue.url, "--days", "0", "--claim", "runtime-free")
        _, week, _ = prove(tree, data, "--gateway", segue.url)
    finally:
        segue.stop()
    assert usage["days"][0]["ollama_engine"] == 1 and usage["last_ollama_engine"]["engine"] == "box"
    assert parts["SEG201"]["standing"] == "not clean" and "to box" in parts["SEG201"]["seen"][0]
    assert parts["SEG202"]["standing"] == "not clean" and "old-app/1.2 from 127.0.0.1" in parts["SEG202"]["seen"][0]
    assert allowed["SEG202"]["standing"] == "clean" and allowed["SEG201"]["standing"] == "not clean"
    assert week["SEG201"]["standing"] == "not clean"


def test_days_that_say_nothing_are_not_clean(tree, data, vllm):
    segue = gateway(vllm, "vllm")
    try:
        _, parts, _ = prove(tree, data, "--gateway", segue.url, "--days", "0")
        assert parts["SEG201"]["standing"] == "not looked at" and "no request came on" in parts["SEG201"]["says"]
        assert segue.post("/v1/chat/completions", CHAT).status == 200
        _, parts, _ = prove(tree, data, "--gateway", segue.url)
        assert parts["SEG201"]["standing"] == "not looked at" and "record begins at" in parts["SEG201"]["says"]
    finally:
        segue.stop()
    _, parts, _ = prove(tree, data, "--gateway", segue.url)
    assert parts["SEG201"]["standing"] == "not looked at" and "cannot reach" in parts["SEG201"]["says"]


def test_a_record_that_was_changed_does_not_count(tree, data):
    """The gateway's days are a chain of seals; this one is made as evidence/day_chain.hpp says."""
    today = datetime.now(timezone.utc).date()
    days, before = [], ""
    for back in range(9, -1, -1):
        day = {"day": str(today - timedelta(days=back)), "answered": 5, "ollama_engine": int(back == 8), "ollama_front": 0, "seal": None}
        if back > 1:
            line = f"{before}\n{day['day']} {day['answered']} {day['ollama_engine']} {day['ollama_front']}\n"
            before = day["seal"] = hashlib.sha256(line.encode()).hexdigest()
        days.append(day)
    usage = {"schema": "segue-usage/1", "since": f"{today - timedelta(days=30)}T00:00:00Z", "days": days, "chain_start": "",
             "last_ollama_engine": None, "ollama_callers": [], "unnamed_callers": 0}

    class Record(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(usage).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Record)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        _, parts, _ = prove(tree, data, "--gateway", url)
        assert parts["SEG201"]["standing"] == "clean" and "whole (8 sealed)" in parts["SEG201"]["says"], parts["SEG201"]
        days[1]["ollama_engine"] = 0
        _, parts, _ = prove(tree, data, "--gateway", url)
        assert parts["SEG201"]["standing"] == "not clean" and f"breaks at {days[1]['day']}" in parts["SEG201"]["says"]
        days[1]["ollama_engine"] = 1
        gone = days.pop(4)
        _, parts, _ = prove(tree, data, "--gateway", url)
        assert parts["SEG201"]["standing"] == "not clean" and days[4]["day"] in parts["SEG201"]["says"], gone
    finally:
        server.shutdown()


def test_an_ollama_that_listens(tree, data, ollama):
    (tree / ".env").write_text(f"OLLAMA_URL=http://127.0.0.1:{ollama.port}\n")
    record, parts, _ = prove(tree, data)
    assert parts["SEG204"]["standing"] == "not clean"
    assert any(f":{ollama.port} says that it is Ollama" in line for line in parts["SEG204"]["seen"])
    assert parts["REFERENCES"]["standing"] == "not clean"
    (tree / ".env").unlink()
    _, parts, _ = prove(tree, data, "--old-port", ollama.port)
    assert any(f":{ollama.port} says that it is Ollama" in line for line in parts["SEG204"]["seen"])


def test_segue_on_the_old_port_is_a_tripwire(tree, data, vllm):
    segue = gateway(vllm, "vllm")
    try:
        assert segue.post("/v1/chat/completions", CHAT).status == 200
        _, parts, _ = prove(tree, data, "--gateway", segue.url, "--days", "0", "--old-port", segue.port)
        assert not any(f":{segue.port} " in line for line in parts["SEG204"]["seen"])
        assert parts["SEG203"]["standing"] == "clean"
        assert segue.get("/api/tags", {"User-Agent": "forgotten-cron"}).status == 200
        _, parts, _ = prove(tree, data, "--gateway", segue.url, "--days", "0", "--old-port", segue.port)
        assert parts["SEG203"]["standing"] == "not clean" and "forgotten-cron" in parts["SEG203"]["seen"][0]
    finally:
        segue.stop()


def test_processes_and_their_variables(tree, data, tmp_path):
    fake = tmp_path / "ollama"
    shutil.copy(shutil.which("sleep"), fake)
    server = subprocess.Popen([str(fake), "60"])
    client = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE,
                              env={**os.environ, "OLLAMA_HOST": "http://user:hush@10.0.0.9"})
    try:
        _, parts, done = prove(tree, data)
        assert f"process {server.pid} (ollama)" in parts["SEG206"]["seen"]
        assert any(f"{client.pid} (" in line and line.endswith("OLLAMA_HOST") for line in parts["SEG207"]["seen"])
        assert "hush" not in done.stdout + json.dumps(parts)
    finally:
        server.kill(), server.wait()
        client.kill(), client.wait()


def test_connections_are_watched(tree, data, ollama):
    held = socket.create_connection(("127.0.0.1", ollama.port))
    try:
        _, parts, _ = prove(tree, data, "--old-port", ollama.port, "--watch", "300ms", "--sample", "100ms")
        assert parts["SEG205"]["standing"] == "not clean"
        assert any(f"{os.getpid()} (" in line and line.endswith(f":{ollama.port}") for line in parts["SEG205"]["seen"])
    finally:
        held.close()
    _, parts, _ = prove(tree, data)
    assert parts["SEG205"]["standing"] == "not looked at" or parts["SEG205"]["seen"]


class Docker:
    """A container engine's API on a Unix socket."""

    def __init__(self, path, answers):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = answers.get(self.path)
                data = json.dumps(body).encode()
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def address_string(self):
                return "unix"

            def log_message(self, *_):
                pass

        self.server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def docker_answers(containers, images=(), volumes=(), networks=()):
    out = {"/version": {"Version": "27.1", "Components": [{"Name": "Engine"}]},
           "/v1.40/containers/json?all=1": [{key: value for key, value in c.items() if key != "Env"} for c in containers],
           "/v1.40/images/json": [{"RepoTags": [name]} for name in images] + [{"RepoTags": None}],
           "/v1.40/volumes": {"Volumes": [{"Name": name} for name in volumes] or None},
           "/v1.40/networks": [{"Name": name} for name in ("bridge", *networks)]}
    for container in containers:
        out[f"/v1.40/containers/{container['Id']}/json"] = {"Config": {"Env": container.get("Env", ["PATH=/bin"])},
                                                             "HostConfig": {"RestartPolicy": {"Name": "always"}}}
    return out


def test_containers(tree, data, tmp_path):
    place = tmp_path / "docker.sock"
    web = {"Id": "b" * 12, "Names": ["/web"], "Image": "nginx:1", "State": "running", "Labels": {}, "Env": ["OLLAMA_URL=http://x"]}
    old = {"Id": "a" * 12, "Names": ["/chat-llm-1"], "Image": "ollama/ollama:0.33.0", "State": "exited",
           "Labels": {"com.docker.compose.project": "chat", "com.docker.compose.service": "llm"}}
    with Docker(place, docker_answers([old, web], images=["ollama/ollama:0.33.0"], volumes=["ollama_data"], networks=["ollama-net"])):
        _, parts, _ = prove(tree, data, "--docker-socket", place)
    assert parts["SEG208"]["standing"] == "not clean"
    assert parts["SEG208"]["seen"] == ["container chat-llm-1 of ollama/ollama:0.33.0 (exited, compose project chat), restarts: always",
                                       "image ollama/ollama:0.33.0", "volume ollama_data", "network ollama-net"]
    assert "container web: OLLAMA_URL" in parts["SEG207"]["seen"]
    place.unlink()
    with Docker(place, docker_answers([{**web, "Env": ["A=b"]}], images=["nginx:1"], volumes=["data"])):
        _, parts, _ = prove(tree, data, "--docker-socket", place)
    assert parts["SEG208"]["standing"] == "clean" and "Engine 27.1 with 1 containers" in parts["SEG208"]["says"]
    place.unlink()
    with Docker(place, {"/version": {"Version": "27.1"}}):
        _, parts, _ = prove(tree, data, "--docker-socket", place)
    assert parts["SEG208"]["standing"] == "not looked at" and "404" in parts["SEG208"]["says"]
    _, parts, _ = prove(tree, data)
    assert parts["SEG208"]["standing"] == "not looked at" and "docker ps" in parts["SEG208"]["command"]


@pytest.mark.skipif(not shutil.which("podman"), reason="no podman here")
def test_a_real_container_engine(tree, data, tmp_path):
    place = tmp_path / "podman.sock"
    service = subprocess.Popen(["podman", "system", "service", "--time=0", f"unix://{place}"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if place.exists() or service.poll() is not None:
                break
            threading.Event().wait(0.05)
        if service.poll() is not None:
            pytest.skip("podman does not serve its API here")
        subprocess.run(["podman", "volume", "create", "ollama_prove_test"], check=True, capture_output=True)
        _, parts, _ = prove(tree, data, "--docker-socket", place)
        assert "volume ollama_prove_test" in parts["SEG208"]["seen"] and "Podman" in parts["SEG208"]["says"]
    finally:
        subprocess.run(["podman", "volume", "rm", "-f", "ollama_prove_test"], capture_output=True)
        service.terminate()
        service.wait(10)


def test_the_off_switch(tree, data):
    _, parts, _ = prove(tree, data, "--check", "test -f app.py && echo noise", "--off-for", "0s")
    if parts["SEG204"]["standing"] != "not clean" and parts["SEG206"]["standing"] != "not clean":
        assert parts["SEG211"]["standing"] == "clean" and "passed once" in parts["SEG211"]["says"], parts["SEG211"]
        _, parts, _ = prove(tree, data, "--check", "exit 3", "--off-for", "0s")
        assert parts["SEG211"]["standing"] == "not clean" and "failed with Ollama off" in parts["SEG211"]["says"]
    else:
        assert parts["SEG211"]["standing"] == "not looked at"


def test_questions_are_asked_while_ollama_is_off(tree, data, vllm):
    check = ["--check", "true", "--off-for", "0s"]
    segue = Segue({"engines": [{"name": "new", "url": vllm.url}]})
    try:
        _, parts, _ = prove(tree, data, *check, "--gateway", segue.url)
        if parts["SEG211"]["standing"] == "not looked at":
            pytest.skip("something of Ollama's runs on this machine")
        assert parts["SEG211"]["standing"] == "clean" and "acme answered 3 questions" in parts["SEG211"]["says"], parts["SEG211"]
        vllm.faults({"error": {"status": 500}})
        _, parts, _ = prove(tree, data, *check, "--gateway", segue.url)
        assert parts["SEG211"]["standing"] == "not clean" and "did not answer a question" in parts["SEG211"]["says"], parts["SEG211"]
    finally:
        vllm.faults({})
        segue.stop()
    _, parts, _ = prove(tree, data, *check, "--gateway", "http://127.0.0.1:9")
    assert parts["SEG211"]["standing"] == "not clean"
    _, parts, _ = prove(tree, data, *check)
    assert "no question was asked" in parts["SEG211"]["says"]


def test_ollama_must_stay_off_for_a_while(tree, data, tmp_path):
    """The check runs at both ends of the window; a server that comes up in between is seen."""
    ran = tmp_path / "ran"
    window = ["--check", f"echo ran >> {ran}", "--off-for", "1s", "--sample", "100ms"]
    _, parts, _ = prove(tree, data, *window)
    if parts["SEG211"]["standing"] == "not looked at":
        pytest.skip("something of Ollama's runs on this machine")
    assert parts["SEG211"]["standing"] == "clean" and "passed twice" in parts["SEG211"]["says"], parts["SEG211"]
    assert ran.read_text() == "ran\nran\n"
    ran.unlink()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []

    def start_when_checked():
        while not ran.exists():
            threading.Event().wait(0.02)
        started.append(Rehearsal("ollama", "--no-latency", skill="", models=("acme",), port=port))

    starter = threading.Thread(target=start_when_checked)
    starter.start()
    try:
        _, parts, _ = prove(tree, data, "--check", f"echo ran >> {ran}", "--off-for", "20s", "--sample", "100ms", "--old-port", port)
    finally:
        starter.join()
        started[0].stop()
    assert parts["SEG211"]["standing"] == "not clean" and "runs again" in parts["SEG211"]["says"]


def test_what_is_allowed_for_a_time_is_not_gone(tree, data):
    allow = "# segue: allow SEG101 until the release {}owner @ann\n"
    (tree / "old.py").write_text(allow.format("until 2099-01-01 ") + "import ollama\n")
    record, parts, _ = prove(tree, data)
    assert parts["REFERENCES"]["standing"] == "not clean" and "allowed only until 2099-01-01" in parts["REFERENCES"]["seen"][0]
    assert record["details"]["suppressions"][0]["owner"] == "@ann"
    assert record["details"]["allowed"] == {"import": 1}
    (tree / "old.py").write_text(allow.format("") + "import ollama\n")
    _, parts, _ = prove(tree, data)
    assert parts["REFERENCES"]["standing"] == "clean"


def test_the_policy_says_what_is_required(tree, data):
    (tree / "segue-audit.yaml").write_text("proof: {required: [SEG206, SEG210], names: [localhost], ports: [4711]}\n")
    _, parts, _ = prove(tree, data)
    assert {p for p, part in parts.items() if part["required"]} == {"REFERENCES", "SEG206", "SEG210"}
    assert parts["SEG210"]["standing"] == "not clean" and "localhost resolves" in parts["SEG210"]["seen"][0]
    assert "4711" in parts["SEG204"]["says"] or parts["SEG204"]["seen"]
    (tree / "segue-audit.yaml").write_text("proof: {required: [SEG299]}\n")
    wrong = run("audit", "--prove", tree, data=data)
    assert wrong.returncode == 2 and "there is no part 'SEG299'" in wrong.stderr


def test_the_hash_of_the_tree_is_everybodys(tree, data):
    def shell():
        return subprocess.run(["bash", "-c", "git ls-files -z | grep -zvx link.py | LC_ALL=C sort -z | xargs -0 sha256sum"], cwd=tree,
                              check=True, capture_output=True, text=True).stdout

    def told(*arguments):
        return json.loads(run("audit", "--json", *arguments, tree, data=data).stdout)["tree"]

    import hashlib
    link = hashlib.sha256(b"app.py").hexdigest() + "  link.py\n"
    want = hashlib.sha256("".join(sorted(shell().splitlines(True) + [link], key=lambda line: line[66:])).encode()).hexdigest()
    assert told()["sha256"] == want and told()["dirty"] is False
    record, _, _ = prove(tree, data)
    assert record["subject"]["tree_sha256"] == want
    (tree / "app.py").write_text("print('bye')\n")
    assert told()["sha256"] != want and told()["dirty"] is True
    (tree / "new.py").write_text("untracked\n")
    changed = told()["sha256"]
    (tree / "new.py").unlink()
    assert told()["sha256"] == changed


def test_evidence_is_checked_anywhere(tree, data, tmp_path):
    prove(tree, data)
    file = tree.parent / "proof.json"
    own = run("evidence", "verify", file, data=data)
    assert "this installation's own key 'release'" in own.stdout
    elsewhere = tmp_path / "elsewhere"
    alone = run("evidence", "verify", file, "--json", data=elsewhere)
    told = {check["check"]: check["outcome"] for check in json.loads(alone.stdout)["checks"]}
    assert told == {"format": "good", "hash": "good", "signature": "good", "signer": "open", "time": "good"}
    public = run("keys", "signing", "show", "release", data=data).stdout
    (tmp_path / "segue.pub").write_text(public)
    for key in (public.strip(), tmp_path / "segue.pub"):
        assert "the key that you named" in run("evidence", "verify", file, "--key", key, data=elsewhere).stdout
    assert f"{tree} is the tree that was looked at" in run("evidence", "verify", file, "--tree", tree, data=data).stdout
    (tree / "app.py").write_text("print('later')\n")
    later = run("evidence", "verify", file, "--tree", tree, data=data)
    assert later.returncode == 1 and "something changed since" in later.stdout
    other = run("keys", "signing", "create", "--name", "other", data=elsewhere).stdout.strip()
    wrong = run("evidence", "verify", file, "--key", other, data=elsewhere)
    assert wrong.returncode == 1 and "and you named" in wrong.stdout
    text = file.read_text()
    file.write_text(text.replace('"holds":false', '"holds":true') if '"holds":false' in text else text.replace('"holds":true', '"holds":false'))
    forged = run("evidence", "verify", file, data=data)
    assert forged.returncode == 1 and "it was changed" in forged.stdout
    file.write_text(json.dumps(json.loads(text), indent=2))
    shown = run("evidence", "show", file, data=data)
    assert "REFERENCES" in shown.stdout and "what nothing here can see" in shown.stdout and "it was changed" not in shown.stdout


def test_evidence_verifies_without_segue(tree, data, tmp_path):
    """What docs/evidence.md tells: canonical JSON by any RFC 8785 library (here: no floats, so json.dumps does), openssl for the rest."""
    import base64
    prove(tree, data)
    whole = json.loads((tree.parent / "proof.json").read_text())
    canonical = json.dumps(whole["record"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    (tmp_path / "message").write_bytes(b"segue-evidence/1\n" + canonical)
    (tmp_path / "signature").write_bytes(base64.b64decode(whole["signature"]["value"]))
    raw = base64.b64decode(whole["signature"]["public_key"].removeprefix("ed25519:"))
    (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + raw)
    subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin", "-in", "message",
                    "-sigfile", "signature"], cwd=tmp_path, check=True, capture_output=True)


def test_wrong_use(tree, data, tmp_path):
    no_key = run("audit", "--prove", tree, data=tmp_path / "empty")
    assert no_key.returncode == 2 and "segue keys signing create" in no_key.stderr
    for more in (["--since", "HEAD"], ["--kind", "env"], ["--format", "json"], ["--no-ignore"]):
        assert run("audit", "--prove", *more, tree, data=data).returncode == 2
    assert run("audit", "--prove", "--watch", "soon", tree, data=data).returncode == 2
    assert run("audit", "--prove", "--require", "SEG1", tree, data=data).returncode == 2
    unwritable = run("audit", "--prove", "--output", tmp_path / "file" / "x.json", tree, data=data)
    assert unwritable.returncode in (0, 1)  # the folder is made
    kept = run("audit", "--prove", tree, data=data)
    assert kept.returncode in (0, 1) and list((data / "evidence").glob("audit-*.json"))
    (data / "signing-keys").chmod(0o700)
    for file in (data / "signing-keys").glob("*.json"):
        assert file.stat().st_mode & 0o777 == 0o600
