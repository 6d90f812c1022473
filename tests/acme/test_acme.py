"""The example company chat moves from Ollama to vLLM, and its own tests pass, unchanged, at every step.

The engines are rehearsal ones. With SEGUE_VLLM (`make test-engines`) a real vLLM stands in for the rehearsal vLLM.
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from support.segue import Rehearsal, Segue, binary

from acme.stage import MODELS, App

REAL = os.environ.get("SEGUE_VLLM")
REAL_MODEL = "segue-tiny"
CHAT, ANALYSIS, EMBEDDING = MODELS


def rehearsal(dialect, *models):
    return Rehearsal(dialect, "--no-latency", "--embeddings", skill="", models=models)


@pytest.fixture(scope="module")
def ollama():
    """The Ollama that the company has: all its models in one server."""
    engine = rehearsal("ollama", *MODELS)
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def segue():
    """Segue where Ollama was, in front of vLLM: one server a model, as vLLM has it."""
    if REAL:
        engines, started = [{"name": "vllm", "url": REAL, "dialect": "vllm"}], []
        served = {CHAT: ("vllm", REAL_MODEL), ANALYSIS: ("vllm", REAL_MODEL)}
    else:
        started = [rehearsal("vllm", model) for model in MODELS.values()]
        engines = [{"name": f"vllm-{number}", "url": engine.url, "dialect": "vllm"} for number, engine in enumerate(started)]
        served = {tag: (f"vllm-{number}", model) for number, (tag, model) in enumerate(MODELS.items())}
    # Until the last step clients ask for Ollama's tags; then for what vLLM serves.
    models = [{"name": name, "targets": [{"engine": engine, "model": model}]} for tag, (engine, model) in served.items()
              for name in (tag, MODELS[tag])]
    gateway = Segue({"engines": engines, "models": models})
    gateway.wait_ready()
    yield gateway
    gateway.stop()
    for engine in started:
        engine.stop()


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    return App(tmp_path_factory.mktemp("acme") / "acme-chat")


def before(url):
    """The environment of the application as it is."""
    return {"OLLAMA_URL": url, "OLLAMA_HOST": url}


@pytest.fixture(scope="module")
def counted(app, ollama):
    """What passes at the beginning is what must pass at every later step."""
    return app.test(before(ollama.url))


def test_before(counted):
    assert counted.python >= 20 and counted.node >= 14


def passes_like(counted, app, environment):
    """The same number of tests; a real vLLM that serves one model that writes makes no vectors."""
    without = {"ACME_NO_EMBEDDINGS": "1"} if REAL and "VLLM_ENDPOINT" in environment else {}
    got = app.test({**environment, **without})
    assert (got.python, got.node) == (counted.python, counted.node - 2 * len(without))


def test_drop_in(app, counted, segue):
    """Only the address changes."""
    without = {"ACME_NO_EMBEDDINGS": "1"} if REAL else {}
    got = app.test({**before(segue.url), **without})
    assert (got.python, got.node) == (counted.python, counted.node - 2 * len(without))


def rewrite(app, verb, *arguments):
    done = subprocess.run([binary(), "rewrite", verb, *arguments, str(app.folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def test_drop_in_by_rewrite(counted, segue, tmp_path):
    """`segue rewrite --to drop-in` puts Segue's address where Ollama's was: no environment is needed then."""
    if REAL:
        pytest.skip("the models of a real vLLM are not those of the application's defaults")
    app = App(tmp_path / "acme-chat")
    before_it = app.git("rev-parse", "HEAD^{tree}")
    rewrite(app, "apply", "--to", "drop-in", "--segue", segue.url)
    assert app.test({}) == counted
    rewrite(app, "undo")
    app.git("add", "-A", ":!segue-rewrite.patch")
    assert app.git("write-tree") == before_it


def rewritten(step, folder, *arguments):
    """A copy of the application after one step, with the change committed."""
    app = App(folder / "acme-chat")
    rewrite(app, "apply", "--to", step, *arguments)
    (app.folder / "segue-rewrite.patch").unlink()
    app.commit(f"segue rewrite --to {step}")
    return app


def findings(app):
    done = subprocess.run([binary(), "audit", "--format", "json", str(app.folder)], capture_output=True)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)["findings"]


def references(app, folder):
    """How the proof speaks of the references in the tree."""
    environment = {**os.environ, "SEGUE_DATA_DIR": str(folder / "data")}
    subprocess.run([binary(), "keys", "signing", "create", "--name", "release"], check=True, capture_output=True, env=environment)
    subprocess.run([binary(), "audit", "--prove", str(app.folder), "--output", str(folder / "proof.json")], capture_output=True,
                   env=environment)
    record = json.loads((folder / "proof.json").read_text())["record"]
    return next(part for part in record["parts"] if part["id"] == "REFERENCES")


@pytest.fixture(scope="module")
def dual(tmp_path_factory):
    return rewritten("dual", tmp_path_factory.mktemp("dual"), "--owner", "@ann")


def test_dual_on_ollama(dual, counted, ollama):
    """One environment variable is the way back."""
    passes_like(counted, dual, {"AI_BACKEND": "ollama", **before(ollama.url)})


def test_dual_on_vllm(dual, counted, segue):
    passes_like(counted, dual, {"AI_BACKEND": "vllm", "VLLM_ENDPOINT": segue.url})


def test_dual_is_no_proof(dual, tmp_path):
    """What is left is allowed for a time, with an owner; nobody can sign that it is gone."""
    allowed = [finding for finding in findings(dual) if finding["suppressed"]]
    assert allowed and all(finding["suppressed"]["until"] for finding in allowed)
    assert references(dual, tmp_path)["standing"] == "not clean"


def is_final(app, counted, segue, folder):
    """Nothing of Ollama is left, and the tests, renamed with everything else, still pass."""
    assert [f"{f['path']}:{f['line']} {f['kind']}" for f in findings(app) if f["level"] != "note"] == []
    assert subprocess.run(["git", "-C", str(app.folder), "grep", "-il", "ollama"], capture_output=True, text=True).stdout == ""
    assert "ollama" not in app.git("ls-files").lower()
    assert references(app, folder)["standing"] == "clean"
    passes_like(counted, app, {"VLLM_ENDPOINT": segue.url})
    again = subprocess.run([binary(), "rewrite", "--to", "final", str(app.folder)], capture_output=True, text=True)
    assert (again.returncode, again.stdout) == (0, "")


def test_final(counted, segue, tmp_path):
    is_final(rewritten("final", tmp_path), counted, segue, tmp_path)


def test_final_after_the_other_steps(counted, segue, tmp_path):
    """Step by step, each committed, ends where going at once does."""
    app = App(tmp_path / "acme-chat")
    for step, words in (("drop-in", ()), ("dual", ("--owner", "@ann")), ("final", ())):
        rewrite(app, "apply", "--to", step, *words)
        (app.folder / "segue-rewrite.patch").unlink()
        app.commit(f"segue rewrite --to {step}")
    assert not list(app.folder.rglob("ai*client.*")) and not (app.folder / "segue-audit.yaml").exists()
    is_final(app, counted, segue, tmp_path)


def test_the_audit_names_what_the_mission_names(app):
    """The list that this project began with comes out of a run, file by file."""
    done = subprocess.run([binary(), "audit", "--format", "json", str(app.folder)], capture_output=True)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    kinds = {rule: finding["kind"] for finding in report["findings"] for rule in [finding["rule"]]}
    found = {}
    for finding in report["findings"]:
        if finding["level"] != "note":
            every = {finding["kind"], *(kinds.get(rule) for rule in finding["also"])}
            found.setdefault(finding["path"], []).append((finding["line"], every, finding["snippet"]))

    def has(path, kind, text="", lines=range(1, 10_000)):
        assert any(kind in every and text in snippet and line in lines for line, every, snippet in found[path]), found[path]

    has("backend/chat_service.py", "import", "import ollama", [17])
    has("backend/chat_service.py", "client_call", "AsyncClient", range(181, 203))
    has("backend/chat_service.py", "option", "num_predict", range(181, 203))
    has("backend/chat_service.py", "response_shape", "eval_count", range(181, 203))
    has("backend/ai_service.py", "endpoint", "/api/chat")
    has("backend/ai_service.py", "response_shape", "eval_count")
    for name in ("OLLAMA_URL", "OLLAMA_MODEL", "OLLAMA_HOST", "OLLAMA_PORT"):
        has("backend/config.py", "env", name)
    assert any("OLLAMA_MODEL" in snippet for _, _, snippet in found["backend/main.py"])
    has("backend/src/services/deepseekService.ts", "endpoint", "/api/chat")
    has("backend/src/routes/ingestionRoutes.ts", "env", "OLLAMA_HOST")
    has("ai-services/ollama-service.ts", "import", "ollama")
    has("docker-compose.yml", "image", "ollama/ollama")
    assert {"frontend/src/pages/ChatPage.vue", ".env.example", "package.json", "backend/requirements.txt", "README.md",
            "docs/setup.md"} <= set(found)
    # Another provider's branch and the application's own routes are left alone.
    assert not any("HOSTED_LLM" in snippet or "router." in snippet for rows in found.values() for _, _, snippet in rows
                   if "llama" not in snippet.lower())
