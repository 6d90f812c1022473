"""The breaker from outside: engines that fail are put aside, why is told, and they come back."""

from __future__ import annotations

import pytest

from conformance.checks import broken
from support import wire
from support.pool import BREAKER, CHAT, Load, Pool, chat_body, wait_for
from support.rigs import make

FIRST = {"a": 0, "b": 1}  # `a` is asked first as long as it may be


def use_up(pool, count=3):
    for _ in range(count):
        pool.ask()


def stays_out(pool, name="a", count=4):
    before = pool.asked(name)
    for _ in range(count):
        assert pool.ask().status == 200
    return pool.asked(name) == before


def test_engine_killed_and_back():
    """connections refused: no client sees an error, traffic moves, and returns after the restart"""
    with Pool(priorities=FIRST, engine={"probe_interval": "200ms", "breaker": BREAKER}) as pool:
        with Load(pool) as load:
            wait_for(lambda: len(load.replies) > 10)
            assert pool.asked("b") == 0
            pool.engines["a"].child.kill()
            pool.engines["a"].child.wait()
            wait_for(lambda: pool.state("a")["state"] == "down")
            before = pool.asked("b")
            wait_for(lambda: pool.asked("b") > before + 10)
            pool.restart("a")
            wait_for(lambda: pool.asked("a") > 10 and pool.breaker("a")["state"] == "closed")
        wrong = [reply for reply in load.replies if reply.status != 200]
        assert not wrong, wrong[:3]
        # A stream that was under way when the engine died cannot be saved; it must not look complete.
        for reply in load.replies:
            assert reply.complete == reply.text.endswith("data: [DONE]\n\n"), reply


@pytest.mark.parametrize("fault, reason", [({"error": 500}, "server_error"), ({"drop_after": 3}, "broken"),
                                           ({"drop_after": 0}, "connect"), ({"end_after": 2}, "broken"),
                                           ({"stall_after": 2}, "stall"), ({"stall_after": 0}, "stall")])
def test_three_failures_in_a_row(fault, reason):
    """each kind of failure ejects, says why, and half-open brings the engine back when it is well again"""
    deadlines = {"connect": "2s", "first_event": "300ms", "between_events": "300ms", "total": "20s"}
    with Pool(priorities=FIRST, engine={"deadlines": deadlines, "breaker": {"ejection": "2s"}}) as pool:
        pool.faults("a", fault)
        use_up(pool)
        breaker = pool.breaker("a")
        assert breaker["state"] == "open" and pool.state("a")["ejected"]
        assert breaker["reason"].startswith(f"3 failures in a row, the last: {reason}"), breaker
        assert 0 < breaker["next_trial_in_ms"] <= 2000
        assert breaker["ejections"][reason] == 1
        assert pool.metric("segue_engine_breaker_state", engine="a") == 2
        assert pool.metric("segue_engine_ejections_total", engine="a", reason=reason) == 1
        assert stays_out(pool)
        pool.faults("a", {})
        wait_for(lambda: pool.breaker("a")["state"] == "half_open")
        assert pool.metric("segue_engine_breaker_state", engine="a") == 1
        before = pool.asked("a")
        use_up(pool, 2)
        assert pool.asked("a") == before + 2 and pool.breaker("a")["state"] == "closed"
        assert pool.breaker("a")["reason"] is None


def test_ejections_grow_and_are_bounded():
    with Pool(priorities=FIRST) as pool:
        pool.faults("a", {"error": 500})
        use_up(pool)
        seen = []
        for _ in range(4):
            wait_for(lambda: pool.breaker("a")["state"] == "half_open")
            pool.ask()
            seen.append(pool.breaker("a")["last_ejection_ms"])
        assert seen == [600, 1200, 1200, 1200], seen
        assert pool.breaker("a")["reason"].startswith("a trial request failed: server_error")


def test_a_share_of_failures():
    """every other request fails: never three in a row, and yet it is put aside"""
    with Pool(priorities=FIRST, engine={"breaker": {"failures": 0, "ejection": "20s"}}) as pool:
        pool.faults("a", {"error": 500, "share": 0.7})
        for _ in range(60):
            assert pool.ask().status == 200
        breaker = pool.breaker("a")
        assert breaker["state"] == "open" and "requests within 30 s failed" in breaker["reason"], breaker


def test_clients_faults_do_not_count():
    with Pool("a") as pool:
        pool.faults("a", {"error": 400})
        for _ in range(5):
            assert pool.ask().status == 400
        pool.faults("a", {"error": 429})
        for _ in range(5):
            assert pool.ask().status == 429
        pool.faults("a", {"busy": True})
        for _ in range(5):
            assert pool.ask().status == 503
        pool.faults("a", {"stall_after": 2})
        for _ in range(5):
            connection = pool.segue.connect()
            connection.send_request("POST", CHAT, chat_body())
            connection.read_head()
            connection.reset()
        wait_for(lambda: pool.state("a")["in_flight"] == 0)
        breaker = pool.breaker("a")
        assert breaker["state"] == "closed" and breaker["window_failures"] == 0 and breaker["failures_in_a_row"] == 0


def test_nonsense_of_the_model_is_not_the_engines_fault():
    """tool arguments that are no JSON break the answer, but a client's prompt can bring them about"""
    rig = make("openai")
    try:
        rig.engine.chat(wire.stream(wire.delta(content="ok"), wire.call(0, "a", "f", '{"a":'), finish="tool_calls"))
        tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
        for _ in range(4):
            broken(rig.chat("call it", tools=[tool], think=False))
        breaker = rig.get("/segue/v1/engines").json()["engines"][0]["breaker"]
        assert breaker["state"] == "closed" and breaker["window_failures"] == 0, breaker
    finally:
        rig.stop()


def test_never_an_empty_pool():
    """all are out: the request still goes somewhere, and its success is a trial"""
    with Pool(engine={"breaker": {"ejection": "60s", "max_ejection": "60s"}}) as pool:
        for name in "ab":
            pool.faults(name, {"error": 500})
        use_up(pool, 4)
        assert {pool.breaker(name)["state"] for name in "ab"} == {"open"}
        before = pool.asked("a") + pool.asked("b")
        assert pool.ask().status == 500
        assert pool.asked("a") + pool.asked("b") > before
        for name in "ab":
            pool.faults(name, {})
        for _ in range(3):
            assert pool.ask().status == 200
        assert "closed" in {pool.breaker(name)["state"] for name in "ab"}
