"""Pairs that can run do: before the change against a rehearsal Ollama, after it against a rehearsal vLLM, with the same answers."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from support.segue import Rehearsal

PAIRS = pathlib.Path(__file__).parent / "pairs"
MODELS = {"llama3.1:8b": "meta-llama/Llama-3.1-8B-Instruct", "nomic-embed-text": "nomic-ai/nomic-embed-text-v1.5",
          "mistral:7b": "mistralai/Mistral-7B-Instruct-v0.3"}
QUESTION = "Passages:\n[1] The canteen opens at noon on weekdays.\n\nWhen does the canteen open?"

# Module, an expression, and the variable that carries the address.
RUNS = [
    ("python-client", "chat", "ask(Q)", "OLLAMA_HOST"),
    ("python-shared-client", "pkg.use", "[ask(Q), ask_again(Q)]", "OLLAMA_URL"),
    ("python-wrapper", "wrap", "ask(Q)", "OLLAMA_HOST"),
    ("python-embeddings", "vectors", "[len(many(['a', 'b'])), len(one('a'))]", "OLLAMA_HOST"),
    ("python-requests", "http_chat", "[ask(Q), len(vector('a'))]", "OLLAMA_BASE_URL"),
    ("python-requests-stream", "lines", "''.join(stream([{'role': 'user', 'content': Q}]))", "URL"),
    ("python-stream", "stream", "[''.join(pieces(Q)), joined([{'role': 'user', 'content': Q}])]", "client"),
]


@pytest.fixture(scope="module")
def engines():
    ollama = Rehearsal("ollama", "--no-latency", "--embeddings", skill="", models=MODELS)
    vllm = Rehearsal("vllm", "--no-latency", "--embeddings", skill="", models=MODELS.values())
    yield ollama.url, vllm.url
    ollama.stop()
    vllm.stop()


def answer(folder, module, expression, variable, new_variable, url, openai):
    """Addresses that stand in the code itself are replaced after the import."""
    program = f"import json, {module} as m\nQ = {QUESTION!r}\n"
    if variable == "URL":
        program += f"m.URL = {url!r}\n"
    if variable == "client":
        program += (f"import openai; m.client = openai.OpenAI(base_url={url + '/v1'!r}, api_key='x')\n" if openai
                    else f"import ollama; m.client = ollama.Client(host={url!r})\n")
    program += f"globals().update(vars(m)); print(json.dumps({expression}))\n"
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("OLLAMA", "VLLM"))}
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, timeout=120,
                          env={**clean, new_variable: url, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.mark.parametrize("case,module,expression,variable", RUNS, ids=[run[0] for run in RUNS])
def test_same_answer(case, module, expression, variable, engines):
    ollama, vllm = engines
    before = answer(PAIRS / case / "before", module, expression, variable, variable, ollama, False)
    after = answer(PAIRS / case / "after-final", module, expression, variable, "VLLM_ENDPOINT", vllm, True)
    assert before == after and before
