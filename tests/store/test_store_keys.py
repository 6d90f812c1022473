"""API keys with a store: they move in from the file, the command line and the page see the same ones, and no moment is without them."""

import json
import os
import signal
import subprocess

import pytest

from support.people import House
from support.segue import Segue, binary

GONE = {"engines": [{"name": "gone", "url": "http://127.0.0.1:9"}]}


def keys(folder, *arguments, expect=0, **environment):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("SEGUE_", "DATABASE_URL"))}
    done = subprocess.run([binary(), "keys", *arguments, "--data-dir", str(folder)], capture_output=True, text=True, timeout=90,
                          cwd=folder.parent, env={**clean, **environment})
    assert done.returncode == expect, done
    return done


def status(segue, secret=None):
    return segue.get("/api/tags", {"Authorization": f"Bearer {secret}"} if secret else None).status


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def test_from_the_file_into_the_store_and_on(folder):
    """keys made before there was a store are good at every moment after, and everybody sees the same list"""
    first = json.loads(keys(folder, "create", "--name", "first", "--json").stdout)
    revoked = json.loads(keys(folder, "create", "--name", "revoked", "--json").stdout)
    keys(folder, "revoke", "revoked")
    house = House(GONE, {"SEGUE_DATA_DIR": str(folder)})
    try:
        assert status(house) == 401 and status(house, first["key"]) == 200 and status(house, revoked["key"]) == 401
        admin = house.set_up()
        house.wait_for(lambda: sorted(one["name"] for one in admin.get("/segue/v1/keys").json()["keys"]) == ["first", "revoked"])
        # against the running server, which is the only one that knows the database
        second = keys(folder, "create", "--name", "second")
        assert "in the store" in second.stderr
        secret = second.stdout.strip()
        house.wait_for(lambda: status(house, secret) == 200, 5)
        made = admin.post("/segue/v1/keys", {"name": "third"}).json()
        assert status(house, made["secret"]) == 200, "in force at once"
        assert sorted(one["name"] for one in json.loads(keys(folder, "list", "--json").stdout)["keys"]) == ["first", "second", "third"]
        assert "'third' already" in keys(folder, "create", "--name", "third", expect=2).stderr
        keys(folder, "revoke", "second")
        house.wait_for(lambda: status(house, secret) == 401, 5)
        by_command = [entry for entry in admin.get("/segue/v1/activity?action=key.").json()["entries"] if entry["person_name"] == "command line"]
        assert [(entry["action"], entry["target"]) for entry in by_command] == [("key.revoke", "second"), ("key.create", "second")]
        # the file is a copy: a gateway without the store has them too
        assert sorted(one["name"] for one in json.loads((folder / "keys.json").read_text())["keys"]) == ["first", "revoked", "second", "third"]
    finally:
        assert house.stop() == 0
    plain = Segue(GONE, {"SEGUE_DATA_DIR": str(folder)}, ("--no-store",))
    try:
        assert status(plain) == 401 and status(plain, made["secret"]) == 200 and status(plain, secret) == 401
        keys(folder, "revoke", "third")  # into the store, and into the file that this gateway follows
        plain.wait_for(lambda: status(plain, made["secret"]) == 401, 10)
    finally:
        plain.stop()


def test_the_file_is_not_needed_and_not_followed_when_it_goes(folder):
    """a lost copy is written anew; what somebody adds to it while the store is there moves in"""
    house = House(GONE, {"SEGUE_DATA_DIR": str(folder)})
    try:
        admin = house.set_up()
        secret = admin.post("/segue/v1/keys", {"name": "one"}).json()["secret"]
        (folder / "keys.json").unlink()
        house.wait_for(lambda: (folder / "keys.json").exists(), 5)
        assert status(house) == 401 and status(house, secret) == 200
        added = keys(folder, "create", "--name", "late", SEGUE_DATABASE="none").stdout.strip()
        house.wait_for(lambda: status(house, added) == 200, 5)
        house.wait_for(lambda: "late" in [one["name"] for one in admin.get("/segue/v1/keys").json()["keys"]], 5)
    finally:
        assert house.stop() == 0


def test_keys_are_there_before_the_store_and_while_it_is_away(folder):
    house = House(GONE, {"SEGUE_DATA_DIR": str(folder)})
    try:
        secret = house.set_up().post("/segue/v1/keys", {"name": "one"}).json()["secret"]
        server = int((folder / "postgres/data/postmaster.pid").read_text().split()[0])
        os.kill(server, signal.SIGSTOP)
        try:
            assert status(house) == 401 and status(house, secret) == 200
        finally:
            os.kill(server, signal.SIGCONT)
    finally:
        assert house.stop() == 0
    again = Segue(GONE, {"SEGUE_DATA_DIR": str(folder), "SEGUE_DATABASE": "auto"})  # not waiting for its store
    try:
        assert status(again) == 401 and status(again, secret) == 200
    finally:
        again.stop()
