"""kill -9 of PostgreSQL and of Segue in turn, at random moments while documents are read and answers are written: what was acknowledged is
there, whole, and nothing is half there. SEGUE_KILLS=100 for a long look."""

import os
import random
import signal
import subprocess
import threading
import time

from support.client import Broken
from support.people import House
from support.segue import Rehearsal, binary

API = "/segue/v1"
PASSAGE = "[1] The canteen is on the second floor of the main building behind the library, next to the stairs and the lift."
WHOLE = "The canteen is on the second floor of the main building behind the library, next to the stairs and the lift. [1]"


def server_pid(house):
    return int((house.data / "postgres/data/postmaster.pid").read_text().split()[0])


class Witness:
    """Uploads and asks as fast as it is let, and remembers what was acknowledged."""

    def __init__(self, admin):
        self.admin = admin
        self.documents = {}  # id: the word that only this document has
        self.words = set()  # of every document that was tried
        self.talks = {}  # conversation: [(question, answer)]

    def work(self, kill):
        for n in range(6):
            word = f"word{kill}x{n}"
            self.words.add(word)
            text = f"# {word}\n\nSome text about {word}.\n\n" + "\n\n".join(f"## Part {part}\n\nThe {word} goes on in part {part}." for part in range(8))
            made = self.admin.post(f"{API}/collections/notes/documents?path={word}.md", text.encode(), {"Content-Type": "application/octet-stream"})
            if made.status == 202:
                self.documents[made.json()["id"]] = word
            talk = self.admin.post(f"{API}/conversations", {"system": PASSAGE})
            if talk.status != 201:
                continue
            talk = talk.json()["id"]
            self.talks[talk] = []
            asked = self.admin.post(f"{API}/conversations/{talk}/messages", {"text": f"Where is the canteen, {word}?"})
            if asked.status == 202:
                self.talks[talk].append((asked.json()["question"], asked.json()["answer"]))


def until(what, seconds=90):
    end = time.monotonic() + seconds
    while True:
        try:
            if value := what():
                return value
        except (OSError, Broken):
            pass
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def command(house, *words):
    done = subprocess.run([binary(), *words, "--data-dir", str(house.data)], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "SEGUE_DATABASE": "auto"})
    assert done.returncode == 0, done
    return done.stdout


def test_documents_and_answers_survive(tmp_path):
    chance = random.Random(20261130)
    engine = Rehearsal("vllm", "--first-token-ms", "2", "--tokens-per-second", "60", skill="", models=("rehearsal",))
    environment = {"SEGUE_DATA_DIR": str(tmp_path / "data")}
    config = {"engines": [{"name": "e", "url": engine.url, "probe_interval": "200ms"}]}
    house = House(config, environment)
    witness = Witness(house.set_up())
    witness.admin.post(f"{API}/collections", {"id": "notes", "name": "Notes"})
    admin = witness.admin
    try:
        for kill in range(int(os.environ.get("SEGUE_KILLS", "4"))):
            victim = server_pid(house) if kill % 2 == 0 else house.child.pid
            timer = threading.Timer(chance.uniform(0.02, 0.9), os.kill, (victim, signal.SIGKILL))
            timer.start()
            try:
                witness.work(kill)
            except (OSError, Broken):
                pass  # nobody was told anything
            timer.join()
            if victim == house.child.pid:
                house.child.wait(20)
                house.stop()
                house = admin.segue = House(config, environment)
            until(lambda: admin.get(f"{API}/session").json().get("person"))
            # Every acknowledged document is read to its end, and is found by its own word.
            for identifier, word in witness.documents.items():
                document = until(lambda: (one := admin.get(f"{API}/documents/{identifier}")).status in (200, 404) and one)
                assert document.status == 200, (kill, word, document)
                if document.json()["state"] in ("waiting", "reading"):
                    document = until(lambda: (one := admin.get(f"{API}/documents/{identifier}")).json()["state"] not in ("waiting", "reading") and one)
                assert document.json()["state"] in ("ready", "embedding") and document.json()["passages"] >= 1, document
            # Every acknowledged question and answer is there; none is being written by nobody.
            for talk, asked in witness.talks.items():
                for question, answer in asked:
                    kept = admin.get(f"{API}/messages/{question['id']}").json()
                    assert kept["text"] == question["text"]
                    state = until(lambda: (one := admin.get(f"{API}/messages/{answer['id']}").json())["state"] != "running" and one)
                    assert state["state"] in ("complete", "incomplete") and WHOLE.startswith(state["text"]), state
                messages = admin.get(f"{API}/conversations/{talk}/messages").json()["messages"]
                assert len(messages) % 2 == 0 and len(messages) >= 2 * len(asked), messages
            witness.talks = {talk: asked for talk, asked in list(witness.talks.items())[-12:]}
        for word in list(witness.documents.values())[-20:]:
            hits = admin.post(f"{API}/search", {"query": word, "mode": "keyword", "collections": ["notes"]}).json()["hits"]
            assert hits and hits[0]["path"] == f"{word}.md", word
        listed = {one["path"].removesuffix(".md") for one in admin.get(f"{API}/collections/notes/documents?limit=500").json()["documents"]}
        assert listed <= witness.words
        assert "agrees" in command(house, "rag", "check")
        command(house, "store", "check")
    finally:
        house.stop()
        engine.stop()
