"""Documents from outside: the commands, what cannot be read, and Segue's own API with people who must not see each other's."""

from __future__ import annotations

import re
import threading
import time

import pytest

from rag import files
from support.people import House


@pytest.fixture(scope="module")
def house():
    made = House()
    made.admin = made.set_up()
    yield made
    made.stop()


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "wiki"
    (made / "deep").mkdir(parents=True)
    (made / "a.md").write_text("# Zebras\n\nThey live on the plain.\n\n## Stripes\n\nEach has its own.\n")
    (made / "deep/b.pdf").write_bytes(files.pdf(["Page one is about okapis.", "Page two is about gnus."]))
    (made / "c.docx").write_bytes(files.docx("Kudus jump high."))
    (made / "d.csv").write_text("animal,legs\nibex,4\n")
    (made / ".hidden.md").write_text("secret")
    return made


def paths(shell, collection):
    listed = shell.json("docs", "list", "-C", collection)["collections"]
    return {d["path"]: d for c in listed for d in c["documents"]}


def test_add_search_change_remove(shell, folder):
    added = shell.json("docs", "add", str(folder), "-C", "wiki", "--no-embedding")
    assert (added["added"], added["failed"]) == (4, [])
    assert set(paths(shell, "wiki")) == {"a.md", "deep/b.pdf", "c.docx", "d.csv"}
    hit = shell.json("search", "gnus", "-C", "wiki", "--mode", "keyword", "--explain")["hits"][0]
    assert (hit["path"], hit["page"]) == ("deep/b.pdf", 2) and hit["explain"]["terms"] == ["gnus"]
    hit = shell.json("search", "stripes", "-C", "wiki", "--mode", "keyword")["hits"][0]
    assert hit["heading"] == ["Zebras", "Stripes"] and hit["first_line"] == 7
    again = shell.json("docs", "add", str(folder), "-C", "wiki", "--no-embedding")
    assert again["unchanged"] == 4
    (folder / "a.md").write_text("# Zebras\n\nThey live on the plain.\n\n## Stripes\n\nNo two are alike.\n")
    (folder / "d.csv").unlink()
    synced = shell.json("docs", "sync", str(folder), "-C", "wiki", "--no-embedding")
    assert (synced["changed"], synced["unchanged"], synced["removed"]) == (1, 2, 1)
    shell.run("search", "ibex", "-C", "wiki", "--mode", "keyword", expect=1)
    shell.run("docs", "remove", "deep", "-C", "wiki")
    shell.run("search", "gnus", "-C", "wiki", "--mode", "keyword", expect=1)
    shell.run("docs", "remove", "nothing*", "-C", "wiki", expect=2)
    assert "no document like" in shell.said
    shell.run("search", "x", "-C", "nowhere", expect=2)
    assert "there are:" in shell.said


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(shell, tmp_path):
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "empty.txt").write_bytes(b"")
    (bad / "broken.pdf").write_bytes(b"%PDF-1.4\njunk")
    (bad / "locked.pdf").write_bytes(files.pdf(["secret"], encrypted=True))
    (bad / "bomb.docx").write_bytes(files.bomb())
    (bad / "cut.docx").write_bytes(files.docx("text")[:-40])
    (bad / "picture.md").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (bad / "old.docx").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    (bad / "program.exe").write_bytes(b"MZ" + bytes(100))
    (bad / "scan.pdf").write_bytes(files.pdf([""]))
    (bad / "latin.txt").write_bytes("Grüße aus Köln".encode("latin-1"))
    (bad / "utf16.txt").write_bytes("Grüße aus Bonn".encode("utf-16"))
    (bad / "bin\u202etxt.md").write_text("turned around")
    (bad / ("x" * 200 + ".md")).write_text("# long name\n\nfine")
    (bad / "deep.html").write_text("<div>" * 5_000 + "deep text")
    report = shell.json("docs", "add", str(bad), "-C", "bad", "--no-embedding", expect=1)
    failed = {f["path"]: f["problem"] for f in report["failed"]}
    assert report["added"] == 5, failed
    for path, words in {"empty.txt": "empty", "broken.pdf": "broken", "locked.pdf": "encrypted", "bomb.docx": "unpacks",
                        "cut.docx": "broken", "picture.md": "a picture", "old.docx": "encrypted", "program.exe": "does not read",
                        "scan.pdf": "no text"}.items():
        assert words in failed[path], (path, failed[path])
    listed = paths(shell, "bad")
    assert "bintxt.md" in listed and listed["bomb.docx"]["state"] == "failed"
    for city in ("Köln", "Bonn"):
        assert "Grüße" in shell.json("search", city, "-C", "bad", "--mode", "keyword")["hits"][0]["text"]
    assert "agrees" in shell.run("rag", "check")


