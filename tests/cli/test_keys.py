"""Keys: made, listed, revoked, taken by a running gateway at once; limits in each dialect's words; no open door."""

import json
import os
import signal
import stat
import subprocess
import time

import pytest

from support.segue import NotStarted, Rehearsal, Segue, binary

MODEL = "segue-tiny"
MESSAGES = [{"role": "user", "content": "Hello"}]
CHAT = {"model": MODEL, "stream": False, "think": False, "messages": MESSAGES}
OPENAI = {"model": MODEL, "messages": MESSAGES, "max_tokens": 5}
ANTHROPIC = {"model": MODEL, "messages": MESSAGES, "max_tokens": 5}


@pytest.fixture(scope="module")
def engine():
    made = Rehearsal("vllm")
    yield made
    made.stop()


@pytest.fixture
def segue(engine):
    made = Segue({"engines": [{"name": "e", "dialect": "openai", "url": engine.url, "probe_interval": "100ms"}],
                  "log": {"level": "info", "format": "json"}})
    made.wait_ready()
    yield made
    made.stop()


def keys(folder, *arguments, check=True):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("SEGUE_")}
    done = subprocess.run([binary(), "keys", *arguments, "--data-dir", str(folder)], capture_output=True, text=True,
                          timeout=30, cwd=folder.parent, env=clean)
    assert not check or done.returncode == 0, done
    return done


def data(segue):
    return segue.folder / "data"


def make(segue, name, *more):
    made = json.loads(keys(data(segue), "create", "--name", name, *more, "--json").stdout)
    wait_for(lambda: segue.request("GET", "/api/tags", None, bearer(made["key"])).status == 200
             and segue.request("GET", "/api/tags").status == 401)
    return made


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.02)


def test_create_list_revoke(tmp_path):
    folder = tmp_path / "data"
    made = keys(folder, "create", "--name", "chat")
    key = made.stdout.strip()
    file = folder / "keys.json"
    assert key.startswith("segue-") and key not in made.stderr
    assert f", in {file}: keep it, it is not shown again" in made.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key[15:] not in file.read_text()
    limited = json.loads(keys(folder, "create", "--name", "night", "--priority", "batch", "--model", "llama3*",
                              "--model", "qwen", "--requests-per-minute", "60", "--tokens-per-minute", "9000",
                              "--streams", "2", "--expires", "30d", "--json").stdout)
    listed = json.loads(keys(folder, "list", "--json").stdout)["keys"]
    assert [one["name"] for one in listed] == ["chat", "night"]
    night = listed[1]
    assert "key" not in night and night["last_four"] == limited["key"][-4:]
    assert (night["priority"], night["models"], night["requests_per_minute"], night["tokens_per_minute"],
            night["streams"], night["standing"]) == ("batch", ["llama3*", "qwen"], 60, 9000, 2, "good")
    shown = keys(folder, "list").stdout
    assert "60 requests/min" in shown and key not in shown
    assert keys(folder, "revoke", limited["id"]).stdout == f"revoked {limited['id']} ('night')\n"
    assert [one["name"] for one in json.loads(keys(folder, "list", "--json").stdout)["keys"]] == ["chat"]
    every = json.loads(keys(folder, "list", "--all", "--json").stdout)["keys"]
    assert [one["standing"] for one in every] == ["good", "revoked"]


@pytest.mark.parametrize("words, code, message", [
    (["create", "--name", "chat"], 2, "a key is called 'chat' already"),
    (["create", "--name", "x", "--expires", "soon"], 2, "--expires is a time such as 12h or 30d, not 'soon'"),
    (["create", "--name", "x", "--expires", "99999d"], 2, "--expires is a time"),
    (["create", "--name", "x", "--streams", "0"], 2, "--streams"),
    (["create", "--name", "x", "--priority", "high"], 2, "--priority"),
    (["create"], 2, "--name is required"),
    (["revoke", "nobody"], 2, "segue keys list shows them"),
    (["lsit"], 2, "did you mean 'list'?"),
])
def test_mistakes_say_what_to_do(tmp_path, words, code, message):
    folder = tmp_path / "data"
    keys(folder, "create", "--name", "chat")
    done = keys(folder, *words, check=False)
    assert done.returncode == code and message in done.stderr
    assert len(json.loads((folder / "keys.json").read_text())["keys"]) == 1


def test_what_cannot_be_read_or_written_is_3(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "keys.json").write_text("{ruined")
    for words in (["list"], ["create", "--name", "x"], ["revoke", "x"]):
        done = keys(folder, *words, check=False)
        assert done.returncode == 3 and "mend it or move it away" in done.stderr
    assert (folder / "keys.json").read_text() == "{ruined"


