"""A full engine: who waits, in which order, what those are told who cannot; and that nothing waits where there is no limit."""

import json
import os
import signal
import threading
import time

import pytest

from support.client import request
from support.engines import Answer, ReplayEngine
from support.rigs import DEADLINES, MODEL, PROFILE
from support.segue import NotStarted, Rehearsal, Segue

MESSAGES = [{"role": "user", "content": "Hello"}]
CHAT = {"model": MODEL, "stream": False, "messages": MESSAGES}
ASK = {"/api/chat": CHAT, "/v1/chat/completions": {"model": MODEL, "messages": MESSAGES},
       "/v1/messages": {"model": MODEL, "messages": MESSAGES, "max_tokens": 9}}


def configuration(engines, admission, **more):
    """Engines by name, all of them targets of one model; `admission` is the first one's."""
    entries = [{"name": name, "dialect": engine.dialect, "url": engine.url, "probe_interval": "60s",
                "deadlines": DEADLINES} for name, engine in engines.items()]
    entries[0]["admission"] = admission
    targets = [{"engine": name, "model": MODEL, "priority": number} for number, name in enumerate(engines)]
    return {"engines": entries, "models": [{"name": MODEL, "targets": targets, "profile": PROFILE}],
            "log": {"level": "info", "format": "json"}, **more}


class Held:
    """An engine that answers a chat only when it is told to; requests are named by their prompt."""

    def __init__(self):
        self.replay = ReplayEngine("openai")
        self.order, self.gates, self.lock = [], {}, threading.Lock()
        self.replay.chat(self.answer)

    dialect = "openai"

    @property
    def url(self):
        return self.replay.url

    def answer(self, seen):
        name = seen.json["messages"][-1]["content"]
        with self.lock:
            self.order.append(name)
            gate = self.gates.setdefault(name, threading.Event())
        gate.wait(30)
        text = json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [
            {"index": 0, "delta": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}]})
        usage = json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [],
                            "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}})
        return Answer.sse([f"data: {text}\n\ndata: {usage}\n\ndata: [DONE]\n\n".encode()])

    def release(self, name):
        with self.lock:
            self.gates.setdefault(name, threading.Event()).set()

    def release_all(self):
        for name in list(self.gates):
            self.release(name)

    def stop(self):
        self.release_all()
        self.replay.stop()


class Client(threading.Thread):
    """One request in a thread of its own."""

    def __init__(self, segue, name, headers=None):
        super().__init__(daemon=True)
        self.segue, self.name_, self.headers, self.reply = segue, name, headers or {}, None
        self.start()

    def run(self):
        body = {"model": MODEL, "stream": False, "messages": [{"role": "user", "content": self.name_}]}
        self.reply = self.segue.post("/api/chat", body, self.headers, timeout=60.0)

    def done(self):
        self.join(60)
        return self.reply


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "did not come true in time"
        time.sleep(0.02)
    return value


def door(segue, name="e1", headers=None):
    engines = segue.request("GET", "/segue/v1/engines", None, headers).json()["engines"]
    return next(one for one in engines if one["name"] == name)["admission"]


def waiting(segue, headers=None):
    state = door(segue, headers=headers)
    return state["waiting_interactive"] + state["waiting_batch"]


@pytest.fixture
def held():
    engine = Held()
    yield engine
    engine.stop()


@pytest.fixture
def start(held):
    started = []

    def start(admission, engines=None, **more):
        segue = Segue(configuration(engines or {"e1": held}, admission, **more))
        started.append(segue)
        segue.wait_ready()
        return segue

    yield start
    held.release_all()
    for segue in started:
        segue.stop()


