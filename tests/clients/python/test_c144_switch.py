"""C144: one program, AI_BACKEND switched between two runs: equal fields, equal greedy text (issue 1)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.segue import NotStarted, Rehearsal, Segue

PROGRAM = '''
import json, os, ollama
client = ollama.Client(host=os.environ["OLLAMA_HOST"])
def plain(answer):
    value = json.loads(answer.model_dump_json())
    return {k: (v if not (k.endswith("_at") or k.endswith("_duration")) else type(v).__name__) for k, v in value.items()}
ask = lambda text, **more: client.chat("segue-tiny", [{"role": "user", "content": text}], options={"temperature": 0}, **more)
out = [plain(ask("What is the capital of France?", think=False)), plain(ask("What is 3 plus 4?", think=True)),
       "".join(part.message.content for part in ask("What is the capital of France?", think=False, stream=True))]
print(json.dumps(out, sort_keys=True))
'''


def test_c144_backend_switch():
    """the same program, `AI_BACKEND` switched between two runs: equal fields, equal greedy text"""
    try:
        engines = {"ollama": Rehearsal("ollama"), "vllm": Rehearsal("vllm")}
    except NotStarted as error:
        pytest.fail(str(error))
    outputs = []
    try:
        for backend in ("ollama", "vllm"):
            segue = Segue({"log": {"format": "json"}}, {
                "AI_BACKEND": backend, "OLLAMA_URL": engines["ollama"].url, "VLLM_ENDPOINT": engines["vllm"].url,
                "OLLAMA_MODEL": "segue-tiny", "VLLM_MODEL": "segue-tiny"})
            try:
                segue.wait_ready()
                done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60,
                                      env={"OLLAMA_HOST": segue.url, "PATH": ""})
                assert done.returncode == 0, done.stderr
                outputs.append(done.stdout)
            finally:
                segue.stop()
        answered = [[row["path"] for row in engines[name].requests()["requests"] if row["method"] == "POST"]
                    for name in ("ollama", "vllm")]
    finally:
        for engine in engines.values():
            engine.stop()
    assert outputs[0] == outputs[1]
    assert "/api/chat" in answered[0] and "/v1/chat/completions" in answered[1]