def test_a_running_gateway_takes_and_drops_keys(segue):
    assert segue.post("/api/chat", CHAT).status == 200  # no key was made yet
    first = make(segue, "first")
    assert segue.post("/api/chat", CHAT).status == 401
    second = make(segue, "second")
    for key in (first["key"], second["key"]):
        assert segue.post("/api/chat", CHAT, bearer(key)).status == 200
        assert segue.post("/v1/messages", ANTHROPIC, {"x-api-key": key}).status == 200
    began = time.monotonic()
    keys(data(segue), "revoke", "first")
    wait_for(lambda: segue.post("/api/chat", CHAT, bearer(first["key"])).status == 401)
    assert time.monotonic() - began < 5  # a second, and what a busy machine adds
    assert segue.post("/api/chat", CHAT, bearer(second["key"])).status == 200
    keys(data(segue), "revoke", "second")
    wait_for(lambda: segue.post("/api/chat", CHAT, bearer(second["key"])).status == 401)
    assert segue.post("/api/chat", CHAT).status == 401  # the last one was revoked: the door stays shut
    line = next(json.loads(text) for text in segue.log.splitlines() if f'"key":"{second["id"]}"' in text)
    assert line["level"] == "access"
    assert first["key"] not in segue.log and second["key"] not in segue.log


def test_an_expired_key_says_so(segue):
    made = make(segue, "short", "--expires", "3s")
    wait_for(lambda: segue.post("/v1/chat/completions", OPENAI, bearer(made["key"])).status == 401)
    reply = segue.post("/v1/chat/completions", OPENAI, bearer(made["key"]))
    assert reply.json()["error"]["code"] == "invalid_api_key" and "expired" in reply.json()["error"]["message"]


def test_a_ruined_file_leaves_the_keys_as_they_were(segue):
    made = make(segue, "chat")
    (data(segue) / "keys.json").write_text("{ruined")
    wait_for(lambda: "the keys stay as they were" in segue.log)
    assert segue.post("/api/chat", CHAT, bearer(made["key"])).status == 200
    assert segue.post("/api/chat", CHAT).status == 401


def test_limits_in_each_dialect(segue):
    ask = {"/api/chat": CHAT, "/v1/chat/completions": OPENAI, "/v1/messages": ANTHROPIC}
    for number, (path, body) in enumerate(ask.items()):
        made = make(segue, f"slow-{number}", "--requests-per-minute", "1")
        assert segue.post(path, body, bearer(made["key"])).status == 200
        reply = segue.post(path, body, bearer(made["key"]))
        assert reply.status == 429
        assert 1 <= int(reply.get("Retry-After")) <= 60
        text = "this key may send 1 requests a minute"
        if path == "/api/chat":
            assert list(reply.json()) == ["error"] and text in reply.json()["error"]
        elif path == "/v1/messages":
            assert reply.json()["error"]["type"] == "rate_limit_error" and text in reply.json()["error"]["message"]
        else:
            assert reply.json()["error"]["code"] == "rate_limit_exceeded" and text in reply.json()["error"]["message"]
        assert segue.request("GET", "/api/tags", None, bearer(made["key"])).status == 200  # lists cost nothing
        metrics = segue.request("GET", "/metrics", None, bearer(made["key"])).text
        assert f'segue_key_refused_total{{key="{made["id"]}",limit="requests"}} 1' in metrics
        assert f'segue_key_requests_total{{key="{made["id"]}",status="429"}} 1' in metrics


def test_tokens_are_charged_after_the_answer(segue):
    made = make(segue, "tokens", "--tokens-per-minute", "20")
    reply = segue.post("/v1/chat/completions", OPENAI, bearer(made["key"]))
    assert reply.status == 200 and reply.json()["usage"]["total_tokens"] > 5
    for _ in range(3):  # at the latest when 20 tokens were used
        reply = segue.post("/v1/chat/completions", OPENAI, bearer(made["key"]))
        if reply.status == 429:
            break
    assert reply.status == 429 and "this key may use 20 tokens a minute" in reply.json()["error"]["message"]
    assert "Retry-After" in dict(reply.headers)


def test_streams_under_way(segue, engine):
    made = make(segue, "one", "--streams", "1")
    engine.faults({"slow": {"gap_ms": 200}})
    try:
        with segue.connect() as connection:
            connection.send_request("POST", "/api/chat", {**CHAT, "stream": True}, bearer(made["key"]))
            head = connection.read_head()
            assert head.status == 200
            refused = segue.post("/api/chat", CHAT, bearer(made["key"]))
            assert refused.status == 429 and "may have 1 requests under way" in refused.json()["error"]
        engine.faults({})
        wait_for(lambda: segue.post("/api/chat", CHAT, bearer(made["key"])).status == 200)
    finally:
        engine.faults({})