def test_more_that_cannot_be_read(shell, tmp_path):
    bad = tmp_path / "worse"
    bad.mkdir()
    with open(bad / "huge.txt", "wb") as huge:
        huge.truncate(2 << 30)
    (bad / "bomb.pdf").write_bytes(files.pdf_bomb(400))
    (bad / "archive.zip").write_bytes(files.archive({"a.txt": "text"}))
    (bad / "macros.docx").write_bytes(files.docx("Plain words about llamas.", extra={"word/vbaProject.bin": b"AutoOpen Shell evilmacro"}))
    (bad / "nul.txt").write_bytes(b"one\x00two\xff\xfe\x80 three about tapirs")
    (bad / "tab\tnew\nline.md").write_text("A name with control characters, about marmots.")
    report = shell.json("docs", "add", str(bad), "-C", "worse", "--no-embedding", expect=1)
    failed = {f["path"]: f["problem"] for f in report["failed"]}
    for path, words in {"huge.txt": "256 MiB", "bomb.pdf": "", "archive.zip": "does not read", "nul.txt": "the name ends"}.items():
        assert path in failed and words in failed[path], (path, failed)
    listed = paths(shell, "worse")
    assert "tab new line.md" in listed and listed["macros.docx"]["state"] == "ready"
    assert shell.json("search", "llamas", "-C", "worse", "--mode", "keyword")["hits"]
    shell.run("search", "evilmacro", "-C", "worse", "--mode", "keyword", expect=1)


def test_a_file_that_changes_while_it_is_read(shell, tmp_path):
    """whole as it was at one moment, or named; never half of two versions"""
    folder = tmp_path / "changing"
    folder.mkdir()
    stop = threading.Event()

    def rewrite():
        version = 0
        while not stop.is_set():
            version += 1
            (folder / "log.txt").write_text("\n\n".join(f"version{version} says the same in line {n}." for n in range(4000)))
    rewrite_once = threading.Thread(target=rewrite)
    rewrite_once.start()
    try:
        for _ in range(6):
            shell.run("docs", "add", str(folder), "-C", "changing", "--no-embedding", "--json", expect=None)
            document = paths(shell, "changing")["log.txt"]
            assert document["state"] == "ready" or "changed while" in document["problem"] or "empty" in document["problem"], document
            hits = shell.json("search", "says", "-C", "changing", "--mode", "keyword", "--limit", "100", expect=None)["hits"]
            assert len({word for hit in hits for word in re.findall(r"version\d+", hit["text"])}) <= 1
    finally:
        stop.set()
        rewrite_once.join()


def test_what_was_read_before_answers_while_a_new_version_cannot_be_read(shell, tmp_path):
    folder = tmp_path / "plans"
    folder.mkdir()
    (folder / "plan.pdf").write_bytes(files.pdf(["The quokka plan."]))
    shell.json("docs", "add", str(folder), "-C", "plans", "--no-embedding")
    (folder / "plan.pdf").write_bytes(b"%PDF-1.4 half of a")
    failed = shell.json("docs", "sync", str(folder), "-C", "plans", "--no-embedding", expect=1)["failed"]
    assert "broken" in failed[0]["problem"]
    assert shell.json("search", "quokka", "-C", "plans", "--mode", "keyword")["hits"]
    assert "still answers" in paths(shell, "plans")["plan.pdf"]["problem"]
    (folder / "plan.pdf").write_bytes(files.pdf(["The numbat plan."]))
    assert shell.json("docs", "sync", str(folder), "-C", "plans", "--no-embedding")["changed"] == 1
    shell.run("search", "quokka", "-C", "plans", "--mode", "keyword", expect=1)
    assert "agrees" in shell.run("rag", "check")


def test_a_question_of_a_megabyte_and_collections_that_are_not_there(house):
    """also in the chat and by a model's name: named, and nothing breaks"""
    admin = house.admin
    long_one = admin.post("/segue/v1/search", {"query": "zebra " * 180_000})
    assert long_one.status == 400 and "query" in long_one.json()["detail"], long_one
    missing = admin.post("/segue/v1/search", {"query": "zebra", "collections": ["nowhere"]})
    assert missing.status == 404 and "there are: " in missing.json()["detail"] and "segue" in missing.json()["detail"]


