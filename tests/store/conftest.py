"""One Segue with a database for all tests here that only look; those that kill something start their own."""

import pytest

from support.identity_provider import CLIENT, SECRET, IdentityProvider
from support.people import House


@pytest.fixture(scope="session")
def provider():
    provider = IdentityProvider()
    yield provider
    provider.stop()


@pytest.fixture(scope="session")
def house(provider):
    house = House(environment={"SEGUE_OIDC_ISSUER": provider.issuer, "SEGUE_OIDC_CLIENT_ID": CLIENT, "SEGUE_OIDC_CLIENT_SECRET": SECRET,
                               "SEGUE_OIDC_NAME": "Example", "SEGUE_OIDC_DOMAINS": "example.com"})
    yield house
    assert house.stop() == 0


@pytest.fixture(scope="session")
def admin(house):
    return house.set_up()
