"""The chat over the real program with a real database: what the page does, from outside."""

import json

import pytest

from chat.conversation import API, Conversation, wait

QUESTION = "How do I point my application at Segue?"


@pytest.fixture(scope="session")
def documents(chat_house):
    """Segue's own documentation, which the first start loads."""
    wait(lambda: "Segue's own documentation is the collection 'segue'" in chat_house.log, 60)


def test_an_answer_is_streamed_and_kept(ben):
    talk = Conversation(ben)
    question, answer = talk.ask("Who are you?")
    assert answer["state"] == "running" and answer["parent"] == question["id"]
    events = list(talk.follow(answer["id"]))
    names = [event.name for event in events]
    assert names[0] == "started" and names[-1] == "finished" and "engine" in names and "usage" in names
    assert [event.id for event in events] == sorted({event.id for event in events})
    message = events[-1].data["message"]
    text = "".join(event.data["text"] for event in events if event.name == "text")
    assert message["text"] == text and "rehearsal engine" in text
    record = message["record"]
    assert record["engine"] == "rehearsal" and record["rehearsal"] and record["engine_kind"] == "vllm"
    assert record["tokens_out"] > 0 and record["first_token_ms"] > 0 and record["finish_reason"] == "stop"
    assert message["context"]["limit"] == 8192 and not message["context"]["shortened"]
    kept = ben.get(f"{API}/messages/{answer['id']}").json()
    assert kept == message
    listed = ben.get(f"{API}/conversations").json()["conversations"][0]
    assert listed["title"] == "Who are you?" and listed["messages"] == 2 and not listed["answering"]
    # Whoever comes later gets the last event alone, or everything again while it is fresh.
    assert list(talk.follow(answer["id"]))[-1].data["message"] == message


def test_segue_answers_about_itself_with_sources(chat_house, ben, documents):
    talk = Conversation(ben, collections=["segue"])
    message = talk.answer(QUESTION)
    assert "OLLAMA_HOST" in message["text"], message["text"]
    assert message["sources"] and message["citations"], message
    assert all(citation["supported"] for citation in message["citations"]), message["citations"]
    cited = [message["sources"][citation["n"] - 1] for citation in message["citations"]]
    assert any(one["path"] == "docs/user-guide.md" and "OLLAMA_HOST" in one["text"] for one in cited)
    for citation in message["citations"]:
        mark = message["text"].encode("utf-16-le")[citation["start"] * 2:citation["end"] * 2].decode("utf-16-le")
        assert mark == f"[{citation['n']}]"
    names = [event.name for event in talk.follow(message["id"])]
    assert names.index("searching") < names.index("sources") < names.index("engine")


def test_nothing_found_asks_no_engine(chat_engine, ben, documents):
    before = len(chat_engine.requests()["requests"]) if isinstance(chat_engine.requests(), dict) else len(chat_engine.requests())
    message = Conversation(ben, collections=["segue"]).answer("Zwetschgendatschi xylophonquark")
    assert message["kind"] == "nothing_found" and message["text"] == "" and message["record"] is None
    after = len(chat_engine.requests()["requests"]) if isinstance(chat_engine.requests(), dict) else len(chat_engine.requests())
    assert before == after or after == 256


def test_an_unknown_collection_names_those_one_has(ben, documents):
    message = Conversation(ben).answer("Anything at all?", collections=["secrets"])
    assert message["state"] == "incomplete" and message["text"] == ""
    assert "segue" in message["problem"]["detail"]


def test_branches(ben):
    talk = Conversation(ben)
    first = talk.answer("one?")
    second = talk.answer("two?", parent=first["id"])
    question = ben.get(f"{API}/messages/{second['parent']}").json()
    edited = talk.answer("three?", parent=first["id"])
    assert talk.texts()[::2] == ["one?", "three?"]
    assert talk.texts(leaf=second["id"])[::2] == ["one?", "two?"]
    shown = ben.get(f"{talk.path}/messages").json()["messages"]
    assert shown[2]["siblings"] == [question["id"], edited["parent"]]
    again = ben.post(f"{API}/messages/{edited['id']}/regenerate", {})
    assert again.status == 202 and len(again.json()["siblings"]) == 2
    list(talk.follow(again.json()["id"]))
    changed = ben.request("PATCH", talk.path, {"leaf": second["id"]})
    assert changed.status == 200 and talk.texts()[::2] == ["one?", "two?"]


