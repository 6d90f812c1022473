"""C49 to C64: Ollama front, embeddings, lists, management, vLLM engine (wire 6.3)."""

from __future__ import annotations

import datetime
import math
import re

import pytest

from conformance.checks import HELLO, error, lines, whole
from conformance.test_c028_generate import wait_for
from support.embedder import make_embedder, vector
from support.rigs import EMBEDS, MODEL, make

NO_EMBEDDINGS = "This server does not support embeddings. Start it with `--embeddings`"


@pytest.fixture
def embedder(rigs):
    """Segue in front of a vLLM that serves an embedding model."""
    rig = rigs.get("openai", profile=EMBEDS)
    make_embedder(rig.engine)
    return rig


def length_of(values):
    return math.sqrt(sum(value * value for value in values))


def test_c49_embed(embedder):
    """embed: order, length 1, dimensions cut by Segue, the three numbers always there (wire 3.14, 4.4)"""
    row = whole(embedder.post("/api/embed", {"model": MODEL, "input": "hello"}))
    assert row["model"] == MODEL and len(row["embeddings"]) == 1
    row = whole(embedder.post("/api/embed", {"model": MODEL, "input": ["a", "b", "c"], "dimensions": 8}))
    for number, values in enumerate(row["embeddings"]):
        assert len(values) == 8 and abs(length_of(values) - 1) < 1e-5
        expected = vector(number)[:8]
        assert all(abs(a - b / length_of(expected)) < 1e-5 for a, b in zip(values, expected))
    assert row["prompt_eval_count"] == 9
    assert all(isinstance(row[name], int) and row[name] >= 1 for name in ("total_duration", "load_duration"))
    sent = embedder.engine.sent("/v1/embeddings")
    assert sent["encoding_format"] == "float" and "dimensions" not in sent


def test_c50_embed_edges(embedder):
    """embed: empty input answered by Segue, an empty string in a list, a number (wire 1.9)"""
    for body in ({"input": ""}, {"input": []}, {}):
        assert whole(embedder.post("/api/embed", {"model": MODEL, **body})) == {"model": MODEL, "embeddings": []}
    assert embedder.engine.asked("/v1/embeddings") == []
    reply = embedder.post("/api/embed", {"model": MODEL, "input": ["a", ""]})
    assert len(whole(reply)["embeddings"]) == 2
    assert embedder.engine.sent("/v1/embeddings")["input"] == ["a", " "]
    error(embedder.post("/api/embed", {"model": MODEL, "input": 7}), 400, "invalid input type")


def test_c51_embeddings(embedder):
    """the older embeddings route (wire 1.9)"""
    row = whole(embedder.post("/api/embeddings", {"model": MODEL, "prompt": "hello"}))
    assert list(row) == ["embedding"] and len(row["embedding"]) == 16
    assert whole(embedder.post("/api/embeddings", {"model": MODEL, "prompt": ""})) == {"embedding": []}


def test_c52_embed_unsupported(v_any):
    """embed to a generating engine: 501 in Ollama's words, never `detail` (R:embed, wire 2.1)"""
    error(v_any.post("/api/embed", {"model": MODEL, "input": "hello"}), 501, NO_EMBEDDINGS)
    assert "detail" not in v_any.post("/api/embeddings", {"model": MODEL, "prompt": "hello"}).text


def test_c53_root(x):
    """GET and HEAD of `/`, version, tags (R:get_root)"""
    reply = x.get("/")
    assert (reply.status, reply.text, reply.get("content-type")) == (200, "Ollama is running",
                                                                    "text/plain; charset=utf-8")
    version = whole(x.get("/api/version"))
    assert list(version) == ["version"] and re.fullmatch(r"\d+\.\d+\.\d+", version["version"])
    if x.engine.dialect == "openai":
        assert tuple(map(int, version["version"].split("."))) >= (0, 12, 11)
    for path in ("/", "/api/version", "/api/tags"):
        got, head = x.get(path), x.request("HEAD", path)
        assert head.status == 200 and head.body == b""
        assert head.get("content-type") == got.get("content-type")
        assert head.get("content-length") == got.get("content-length") == str(len(got.body))


