"""Answers that are left, stopped, broken and taken up again: nothing is lost, nothing is there twice."""

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest

from chat.conversation import API, Conversation, wait
from support.people import Browser, House
from support.segue import Rehearsal

QUESTION = "Where is the canteen?"
# A system prompt with a passage makes the rehearsal engine's answer long enough to be cut anywhere.
PASSAGE = "[1] The canteen is on the second floor of the main building behind the library, next to the stairs and the lift."
WHOLE = "The canteen is on the second floor of the main building behind the library, next to the stairs and the lift. [1]"


@pytest.fixture(scope="module")
def engine():
    engine = Rehearsal("vllm", "--first-token-ms", "2", "--tokens-per-second", "40", skill="", models=("rehearsal",))
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def house(engine):
    house = House({"engines": [{"name": "e", "url": engine.url}], "drain": "5s"})
    house.wait_ready()
    yield house
    assert house.stop() == 0


@pytest.fixture(scope="module")
def ada(house):
    return house.set_up()


def talk_of(browser):
    return Conversation(browser, system=PASSAGE)


def state_of(browser, answer):
    return browser.get(f"{API}/messages/{answer}").json()


def until_some_text(talk, answer, events=3):
    """Reads the stream until a few pieces came; (what came, the last id)."""
    stream = talk.follow(answer)
    text, last, pieces = "", 0, 0
    for event in stream:
        last = event.id
        if event.name == "text":
            text, pieces = text + event.data["text"], pieces + 1
            if pieces == events:
                break
    stream.close()
    return text, last


def test_a_stream_is_taken_up_where_it_was_left(ada):
    talk = talk_of(ada)
    _, answer = talk.ask(QUESTION)
    text, last = until_some_text(talk, answer["id"])
    for _ in range(3):
        stream = talk.follow(answer["id"], last)
        for event in stream:
            assert event.id > last
            last = event.id
            if event.name == "text":
                text += event.data["text"]
                break
        stream.close()
    rest = list(talk.follow(answer["id"], last))
    text += "".join(event.data["text"] for event in rest if event.name == "text")
    assert text == WHOLE and rest[-1].data["message"]["text"] == WHOLE


def test_an_answer_goes_on_while_nobody_looks(ada):
    talk = talk_of(ada)
    _, answer = talk.ask(QUESTION)
    wait(lambda: state_of(ada, answer["id"])["state"] == "complete")
    assert state_of(ada, answer["id"])["text"] == WHOLE
    # From outside of the stream, too, it can be seen to grow.
    _, answer = talk.ask(QUESTION, parent=answer["id"])
    seen = set()
    wait(lambda: seen.add(state_of(ada, answer["id"])["text"]) or len(seen) > 3)


def test_stop_and_continue(ada):
    talk = talk_of(ada)
    _, answer = talk.ask(QUESTION)
    until_some_text(talk, answer["id"])
    assert ada.post(f"{talk.path}/messages", {"text": "and?", "parent": answer["id"]}).status == 409
    stopped = ada.post(f"{API}/messages/{answer['id']}/stop").json()
    assert stopped["state"] == "stopped" and WHOLE.startswith(stopped["text"]) and stopped["text"] not in ("", WHOLE)
    assert list(talk.follow(answer["id"]))[-1].data["message"]["state"] == "stopped"
    assert ada.post(f"{API}/messages/{answer['id']}/continue").status == 202
    events = list(talk.follow(answer["id"]))
    assert events[-1].data["message"]["text"] == WHOLE
    assert "".join(event.data["text"] for event in events if event.name == "text") == WHOLE
    assert ada.post(f"{API}/messages/{answer['id']}/continue").status == 409


def test_an_engine_that_breaks_in_mid_answer(ada, engine):
    talk = talk_of(ada)
    engine.faults({"drop_after": 5})
    try:
        message = talk.answer(QUESTION)
    finally:
        engine.faults({})
    assert message["state"] == "incomplete" and WHOLE.startswith(message["text"]) and message["text"]
    assert message["problem"]["detail"] and message["problem"]["detail"] not in message["text"]
    assert ada.post(f"{API}/messages/{message['id']}/continue").status == 202
    assert list(talk.follow(message["id"]))[-1].data["message"]["text"] == WHOLE


