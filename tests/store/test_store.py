"""The store from outside: what dies comes back, the gateway never waits for it, and the commands tell the truth."""

import json
import os
import random
import signal
import subprocess
import threading
import time

from support.client import Broken
from support.people import House
from support.segue import Rehearsal, Segue, binary


def server_pid(house):
    return int((house.data / "postgres/data/postmaster.pid").read_text().split()[0])


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def until(ready, seconds=30.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := ready():
            return value
        time.sleep(0.05)
    raise AssertionError("not within the time")


def command(house, *words, after=()):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("SEGUE_", "DATABASE_URL"))}
    return subprocess.run([binary(), *words, "--data-dir", str(house.data), *after], capture_output=True, text=True, timeout=120,
                          cwd=house.folder, env={**clean, "HOME": str(house.folder)})


def sql(house, statement):
    done = command(house, "store", "psql", after=("--", "-Atc", statement))
    assert done.returncode == 0, done
    return done.stdout.splitlines()


def test_commands_use_the_running_database(house, admin):
    status = json.loads(command(house, "store", "status", "--json").stdout)
    assert status["kind"] == "private" and status["in_use"] and status["pgvector"] and status["schema"] >= 200
    check = command(house, "store", "check")
    assert check.returncode == 0 and "bad" not in check.stdout, check
    listed = json.loads(command(house, "store", "migrate", "--json").stdout)["migrations"]
    assert [one["number"] for one in listed] == sorted(one["number"] for one in listed)
    assert sql(house, "select count(*) from person where name = 'ada@example.com'") == ["1"]
    assert house.get("/segue/v1/session").json()["store"]["state"] == "ready"


def test_a_second_segue_on_the_folder_is_refused(house, admin):
    second = subprocess.run([binary(), "serve", "--listen", "127.0.0.1:0", "--data-dir", str(house.folder / "data")],
                            capture_output=True, text=True, timeout=60, env={**os.environ, "SEGUE_DATABASE": "auto"})
    assert second.returncode == 2 and f"pid {house.child.pid}" in second.stderr, second


def test_requests_are_observed_without_their_words(house, admin):
    """What was asked and answered is in no table."""
    secret = "the-moon-is-made-of-basalt"
    key = admin.post("/segue/v1/keys", {"name": "observed"}).json()["secret"]
    ask = {"model": "nothing", "messages": [{"role": "user", "content": secret}]}
    until(lambda: house.post("/api/chat", ask, {"Authorization": f"Bearer {key}"}).status != 401)

    seen = until(lambda: sql(house, "select status, model, front from observation"))
    assert seen[-1].endswith("|(other)|ollama")
    dump = command(house, "store", "psql", "--dump")
    assert dump.returncode == 0 and "CREATE TABLE segue.observation" in dump.stdout and secret not in dump.stdout


def test_the_gateway_needs_no_database(tmp_path):
    """No programs are found: the gateway runs, says so once, and the pages that need it say what to do."""
    engine = Rehearsal("vllm")
    segue = Segue({"engines": [{"name": "e", "url": engine.url}]}, {"SEGUE_DATABASE": "auto", "SEGUE_PG_BIN": str(tmp_path)})
    try:
        segue.wait_ready()
        assert segue.post("/api/chat", {"model": "segue-tiny", "messages": [], "stream": False}).status == 200
        store = segue.get("/segue/v1/session").json()["store"]
        assert store["state"] == "unavailable" and "SEGUE_PG_BIN" in store["detail"]
        refused = segue.post("/segue/v1/session", {"login": "x", "password": "y"})
        assert refused.status == 503 and "SEGUE_PG_BIN" in refused.json()["detail"]
        assert segue.log.count("runs without a store") == 1
    finally:
        segue.stop()
        engine.stop()


def test_an_external_database_that_is_away_stops_nobody():
    engine = Rehearsal("vllm")
    segue = Segue({"engines": [{"name": "e", "url": engine.url}]},
                  {"SEGUE_DATABASE": "auto", "DATABASE_URL": "postgresql://segue:hush-hush@127.0.0.1:9/segue"})
    try:
        segue.wait_ready()
        assert segue.post("/api/chat", {"model": "segue-tiny", "messages": [], "stream": False}).status == 200
        store = until(lambda: (s := segue.get("/segue/v1/session").json()["store"])["state"] == "unavailable" and s)
        assert "refused" in store["detail"] and "hush" not in store["detail"] + segue.log
    finally:
        segue.stop()
        engine.stop()


def try_to_make(admin, login):
    """True: acknowledged. None: nobody knows."""
    try:
        return admin.post("/segue/v1/people", {"login": login, "name": "", "role": "user"}).status == 201 or None
    except (OSError, Broken):
        return None


def test_killed_at_random_moments_nothing_that_was_acknowledged_is_lost(tmp_path):
    """PostgreSQL and Segue in turn, while people are made; SEGUE_KILLS=100 for a long look."""
    chance = random.Random(20261124)
    environment = {"SEGUE_DATA_DIR": str(tmp_path / "data")}
    house = House(environment=environment)
    admin = house.set_up()
    tried, acknowledged = {"ada@example.com"}, {"ada@example.com"}
    try:
        for kill in range(int(os.environ.get("SEGUE_KILLS", "4"))):
            victim = server_pid(house) if kill % 2 == 0 else house.child.pid
            timer = threading.Timer(chance.uniform(0, 0.5), os.kill, (victim, signal.SIGKILL))
            timer.start()
            for n in range(12):
                login = f"k{kill}n{n}"
                tried.add(login)
                if try_to_make(admin, login):
                    acknowledged.add(login)
            timer.join()
            if victim == house.child.pid:
                house.child.wait(20)
                house.stop()
                house = admin.segue = House(environment=environment)
            until(lambda: admin.get("/segue/v1/session").json().get("person"), 60)
            there = [one["login"] for one in admin.get("/segue/v1/people").json()["people"]]
            assert acknowledged <= set(there) <= tried and len(there) == len(set(there))
            # Nothing half there: each person has its entry in the log.
            logged = set(sql(house, "select object from activity where action = 'person.create'"))
            assert set(there) == logged
    finally:
        house.stop()


def test_a_killed_segue_leaves_no_server():
    house = House()
    pid = server_pid(house)
    house.child.kill()
    house.child.wait(10)
    try:
        until(lambda: gone(pid), 20)
    finally:
        house.stop()


def test_stopping_stops_the_server():
    house = House()
    pid = server_pid(house)
    assert house.stop() == 0 and gone(pid)
