"""More requests than the engines can take: each is answered whole, or told to come back, in its dialect."""

from __future__ import annotations

from faults.scenario import scenario
from support import client, marked
from support.stage import MODELS, expect, wait_for

SLOW = ("--first-token-ms", "20", "--tokens-per-second", "60")
FULL = {"limit": 2, "queue": 2, "longest_wait": "20s", "spill": False}


@scenario(pace=SLOW, engine={"admission": FULL})
def test_overload_by_a_full_queue(stage):
    """Six at once where two are served and two may wait: four whole answers from each engine, and two refusals."""
    told = stage.ask_all()
    expect(told, ("exact", "error 503", "error 529"))
    for model in MODELS.values():
        outcomes = [one.outcome for one in told if one.model == model]
        assert outcomes.count("exact") == 4, outcomes
    refused = [one for one in told if one.outcome != "exact"]
    assert all(one.seconds < 10 for one in refused), "the queue is full: told at once"


@scenario(pace=SLOW, engine={"admission": {**FULL, "queue": 10, "longest_wait": "500ms"}})
def test_overload_by_waiting_too_long(stage):
    """Who waits longer than the queue allows gets a status and a Retry-After, and its place is free again."""
    told = stage.ask_all(length=100)
    expect(told, ("exact", "error 503", "error 529"))
    assert {one.outcome for one in told} >= {"exact", "error 503"}, told


@scenario(pace=SLOW, engine={"admission": FULL})
def test_overload_clients_leave_the_queue(stage):
    """Those who wait and leave are no burden: the next ones are served."""
    for engine in stage.engines.values():
        engine.faults({"slow": {"first_ms": 60000}})
    held = []
    for model in MODELS.values():
        for kind in marked.STREAMS + ("ollama chat",):
            asked = stage.request(kind, model)
            connection = client.Connection(stage.port)
            connection.send_request(asked.method, asked.path, asked.body)
            held.append(connection)
    wait_for(lambda: all(engine.running() == 2 for engine in stage.engines.values()), 15)
    refusals = [stage.segue.post(asked.path, asked.body) for asked in
                (stage.request(kind, model) for kind in marked.WHOLES for model in MODELS.values())]
    for reply in refusals:
        assert reply.status in (503, 529) and int(reply.get("retry-after")) > 0, reply
    for connection in held:
        connection.reset()
    wait_for(lambda: all(engine.running() == 0 for engine in stage.engines.values()), 10)
