"""Embedding by an engine: batches, trouble on the way, a restart, another model while the old one's vectors answer."""

from __future__ import annotations

import hashlib
import json
import threading
import time

import pytest

from rag.conftest import Shell
from support.engines import Answer, ReplayEngine
from support.people import House

API = "/segue/v1"
WORDS = "zebra okapi ibex kudu gnu heron stork crane otter badger lynx marten".split()


def vector(text, size):
    """Words in common are near to each other."""
    out = [0.0] * size
    for word in text.lower().split():
        out[hashlib.md5(word.strip(".?,:").encode()).digest()[0] % size] += 1.0
    out[0] += 0.01
    return out


class Embeds:
    """An engine that embeds, with what a test wants to go wrong."""

    def __init__(self, dialect, size=32):
        self.engine = ReplayEngine(dialect, models=("embedder",))
        self.size, self.failures, self.poison, self.slow, self.batches = size, [], None, 0.0, []
        self.gate = threading.Event()
        self.gate.set()
        self.engine.on("/v1/embeddings", self.answer)
        self.engine.on("/api/embed", self.answer)

    def answer(self, seen):
        body = seen.json
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        self.gate.wait(30)
        if self.failures:
            return self.failures.pop(0)
        if self.poison and any(self.poison in text for text in texts):
            return Answer.json({"error": {"message": "this text is too long", "type": "BadRequestError", "code": 400}}, 400)
        self.batches.append(len(texts))
        time.sleep(self.slow)
        rows = [vector(text, self.size) for text in texts]
        if seen.path == "/api/embed":
            return Answer.json({"model": body["model"], "embeddings": rows})
        return Answer.json({"object": "list", "model": body["model"], "usage": {"prompt_tokens": 1, "total_tokens": 1},
                            "data": [{"index": n, "object": "embedding", "embedding": row} for n, row in enumerate(rows)][::-1]})


def config(embeds, dialect, model="embedder", **more):
    return {"engines": [{"name": "gpu", "url": embeds.engine.url, "dialect": dialect}], "embedding": {"engine": "gpu", "model": model, **more}}


def add(admin, name, text):
    reply = admin.post(f"{API}/collections/animals/documents?path={name}", text.encode(), {"Content-Type": "application/octet-stream"})
    assert reply.status == 202, reply
    return reply.json()["id"]


def collection(admin):
    found = [one for one in admin.get(f"{API}/collections").json()["collections"] if one["id"] == "animals"]
    return found[0] if found else None


def search(admin, query):
    reply = admin.post(f"{API}/search", {"query": query, "mode": "hybrid", "collections": ["animals"], "explain": True})
    assert reply.status == 200, reply
    return reply.json()


def everything_embedded(house, admin, count):
    house.wait_for(lambda: (one := collection(admin))["passages"] >= count and one["embedded"] == one["passages"], 60)


@pytest.mark.parametrize("dialect", ["openai", "ollama"])
def test_an_engine_gives_the_vectors(tmp_path, dialect):
    embeds = Embeds(dialect)
    busy = Answer.json({"error": "busy"}, 503, headers=[("Retry-After", "1")])
    environment = {"SEGUE_DATA_DIR": str(tmp_path / "data")}
    house = House(config(embeds, dialect, question_prefix="query: "), environment)
    try:
        admin = house.set_up()
        admin.post(f"{API}/collections", {"id": "animals", "name": "Animals"})
        everything = house.wait_for(lambda: (sum(embeds.batches) > 20) and embeds.batches, 60)
        assert max(everything) > 8, "Segue's own documentation went in batches"
        assert all(one.path == ("/api/embed" if dialect == "ollama" else "/v1/embeddings") for one in embeds.engine.asked("/api/embed") + embeds.engine.asked("/v1/embeddings"))
        embeds.failures += [busy, Answer(end="drop"), busy]
        embeds.poison = "unspeakable"
        for word in WORDS:
            add(admin, f"{word}.md", f"# {word}\n\nThe {word} lives here.\n")
        add(admin, "odd.md", "# odd\n\nAn unspeakable heap of words that this engine does not take.\n")
        house.wait_for(lambda: "by its words alone" in house.log, 60)
        house.wait_for(lambda: (one := collection(admin))["passages"] == len(WORDS) + 1 and one["embedded"] == len(WORDS), 60)
        found = search(admin, "zebra")
        assert found["vector"] == "used" and found["hits"][0]["path"] == "zebra.md" and found["hits"][0]["explain"]["vector"]["score"] > 0.3
        assert any(one.json["input"] in (["query: zebra"], "query: zebra") for one in embeds.engine.requests), "the question has its prefix"
        embeds.engine.stop()
        keywords = search(admin, "zebra")
        assert keywords["vector"] == "unavailable" and keywords["hits"][0]["path"] == "zebra.md"
    finally:
        assert house.stop() == 0


