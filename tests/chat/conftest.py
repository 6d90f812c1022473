"""One Segue with a database and a quick rehearsal engine for all tests here that only look."""

import pytest

from support.people import House
from support.segue import Rehearsal


@pytest.fixture(scope="session")
def chat_engine():
    engine = Rehearsal("vllm", "--first-token-ms", "2", "--tokens-per-second", "400", skill="", models=("rehearsal",))
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def chat_house(chat_engine):
    house = House({"engines": [{"name": "e", "url": chat_engine.url}]})
    house.wait_ready()
    yield house
    assert house.stop() == 0


@pytest.fixture(scope="session")
def ada(chat_house):
    return chat_house.set_up()


@pytest.fixture(scope="session")
def ben(chat_house, ada):
    return chat_house.person(ada, "ben")


@pytest.fixture(scope="session")
def eve(chat_house, ada):
    return chat_house.person(ada, "eve")