def test_priority_and_fairness_decide_the_order(held, start):
    segue = start({"limit": 1, "queue": 10}, keys=["a", "b"])
    key = {name: {"Authorization": f"Bearer {name}"} for name in ("a", "b")}
    clients = {"first": Client(segue, "first", key["a"])}
    wait_for(lambda: held.order == ["first"])
    for number, (name, who, more) in enumerate([
            ("batch", "b", {"Segue-Priority": "batch"}), ("a1", "a", {}), ("a2", "a", {}), ("a3", "a", {}),
            ("b1", "b", {"x-segue-priority": "interactive"}), ("b2", "b", {})]):
        clients[name] = Client(segue, name, {**key[who], **more})
        wait_for(lambda: waiting(segue, key["a"]) == number + 1)
    state = door(segue, headers=key["a"])
    assert (state["kind"], state["limit"], state["in_flight"]) == ("fixed", 1, 1)
    assert (state["waiting_interactive"], state["waiting_batch"], state["queue"]) == (5, 1, 10)
    metrics = segue.request("GET", "/metrics", None, key["a"]).text
    assert 'segue_admission_limit{engine="e1"} 1\n' in metrics
    assert 'segue_admission_waiting{engine="e1",priority="interactive"} 5\n' in metrics
    for turn in range(len(clients)):
        name = wait_for(lambda: held.order[turn] if len(held.order) > turn else None)
        held.release(name)
    # Keys take turns (the first request was a's, before anybody waited), batch comes last.
    assert held.order[-1] == "batch" and sorted(held.order[1:5]) == ["a1", "a2", "b1", "b2"], held.order
    assert [name for name in held.order if name.startswith("a")] == ["a1", "a2", "a3"]
    replies = {name: client.done() for name, client in clients.items()}
    assert all(reply.status == 200 for reply in replies.values())
    assert replies["first"].get("Segue-Queue-Ms") == "0"
    assert int(replies["batch"].get("Segue-Queue-Ms")) > 0
    lines = [json.loads(line) for line in segue.log.splitlines() if '"level":"access"' in line and "/api/chat" in line]
    batch = next(line for line in lines if line["priority"] == "batch")
    assert batch["queue_ms"] > 0 and batch["key"] == "config-2"
    metrics = segue.request("GET", "/metrics", None, key["a"]).text
    assert 'segue_queue_seconds_count{engine="e1",priority="interactive",outcome="entered"} 5\n' in metrics
    assert 'segue_queue_seconds_count{engine="e1",priority="batch",outcome="entered"} 1\n' in metrics


def test_full_is_said_in_each_dialect(held, start):
    segue = start({"limit": 1, "queue": 0})
    client = Client(segue, "holds")
    wait_for(lambda: held.order == ["holds"])
    for path, status in (("/api/chat", 503), ("/v1/chat/completions", 503), ("/v1/messages", 529)):
        reply = segue.post(path, ASK[path])
        assert reply.status == status, path
        assert 1 <= int(reply.get("Retry-After")) <= 120
        assert reply.get("x-should-retry") is None  # to come again is right, only later
        if path == "/api/chat":
            assert reply.json() == {"error": "server busy, please try again.  maximum pending requests exceeded"}
        elif path == "/v1/messages":
            assert reply.json()["error"]["type"] == "overloaded_error"
        else:
            assert reply.json()["error"]["code"] == "server_busy"
            assert "engine 'e1' and its queue are full" in reply.json()["error"]["message"]
    assert held.order == ["holds"]
    assert 'segue_admission_refused_total{engine="e1",reason="full"} 3' in segue.request("GET", "/metrics").text
    held.release("holds")
    assert client.done().status == 200


def test_the_wait_has_an_end(held, start):
    segue = start({"limit": 1, "longest_wait": "300ms"})
    client = Client(segue, "holds")
    wait_for(lambda: held.order == ["holds"])
    began = time.monotonic()
    reply = segue.post("/v1/chat/completions", ASK["/v1/chat/completions"])
    assert reply.status == 503 and time.monotonic() - began >= 0.3
    assert "had no room in time" in reply.json()["error"]["message"]
    assert int(reply.get("Segue-Queue-Ms")) >= 300 and int(reply.get("Retry-After")) >= 1
    assert waiting(segue) == 0 and held.order == ["holds"]
    held.release("holds")
    assert client.done().status == 200


def test_the_whole_requests_deadline_counts_in_the_queue_too(held):
    config = configuration({"e1": held}, {"limit": 1})
    config["engines"][0]["deadlines"] = {**DEADLINES, "total": "1s"}
    segue = Segue(config)
    try:
        segue.wait_ready()
        client = Client(segue, "holds")
        wait_for(lambda: held.order == ["holds"])
        reply = segue.post("/api/chat", CHAT)
        assert reply.status == 504
        client.done()
        wait_for(lambda: waiting(segue) == 0 and door(segue)["in_flight"] == 0)
    finally:
        segue.stop()


def test_batch_makes_room_for_interactive(held, start):
    segue = start({"limit": 1, "queue": 1})
    client = Client(segue, "holds")
    wait_for(lambda: held.order == ["holds"])
    batch = Client(segue, "batch", {"Segue-Priority": "batch"})
    wait_for(lambda: waiting(segue) == 1)
    person = Client(segue, "person")
    assert batch.done().status == 503
    held.release("holds")
    held.release("person")
    assert person.done().status == 200 and client.done().status == 200
    assert held.order == ["holds", "person"]


def test_whoever_leaves_leaves_the_queue(held, start):
    segue = start({"limit": 1})
    client = Client(segue, "holds")
    wait_for(lambda: held.order == ["holds"])
    with segue.connect() as connection:
        connection.send_request("POST", "/api/chat", {**CHAT, "messages": [{"role": "user", "content": "gone"}]})
        wait_for(lambda: waiting(segue) == 1)
    wait_for(lambda: waiting(segue) == 0)
    wait_for(lambda: '"status":499' in segue.log)
    held.release("holds")
    assert client.done().status == 200
    held.release("after")
    assert Client(segue, "after").done().status == 200
    assert held.order == ["holds", "after"]  # the engine never heard of it
    assert door(segue)["in_flight"] == 0


