"""Segue's own API from outside, without a store: what it says to whom, and that nothing of the gateway needs a store."""

import socket

import pytest

from support.segue import Rehearsal, Segue


@pytest.fixture(scope="module")
def engine():
    rehearsal = Rehearsal("vllm")
    yield rehearsal
    rehearsal.stop()


@pytest.fixture(scope="module")
def segue(engine):
    process = Segue({"engines": [{"name": "e", "url": engine.url}], "keys": ["k"]}, arguments=("--no-store",))
    process.wait_ready()
    yield process
    assert process.stop() == 0


def operations(segue):
    document = segue.get("/segue/v1/openapi.json", {"Authorization": "Bearer k"}).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.replace("{", "x").replace("}", "x"), operation


def is_problem(reply):
    assert reply.content_type == "application/problem+json", reply
    body = reply.json()
    assert body["status"] == reply.status and body["title"] and body["detail"], body
    return body


def test_nobody_gets_in_without_a_key(segue):
    for method, path, operation in operations(segue):
        reply = segue.request(method, path, {} if "requestBody" in operation else None)
        if operation["x-segue-permission"] == "anybody":
            assert reply.status != 401, (method, path)
        else:
            assert reply.status == 401, (method, path)
            is_problem(reply)


def test_a_made_up_session_is_nobody(segue):
    headers = {"Cookie": "segue_session=" + "a" * 43}
    for method, path, operation in operations(segue):
        if operation["x-segue-permission"] == "anybody":
            continue
        assert segue.request(method, path, None, headers).status == 401, (method, path)


def test_a_key_is_a_program(segue):
    headers = {"Authorization": "Bearer k"}
    for method, path, operation in operations(segue):
        reply = segue.request(method, path, {} if "requestBody" in operation else None, headers)
        permission = operation["x-segue-permission"]
        if permission in ("models", "engines", "metrics", "traffic"):
            needs_store = permission == "traffic"  # figures over time are kept there
            expected = (503,) if needs_store else (404,) if "xengine" in path else (200,)
        elif permission == "anybody":
            expected = (200, 400, 501, 503)
        else:
            expected = (403,)
        assert reply.status in expected, (method, path, reply)
        if reply.status >= 400 and path != "/readyz":
            is_problem(reply)


def test_what_is_not_there(segue):
    headers = {"Authorization": "Bearer k"}
    assert "openapi.json" in is_problem(segue.get("/segue/v1/nope", headers))["detail"]
    reply = segue.request("PUT", "/segue/v1/engines", {}, headers)
    assert reply.status == 405 and reply.get("Allow") == "GET, HEAD"
    assert segue.request("POST", "/ui/", {}, headers).status == 405


def test_a_body_that_is_too_large_is_refused_before_it_is_read(segue):
    reply = segue.request("POST", "/segue/v1/session", b"x" * (25 * 1024 * 1024))
    assert reply.status == 413
    assert "at most" in is_problem(reply)["detail"]


def test_the_own_page_may_ask_and_other_pages_may_not(segue):
    host = f"127.0.0.1:{segue.port}"
    key = {"Authorization": "Bearer k"}
    assert segue.get("/segue/v1/status", {**key, "Origin": f"http://{host}"}).status == 200
    assert segue.get("/segue/v1/status", {**key, "Origin": "http://evil.example"}).status == 403


def test_status_says_who_answers(segue):
    status = segue.get("/segue/v1/status", {"Authorization": "Bearer k"}).json()
    assert status["answering"] == {"engine": "e", "engine_kind": "vllm", "model": "segue-tiny:latest", "rehearsal": True}
    assert status["store"]["state"] == "off" and status["engines_up"] == 1
    assert "rehearsal" in status["sentence"]


def test_status_says_that_nobody_answers():
    process = Segue({"engines": [{"name": "gone", "url": "http://127.0.0.1:9"}]}, arguments=("--no-store",))
    try:
        status = process.wait_for(lambda: process.get("/segue/v1/status").json())
        assert status["answering"] is None and status["engines_up"] == 0
        assert "gone does not answer" in status["sentence"]
    finally:
        process.stop()


def test_a_flood_of_unfinished_bodies_leaves_the_rest_alone(segue):
    """Bodies that never end hold no thread of the control plane."""
    waiting = []
    for _ in range(40):
        one = socket.create_connection(("127.0.0.1", segue.port))
        one.sendall(b"POST /segue/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        waiting.append(one)
    try:
        assert segue.get("/segue/v1/version", {"Authorization": "Bearer k"}).status == 200
    finally:
        for one in waiting:
            one.close()
