"""One Segue with a database for all tests here that only look; those that kill something start their own."""

import pytest

from support.people import House
from support.segue import NotStarted


@pytest.fixture(scope="session")
def house():
    house = House()
    yield house
    assert house.stop() == 0


@pytest.fixture(scope="session")
def admin(house):
    return house.set_up()
