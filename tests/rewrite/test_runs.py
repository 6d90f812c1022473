"""Pairs that can run do: before the change against a rehearsal Ollama, after it against a rehearsal vLLM, with the same answers.

After `dual` they run twice, once with each engine. Addresses that stand in the trees are replaced by those of the engines.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.segue import ROOT, Rehearsal

PAIRS = Path(__file__).parent / "pairs"
PACKAGES = ROOT / "tests" / "acme" / "node" / "node_modules"
MODELS = {"llama3.1:8b": "meta-llama/Llama-3.1-8B-Instruct", "nomic-embed-text": "nomic-ai/nomic-embed-text-v1.5",
          "mistral:7b": "mistralai/Mistral-7B-Instruct-v0.3", "gemma2:2b": "google/gemma-2-2b-it",
          "gemma2:9b": "google/gemma-2-9b-it", "qwen3:8b": "Qwen/Qwen3-8B", "qwen2.5:7b": "Qwen/Qwen2.5-7B-Instruct"}
QUESTION = "Passages:\n[1] The canteen opens at noon on weekdays.\n\nWhen does the canteen open?"
WEATHER = "What is the weather in Paris?"
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather in a city",
                                         "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}

# Case, module, and an expression over its names. JavaScript modules are named by their file.
RUNS = [
    ("python-client", "chat", "ask(Q)"),
    ("python-shared-client", "pkg.use", "[ask(Q), ask_again(Q)]"),
    ("python-wrapper", "wrap", "ask(Q)"),
    ("python-embeddings", "vectors", "[len(many(['a', 'b'])), len(one('a'))]"),
    ("python-requests", "http_chat", "[ask(Q), len(vector('a'))]"),
    ("python-requests-stream", "lines", "''.join(stream([{'role': 'user', 'content': Q}]))"),
    ("python-stream", "stream", "[''.join(pieces(Q)), joined([{'role': 'user', 'content': Q}])]"),
    ("python-httpx", "x", "__import__('asyncio').run(ask([{'role': 'user', 'content': Q}]))"),
    ("python-module-functions", "app", "ask(Q)['answer']"),
    ("python-null-content", "short", "[whole(Q), lines(Q), or_else(Q)]"),
    ("python-openai", "compat", "ask(Q)"),
    ("python-tools", "weather", "[ask(W), first_arguments(W), ask(Q)]"),
    ("python-tools-http", "tools", "called(W)"),
    ("mixed-line-ends", "ask", "ask(Q)"),
    ("setup-py", "desk", "ask(Q)"),
    ("js-tools", "agent.mjs", "await (async () => { const seen = []; return [await turn([{ role: 'user', content: W }], [TOOL], "
                              "async (...call) => { seen.push(call); return 'rain' }), seen] })()"),
    ("ts-client", "src/llm.ts", "[await ask(Q), (await Array.fromAsync(stream(Q))).join('')]"),
    ("ts-fetch", "src/ask.ts", "await ask(Q)"),
    ("ts-ndjson", "src/stream.ts", "await (async () => { let all = ''; await stream([{ role: 'user', content: Q }], (t) => { all += t }); return all })()"),
    ("ts-typed-requests", "src/model.ts", "[await complete(Q), await sketch(Q), await either(Q)]"),
    ("python-optional", "maybe", "ask(Q)"),
    ("ts-openai", "src/llm.ts", "await ask(Q)"),
    ("ts-tools", "src/agent.ts", "[await cities(W), await cities(Q)]"),
]
STEPS = [(*run, step) for run in RUNS for step in ("final", "dual-ollama", "dual-vllm")
         if (PAIRS / run[0] / f"after-{step.partition('-')[0]}").is_dir()]


@pytest.fixture(scope="module")
def engines():
    started = {"ollama": Rehearsal("ollama", "--no-latency", "--embeddings", skill="", models=MODELS),
               "vllm": Rehearsal("vllm", "--no-latency", "--embeddings", skill="", models=MODELS.values()),
               # As dual's compose serves it: under both names.
               "dual": Rehearsal("vllm", "--no-latency", "--embeddings", skill="", models=[*MODELS, *MODELS.values()])}
    yield {name: engine.url for name, engine in started.items()}
    for engine in started.values():
        engine.stop()


def answer(tree, folder, module, expression, url, **environment):
    shutil.copytree(tree, folder)
    for path in folder.rglob("*"):
        if path.is_file():
            text = re.sub(rb"http://[a-z0-9.-]+:(11434|8000|8001)", url.encode(), path.read_bytes())
            # The package's own client for Node knows one address only.
            text = text.replace(b"import ollama from 'ollama'", b"import { Ollama } from 'ollama'\nconst ollama = new Ollama({ host: '%s' })" % url.encode())
            text = text.replace(b"import ollama, { Ollama } from 'ollama'", b"import { Ollama } from 'ollama'\nconst ollama = new Ollama({ host: '%s' })" % url.encode())
            path.write_bytes(text)
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("OLLAMA", "VLLM", "AI_BACKEND", "OPENAI"))}
    if "OLLAMA_HOST" in environment:
        environment["OLLAMA_URL"] = environment["OLLAMA_HOST"]
    clean |= {"PYTHONDONTWRITEBYTECODE": "1", "NODE_NO_WARNINGS": "1", **environment}
    if "." in module and module.rsplit(".", 1)[1] in ("mjs", "ts"):
        # Node finds a module by its whole name; TypeScript's sources leave the ending out.
        for path in folder.rglob("*.ts"):
            path.write_text(re.sub(r"(from ['\"]\./[\w-]+)(['\"])", r"\1.ts\2", path.read_text()))
        (folder / "node_modules").symlink_to(PACKAGES)
        (folder / "run.mjs").write_text(f"const [Q, W, TOOL] = {json.dumps([QUESTION, WEATHER, TOOL])};\n"
                                        f"const m = await import('./{module}');\nconst names = Object.keys(m);\n"
                                        f"const run = new Function('Q', 'W', 'TOOL', ...names, "
                                        f"{json.dumps(f'return (async () => {expression})()')});\n"
                                        "console.log(JSON.stringify(await run(Q, W, TOOL, ...names.map((name) => m[name]))));\n")
        node = os.environ.get("NODE") or shutil.which("node") or str(ROOT / ".deps/node/bin/node")
        command = [node, "run.mjs"]
    else:
        command = [sys.executable, "-c", f"import json, {module} as m\nQ, W = {QUESTION!r}, {WEATHER!r}\n"
                                         f"globals().update(vars(m)); print(json.dumps({expression}))\n"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, env=clean)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout.decode().splitlines()[-1])


@pytest.mark.parametrize("case,module,expression,step", STEPS, ids=[f"{run[0]}-{run[3]}" for run in STEPS])
def test_same_answer(case, module, expression, step, engines, tmp_path):
    before = answer(PAIRS / case / "before", tmp_path / "before", module, expression, engines["ollama"], OLLAMA_HOST=engines["ollama"])
    if step == "final":
        after = answer(PAIRS / case / "after-final", tmp_path / "after", module, expression, engines["vllm"], VLLM_ENDPOINT=engines["vllm"])
    else:
        backend = step.partition("-")[2]
        after = answer(PAIRS / case / "after-dual", tmp_path / "after", module, expression, engines["ollama"],
                       OLLAMA_HOST=engines["ollama"], AI_BACKEND=backend, VLLM_ENDPOINT=engines["dual"])
    assert before == after and before


def test_the_environment_says_where_vllm_is(engines, tmp_path):
    """A client of the `openai` package had the address in its code."""
    got = answer(PAIRS / "python-openai" / "after-final", tmp_path / "after", "compat", "ask(Q)", "http://127.0.0.1:9",
                 VLLM_ENDPOINT=engines["vllm"])
    assert got


def test_enough_of_them_run():
    assert len({run[0] for run in RUNS}) >= 20