def check_details(details, with_length):
    assert {"parent_model", "format", "family", "families", "parameter_size", "quantization_level"} <= set(details)
    assert isinstance(details["families"], list)
    assert ("context_length" in details) == with_length


def test_c54_tags(v):
    """tags: all keys, a digest that survives a restart, a name with its tag; nothing configured (wire 3.8)"""
    (row,) = whole(v.get("/api/tags"))["models"]
    assert {"name", "model", "modified_at", "size", "digest", "details", "capabilities"} <= set(row)
    assert row["name"] == row["model"] == f"{MODEL}:latest"
    assert re.fullmatch(r"[0-9a-f]{64}", row["digest"]) and row["size"] > 0
    datetime.datetime.fromisoformat(row["modified_at"].replace("Z", "+00:00"))
    check_details(row["details"], with_length=True)
    assert row["details"]["context_length"] == 1024
    again = make("openai")
    try:
        assert again.get("/api/tags").json()["models"][0]["digest"] == row["digest"]
    finally:
        again.stop()


def test_c54_tags_empty():
    """tags when nothing is served (wire 3.8)"""
    rig = make("ollama", no_models=True)
    try:
        reply = rig.get("/api/tags")
        assert (reply.status, reply.json()) == (200, {"models": []})
    finally:
        rig.stop()


def test_c55_ps():
    """ps lists what is ready: not what sleeps, not what is down (wire 3.8)"""
    rig = make("openai", engine={"probe_interval": "100ms"})
    try:
        (row,) = whole(rig.get("/api/ps"))["models"]
        assert row["name"] == f"{MODEL}:latest" and row["size"] == row["size_vram"] > 0
        assert row["context_length"] == 1024 and "modified_at" not in row and "capabilities" not in row
        check_details(row["details"], with_length=False)
        expires = datetime.datetime.fromisoformat(row["expires_at"].replace("Z", "+00:00"))
        assert expires.year > datetime.datetime.now().year + 20
        rig.engine.asleep = True
        wait_for(lambda: rig.get("/api/ps").json()["models"] == [])
        assert [m["name"] for m in rig.get("/api/tags").json()["models"]] == [f"{MODEL}:latest"]
        rig.engine.asleep = False
        wait_for(lambda: rig.get("/api/ps").json()["models"] != [])
        rig.engine.dead = True
        wait_for(lambda: rig.get("/api/ps").json()["models"] == [])
    finally:
        rig.stop()


def test_c56_show(v):
    """show by model, by name, with tag, verbose: one object with what clients read (R:show)"""
    replies = [whole(v.post("/api/show", body)) for body in (
        {"model": MODEL}, {"name": MODEL}, {"model": f"{MODEL}:latest"}, {"model": MODEL, "verbose": True})]
    for row in replies:
        assert set(row) >= {"modelfile", "parameters", "template", "details", "model_info", "capabilities",
                            "modified_at"}
        assert row["model_info"] == replies[0]["model_info"] and row["capabilities"] == replies[0]["capabilities"]
    row = replies[0]
    architecture = row["model_info"]["general.architecture"]
    assert row["model_info"][f"{architecture}.context_length"] == 1024
    assert "num_ctx                        1024" in row["parameters"].splitlines()
    assert sorted(row["capabilities"]) == ["completion", "thinking", "tools"]
    check_details(row["details"], with_length=False)


