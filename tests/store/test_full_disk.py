"""The disk of the store is full: what was acknowledged is there, chats go on, and with room again everything does, by itself."""

import random
import subprocess

import pytest

from support.people import House
from support.segue import Rehearsal

WORDS = ["".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz", k=9)) for seed in range(5000)]


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128M,mode=777", "tmpfs", place], capture_output=True).returncode != 0:
        pytest.skip("only who may mount can have a disk that is full")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def add(admin, name, text):
    return admin.post(f"/segue/v1/collections/big/documents?path={name}", text.encode(), {"Content-Type": "application/octet-stream"})


def test_a_full_disk_loses_nothing(small_disk):
    engine = Rehearsal("vllm", "--no-latency", skill="", models=("acme",))
    house = House({"engines": [{"name": "e", "url": engine.url}]}, {"SEGUE_DATA_DIR": str(small_disk / "data")})
    try:
        admin = house.set_up()
        assert admin.post("/segue/v1/collections", {"id": "big"}).status == 201
        kept, refused = 0, None
        while refused is None and kept < 500:
            reply = add(admin, f"{kept}.md", f"# Zebra {kept}\n\n" + " ".join(random.choices(WORDS, k=50000)))
            kept, refused = (kept + 1, None) if reply.status == 202 else (kept, reply)
        assert refused is not None and kept > 0 and refused.status >= 500, refused
        # What needs no store goes on.
        answer = admin.post("/api/chat", {"model": "acme", "stream": False, "messages": [{"role": "user", "content": "x"}]})
        assert answer.status == 200 and answer.json()["message"]["content"]
        subprocess.run(["mount", "-o", "remount,size=512M", small_disk], check=True)

        def there():
            reply = admin.get("/segue/v1/collections")
            found = [one for one in reply.json().get("collections", []) if one["id"] == "big"]
            return found and found[0]["documents"] >= kept and found[0]["passages"] > 0
        house.wait_for(there, 60)
        assert house.wait_for(lambda: add(admin, "last.md", "# Last\n\nThere is room again.\n").status == 202, 30)
    finally:
        house.stop()
        engine.stop()
