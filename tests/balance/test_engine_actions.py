"""What people do with one engine: drain, resume, probe now, and the log of what became of it."""

import json

import pytest

from support.people import House
from support.pool import CHAT, chat_body, wait_for
from support.rigs import MODEL, PROFILE, engine_entry
from support.segue import Rehearsal

API = "/segue/v1"


@pytest.fixture(scope="module")
def engines():
    engines = {name: Rehearsal("vllm", "--tokens-per-second", "60") for name in ("a", "b")}
    yield engines
    for engine in engines.values():
        engine.stop()


@pytest.fixture(scope="module")
def house(engines):
    targets = [{"engine": name, "model": MODEL, "priority": place} for place, name in enumerate(engines)]
    house = House({"engines": [engine_entry(name, "openai", one.url, probe_capabilities=False, probe_interval="1h")
                               for name, one in engines.items()],
                   "models": [{"name": MODEL, "profile": PROFILE, "targets": targets}], "log": {"level": "info", "format": "json"}})
    house.wait_ready()
    yield house
    assert house.stop() == 0


@pytest.fixture(scope="module")
def admin(house):
    return house.set_up()


def asked(house):
    """Which engine answered one request."""
    reply = house.post(CHAT, chat_body("hello", stream=False))
    assert reply.status == 200, reply
    wanted = reply.get("x-request-id")

    def found():
        lines = [json.loads(row) for row in house.log.splitlines() if wanted in row and row.startswith("{")]
        return next((line["engine"] for line in lines if line.get("level") == "access"), None)
    return wait_for(found)


def test_a_drained_engine_finishes_what_it_has_and_gets_nothing_new(house, admin):
    assert asked(house) == "a"
    stream = house.connect()
    stream.send_request("POST", CHAT, chat_body("a long one please"))
    wait_for(lambda: admin.get(f"{API}/engines").json()["engines"][0]["in_flight"] == 1)
    drained = admin.post(f"{API}/engines/a/drain")
    assert drained.status == 200 and drained.json()["drained"] is True and drained.json()["name"] == "a", drained
    assert asked(house) == "b"
    reply = stream.read_reply()
    assert reply.status == 200 and b"[DONE]" in reply.body, "what was under way is whole"
    assert "a is drained" in admin.get(f"{API}/status").json()["sentence"]
    assert 'segue_engine_drained{engine="a"' in admin.get("/metrics").text

    admin.post(f"{API}/engines/b/drain")
    refused = house.post(CHAT, chat_body("hello", stream=False))
    assert refused.status == 503 and "drained" in refused.json()["error"]["message"], refused
    assert MODEL in str(house.get("/v1/models").json()), "the model is still listed"
    assert admin.get(f"{API}/status").json()["answering"] is None

    for name in "ab":
        assert admin.post(f"{API}/engines/{name}/resume").json()["drained"] is False
    assert asked(house) == "a"
    changes = admin.get(f"{API}/engines/a/log").json()["changes"]
    assert [change["change"] for change in changes] == ["resumed", "drained", "up"]
    assert changes[0]["detail"] == "ada@example.com" and changes[0]["at"] > changes[1]["at"]
    entries = admin.get(f"{API}/activity?action=engine.").json()["entries"]
    assert [(entry["action"], entry["target"]) for entry in entries] == [
        ("engine.resume", "b"), ("engine.resume", "a"), ("engine.drain", "b"), ("engine.drain", "a")]


def test_an_engine_is_asked_now(house, admin, engines):
    before = admin.get(f"{API}/engines").json()["engines"][1]
    probed = admin.post(f"{API}/engines/b/probe")
    assert probed.status == 200 and probed.json()["probed_at"] > before["probed_at"], probed
    engines["b"].stop()
    down = admin.post(f"{API}/engines/b/probe").json()
    assert down["state"] == "down" and down["problem"]
    newest = admin.get(f"{API}/engines/b/log").json()["changes"][0]
    assert newest["change"] == "down" and newest["detail"] == down["problem"]


def test_who_may(house, admin):
    missing = admin.post(f"{API}/engines/c/drain")
    assert missing.status == 404 and "there are: a, b" in missing.json()["detail"]
    reader = house.person(admin, "reader-of-engines", "reader")
    assert reader.get(f"{API}/engines/a/log").status == 200
    for action in ("drain", "resume", "probe"):
        assert reader.post(f"{API}/engines/a/{action}").status == 403
    assert house.post(f"{API}/engines/a/drain").status == 401


def test_drained_over_a_reload_and_a_restart(tmp_path):
    config = {"engines": [{"name": "gone", "url": "http://127.0.0.1:9"}]}
    environment = {"SEGUE_DATA_DIR": str(tmp_path / "data")}
    house = House(config, environment)
    try:
        admin = house.set_up()
        assert admin.post(f"{API}/engines/gone/drain").status == 200
        house.reload({"engines": [{"name": "gone", "url": "http://127.0.0.1:9", "probe_interval": "2s"}]})
        house.wait_for(lambda: "configuration reloaded" in house.log)
        assert admin.get(f"{API}/engines").json()["engines"][0]["drained"] is True
    finally:
        house.stop()
    house = House(config, environment)
    try:
        assert house.get(f"{API}/engines").json()["engines"][0]["drained"] is True
        assert "before this start" in house.get(f"{API}/engines/gone/log").json()["changes"][-1]["detail"]
    finally:
        house.stop()