def test_find_pin_archive_rename_delete(ben):
    talk = Conversation(ben)
    answer = talk.answer("Where grow the pomegranates?")
    find = lambda query, **more: [one["id"] for one in ben.get(
        f"{API}/conversations?query={query}" + "".join(f"&{k}={v}" for k, v in more.items())).json()["conversations"]]
    assert find("pomegr") == [talk.id] and find("nothingatall") == []
    assert ben.request("PATCH", talk.path, {"title": "Fruit", "pinned": True}).json()["title_by"] == "person"
    Conversation(ben)
    assert ben.get(f"{API}/conversations").json()["conversations"][0]["title"] == "Fruit"
    assert ben.request("PATCH", talk.path, {"archived": True}).status == 200
    assert talk.id not in [one["id"] for one in ben.get(f"{API}/conversations").json()["conversations"]]
    assert find("pomegr", archived="true") == [talk.id]
    assert ben.request("DELETE", talk.path).status == 204
    for path in (talk.path, f"{API}/messages/{answer['id']}", f"{API}/messages/{answer['id']}/events"):
        assert ben.get(path).status == 404


def test_pages_of_the_list(eve):
    made = [Conversation(eve).id for _ in range(5)]
    seen, before = [], ""
    while True:
        page = eve.get(f"{API}/conversations?limit=2" + (f"&before={before}" if before else "")).json()
        seen += [one["id"] for one in page["conversations"]]
        if not (before := page["next"]):
            break
    assert seen == made[::-1]


def test_export(ben):
    talk = Conversation(ben, title="Wörter & <Zeichen>")
    talk.answer("Who are you?")
    markdown = ben.get(f"{talk.path}/export")
    assert markdown.content_type == "text/markdown" and "# Wörter & <Zeichen>" in markdown.text
    assert 'filename="W-rter-Zeichen.md"' in markdown.get("Content-Disposition")
    assert "Who are you?" in markdown.text and "rehearsal engine" in markdown.text
    tree = ben.get(f"{talk.path}/export?format=json").json()
    assert tree["schema"] == "segue-conversation/1" and len(tree["messages"]) == 2
    assert ben.get(f"{talk.path}/export?format=pdf").status == 400


def test_thumbs_and_presets(ben, ada):
    talk = Conversation(ben)
    answer = talk.answer("Who are you?")
    thumb = f"{API}/messages/{answer['id']}/feedback"
    assert ben.request("PUT", thumb, {"thumb": "down", "comment": "no"}).status == 200
    assert ben.get(f"{API}/messages/{answer['id']}").json()["feedback"] == {"thumb": "down", "comment": "no"}
    assert ben.request("PUT", thumb, {"thumb": "sideways"}).status == 400
    assert ben.request("DELETE", thumb).status == 204
    mine = ben.post(f"{API}/presets", {"name": "Short", "text": "Be short."}).json()
    assert ben.post(f"{API}/presets", {"name": "All", "text": "x", "shared": True}).status == 403
    everybodys = ada.post(f"{API}/presets", {"name": "All", "text": "x", "shared": True}).json()
    assert [one["name"] for one in ben.get(f"{API}/presets").json()["presets"]] == ["Short", "All"]
    assert Conversation(ben, preset=mine["id"]).browser.get(f"{API}/conversations").status == 200
    assert ada.post(f"{API}/conversations", {"preset": mine["id"]}).status == 404
    assert ben.request("DELETE", f"{API}/presets/{everybodys['id']}").status == 404
    assert ben.request("DELETE", f"{API}/presets/{mine['id']}").status == 204


def test_two_people_never_see_each_others_things(ada, ben, eve):
    talk = Conversation(ben)
    question, answer = talk.ask("a secret")
    list(talk.follow(answer["id"]))
    message = f"{API}/messages/{answer['id']}"
    # Not even an administrator.
    for other in (eve, ada):
        for method, path, body in (
                ("GET", talk.path, None), ("PATCH", talk.path, {"title": "x"}), ("DELETE", talk.path, None),
                ("GET", f"{talk.path}/messages", None), ("POST", f"{talk.path}/messages", {"text": "x"}),
                ("GET", f"{talk.path}/export", None), ("PUT", f"{talk.path}/share", {"audience": "company"}),
                ("DELETE", f"{talk.path}/share", None), ("GET", message, None), ("GET", f"{message}/events", None),
                ("POST", f"{message}/regenerate", {}), ("POST", f"{message}/continue", None), ("POST", f"{message}/stop", None),
                ("PUT", f"{message}/feedback", {"thumb": "up"}), ("DELETE", f"{message}/feedback", None)):
            assert other.request(method, path, body).status == 404, (method, path)
        assert other.get(f"{API}/conversations?query=secret").json()["conversations"] == []
    assert talk.texts()[0] == "a secret"


