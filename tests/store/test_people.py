"""People from outside: the one-time link, sessions, roles over every route, the log."""

import pytest

from support.people import PASSWORD, Browser, operations

ROLES = ("admin", "user", "main", "reader", "writer", "debug", "documentation")


def test_the_link_works_once(house, admin):
    assert admin.session["person"]["role"] == "admin" and not admin.session["setup_needed"]
    again = Browser(house).post("/segue/v1/setup", {"token": house.setup_token(), "login": "eve", "name": "", "password": PASSWORD})
    assert again.status == 404 and "one administrator" in again.json()["detail"]
    assert PASSWORD not in house.log


def test_the_cookie_is_for_the_browser_alone(house, admin):
    browser = Browser(house)
    reply = browser.sign_in("ADA@example.com")
    cookie = reply.get("Set-Cookie")
    assert "; HttpOnly" in cookie and "; SameSite=Lax" in cookie and "; Path=/" in cookie
    assert browser.cookie not in reply.text and browser.cookie not in house.log
    me = browser.get("/segue/v1/session").json()
    assert me["person"]["login"] == "ada@example.com" and "people.manage" in me["permissions"]
    signed_out = browser.request("DELETE", "/segue/v1/session")
    assert signed_out.status == 204 and browser.cookie == ""
    assert browser.get("/segue/v1/session").json()["person"] is None


def test_a_change_needs_the_token_of_the_session(house, admin):
    for token in ("", "x", admin.session["csrf"][:-1]):
        refused = admin.post("/segue/v1/people", {"login": "x", "name": "", "role": "user"}, {"Segue-Csrf": token})
        assert refused.status == 403 and refused.json()["type"] == "/problems/csrf"


def test_wrong_passwords_wait(house, admin):
    browser = Browser(house)
    house.person(admin, "guessed")
    replies = [browser.sign_in("guessed", "wrong password 1") for _ in range(6)]
    assert [reply.status for reply in replies] == [401] * 5 + [429]
    assert replies[-1].json()["retry_after_s"] >= 1 and replies[-1].get("Retry-After")
    nobody = Browser(house)
    assert nobody.sign_in("nobody", "wrong password 1").json()["detail"] == replies[0].json()["detail"]


def test_a_password_that_somebody_else_set_must_be_changed(house, admin):
    made = admin.post("/segue/v1/people", {"login": "gil", "name": "Gil", "role": "main"}).json()
    his = Browser(house)
    assert his.sign_in("gil", made["password"]).status == 200 and his.session["person"]["must_change_password"]
    seen = 0
    for method, path, operation in operations(admin):
        if operation["x-segue-permission"] in ("anybody", "signed_in", "models", "engines", "metrics", "traffic"):
            continue  # here nobody needs to sign in for these
        reply = his.request(method, path, {} if "requestBody" in operation else None)
        assert reply.status == 403 and reply.json()["type"] == "/problems/change-password", (method, path, reply)
        seen += 1
    assert seen > 30
    assert his.get("/segue/v1/session").json()["person"]["login"] == "gil"
    kept = his.request("PUT", "/segue/v1/session/password", {"current": made["password"], "password": made["password"]})
    assert kept.status == 400 and "another" in kept.json()["detail"]
    assert his.request("PUT", "/segue/v1/session/password", {"current": made["password"], "password": PASSWORD}).status == 204
    assert his.get("/segue/v1/people").status == 200
    admin.post(f"/segue/v1/people/{made['person']['id']}/password")
    assert his.get("/segue/v1/people").status == 401


def test_what_an_administrator_does_with_people(house, admin):
    made = admin.post("/segue/v1/people", {"login": "bob", "name": "Bob", "role": "user"}).json()
    bob, password = made["person"], made["password"]
    assert bob["must_change_password"] and len(password) > 20
    his = Browser(house)
    assert his.sign_in("bob", password).status == 200
    changed = his.request("PUT", "/segue/v1/session/password", {"current": password, "password": PASSWORD})
    assert changed.status == 204
    assert admin.request("PATCH", f"/segue/v1/people/{bob['id']}", {"role": "writer"}).json()["role"] == "writer"
    assert "documents.write" in his.get("/segue/v1/session").json()["permissions"]
    reset = admin.post(f"/segue/v1/people/{bob['id']}/password").json()["password"]
    assert his.get("/segue/v1/session").json()["person"] is None
    assert his.sign_in("bob").status == 401 and his.sign_in("bob", reset).status == 200
    assert admin.request("DELETE", f"/segue/v1/people/{bob['id']}/sessions").status == 204
    assert his.get("/segue/v1/session").json()["person"] is None
    assert his.sign_in("bob", reset).status == 200
    assert admin.request("PATCH", f"/segue/v1/people/{bob['id']}", {"disabled": True}).json()["disabled"]
    assert his.get("/segue/v1/session").json()["person"] is None
    assert admin.request("DELETE", f"/segue/v1/people/{bob['id']}").status == 204
    assert admin.request("DELETE", f"/segue/v1/people/{bob['id']}").status == 404
    me = admin.session["person"]["id"]
    last = admin.request("DELETE", f"/segue/v1/people/{me}")
    assert last.status == 409 and "administrator" in last.json()["detail"]
    log = admin.get("/segue/v1/activity?limit=500").json()["entries"]
    did = [(entry["action"], entry["person_name"]) for entry in log if entry["target"] == "bob"]
    assert ("person.delete", "ada@example.com") in did and ("person.change_password", "bob") in did
    assert all(entry["address"] == "127.0.0.1" for entry in log)
    assert password not in str(log) and reset not in str(log)


