"""The activity log from outside: which changes of a person it holds, and what it never says."""

import pytest

from support.people import PASSWORD, House, operations

API = "/segue/v1"
# Every operation that changes something: what the log calls it, or None where it is nobody else's business.
NOTED = {
    "setUp": "person.create", "signIn": "session.begin", "signOut": "session.end", "signOutEverywhere": "session.end_all",
    "changePassword": "person.change_password",
    "createPerson": "person.create", "changePerson": "person.change", "deletePerson": "person.delete", "resetPassword": "person.reset_password",
    "signOutPerson": "session.end_all", "createKey": "key.create", "revokeKey": "key.revoke",
    "drainEngine": "engine.drain", "resumeEngine": "engine.resume", "probeEngine": None,
    "createCollection": "collection.create", "changeCollection": "collection.change", "deleteCollection": "collection.delete",
    "addDocument": "document.add", "deleteDocument": "document.delete", "retryDocument": "document.retry", "search": None,
    "shareConversation": "conversation.share", "unshareConversation": "conversation.unshare",
    "createPreset": "preset.create", "deletePreset": "preset.delete",
    **dict.fromkeys(("createConversation", "changeConversation", "deleteConversation", "ask", "addFile", "removeFile", "regenerate",
                     "continueAnswer", "stopAnswer", "giveFeedback", "withdrawFeedback")),
}


@pytest.fixture
def house():
    made = House()
    yield made
    made.stop()


def changing(admin):
    return {operation["operationId"] for method, _, operation in operations(admin)
            if method != "GET" and operation.get("x-segue-status") != "planned"}


def done(browser, method, path, body=None, headers=None):
    reply = browser.request(method, path, body, headers)
    assert reply.status < 300, (method, path, reply)
    return reply.json() if reply.body else {}


def test_every_change_by_a_person_is_noted(house):
    admin = house.set_up()
    assert changing(admin) == set(NOTED)
    him = house.person(admin, "noted", "admin")
    done(him, "PUT", f"{API}/session/password", {"current": PASSWORD, "password": PASSWORD + " 2"})
    person = done(him, "POST", f"{API}/people", {"login": "short-lived", "name": "", "role": "user"})["person"]["id"]
    done(him, "PATCH", f"{API}/people/{person}", {"role": "writer"})
    done(him, "POST", f"{API}/people/{person}/password")
    done(him, "DELETE", f"{API}/people/{person}/sessions")
    done(him, "DELETE", f"{API}/people/{person}")
    key = done(him, "POST", f"{API}/keys", {"name": "noted"})["key"]["id"]
    done(him, "DELETE", f"{API}/keys/{key}")
    done(him, "POST", f"{API}/engines/gone/drain")
    done(him, "POST", f"{API}/engines/gone/resume")
    done(him, "POST", f"{API}/collections", {"id": "plans", "name": "Plans"})
    done(him, "PATCH", f"{API}/collections/plans", {"description": "What we mean to do"})
    document = done(him, "POST", f"{API}/collections/plans/documents?path=takeover-of-initech.pdf", b"%PDF-1.7\nWe buy Initech.\n",
                    {"Content-Type": "application/octet-stream"})["id"]
    house.wait_for(lambda: him.get(f"{API}/documents/{document}").json()["state"] == "failed", 30)
    done(him, "POST", f"{API}/documents/{document}/retry")
    done(him, "DELETE", f"{API}/documents/{document}")
    done(him, "DELETE", f"{API}/collections/plans")
    talk = done(him, "POST", f"{API}/conversations", {"title": "On taking over Initech"})["id"]
    done(him, "PUT", f"{API}/conversations/{talk}/share", {"audience": "company"})
    done(him, "DELETE", f"{API}/conversations/{talk}/share")
    for shared in (True, False):
        preset = done(him, "POST", f"{API}/presets", {"name": f"shared {shared}", "text": "Be brief.", "shared": shared})["id"]
        done(him, "DELETE", f"{API}/presets/{preset}")
    done(him, "DELETE", f"{API}/session/everywhere")

    log = admin.get(f"{API}/activity?limit=500").json()["entries"]
    did = [entry for entry in reversed(log) if entry["person_name"] == "noted"]
    missing = {action for action in NOTED.values() if action} - {entry["action"] for entry in did} - {"session.end"}
    assert not missing, (missing, did)
    assert all(entry["address"] == "127.0.0.1" for entry in did)
    targets = [(entry["action"], entry["target"]) for entry in did]
    assert ("document.add", "plans") in targets and ("collection.delete", "plans") in targets
    # Private presets are nobody's business; names and titles are for those who may read the things themselves.
    assert [target for action, target in targets if action.startswith("preset.")] == ["shared True"] * 2
    assert "Initech" not in str(log) and "initech" not in str(log)