def test_c57_unknown_models(x):
    """unknown and missing models, each route in its own words (wire 1.3)"""
    error(x.post("/api/show", {"model": "nope"}), 404, "model 'nope:latest' not found")
    error(x.post("/api/show", {}), 400, "model is required")
    error(x.request("DELETE", "/api/delete", {"model": "nope"}), 404, "model 'nope' not found")
    error(x.post("/api/chat", {"model": "nope", "messages": [{"role": "user", "content": "x"}]}), 404,
          "model 'nope' not found")
    error(x.post("/api/embed", {"model": "nope", "input": "x"}), 404,
          'model "nope" not found, try pulling it first')
    error(x.post("/api/generate", {"prompt": "x"}), 404, "model '' not found")
    error(x.post("/api/chat", {"messages": [{"role": "user", "content": "x"}]}), 400, "model is required")


@pytest.mark.parametrize("name", [MODEL, f"{MODEL}:latest", f"library/{MODEL}",
                                  "registry.ollama.ai/library/Segue-Tiny:LATEST"])
def test_c58_names(v, name):
    """all spellings of one name reach one target; the answer repeats the name as sent (wire 1.4)"""
    row = whole(v.post("/api/chat", {"model": name, "messages": [{"role": "user", "content": "Hello"}],
                                     "stream": False, "think": False}))
    assert row["model"] == name and row["message"]["content"] == HELLO
    assert v.engine.sent()["model"] == MODEL


def test_c59_bad_name(x):
    """a name that cannot be one (R:err_invalid_name)"""
    error(x.post("/api/generate", {"model": "///bad name", "prompt": "x"}), 400, "invalid model name")


def status_lines(reply):
    assert reply.status == 200 and reply.content_type == "application/x-ndjson" and reply.complete, reply
    return reply.lines()


def test_c60_pull(v):
    """pull of a known model, streamed and not; of another one (wire 3.9)"""
    rows = status_lines(v.post("/api/pull", {"model": MODEL}))
    digest = v.get("/api/tags").json()["models"][0]["digest"]
    assert [row["status"] for row in rows] == ["pulling manifest", f"pulling {digest[:12]}",
                                               "verifying sha256 digest", "writing manifest", "success"]
    assert rows[1]["total"] == rows[1]["completed"] > 0 and rows[1]["digest"].startswith("sha256:")
    reply = v.post("/api/pull", {"name": MODEL, "stream": False})
    assert (reply.status, reply.json()) == (200, {"status": "success"})
    rows = v.post("/api/pull", {"model": "llama3.2"}).lines()
    assert rows == [{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}]
    error(v.post("/api/pull", {"model": "llama3.2", "stream": False}), 500,
          "pull model manifest: file does not exist")


def test_c61_push_create(v, rigs):
    """push is refused; create from a model is an alias with a profile, refused where none may be kept (wire 3.9)"""
    refusal = "push is not supported: this server does not store models"
    for stream in (True, False):
        error(v.post("/api/push", {"model": MODEL, "stream": stream}), 501, refusal)
    error(v.post("/api/create", {"model": "x"}), 400, "neither 'from' or 'files' was specified")
    rows = status_lines(v.post("/api/create", {"model": "polite", "from": MODEL, "system": "Be polite."}))
    try:
        assert rows[-1] == {"status": "success"} and any("layer" in row["status"] for row in rows)
        v.play("chat_system")
        row = whole(v.post("/api/chat", {"model": "polite", "stream": False, "think": False,
                                         "messages": [{"role": "user", "content": "Hello"}]}))
        assert row["model"] == "polite"
        assert v.engine.sent()["messages"][0] == {"role": "system", "content": "Be polite."}
    finally:
        v.request("DELETE", "/api/delete", {"model": "polite"})
    bare = rigs.get("openai", store=False)
    error(bare.post("/api/create", {"model": "polite", "from": MODEL, "system": "Be polite."}), 501)


