"""`NAME@COLLECTION` as a model on all three fronts: the official clients get answers with sources, as far as they may read."""

from __future__ import annotations

import time

import anthropic
import ollama
import openai
import pytest
from langchain_core.messages import HumanMessage
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI

from support.people import House
from support.segue import Rehearsal, Segue

QUESTION = "When is lunch served in the canteen?"
SENTENCE = "Lunch is served in the canteen at noon"
DOCUMENT = b"# Canteen\n\nLunch is served in the canteen at noon. On Fridays there is fish.\n\n# Parking\n\nParking costs four euros a day.\n"
API = "/segue/v1"


def upload(admin, collection, path, content):
    made = admin.post(f"{API}/collections/{collection}/documents?path={path}", content, {"Content-Type": "application/octet-stream"})
    assert made.status == 202, made
    end = time.monotonic() + 60
    while admin.get(f"{API}/documents/{made.json()['id']}").json()["state"] not in ("ready", "embedding"):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def engines():
    made = {"vllm": Rehearsal("vllm", skill="", models=("gpu",)), "ollama": Rehearsal("ollama", skill="", models=("cpu",))}
    yield made
    for one in made.values():
        one.stop()


@pytest.fixture(scope="module")
def house(engines):
    house = House({"engines": [{"name": name, "url": one.url} for name, one in engines.items()] + [{"name": "gone", "url": "http://127.0.0.1:9"}],
                   "models": [{"name": name, "targets": [{"engine": engine, "model": model}]}
                              for name, engine, model in (("gpu", "vllm", "gpu"), ("cpu", "ollama", "cpu"), ("away", "gone", "x"))],
                   "retrieval": {"listed": ["handbook", "secret"]}})
    house.wait_ready()
    house.admin = house.set_up()
    for name, readers in (("handbook", [{"kind": "everyone", "id": ""}]), ("secret", []), ("bots", [{"kind": "role", "id": "program"}])):
        assert house.admin.post(f"{API}/collections", {"id": name, "name": name, "readers": readers}).status == 201
        upload(house.admin, name, "canteen.md", DOCUMENT + f"\n\n# {name}\n\nThis is {name}.\n".encode())
    yield house
    assert house.stop() == 0


@pytest.fixture(params=["gpu", "cpu"])
def model(request):
    return f"{request.param}@handbook"


def check(text, sources=None):
    assert SENTENCE in text and "\n\nSources:\n[1] Canteen" in text and "canteen.md, line" in text, text
    if sources is not None:
        assert sources[0]["path"] == "canteen.md" and sources[0]["cited"] and sources[0]["supported"] and SENTENCE in sources[0]["text"]


def test_ollama(house, model):
    client = ollama.Client(host=house.url)
    ask = [{"role": "user", "content": QUESTION}]
    answer = client.chat(model, ask)
    assert answer.model == model and answer.done
    check(answer.message.content)
    parts = list(client.chat(model, ask, stream=True))
    check("".join(part.message.content or "" for part in parts))
    assert [part.done for part in parts].count(True) == 1
    check(client.generate(model, QUESTION).response)
    check("".join(part.response for part in client.generate(model, QUESTION, stream=True)))
    raw = house.post("/api/chat", {"model": model, "messages": ask})
    check("".join(line["message"]["content"] for line in raw.lines()), raw.lines()[-1]["sources"])


def test_as_ollama_run_does_it(house, model):
    """show, then an empty prompt that loads the model, then the chat"""
    client = ollama.Client(host=house.url)
    assert client.show(model).capabilities
    assert client.generate(model, "").done_reason == "load"
    check(client.chat(model, [{"role": "user", "content": QUESTION}]).message.content)


def test_openai(house, model):
    client = openai.OpenAI(base_url=house.url + "/v1", api_key="unused", max_retries=0)
    ask = [{"role": "user", "content": QUESTION}]
    answer = client.chat.completions.create(model=model, messages=ask)
    assert answer.model == model and answer.choices[0].finish_reason == "stop"
    check(answer.choices[0].message.content, answer.sources)
    chunks = list(client.chat.completions.create(model=model, messages=ask, stream=True, stream_options={"include_usage": True}))
    check("".join(one.delta.content or "" for chunk in chunks for one in chunk.choices),
          next(chunk.sources for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason))
    assert chunks[-1].usage.prompt_tokens > 50
    given = client.responses.create(model=model, input=QUESTION)
    check(given.output_text)
    assert client.models.retrieve(model).id == model


def test_anthropic(house, model):
    client = anthropic.Anthropic(base_url=house.url, api_key="unused", max_retries=0)
    ask = [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]
    answer = client.messages.create(model=model, max_tokens=400, messages=ask)
    check("".join(block.text for block in answer.content if block.type == "text"), answer.sources)
    with client.messages.stream(model=model, max_tokens=400, messages=ask) as stream:
        check("".join(stream.text_stream))
        assert stream.get_final_message().stop_reason == "end_turn"
    assert client.messages.count_tokens(model=model, messages=ask).input_tokens > 0


def test_langchain(house, model):
    check(ChatOllama(model=model, base_url=house.url).invoke([HumanMessage(QUESTION)]).content)
    check("".join(part.content for part in ChatOllama(model=model, base_url=house.url).stream(QUESTION)))
    check(ChatOpenAI(model=model, base_url=house.url + "/v1", api_key="unused").invoke(QUESTION).content)