def test_it_goes_on_where_it_was(tmp_path):
    """the engine is away at the start, comes back, and a restart in the middle does nothing twice"""
    embeds = Embeds("openai")
    embeds.slow = 0.05
    settings = config(embeds, "openai")
    embeds.failures = [Answer.json({"error": {"message": "loading"}}, 503)] * 6
    environment = {"SEGUE_DATA_DIR": str(tmp_path / "data")}
    house = House(settings, environment)
    try:
        admin = house.set_up()
        admin.post(f"{API}/collections", {"id": "animals", "name": "Animals"})
        for word in WORDS * 4:
            add(admin, f"{word}{len(embeds.batches)}.md", f"# {word}\n\nThe {word} lives here.\n")
        house.wait_for(lambda: "by keywords alone" in house.log, 30)
        house.wait_for(lambda: sum(embeds.batches) > 40, 60)
    finally:
        assert house.stop() == 0
    done = sum(embeds.batches)
    house = House(settings, environment)
    try:
        admin.segue = house
        house.wait_for(lambda: admin.sign_in("ada@example.com").status == 200)
        everything_embedded(house, admin, len(WORDS))
        every = sum(one["passages"] for one in admin.get(f"{API}/collections").json()["collections"])
        assert sum(embeds.batches) <= every + 40, "what had a vector was embedded again"
        assert done < sum(embeds.batches)
    finally:
        house.stop()
        embeds.engine.stop()


def test_the_command_line_embeds_what_it_adds(tmp_path):
    """behind the reading; a text that the engine does not take, and an engine that is gone, are said and lose nothing"""
    embeds = Embeds("openai")
    embeds.poison = "unspeakable"
    shell = Shell(tmp_path)
    (tmp_path / "segue.yaml").write_text(json.dumps(config(embeds, "openai")))
    folder = tmp_path / "files"
    folder.mkdir()
    for word in WORDS:
        (folder / f"{word}.md").write_text(f"# {word}\n\nThe {word} lives here.\n")
    (folder / "odd.md").write_text("# odd\n\nAn unspeakable heap of words.\n")

    def add():
        return shell.json("docs", "add", str(folder), "-C", "animals", "--config", str(tmp_path / "segue.yaml"))
    added = add()
    assert added["added"] == len(WORDS) + 1 and added["embedding"] == f"{len(WORDS)} passages embedded", added
    listed = shell.json("docs", "list", "-C", "animals")["collections"][0]
    assert (listed["passages"], listed["embedded"]) == (len(WORDS) + 1, len(WORDS))
    embeds.engine.stop()
    (folder / "late.md").write_text("# late\n\nThe emu came late.\n")
    late = add()
    assert (late["added"], late["unchanged"]) == (1, len(WORDS) + 1) and late["embedding"].startswith(("found by keywords only: ", "not all embedded: ")), late
    assert shell.json("search", "emu", "-C", "animals", "--mode", "keyword")["hits"][0]["path"] == "late.md"


def test_another_length_of_vectors_is_refused(tmp_path):
    embeds = Embeds("openai")
    house = House(config(embeds, "openai"), {"SEGUE_DATA_DIR": str(tmp_path / "data")})
    try:
        admin = house.set_up()
        house.wait_for(lambda: sum(embeds.batches) > 20, 60)
        embeds.size = 48
        admin.post(f"{API}/collections", {"id": "animals", "name": "Animals"})
        add(admin, "zebra.md", "# zebra\n\nThe zebra lives here.\n")
        house.wait_for(lambda: "made vectors of 32 numbers and now makes 48" in house.log, 60)
        house.wait_for(lambda: (found := search(admin, "zebra")["hits"]) and found[0]["path"] == "zebra.md")
    finally:
        assert house.stop() == 0
        embeds.engine.stop()


