"""OpenID Connect from outside: a browser that follows redirects between Segue and a provider that checks everything."""

import http.client
import re
import urllib.parse

import pytest

from support.identity_provider import CLIENT, SECRET, SigningKey
from support.people import Browser, House


@pytest.fixture(autouse=True)
def honest(provider):
    claims, key = dict(provider.claims), provider.key
    yield
    provider.claims, provider.faults, provider.header = claims, {}, {}
    provider.key, provider.published = key, [key]


class Visitor(Browser):
    """Keeps the cookie of the attempt too, as browsers do."""
    attempt = ""

    def ask(self, path):
        cookies = [f"{name}={value}" for name, value in (("segue_session", self.cookie), ("segue_oidc", self.attempt)) if value]
        reply = self.segue.request("GET", path, None, {"Cookie": "; ".join(cookies)} if cookies else None)
        for line in reply.all("Set-Cookie"):
            name, value = re.match(r"([^=]+)=([^;]*);", line).groups()
            assert "; HttpOnly" in line and "; SameSite=Lax" in line
            if name == "segue_oidc":
                self.attempt = value
            else:
                self.cookie = value
        return reply

    def begin(self, return_to="/ui/search?q=a"):
        reply = self.ask("/segue/v1/session/oidc?return_to=" + urllib.parse.quote(return_to, safe=""))
        assert reply.status == 302, reply
        return reply.get("Location")

    def visit_provider(self, url):
        """The callback to which the provider sends back."""
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.request("GET", f"{parts.path}?{parts.query}")
        reply = connection.getresponse()
        assert reply.status == 302, reply.read()
        back = urllib.parse.urlsplit(reply.headers["Location"])
        connection.close()
        return f"{back.path}?{back.query}"

    def sign_in_there(self, **begin):
        return self.ask(self.visit_provider(self.begin(**begin)))


def problem_of(reply):
    assert reply.status == 302 and reply.get("Location").startswith("/ui/sign-in?problem="), reply
    return urllib.parse.unquote(reply.get("Location").split("=", 1)[1])


def test_a_person_comes_in_and_comes_back(house, admin, provider):
    visitor = Visitor(house)
    offered = visitor.get("/segue/v1/session").json()
    assert "oidc" in offered["sign_in"] and offered["oidc_name"] == "Example"
    done = visitor.sign_in_there()
    assert done.status == 302 and done.get("Location") == "/ui/search?q=a" and visitor.attempt == ""
    me = visitor.get("/segue/v1/session").json()["person"]
    assert (me["login"], me["name"], me["role"]) == ("carol@example.com", "Carol", "user")
    provider.claims["email"] = "carol.smith@example.com"  # the same person under another name
    again = Visitor(house)
    again.sign_in_there()
    assert again.get("/segue/v1/session").json()["person"]["id"] == me["id"]
    assert Browser(house).sign_in("carol@example.com", "anything at all").status == 401


def test_only_ones_own_attempt_can_be_finished(house, admin, provider):
    victim, attacker = Visitor(house), Visitor(house)
    victim.begin()
    callback = attacker.visit_provider(attacker.begin())
    assert "begin again" in problem_of(victim.ask(callback)) and victim.cookie == ""  # a foreign link signs nobody in
    assert attacker.ask(callback).get("Location") == "/ui/search?q=a"
    attacker.begin()
    assert "begin again" in problem_of(attacker.ask(callback))  # nor does an old one


@pytest.mark.parametrize("fault", [{"aud": "somebody else"}, {"iss": "https://evil.example"}, {"exp": 1}, {"nonce": "old"},
                                   {"aud": ["segue", "other"], "azp": "other"}, {"sub": ""},
                                   {"email": "eve@evil.example", "sub": "9"}, {"email_verified": False, "sub": "8"}])
def test_tokens_that_are_not_ours_open_nothing(house, admin, provider, fault):
    provider.faults = fault
    visitor = Visitor(house)
    assert problem_of(visitor.sign_in_there()) and visitor.cookie == ""


@pytest.mark.parametrize("head", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "RS512"}, {"crit": ["exp"]}, {"kid": "nobody's"}])
def test_tokens_that_are_not_signed_as_they_must_open_nothing(house, admin, provider, head):
    provider.header = head
    visitor = Visitor(house)
    assert "sign" in problem_of(visitor.sign_in_there()) and visitor.cookie == ""


def test_a_forged_token_opens_nothing(house, admin, provider):
    """the right name of the key, another key"""
    provider.key = SigningKey("RS256", provider.key.name)
    assert "not its own" in problem_of(Visitor(house).sign_in_there())


def test_other_keys_are_learned(provider):
    """ES256, and a key that the provider has changed meanwhile; keys are not asked for with each sign-in"""
    house = House(environment={"SEGUE_OIDC_ISSUER": provider.issuer, "SEGUE_OIDC_CLIENT_ID": CLIENT, "SEGUE_OIDC_CLIENT_SECRET": SECRET})
    try:
        house.set_up()
        provider.key = SigningKey("ES256", "second")
        provider.published = [provider.key]
        asked = provider.keys_asked
        for number in range(3):
            provider.claims.update(sub=f"k{number}", email=f"k{number}@example.com")
            visitor = Visitor(house)
            assert visitor.sign_in_there().get("Location") == "/ui/search?q=a" and visitor.cookie
        assert provider.keys_asked == asked + 1
    finally:
        assert house.stop() == 0


def test_a_name_with_a_password_is_not_taken_over(house, admin, provider):
    provider.claims.update(sub="7", email="ada@example.com")
    assert "ada@example.com" in problem_of(Visitor(house).sign_in_there())


def test_nobody_is_led_elsewhere(house, admin, provider):
    for n, there in enumerate(("https://evil.example", "//evil.example", "/\\evil.example")):
        provider.claims.update(sub=f"s{n}", email=f"s{n}@example.com")
        assert Visitor(house).sign_in_there(return_to=there).get("Location") == "/"


def test_refusals_of_the_provider_are_words(house, admin, provider):
    visitor = Visitor(house)
    visitor.begin()
    assert "access_denied" in problem_of(visitor.ask("/segue/v1/session/oidc/callback?error=access_denied&state=x"))
    url = visitor.begin()
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["state"][0]
    assert "invalid_grant" in problem_of(visitor.ask(f"/segue/v1/session/oidc/callback?code=made-up&state={state}"))