def test_the_conversation_goes_along_and_a_short_question_is_understood(house, model):
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What does parking cost?"},
             {"role": "assistant", "content": "Four euros."}, {"role": "user", "content": "a day?"}]
    text = house.post("/v1/chat/completions", {"model": model, "messages": turns}).json()["choices"][0]["message"]["content"]
    assert "four euros a day" in text, text


def test_nothing_found_and_no_engine(house, model):
    client = openai.OpenAI(base_url=house.url + "/v1", api_key="unused", max_retries=0)
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Why do volcanoes erupt under glaciers?"}])
    assert answer.choices[0].message.content == "Nothing in the documents of handbook answers this question." and answer.sources == []
    away = client.chat.completions.create(model="away@handbook", messages=[{"role": "user", "content": QUESTION}])
    assert away.choices[0].message.content.startswith("No model answers now.") and SENTENCE in away.choices[0].message.content
    assert away.sources[0]["path"] == "canteen.md"
    parts = list(ollama.Client(host=house.url).chat("away@handbook", [{"role": "user", "content": QUESTION}], stream=True))
    assert parts[-1].done and SENTENCE in "".join(part.message.content or "" for part in parts)


def test_an_engine_that_fails_meanwhile_leaves_the_passages():
    engine = Rehearsal("vllm", skill="", models=("m",))
    house = House({"engines": [{"name": "e", "url": engine.url, "probe_interval": "1h"}]})
    try:
        house.wait_ready()
        admin = house.set_up()
        admin.post(f"{API}/collections", {"id": "handbook", "name": "h", "readers": [{"kind": "everyone", "id": ""}]})
        upload(admin, "handbook", "canteen.md", DOCUMENT)
        engine.stop()  # nobody has noticed yet
        text = house.post("/v1/chat/completions", {"model": "m@handbook", "messages": [{"role": "user", "content": QUESTION}]}).json()
        assert text["choices"][0]["message"]["content"].startswith("No model answers now."), text
    finally:
        house.stop()


def test_who_may_read_what(house):
    """without a key: what everybody may read; the others do not exist"""
    ask = {"messages": [{"role": "user", "content": QUESTION}]}
    for collection in ("secret", "bots", "nothing"):
        refused = house.post("/v1/chat/completions", {"model": f"gpu@{collection}", **ask})
        assert refused.status == 404 and refused.json()["error"]["code"] == "model_not_found", refused
        named = refused.json()["error"]["message"].partition("there are")[2]
        assert "handbook" in named and "secret" not in named and "bots" not in named, refused
        assert house.post("/api/chat", {"model": f"cpu@{collection}", **ask}).status == 404
        assert house.post("/v1/messages", {"model": f"cpu@{collection}", "max_tokens": 9, **ask}).json()["error"]["type"] == "not_found_error"
    unknown = house.post("/api/chat", {"model": "nothing@handbook", **ask})
    assert unknown.status == 404 and "nothing@handbook" in unknown.json()["error"]


def test_what_is_no_chat(house, model):
    for path, body in (("/v1/embeddings", {"input": "x"}), ("/v1/completions", {"prompt": "x"}), ("/api/embed", {"input": "x"}),
                       ("/api/generate", {"prompt": "x", "raw": True})):
        refused = house.post(path, {"model": model, **body})
        assert refused.status == 400 and "chats" in refused.text, (path, refused)


def test_where_json_is_wanted_the_text_stays_json(house):
    body = {"model": "gpu@handbook", "messages": [{"role": "user", "content": QUESTION}], "response_format": {"type": "json_object"}}
    answer = house.post("/v1/chat/completions", body).json()
    assert "Sources:" not in answer["choices"][0]["message"]["content"] and answer["sources"]


def test_lists_show_what_everybody_may_read(house):
    names = house.wait_for(lambda: [found] if "gpu@handbook" in (found := [one["id"] for one in house.get("/v1/models").json()["data"]]) else None)[0]
    assert names == ["away", "away@handbook", "cpu", "cpu@handbook", "gpu", "gpu@handbook"]
    assert "gpu@handbook" in [one.model for one in ollama.Client(host=house.url).list().models]


def test_a_key_reads_what_is_for_programs(house):
    """last: from the first key on everybody needs one"""
    made = house.admin.post(f"{API}/keys", {"name": "bot"}).json()["secret"]
    limited = house.admin.post(f"{API}/keys", {"name": "one", "models": ["gpu@handbook"]}).json()["secret"]
    ask = [{"role": "user", "content": QUESTION}]
    house.wait_for(lambda: house.get("/api/tags").status == 401)

    def answer(secret, name):
        return house.post("/v1/chat/completions", {"model": name, "messages": ask}, {"Authorization": f"Bearer {secret}"})
    for name in ("gpu@bots", "gpu@handbook"):
        assert SENTENCE in answer(made, name).json()["choices"][0]["message"]["content"]
    assert answer(made, "gpu@secret").status == 404
    assert answer(limited, "gpu@handbook").status == 200
    for name in ("gpu", "gpu@bots", "cpu@handbook"):
        assert answer(limited, name).status == 404, name
    house.wait_for(lambda: '"collection":"bots"' in house.log)


def test_without_a_store(engines):
    segue = Segue({"engines": [{"name": "e", "url": engines["vllm"].url}]}, arguments=("--no-store",))
    try:
        segue.wait_ready()
        refused = segue.post("/api/chat", {"model": "gpu@handbook", "messages": [{"role": "user", "content": QUESTION}]})
        assert refused.status == 501 and "without a store" in refused.json()["error"], refused
        assert segue.post("/api/chat", {"model": "gpu", "messages": [{"role": "user", "content": "hello"}], "stream": False}).status == 200
    finally:
        segue.stop()
