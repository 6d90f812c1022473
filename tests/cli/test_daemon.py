"""The daemon: reload, stop, what is open without a key, an empty machine."""

import json
import os
import signal
import time

import pytest

from support.segue import Rehearsal, Segue

CHAT = {"model": "segue-tiny", "stream": False, "think": False, "messages": [{"role": "user", "content": "Hello"}]}


def config(engine, **more):
    return {"engines": [{"name": "e", "dialect": "openai", "url": engine.url, "probe_interval": "100ms"}], **more}


@pytest.fixture
def engine():
    made = Rehearsal("vllm")
    yield made
    made.stop()


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.02)


def rewrite(segue, text):
    (segue._config_folder / "segue.yaml").write_text(text)
    os.kill(segue.child.pid, signal.SIGHUP)


def test_reload_changes_what_it_may_and_keeps_streams(engine):
    segue = Segue(config(engine))
    try:
        segue.wait_ready()
        engine.faults({"slow": {"gap_ms": 150}})
        with segue.connect() as connection:
            connection.send_request("POST", "/api/chat", {**CHAT, "stream": True})
            reply = connection.read_head()
            fresh = config(engine, listen=f"127.0.0.1:{segue.port}", keys=["k"])
            rewrite(segue, json.dumps(fresh))
            wait_for(lambda: segue.request("POST", "/api/show", {"model": "segue-tiny"}).status == 401)
            rest = b"".join(connection.pieces(reply))
        assert b'"done":true' in rest and reply.complete
    finally:
        segue.stop()


def test_a_bad_file_changes_nothing_and_says_why(engine):
    segue = Segue(config(engine))
    try:
        segue.wait_ready()
        rewrite(segue, "listen: 127.0.0.1:0\nenignes: []\n")
        wait_for(lambda: "did you mean 'engines'" in segue.log)
        assert segue.request("POST", "/api/chat", CHAT).status == 200
    finally:
        segue.stop()


def test_readiness_follows_the_engines():
    engine = Rehearsal("vllm")
    segue = Segue(config(engine))
    try:
        segue.wait_ready()
        engine.stop()
        wait_for(lambda: segue.request("GET", "/readyz").status == 503)
        assert segue.request("GET", "/livez").status == 200
        assert segue.request("POST", "/api/chat", CHAT).status == 503
    finally:
        segue.stop()


def test_own_api(engine):
    segue = Segue(config(engine, keys=["k"]))
    try:
        assert segue.request("GET", "/livez").status == 200
        assert segue.request("GET", "/metrics").status == 401
        headers = {"Authorization": "Bearer k"}
        assert segue.request("POST", "/api/chat", CHAT, headers).status == 200
        metrics = segue.request("GET", "/metrics", None, headers).body.decode()
        assert 'segue_requests_total{front="ollama",endpoint="chat",model="segue-tiny",engine="e",status="200"} 1' in metrics
        engines = segue.request("GET", "/segue/v1/engines", None, headers).json()["engines"]
        assert engines[0]["state"] == "up" and engines[0]["rehearsal"] is True
        document = segue.request("GET", "/segue/v1/openapi.json", None, headers).json()
        for path, operations in document["paths"].items():
            get = operations.get("get", {})
            mine = get.get("x-segue-permission") in ("models", "engines", "metrics")
            if mine and get.get("x-segue-status") != "planned" and "{" not in path:
                assert segue.request("GET", path, None, headers).status == 200, path
        nothing = segue.request("GET", "/segue/v1/nope", None, headers)
        assert nothing.status == 404 and nothing.json()["title"] == "Not Found"
        assert segue.request("POST", "/segue/v1/engines", {}, headers).status == 405
    finally:
        segue.stop()


def test_no_prompt_answer_or_key_in_the_log(engine):
    segue = Segue(config(engine, keys=["keyissecret"], log={"level": "debug", "format": "json"}))
    try:
        body = {**CHAT, "messages": [{"role": "user", "content": "promptissecret"}]}
        headers = {"Authorization": "Bearer keyissecret", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
        reply = segue.request("POST", "/api/chat", body, headers)
        assert reply.status == 200
        wait_for(lambda: '"endpoint":"chat"' in segue.log)
        assert "secret" not in segue.log
        assert reply.json()["message"]["content"] not in segue.log
        line = next(json.loads(text) for text in segue.log.splitlines() if '"endpoint":"chat"' in text)
        assert line["trace_id"] == "a" * 32 and line["prompt_tokens"] > 0 and line["request_id"]
    finally:
        segue.stop()


def test_an_empty_machine_rehearses():
    segue = Segue({}, {"VLLM_ENDPOINT": "", "OLLAMA_URL": ""})
    try:
        segue.wait_ready()
        if "rehearsal-vllm" not in segue.log:
            pytest.skip("an engine runs at its usual address on this machine")
        reply = segue.request("POST", "/api/chat", {**CHAT, "model": "llama3.1:8b"})
        assert reply.status == 200 and reply.get("segue-engine") == "rehearsal"
        assert "rehearsal" in reply.json()["message"]["content"]
        assert segue.request("GET", "/api/tags").json()["models"][0]["details"]["family"] == "rehearsal"
    finally:
        segue.stop()


def modified_at(segue):
    return segue.get("/api/tags").json()["models"][0]["modified_at"]


def test_the_date_of_a_vllm_model_survives_a_restart(engine, tmp_path):
    """modified_at is when Segue first saw the model, not when this process did (wire 3.8)"""
    where = ("--data-dir", str(tmp_path / "data"))
    dates = []
    for _ in range(2):
        segue = Segue(config(engine), arguments=where)
        try:
            segue.wait_ready()
            dates.append(modified_at(segue))
        finally:
            segue.stop()
        time.sleep(1.1)  # dates are whole seconds
    assert dates[0] == dates[1]
    assert [one["model"] for one in json.loads((tmp_path / "data" / "models.json").read_text())["models"]]


def test_a_data_folder_that_cannot_be_written_is_said_once(engine, tmp_path):
    (tmp_path / "file").write_text("no folder")
    segue = Segue(config(engine), arguments=("--data-dir", str(tmp_path / "file" / "data")))
    try:
        segue.wait_ready()
        assert modified_at(segue)
        assert segue.request("POST", "/api/chat", CHAT).status == 200
        time.sleep(0.5)  # a few probes
        assert modified_at(segue)
        assert segue.log.count("kept only until segue ends") == 1, segue.log
    finally:
        segue.stop()
