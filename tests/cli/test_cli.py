"""The command line as a person types it: exit codes, messages that say what to do next, JSON."""

import json
import os
import subprocess

import pytest

from support.segue import Rehearsal, Segue, binary


def segue(*arguments, folder, environment=None):
    clean = {key: value for key, value in os.environ.items()
             if not key.startswith(("SEGUE_", "OLLAMA_", "VLLM_", "AI_BACKEND"))}
    return subprocess.run([binary(), *arguments], cwd=folder, capture_output=True, text=True, timeout=60,
                          env={**clean, "HOME": str(folder), "SEGUE_DATABASE": "none", **(environment or {})})


@pytest.fixture
def run(tmp_path):
    return lambda *arguments, **environment: segue(*arguments, folder=tmp_path, environment=environment)


def test_version_and_help(run):
    assert run("version").stdout.startswith("segue 0.")
    assert json.loads(run("version", "--json").stdout)["version"]
    for words in ([], ["serve"], ["config"], ["config", "check"], ["config", "show"], ["config", "init"], ["engines"],
                  ["keys"], ["keys", "create"], ["keys", "list"], ["keys", "revoke"],
                  ["store"], ["store", "status"], ["store", "migrate"], ["store", "check"], ["store", "psql"],
                  ["rehearse"], ["rehearse", "engine"], ["audit"], ["completions"], ["version"]):
        helped = run(*words, "--help")
        assert helped.returncode == 0 and "example" in helped.stdout, words


@pytest.mark.parametrize("words, message", [
    (["serve", "--lisen", "x"], "segue: unknown flag '--lisen' of segue serve; did you mean '--listen'?\n"),
    (["srve"], "segue: unknown word 'srve' of segue; did you mean 'serve'?\n"),
    (["config", "chek"], "segue: unknown word 'chek' of segue config; did you mean 'check'?\n"),
])
def test_a_typo_names_the_nearest(run, words, message):
    done = run(*words)
    assert (done.returncode, done.stderr) == (2, message)


def test_usage_errors_are_json_when_asked(run):
    done = run("serve", "--lisen", "x", "--json")
    assert done.returncode == 2
    assert "did you mean '--listen'" in json.loads(done.stderr)["error"]["message"]


def test_config_init_check_show(run, tmp_path):
    assert run("config", "check").returncode == 0
    assert run("config", "init").returncode == 0
    again = run("config", "init")
    assert again.returncode == 2 and "was left alone" in again.stderr
    assert run("config", "check").returncode == 0
    shown = run("config", "show", "--json", SEGUE_LISTEN="127.0.0.1:9999", VLLM_API_KEY="topsecret")
    assert json.loads(shown.stdout)["listen"] == "127.0.0.1:9999"
    assert "topsecret" not in shown.stdout
    (tmp_path / "segue.yaml").write_text("listen: 127.0.0.1:0\nenignes: []\n")
    wrong = run("config", "check")
    assert wrong.returncode == 2
    assert wrong.stderr == "error: segue.yaml:2:1: unknown key 'enignes'; did you mean 'engines'?\n"
    issues = json.loads(run("config", "check", "--json").stdout)["issues"]
    assert (issues[0]["line"], issues[0]["column"]) == (2, 1)
    assert run("serve").returncode == 2  # nothing starts half
    assert run("config", "check", "--config", "nowhere.yaml").returncode == 2


def test_a_taken_port_says_so(run):
    other = Segue({"engines": []})
    try:
        done = run("serve", "--listen", f"127.0.0.1:{other.port}")
        assert done.returncode == 2 and "address already in use" in done.stderr
    finally:
        other.stop()


def test_engines(run):
    engine = Rehearsal("vllm")
    try:
        done = run("engines", "--direct", VLLM_ENDPOINT=engine.url)
        assert done.returncode == 0
        assert "vllm" in done.stdout and "up (rehearsal)" in done.stdout and "segue-tiny" in done.stdout
        told = json.loads(run("engines", "--direct", "--json", VLLM_ENDPOINT=engine.url).stdout)["engines"][0]
        assert "breaker" not in told and told["load_signal"] == "fresh"
        assert told["state"] == "up" and told["running"] == 0 and told["models"][0]["name"] == "segue-tiny"
    finally:
        engine.stop()
    gone = run("engines", "--direct", VLLM_ENDPOINT=engine.url)
    assert gone.returncode == 3 and "connection refused" in gone.stdout


def test_completions(run, tmp_path):
    for shell in ("bash", "zsh", "fish"):
        script = run("completions", shell)
        assert script.returncode == 0 and "rehearse" in script.stdout
    script = tmp_path / "segue.bash"
    script.write_text(run("completions", "bash").stdout)
    probe = f"source {script}; COMP_WORDS=(segue config ''); COMP_CWORD=2; _segue; echo \"${{COMPREPLY[@]}}\""
    words = subprocess.run(["bash", "-c", probe], capture_output=True, text=True).stdout.split()
    assert {"check", "show", "init"} <= set(words)


def test_rehearsal_options_are_checked(run):
    for arguments in (["--faults", "{"], ["--faults", '{"frobnicate":1}'], ["--skill", "none"], ["--dialect", "x"]):
        done = run("rehearse", "engine", *arguments)
        assert done.returncode == 2 and done.stderr, arguments