def test_the_old_vectors_answer_until_the_new_ones_are_there(tmp_path):
    """from one model to another of the same engine, and from the model inside the process, where there is one"""
    old = Embeds("openai")
    environment = {"SEGUE_DATA_DIR": str(tmp_path / "data")}
    house = House(config(old, "openai", "first"), environment)
    admin = house.set_up()
    admin.post(f"{API}/collections", {"id": "animals", "name": "Animals"})
    for word in WORDS:
        add(admin, f"{word}.md", f"# {word}\n\nThe {word} lives here.\n")
    everything_embedded(house, admin, len(WORDS))
    assert house.stop() == 0

    new = old.answer
    asked = []

    def held(seen):
        asked.append(seen.json["model"])
        if seen.json["model"] == "second" and len(seen.json["input"]) > 1:
            gate.wait(60)
        return new(seen)
    gate = threading.Event()
    old.engine.on("/v1/embeddings", held)
    house = House(config(old, "openai", "second"), environment)
    try:
        admin.segue = house
        house.wait_for(lambda: admin.sign_in("ada@example.com").status == 200)
        house.wait_for(lambda: "the vectors of gpu/first answer until" in house.log, 30)
        found = search(admin, "okapi")
        assert found["vector"] == "used" and found["hits"][0]["path"] == "okapi.md" and asked[-1] == "first", asked
        gate.set()
        house.wait_for(lambda: "gpu/second answers from now on" in house.log, 60)
        house.wait_for(lambda: search(admin, "okapi")["vector"] == "used" and asked[-1] == "second")
    finally:
        gate.set()
        assert house.stop() == 0
    house = House(config(old, "openai", "second"), environment)
    try:
        admin.segue = house
        house.wait_for(lambda: admin.sign_in("ada@example.com").status == 200)
        house.wait_for(lambda: search(admin, "okapi")["vector"] == "used", 30)
    finally:
        house.stop()
        old.engine.stop()


def test_from_the_model_inside_to_an_engine(tmp_path, shell):
    """the local model answers questions until the engine's vectors are whole"""
    environment = {"SEGUE_DATA_DIR": str(tmp_path / "data"), **{k: v for k, v in shell.environment.items() if k == "SEGUE_EMBEDDING_DIR"}}
    house = House(environment=environment)
    admin = house.set_up()
    admin.post(f"{API}/collections", {"id": "animals", "name": "Animals"})
    for word in WORDS[:4]:
        add(admin, f"{word}.md", f"# {word}\n\nThe {word} lives here.\n")
    house.wait_for(lambda: search(admin, "okapi")["hits"])
    if "by keywords alone" in house.log:
        house.stop()
        pytest.skip("no embedding model beside the program")
    everything_embedded(house, admin, 4)
    assert house.stop() == 0
    embeds = Embeds("openai")
    embeds.gate.clear()
    opened = embeds.answer

    def one_passes(seen):
        if len(seen.json["input"]) == 1 and not asked:
            asked.append(1)
            embeds.gate.set()
            answer = opened(seen)
            embeds.gate.clear()
            return answer
        return opened(seen)
    asked = []
    embeds.engine.on("/v1/embeddings", one_passes)
    house = House(config(embeds, "openai"), environment)
    try:
        admin.segue = house
        house.wait_for(lambda: admin.sign_in("ada@example.com").status == 200)
        house.wait_for(lambda: "answer until all passages have one of gpu/embedder" in house.log, 30)
        assert search(admin, "okapi")["vector"] == "used"
        embeds.gate.set()
        house.wait_for(lambda: "gpu/embedder answers from now on" in house.log, 60)
        house.wait_for(lambda: search(admin, "okapi")["vector"] == "used")
    finally:
        embeds.gate.set()
        assert house.stop() == 0
        embeds.engine.stop()
