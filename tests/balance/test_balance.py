"""Balancing and affinity from outside: where requests go, why, and what is told when an engine does not tell."""

from __future__ import annotations

import threading

import pytest

from support.pool import CHAT, Load, Pool, chat_body, wait_for

LEAST = {"balance": "least_loaded"}


def engine_of(reply):
    """The answer says which engine gave it; rehearsal engines hide their name there, so the log is read instead."""
    return reply.get("x-request-id")


def who_answered(pool, reply):
    import json
    wanted = engine_of(reply)

    def found():
        for row in pool.segue.log.splitlines():
            if wanted in row and row.startswith("{") and (line := json.loads(row)).get("level") == "access":
                return line["engine"]
        return None
    return wait_for(found)


def conversation(first, turns):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": first}]
    for turn in range(turns):
        messages += [{"role": "assistant", "content": f"answer {turn}"}, {"role": "user", "content": f"and {turn}?"}]
    return messages


def open_streams(pool, count, text, **fields):
    """Streams that stay open: the engines must be slow."""
    connections = []
    for _ in range(count):
        one = pool.segue.connect()
        one.send_request("POST", CHAT, chat_body(text, **fields))
        connections.append(one)
    return connections


def test_least_loaded_avoids_the_busy_engine():
    with Pool("ab", model=LEAST) as pool:
        for name in "ab":
            pool.faults(name, {"stall_after": 1})
        held = open_streams(pool, 6, "hold")
        wait_for(lambda: pool.asked("a") + pool.asked("b") == 6)
        assert pool.asked("a") == pool.asked("b") == 3
        for one in held:
            one.reset()


def test_figures_of_others():
    """requests that came past Segue count: the engines tell (running, waiting)"""
    with Pool("ab", model=LEAST, engine={"probe_interval": "100ms"}) as pool:
        pool.faults("a", {"slow": {"gap_ms": 300}})
        strangers = [threading.Thread(target=past_segue, args=(pool.engines["a"],), daemon=True) for _ in range(3)]
        for one in strangers:
            one.start()
        wait_for(lambda: (pool.state("a")["running"] or 0) >= 3)
        assert pool.state("a")["load_signal"] == "fresh" and pool.state("a")["load_age_ms"] < 5000
        models = pool.segue.get("/segue/v1/models").json()["models"]
        assert models[0]["balance"] == "least_loaded" and models[0]["load"] == "engines"
        before = pool.asked("a")
        for _ in range(6):
            assert pool.ask().status == 200
        assert pool.asked("a") == before and pool.asked("b") == 6
        for one in strangers:
            one.join(30)


def past_segue(engine):
    from support import client
    client.request(engine.port, "POST", CHAT, chat_body("past", max_tokens=20))


def test_an_engine_that_does_not_tell():
    """Ollama gives no figures: it is said, and nothing is read as zero"""
    with Pool("ab", dialect="ollama", model={**LEAST, "profile": {}}) as pool:
        state = pool.state("a")
        assert state["load_signal"] == "missing" and state["running"] is None and state["load_age_ms"] is None
        assert pool.segue.get("/segue/v1/models").json()["models"][0]["load"] == "in_flight"
        assert pool.metric("segue_engine_load_fresh", engine="a") == 0
        assert pool.metric("segue_engine_load_age_seconds", engine="a") is None


def test_stale_figures():
    with Pool("ab", model=LEAST, engine={"probe_interval": "100ms", "probe_timeout": "200ms"}) as pool:
        assert pool.state("a")["load_signal"] == "fresh"
        assert pool.metric("segue_engine_load_fresh", engine="a") == 1
        assert pool.metric("segue_engine_load_age_seconds", engine="a") is not None
    with Pool("ab", model=LEAST, engine={"probe_interval": "60s"}) as pool:
        assert pool.state("a")["load_signal"] == "fresh"


def test_round_robin():
    with Pool("abc", model={"balance": "round_robin"}) as pool:
        for _ in range(9):
            pool.ask()
        assert [pool.asked(name) for name in "abc"] == [3, 3, 3]


