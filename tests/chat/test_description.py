"""What the API answers is what its description promises, member by member."""

import pytest

from chat.conversation import API, Conversation, wait
from chat.schema import Description


@pytest.fixture(scope="module")
def description(ada):
    return Description(ada.get(f"{API}/openapi.json").json())


def test_every_list_is_as_described(description, ada, chat_house):
    wait(lambda: "own documentation is the collection" in chat_house.log, 60)
    talk = Conversation(ada, collections=["segue"])
    answer = talk.answer("How do I point my application at Segue?")
    ada.request("PUT", f"{API}/messages/{answer['id']}/feedback", {"thumb": "up"})
    ada.post(f"{talk.path}/files?name=a.md", b"# Title\n\nSome words about pomegranates.\n")
    ada.post(f"{API}/presets", {"name": "p", "text": "t"})
    token = ada.request("PUT", f"{talk.path}/share", {"audience": "company"}).json()["token"]
    document = ada.get(f"{API}/collections/segue/documents").json()["documents"][0]["id"]
    places = {"conversation": talk.id, "message": answer["id"], "token": token, "collection": "segue", "document": document}
    problems, seen = [], 0
    for name, (method, path, operation) in description.operations.items():
        if method != "GET" or not path.startswith(API) or "text/event-stream" in str(operation) or name == "exportConversation":
            continue
        if any(parameter["in"] == "path" and parameter["name"] not in places for parameter in operation.get("parameters", ())):
            continue
        if any(status.startswith("3") for status in operation["responses"]):
            continue
        reply = ada.get(path.format(**places))
        assert reply.status == 200, (name, reply)
        problems += [f"{name}{problem}" for problem in description.problems(name, reply.json())]
        seen += 1
    found = ada.post(f"{API}/search", {"query": "point application", "explain": True})
    problems += [f"search{problem}" for problem in description.problems("search", found.json())]
    assert not problems, "\n".join(problems[:40])
    assert seen > 15


def test_every_event_is_as_described(description, ada):
    talk = Conversation(ada, collections=["segue"])
    _, answer = talk.ask("How do I point my application at Segue?")
    for event in talk.follow(answer["id"]):
        assert not description.problems("followAnswer", event.data), event.name


def test_a_file_of_one_conversation_is_a_source_of_its_answers(ada):
    talk = Conversation(ada)
    added = ada.post(f"{talk.path}/files?name=..%2Ffruit.md", b"# Fruit\n\nThe pomegranates grow behind the old mill near the river.\n")
    assert added.status == 201 and added.json()["name"] == "fruit.md" and added.json()["problem"] is None, added
    message = talk.answer("Where do the pomegranates grow?")
    assert "behind the old mill" in message["text"] and message["citations"][0]["supported"]
    assert message["sources"][0]["path"] == "fruit.md"
    bad = ada.post(f"{talk.path}/files?name=broken.pdf", b"%PDF-1.7 nothing")
    assert bad.status == 201 and bad.json()["problem"], bad
    assert [one["name"] for one in ada.get(talk.path).json()["files"]] == ["fruit.md", "broken.pdf"]
    assert ada.request("DELETE", f"{talk.path}/files/{added.json()['id']}").status == 204
    assert ada.post(f"{talk.path}/files?name=", b"x").status == 400
    assert ada.post(f"{talk.path}/files?name=x", b"").status == 400