def test_c62_copy_delete(v, rigs):
    """copy makes an alias (501 where none may be kept), delete removes it, configured models stay (wire 3.9)"""
    error(v.post("/api/copy", {"source": "nope", "destination": "x"}), 404, 'model "nope" not found')
    reply = v.post("/api/copy", {"source": MODEL, "destination": "twin"})
    assert (reply.status, reply.body) == (200, b"")
    assert "twin:latest" in [row["name"] for row in v.get("/api/tags").json()["models"]]
    reply = v.request("DELETE", "/api/delete", {"model": "twin"})
    assert (reply.status, reply.body) == (200, b"")
    text = error(v.request("DELETE", "/api/delete", {"model": MODEL}), 403)
    assert text == f"model '{MODEL}' is managed by configuration"
    error(rigs.get("openai", store=False).post("/api/copy", {"source": MODEL, "destination": "twin"}), 501)


def test_c63_rest(x):
    """blobs, me, signout, status, web search (wire 3.9)"""
    digest = "sha256:" + "0" * 64
    if x.engine.dialect == "ollama":
        pytest.skip("answered by the Ollama engine itself")
    assert x.request("HEAD", f"/api/blobs/{digest}").status == 404
    assert x.post(f"/api/blobs/{digest}", b"hello").status == 501
    reply = x.post("/api/me", {})
    assert (reply.status, reply.json()) == (401, {"error": "unauthorized"})
    assert x.post("/api/signout", {}).status == 200
    assert whole(x.get("/api/status")) == {"cloud": {"disabled": True, "source": "config"}}
    assert error(x.post("/api/experimental/web_search", {"query": "x"}), 403) == (
        "ollama cloud is disabled: web search is unavailable")


def test_c64_command_line_calls(v_any):
    """the HTTP calls of the `ollama` command line (its binary is in no package registry; calls as in wire 4.4)

    -v, list, ps, show, run, run without thinking, stop, pull, and run of an unknown model, each as the program
    sends them, with what it would stumble over: a digest shorter than 12, dates, missing capabilities.
    """
    headers = {"Accept": "application/x-ndjson", "User-Agent": "ollama/0.33.0 (amd64 linux) Go/go1.24"}

    def show(name):
        return v_any.post("/api/show", {"model": name, "system": "", "template": "", "verbose": False,
                                        "options": None, "name": ""}, headers)

    assert v_any.request("HEAD", "/", None, headers).status == 200
    assert whole(v_any.get("/api/version", headers))["version"]  # -v
    (entry,) = whole(v_any.get("/api/tags", headers))["models"]  # list
    assert len(entry["digest"]) >= 12 and entry["size"] >= 0
    (loaded,) = whole(v_any.get("/api/ps", headers))["models"]  # ps: 100% GPU, Forever
    assert len(loaded["digest"]) >= 12 and loaded["size"] == loaded["size_vram"] > 0
    until = datetime.datetime.fromisoformat(loaded["expires_at"].replace("Z", "+00:00"))
    assert until - datetime.datetime.now(datetime.timezone.utc) > datetime.timedelta(days=20 * 366)
    info = whole(show(MODEL))  # show, run
    assert "thinking" in info["capabilities"] and "completion" in info["capabilities"]
    for think, question, names in ((True, "What is 3 plus 4?", "chat_think_stream"),
                                   (False, "What is the capital of France?", "chat_stream_usage")):
        v_any.play(names)
        rows = lines(v_any.generate(question, think=think, options={}, keep_alive=None))
        assert "".join(row["response"] for row in rows)
        assert bool("".join(row.get("thinking", "") for row in rows)) == think
    row = whole(v_any.generate("", keep_alive=0))  # stop
    assert row["done_reason"] == "unload"
    rows = status_lines(v_any.post("/api/pull", {"model": MODEL, "name": MODEL}, headers))  # pull
    assert rows[-1]["status"] == "success"
    assert show("nope").status == 404  # run nope: pull is tried, then the text is shown
    rows = v_any.post("/api/pull", {"model": "nope"}, headers).lines()
    assert rows[-1] == {"error": "pull model manifest: file does not exist"}