def test_bad_input_is_told(admin):
    for body, word in (({"login": "a b", "name": "", "role": "user"}, "spaces"),
                       ({"login": "carl", "name": "", "role": "root"}, "admin, user, main"),
                       ({"login": "carl", "name": "", "role": "user", "password": "short"}, "12"),
                       ({"login": "carl", "name": "x" * 201, "role": "user"}, "name"),
                       ({"login": "ada@EXAMPLE.com", "name": "", "role": "user"}, "already")):
        reply = admin.post("/segue/v1/people", body)
        assert reply.status in (400, 409) and word in reply.json()["detail"], reply
    assert admin.request("PATCH", "/segue/v1/people/999999", {"name": "x"}).status == 404
    assert admin.request("PATCH", "/segue/v1/people/..%2F1", {"name": "x"}).status == 404


def test_keys_open_the_gateway_and_are_noted(house, admin):
    made = admin.post("/segue/v1/keys", {"name": "ci", "models": ["llama*"], "streams": 2, "priority": "batch"})
    assert made.status == 201, made
    secret, key = made.json()["secret"], made.json()["key"]
    assert key["streams"] == 2 and key["priority"] == "batch" and not key["revoked"]
    house.wait_for(lambda: house.get("/api/tags").status == 401)  # from the first key on everybody needs one
    assert house.get("/api/tags", {"Authorization": f"Bearer {secret}"}).status == 200
    assert key["last_used_at"] is None
    house.request("POST", "/api/chat", {"model": "llama3", "messages": [{"role": "user", "content": "x"}]}, {"Authorization": f"Bearer {secret}"})
    house.wait_for(lambda: admin.get("/segue/v1/keys").json()["keys"][0]["last_used_at"])
    assert admin.request("DELETE", f"/segue/v1/keys/{key['id']}").status == 204
    assert admin.request("DELETE", "/segue/v1/keys/nothing").status == 404
    house.wait_for(lambda: house.get("/api/tags", {"Authorization": f"Bearer {secret}"}).status == 401)
    assert [k["revoked"] for k in admin.get("/segue/v1/keys").json()["keys"]] == [True]
    log = admin.get("/segue/v1/activity?action=key.").json()["entries"]
    assert [entry["action"] for entry in log] == ["key.revoke", "key.create"] and secret not in str(log)


@pytest.mark.parametrize("role", ROLES)
def test_every_route_with_every_role(house, admin, role):
    """Whoever may not is refused with 403, whoever may is not, whatever else the answer is."""
    who = house.person(admin, f"walk-{role}", role)
    permissions = set(who.get("/segue/v1/session").json()["permissions"])
    seen = 0
    for method, path, operation in operations(admin):
        if operation["operationId"] in ("signOut", "signOutEverywhere", "setUp"):
            continue
        if method == "GET" and "text/event-stream" in str(operation["responses"]):
            continue
        reply = who.request(method, path, {} if "requestBody" in operation else None)
        if operation.get("x-segue-status") == "planned":
            assert reply.status in (403, 501), (method, path, reply)
        elif operation["x-segue-permission"] in permissions:
            assert reply.status not in (401, 403), (method, path, reply)
        else:
            assert reply.status == 403 and reply.json()["type"] != "/problems/csrf", (method, path, reply)
        seen += 1
    assert seen > 30


def test_the_log_is_read_in_pages(admin):
    first = admin.get("/segue/v1/activity?limit=2").json()
    assert len(first["entries"]) == 2 and first["next"] == first["entries"][-1]["id"]
    older = admin.get(f"/segue/v1/activity?limit=2&before={first['next']}").json()
    assert int(older["entries"][0]["id"]) < int(first["next"])
    assert admin.get("/segue/v1/activity?before=x").status == 404
    assert admin.get("/segue/v1/activity?limit=0").status == 400