def test_a_conversation_stays_at_one_engine():
    with Pool("abc") as pool:
        used = set()
        for number in range(8):
            engines = {who_answered(pool, pool.ask(messages=conversation(f"question {number}", turns)))
                       for turns in range(4)}
            assert len(engines) == 1, engines
            used |= engines
        assert len(used) > 1


@pytest.mark.parametrize("path, make", [
    ("/api/chat", lambda messages: {"messages": messages, "stream": False}),
    ("/v1/messages", lambda messages: {"messages": messages[1:], "system": "Be brief.", "max_tokens": 20}),
])
def test_affinity_on_every_front(path, make):
    with Pool("abc") as pool:
        for number in range(4):
            engines = set()
            for turns in range(3):
                reply = pool.segue.post(path, {"model": "segue-tiny", **make(conversation(f"hello {number}", turns))},
                                        {"anthropic-version": "2023-06-01"})
                assert reply.status == 200, reply
                engines.add(who_answered(pool, reply))
            assert len(engines) == 1


def test_a_session_header_decides():
    with Pool("abc") as pool:
        engines = {who_answered(pool, pool.ask(f"anything {n}", headers={"Segue-Session": "s-1"})) for n in range(8)}
        assert len(engines) == 1


def test_a_hot_engine_is_left_and_found_again():
    with Pool("ab") as pool:
        text = "where do I live?"
        home = who_answered(pool, pool.ask(text))
        other = "b" if home == "a" else "a"
        pool.faults(home, {"stall_after": 1})
        held = open_streams(pool, 4, text)
        wait_for(lambda: pool.state(home)["in_flight"] == 4)
        assert who_answered(pool, pool.ask(text)) == other
        for one in held:
            one.reset()
        wait_for(lambda: pool.state(home)["in_flight"] == 0)
        pool.faults(home, {})
        assert who_answered(pool, pool.ask(text)) == home


def test_a_slow_engine_loses_its_traffic():
    """a slow engine fills up and is hot: most requests go to the others, none fails"""
    with Pool("abc") as pool:
        pool.faults("a", {"slow": {"first_ms": 1500}})
        with Load(pool, threads=12) as load:
            wait_for(lambda: len(load.replies) > 300, 30)
        assert all(reply.status == 200 for reply in load.replies)
        assert pool.asked("a") < len(load.replies) / 6


def test_affinity_moves_only_while_its_engine_is_out():
    """the second choice of a conversation is stable too, and it comes home after the recovery"""
    with Pool("abc", engine={"breaker": {"ejection": "2s"}}) as pool:
        text = "a long talk"
        home = who_answered(pool, pool.ask(text))
        pool.faults(home, {"error": 500})
        while pool.breaker(home)["state"] != "open":
            assert pool.ask(text).status == 200
        second = {who_answered(pool, pool.ask(text)) for _ in range(3)}
        assert len(second) == 1 and home not in second
        pool.faults(home, {})
        wait_for(lambda: pool.breaker(home)["state"] == "half_open")
        assert who_answered(pool, pool.ask(text)) == home


def test_the_command_shows_what_the_gateway_knows():
    import subprocess
    from support.segue import binary
    with Pool("ab", engine={"breaker": {"ejection": "60s", "max_ejection": "60s"}}) as pool:
        pool.faults("a", {"error": 500})
        while pool.breaker("a")["state"] != "open":
            pool.ask(f"question {pool.asked(chr(97))} {pool.asked(chr(98))}")
        done = subprocess.run([binary(), "engines", "--gateway", pool.segue.url], capture_output=True, text=True)
        assert done.returncode == 0, done
        assert "BREAKER" in done.stdout and " open " in done.stdout and " closed " in done.stdout
        assert "a: put aside for another" in done.stdout and "server_error (status 500)" in done.stdout
        assert f"as the gateway at {pool.segue.url} sees them" in done.stdout
        told = subprocess.run([binary(), "engines", "--json", "--gateway", pool.segue.url], capture_output=True, text=True)
        assert '"state":"open"' in told.stdout
    gone = subprocess.run([binary(), "engines", "--gateway", pool.segue.url], capture_output=True, text=True)
    assert gone.returncode == 3 and "connection refused" in gone.stderr