def test_segue_killed_in_mid_answer_keeps_what_came(engine):
    data = Path(tempfile.mkdtemp(prefix="segue-chat-"))
    environment = {"SEGUE_DATA_DIR": str(data)}
    config = {"engines": [{"name": "e", "url": engine.url}], "drain": "5s"}
    try:
        house = House(config, environment)
        house.wait_ready()
        ada = house.set_up()
        talk = talk_of(ada)
        _, answer = talk.ask(QUESTION)
        until_some_text(talk, answer["id"], 8)
        time.sleep(1.1)  # what came is kept once a second
        _, second = talk.ask("And the library?")
        house.child.send_signal(signal.SIGKILL)
        house.child.wait()
        house.stop()
        house = House(config, environment)
        house.wait_ready()
        ada = Browser(house)
        assert ada.sign_in("ada@example.com").status == 200
        talk.browser = ada
        message = wait(lambda: (m := state_of(ada, answer["id"]))["state"] != "running" and m)
        # Nothing acknowledged is lost: the question asked a moment before the kill is there with its answer.
        kept = wait(lambda: (m := state_of(ada, second["id"]))["state"] == "incomplete" and m)
        assert state_of(ada, kept["parent"])["text"] == "And the library?"
        if message["state"] == "incomplete":
            assert WHOLE.startswith(message["text"]) and message["text"] and message["problem"]["title"] == "Interrupted"
            assert ada.post(f"{API}/messages/{answer['id']}/continue").status == 202
            message = list(talk.follow(answer["id"]))[-1].data["message"]
        assert message["text"] == WHOLE
        house.terminate()
        assert house.child.wait(60) == 0
        house.stop()
    finally:
        shutil.rmtree(data, ignore_errors=True)


def test_the_database_dies_and_comes_back(house, ada):
    talk = talk_of(ada)
    _, answer = talk.ask(QUESTION)
    until_some_text(talk, answer["id"])
    pid = int((house.data / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    # The gateway needs no database.
    chat = house.post("/v1/chat/completions", {"model": "rehearsal", "messages": [{"role": "user", "content": "hi"}]})
    assert chat.status == 200
    wait(lambda: ada.get(f"{API}/session").status == 200 and ada.get(f"{API}/conversations").status == 200, 60)
    message = wait(lambda: (m := state_of(ada, answer["id"]))["state"] == "complete" and m, 60)
    assert message["text"] == WHOLE


def test_stopping_segue_ends_streams_and_lets_answers_finish(engine):
    house = House({"engines": [{"name": "e", "url": engine.url}], "drain": "20s"})
    house.wait_ready()
    ada = house.set_up()
    talk = talk_of(ada)
    _, answer = talk.ask(QUESTION)
    stream = talk.follow(answer["id"])
    assert next(iter(stream)).name == "started"
    house.terminate()
    begin = time.monotonic()
    list(stream)  # ends without waiting for the answer; the page comes back with the last id
    assert time.monotonic() - begin < 5
    assert house.child.wait(60) == 0
    house.stop()


def test_no_engine_gives_passages_and_the_page_goes_on():
    house = House({"engines": [{"name": "gone", "url": "http://127.0.0.1:9"}]})
    try:
        ada = house.set_up()
        wait(lambda: "Segue's own documentation is the collection" in house.log, 60)
        question = "How do I point my application at Segue?"
        message = Conversation(ada).answer(question)
        assert message["kind"] == "passages" and message["state"] == "complete" and message["text"] == "" and message["sources"]
        assert message["problem"]["status"] == 503 and "OLLAMA_HOST" in "".join(s["text"] for s in message["sources"])
        status = ada.get(f"{API}/status").json()
        assert status["answering"] is None and "gone does not answer" in status["sentence"]
        assert "No model answered" in ada.get(f"{API}/conversations/{message['conversation']}/export").text
    finally:
        house.stop()