def test_a_model_that_a_key_may_not_use_does_not_exist_for_it(segue):
    made = make(segue, "narrow", "--model", "other*")
    full = make(segue, "full")
    narrow, wide = bearer(made["key"]), bearer(full["key"])
    reply = segue.post("/api/chat", CHAT, narrow)
    assert (reply.status, reply.json()) == (404, {"error": f"model '{MODEL}' not found"})
    reply = segue.post("/v1/chat/completions", OPENAI, narrow)
    assert reply.status == 404 and reply.json()["error"]["code"] == "model_not_found"
    assert reply.json()["error"]["message"].endswith("Available: none")
    assert segue.post("/v1/messages", ANTHROPIC, narrow).status == 404
    assert segue.post("/api/show", {"model": MODEL}, narrow).status == 404
    assert segue.request("GET", "/api/tags", None, narrow).json() == {"models": []}
    assert segue.request("GET", "/api/ps", None, narrow).json() == {"models": []}
    assert segue.request("GET", "/v1/models", None, narrow).json()["data"] == []
    assert segue.request("GET", f"/v1/models/{MODEL}", None, narrow).status == 404
    # A name of its own would open what is shut.
    reply = segue.post("/api/copy", {"source": MODEL, "destination": "other"}, narrow)
    assert reply.status == 403 and "limited to some models" in reply.json()["error"]
    assert segue.request("DELETE", "/api/delete", {"model": "other"}, narrow).status == 403
    assert segue.post("/api/create", {"model": "other", "from": MODEL}, narrow).status == 403
    assert segue.request("GET", "/segue/v1/models", None, narrow).status == 403
    assert segue.post("/api/copy", {"source": MODEL, "destination": "other"}, wide).status == 200
    assert segue.post("/api/chat", {**CHAT, "model": "other"}, narrow).status == 200
    assert [one["name"] for one in segue.request("GET", "/api/tags", None, narrow).json()["models"]] == ["other:latest"]


PUBLIC = "0.0.0.0:0"


def test_no_open_door_without_being_told(engine, tmp_path):
    config = {"listen": PUBLIC, "engines": [{"name": "e", "dialect": "openai", "url": engine.url}]}
    with pytest.raises(NotStarted) as refused:
        Segue(config)
    assert "ended with 2" in str(refused.value)
    assert "there is no usable key" in str(refused.value) and "segue keys create" in str(refused.value)
    for arguments, environment, more in ((("--insecure-no-auth",), {}, {}), ((), {"SEGUE_INSECURE_NO_AUTH": "1"}, {}),
                                         ((), {}, {"insecure_no_auth": True})):
        segue = Segue({**config, **more}, environment, arguments)
        try:
            assert segue.log.count("everybody who reaches this address may use every engine") == 2  # banner and log
            assert segue.request("GET", "/api/tags").status == 200
        finally:
            segue.stop()
    segue = Segue({**config, "keys": ["k"]})
    try:
        assert "everybody who reaches" not in segue.log
        assert segue.request("GET", "/api/tags").status == 401
    finally:
        segue.stop()


def test_the_last_key_of_an_open_listener_stays(engine, tmp_path):
    made = keys(tmp_path / "data", "create", "--name", "one").stdout.strip()
    config = {"listen": PUBLIC, "engines": [{"name": "e", "dialect": "openai", "url": engine.url}]}
    segue = Segue(config, arguments=("--data-dir", str(tmp_path / "data")))
    try:
        assert segue.request("GET", "/api/tags", None, bearer(made)).status == 200
        os.rename(tmp_path / "data" / "keys.json", tmp_path / "away")
        wait_for(lambda: "the keys stay as they were" in segue.log)
        assert segue.request("GET", "/api/tags").status == 401
        assert segue.request("GET", "/api/tags", None, bearer(made)).status == 200
        os.rename(tmp_path / "away", tmp_path / "data" / "keys.json")
        keys(tmp_path / "data", "revoke", "one")
        wait_for(lambda: segue.request("GET", "/api/tags", None, bearer(made)).status == 401)
        assert segue.request("GET", "/api/tags").status == 401
    finally:
        segue.stop()
    segue = Segue({**config, "keys": ["k"]})
    try:
        (segue._config_folder / "segue.yaml").write_text(json.dumps(config))
        os.kill(segue.child.pid, signal.SIGHUP)
        wait_for(lambda: "it has no key any more" in segue.log)
        assert segue.request("GET", "/api/tags").status == 401
        assert segue.request("GET", "/api/tags", None, bearer("k")).status == 200
    finally:
        segue.stop()