def test_share_by_link(ben, eve, ada):
    talk = Conversation(ben)
    talk.answer("Who are you?")
    share = lambda body: ben.request("PUT", f"{talk.path}/share", body).json()["token"]
    token = share({"audience": "company"})
    shared = eve.get(f"{API}/shared/{token}").json()
    assert shared["owner"] == "Ben" and [one["role"] for one in shared["messages"]] == ["user", "assistant"]
    me = eve.get(f"{API}/session").json()["person"]["id"]
    assert share({"audience": "people", "people": [me]}) == token
    assert eve.get(f"{API}/shared/{token}").status == 200 and ada.get(f"{API}/shared/{token}").status == 404
    # By login, as one knows colleagues; the list of people is not everybody's to see.
    named = ben.request("PUT", f"{talk.path}/share", {"audience": "people", "people": ["EVE"]})
    assert named.status == 200 and named.json()["people"] == ["eve"]
    assert ben.get(talk.path).json()["share"]["people"] == ["eve"]
    for people, word in (([], "who may read it"), (["nobody-at-all"], "nobody here signs in as nobody-at-all")):
        refused = ben.request("PUT", f"{talk.path}/share", {"audience": "people", "people": people})
        assert refused.status == 400 and word in refused.json()["detail"]
    assert ben.request("DELETE", f"{talk.path}/share").status == 204
    assert eve.get(f"{API}/shared/{token}").status == 404


@pytest.mark.parametrize("body, word", [
    (b"{", "not valid JSON"), (b"[]", "JSON object"), ({"text": ""}, "empty"), ({"text": "  \n"}, "empty"), ({"text": 7}, "text"),
    ({"text": "x", "parent": "nothing"}, "no such message"), ({"text": "x", "collections": "segue"}, "list"),
    ({"text": "x", "images": [{"media_type": "text/html", "data": "AA=="}]}, "media_type"),
    ({"text": "x", "images": [{"media_type": "image/png", "data": "%%"}]}, "base64"),
    ({"text": "x" * (5 << 20)}, "at most")])
def test_bad_questions_are_told_what_is_wrong(ben, body, word):
    talk = Conversation(ben)
    reply = ben.post(f"{talk.path}/messages", body)
    assert reply.status in (400, 404) and word in reply.json()["detail"], reply
    assert ben.get(talk.path).json()["messages"] == 0


def test_a_question_of_a_megabyte_is_kept_and_said_to_be_too_long(ben):
    talk = Conversation(ben)
    message = talk.answer("word " * 200_000)
    assert message["state"] == "incomplete" and message["problem"]["status"] == 413
    assert "shorten it" in message["problem"]["detail"]
    assert len(talk.texts()[0]) == 1_000_000


def test_odd_characters_go_through(ben):
    text = "a\u0000b \u202eevil\u202c \ufeff 😀 <script>alert(1)</script> \\ \" ' %s"
    talk = Conversation(ben, title=text)
    assert talk.answer(text)["state"] == "complete"
    assert talk.texts()[0] == text.replace("\u0000", "\ufffd")
    assert ben.get(talk.path).json()["title"] == text.replace("\u0000", "\ufffd")


def test_a_long_conversation_is_shortened_and_told(ben):
    talk = Conversation(ben)
    parent = None
    for _ in range(4):
        parent = talk.answer("words " * 2500, **({"parent": parent} if parent else {}))["id"]
    message = ben.get(f"{API}/messages/{parent}").json()
    assert message["state"] == "complete" and message["context"]["shortened"]
    assert message["context"]["messages_left_out"] > 0 and message["context"]["tokens"] < 8192


def test_a_model_that_is_not_there(ben):
    message = Conversation(ben).answer("Who are you?", model="no-such-model")
    assert message["state"] == "incomplete" or message["kind"] == "passages"
    assert "no-such-model" in message["problem"]["detail"]


def test_settings_and_traffic_are_for_those_who_may(ada, ben):
    settings = {one["name"]: one for one in ada.get(f"{API}/settings").json()["settings"]}
    assert settings["listen"]["source"] == "file" and settings["limits.max_headers"]["source"] == "default"
    assert ben.get(f"{API}/settings").status == 403 and ben.get(f"{API}/traffic").status == 403
    def counted():
        series = ada.get(f"{API}/traffic?by=engine").json()["series"]
        return series and series[0]["summary"]["requests"] > 0
    wait(counted)
    assert ada.get(f"{API}/traffic?window=2y").status == 400


def test_events_are_json_of_their_type(ben):
    talk = Conversation(ben)
    _, answer = talk.ask("Who are you?")
    for event in talk.follow(answer["id"]):
        assert event.data["type"] == event.name and json.dumps(event.data)