def ready(browser, document, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = browser.get(f"/segue/v1/documents/{document}").json()
        if got["state"] in ("ready", "embedding", "failed"):
            return got
        time.sleep(0.1)
    raise AssertionError(got)


def upload(browser, collection, path, content):
    return browser.post(f"/segue/v1/collections/{collection}/documents?path={path}", content,
                        {"Content-Type": "application/octet-stream"})


def search(browser, query, **more):
    reply = browser.post("/segue/v1/search", {"query": query, "mode": "keyword", **more})
    assert reply.status == 200, reply
    return reply.json()


def test_the_api_takes_reads_finds_and_opens(house):
    admin = house.admin
    made = admin.post("/segue/v1/collections", {"id": "notes", "name": "Notes", "readers": [{"kind": "everyone", "id": ""}]})
    assert made.status == 201 and made.json()["can_write"]
    assert admin.post("/segue/v1/collections", {"id": "notes", "name": "x"}).status == 409
    assert admin.post("/segue/v1/collections", {"id": "No good", "name": "x"}).status == 400
    reply = upload(admin, "notes", "../../etc/z%E2%80%AEebra.md", b"# Zebra\n\nStripes everywhere.\n\n## Food\n\nGrass, mostly.\n")
    assert reply.status == 202 and reply.json()["path"] == "etc/zebra.md", reply
    document = ready(admin, reply.json()["id"])
    assert document["state"] in ("ready", "embedding") and document["passages"] == 2 and document["title"] == "Zebra"
    found = search(admin, "what grass", explain=True)
    hit = found["hits"][0]
    assert hit["heading"] == ["Zebra", "Food"] and "\x02Grass\x03" in hit["snippet"] and hit["explain"]["keyword"]["rank"] == 1
    text = admin.get(f"/segue/v1/documents/{hit['document']}/text?around={hit['passage']}&limit=1").json()
    assert [p["text"] for p in text["passages"]] == ["Grass, mostly."] and text["document"]["path"] == "etc/zebra.md"
    refused = upload(admin, "notes", "a.exe", b"MZ")
    assert refused.status == 400 and "does not read" in refused.json()["detail"]
    bad = ready(admin, upload(admin, "notes", "bad.pdf", b"%PDF-1.4 junk").json()["id"])
    assert bad["state"] == "failed" and "broken" in bad["problem"]
    assert admin.post(f"/segue/v1/documents/{bad['id']}/retry").status == 202
    assert ready(admin, bad["id"])["state"] == "failed"
    listed = admin.get("/segue/v1/collections/notes/documents?state=failed").json()
    assert [d["path"] for d in listed["documents"]] == ["bad.pdf"] and listed["total"] == 1
    assert admin.request("DELETE", f"/segue/v1/documents/{bad['id']}").status == 204
    assert admin.get(f"/segue/v1/documents/{bad['id']}").status == 404


def test_what_is_removed_or_replaced_while_it_is_read_stays_so(house):
    admin = house.admin
    assert admin.post("/segue/v1/collections", {"id": "hasty", "name": "Hasty"}).status == 201
    long = b"# Okapi\n\n" + b"".join(b"An okapi of the number %d sleeps.\n\n" % n for n in range(4000))
    for n in range(12):
        # Some while they wait, some while they are read.
        document = upload(admin, "hasty", f"gone{n}.md", long).json()["id"]
        time.sleep(0.02 * n)
        assert admin.request("DELETE", f"/segue/v1/documents/{document}").status == 204
        upload(admin, "hasty", f"kept{n}.md", long)
        time.sleep(0.02 * n)
        assert upload(admin, "hasty", f"kept{n}.md", b"# Kudu\n\nA kudu of the number %d runs.\n" % n).status == 202
    for document in admin.get("/segue/v1/collections/hasty/documents?limit=100").json()["documents"]:
        ready(admin, document["id"])
    listed = admin.get("/segue/v1/collections/hasty/documents?limit=100").json()["documents"]
    assert sorted(d["path"] for d in listed) == sorted(f"kept{n}.md" for n in range(12))
    assert search(admin, "okapi", collections=["hasty"])["hits"] == []
    assert search(admin, "kudu", collections=["hasty"], limit=100)["total"] == 12
    assert admin.request("DELETE", "/segue/v1/collections/hasty").status == 204


def test_people_see_what_is_theirs_only(house):
    admin = house.admin
    ann, bob = house.person(admin, "ann", "user"), house.person(admin, "bob", "user")
    ann_id = ann.session["person"]["id"]
    grant = [{"kind": "person", "id": str(ann_id)}]
    assert admin.post("/segue/v1/collections", {"id": "hers", "name": "Hers", "readers": grant}).status == 201
    uploaded = upload(admin, "hers", "plan.md", b"The secret giraffe plan.").json()
    ready(admin, uploaded["id"])
    assert [h["path"] for h in search(ann, "giraffe")["hits"]] == ["plan.md"]
    assert search(bob, "giraffe")["hits"] == [] and search(bob, "giraffe")["total"] == 0
    for path in ("/segue/v1/collections/hers", "/segue/v1/collections/hers/documents", f"/segue/v1/documents/{uploaded['id']}",
                 f"/segue/v1/documents/{uploaded['id']}/text"):
        assert ann.get(path).status == 200 and bob.get(path).status == 404, path
    assert bob.post("/segue/v1/search", {"query": "giraffe", "collections": ["hers"]}).status == 404
    assert "hers" not in [c["id"] for c in bob.get("/segue/v1/collections").json()["collections"]]
    assert admin.request("PATCH", "/segue/v1/collections/hers", {"readers": []}).status == 200
    assert search(ann, "giraffe")["hits"] == []
    assert admin.request("DELETE", "/segue/v1/collections/hers").status == 204
    assert search(admin, "giraffe")["hits"] == []


@pytest.mark.parametrize("body, words", [({}, "query"), ({"query": "x" * 40_000}, "query"), ({"query": "x", "mode": "y"}, "mode"),
                                         ({"query": "x", "since": "yesterday"}, "since"), ({"query": "x", "since": "0001-01-01T00:00:00Z"}, "since"), ({"query": "x", "limit": 0}, "limit")])
def test_wrong_searches_are_explained(house, body, words):
    reply = house.admin.post("/segue/v1/search", body)
    assert reply.status == 400 and words in reply.json()["detail"], reply