def test_another_engine_with_room_is_asked_first(held, start):
    other = Held()
    try:
        segue = start({"limit": 1}, {"e1": held, "e2": other})
        holds = Client(segue, "holds")
        wait_for(lambda: held.order == ["holds"])
        other.release("spilled")
        reply = Client(segue, "spilled").done()
        assert reply.status == 200 and reply.get("Segue-Engine") == "e2" and reply.get("Segue-Queue-Ms") is None
        held.release("holds")
        assert holds.done().get("Segue-Engine") == "e1"
    finally:
        other.stop()


def test_without_spilling_it_waits_for_its_own(held, start):
    other = Held()
    try:
        segue = start({"limit": 1, "spill": False}, {"e1": held, "e2": other})
        holds = Client(segue, "holds")
        wait_for(lambda: held.order == ["holds"])
        waits = Client(segue, "waits")
        wait_for(lambda: waiting(segue) == 1)
        held.release("holds")
        held.release("waits")
        assert waits.done().get("Segue-Engine") == "e1" and holds.done().status == 200
        assert other.order == []
    finally:
        other.stop()


def test_a_wrong_priority_is_told(held, start):
    segue = start({"limit": 1})
    reply = segue.post("/api/chat", CHAT, {"Segue-Priority": "urgent"})
    assert reply.status == 400
    assert reply.json()["error"] == "Segue-Priority is interactive or batch, not 'urgent'"


def test_a_reload_moves_the_limit_and_forgets_nobody(held):
    config = configuration({"e1": held}, {"limit": 1})
    segue = Segue(config)
    try:
        segue.wait_ready()
        clients = [Client(segue, "c0")]
        wait_for(lambda: held.order == ["c0"])
        clients += [Client(segue, "c1"), Client(segue, "c2")]
        wait_for(lambda: waiting(segue) == 2)
        config["engines"][0]["admission"]["limit"] = 3
        (segue._config_folder / "segue.yaml").write_text(
            json.dumps({"listen": f"127.0.0.1:{segue.port}", **config}))
        os.kill(segue.child.pid, signal.SIGHUP)
        wait_for(lambda: sorted(held.order) == ["c0", "c1", "c2"])
        for name in held.order:
            held.release(name)
        assert all(client.done().status == 200 for client in clients)
    finally:
        held.release_all()
        segue.stop()


def test_a_rehearsal_engine_never_sees_more_than_the_limit():
    engine = Rehearsal("vllm", "--slots", "2")
    segue = None
    try:
        engine.faults({"slow": {"gap_ms": 20}})
        segue = Segue(configuration({"e1": engine}, {"limit": 2, "queue": 100}))
        segue.wait_ready()
        clients = [Client(segue, "Hello") for _ in range(12)]
        most = waited = 0
        while any(client.is_alive() for client in clients):
            state = request(engine.port, "GET", "/rehearsal/state").json()
            most, waited = max(most, state["running"]), max(waited, state["waiting"])
        assert all(client.done().status == 200 for client in clients)
        assert most <= 2 and waited == 0  # whoever waits, waits at Segue
        assert sum(int(client.reply.get("Segue-Queue-Ms")) > 0 for client in clients) >= 10
    finally:
        if segue:
            segue.stop()
        engine.stop()


def test_an_adaptive_limit_shows_itself(held, start):
    segue = start({"limit": "adaptive", "least": 2, "most": 8})
    state = door(segue)
    assert (state["kind"], state["limit"], state["baseline_ms"]) == ("adaptive", 8, None)


def test_no_limit_is_the_default(held, start):
    segue = start({"limit": "off"})
    held.release("x")
    reply = Client(segue, "x").done()
    assert reply.status == 200 and reply.get("Segue-Queue-Ms") is None
    assert door(segue) is None
    assert "segue_admission" not in segue.request("GET", "/metrics").text


@pytest.mark.parametrize("admission, message", [
    ({"limit": "many"}, "'limit' is off, adaptive or a number from 1 to 100000, not 'many'"),
    ({"limit": 0}, "'limit' is off, adaptive or a number"),
    ({"limit": "adaptive", "least": 9, "most": 3}, "'most' must not be smaller than 'least'"),
    ({"limit": 1, "longest_wait": 0}, "'longest_wait' must be at least 1ms"),
    ({"limits": 1}, "did you mean 'limit'?"),
])
def test_a_wrong_limit_stops_the_start(held, admission, message):
    with pytest.raises(NotStarted) as refused:
        Segue(configuration({"e1": held}, admission))
    assert message in str(refused.value)
