"""The example company chat in a folder of its own, and its own tests, run as its developers run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from pathlib import Path

from support.segue import ROOT

EXAMPLE = ROOT / "examples" / "acme-chat"
MODULES = Path(__file__).parent / "node" / "node_modules"

# What the application asks for, and what a vLLM calls the same weights.
MODELS = {"llama3.1:8b": "meta-llama/Llama-3.1-8B-Instruct",
          "deepseek-r1:7b": "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B",
          "nomic-embed-text": "nomic-ai/nomic-embed-text-v1.5"}


@dataclass
class Counts:
    """How many tests of each kind passed; a failure is an assertion error with the runner's output."""

    python: int
    node: int


class App:
    """One copy of the application. What git does not know is not copied: no node_modules, no caches."""

    def __init__(self, folder: Path):
        self.folder = folder
        names = subprocess.run(["git", "-C", str(EXAMPLE), "ls-files", "-z", "."], check=True, capture_output=True)
        listed = [name for name in names.stdout.decode().split("\0") if name]
        assert len(listed) > 20, f"git knows only {len(listed)} files of {EXAMPLE}"
        for name in listed:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(EXAMPLE / name, folder / name)
        self.git("init", "-q", "-b", "main")
        self.commit("as it is")

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", "-C", str(self.folder), "-c", "user.name=Ann", "-c", "user.email=ann@acme.example", *words],
                              capture_output=True, text=True)
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def test(self, environment: dict[str, str]) -> Counts:
        """Runs pytest and Vitest. Nothing of the outer environment reaches the application."""
        clean = {key: value for key, value in os.environ.items()
                 if not key.startswith(("OLLAMA_", "VLLM_", "AI_BACKEND", "HOSTED_", "CHAT_", "DEEPSEEK_", "ACME_", "SEGUE_"))}
        clean |= {"PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", "CI": "1", **environment}
        with subprocess.Popen(self._vitest(), cwd=self.folder, env=clean, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as node:
            try:
                python = self._pytest(clean)
            except BaseException:
                node.kill()
                raise
            output = node.communicate(timeout=300)[0].decode("utf-8", "replace")
        assert node.returncode == 0, f"vitest ended with {node.returncode}:\n{output}"
        report = json.loads((self.folder / ".vitest.json").read_text())
        (self.folder / ".vitest.json").unlink()
        (self.folder / "node_modules").unlink()
        assert report["success"], output
        return Counts(python, report["numPassedTests"])

    def _vitest(self) -> list[str]:
        assert MODULES.is_dir(), f"no {MODULES}: run tools/deps test"
        os.symlink(MODULES, self.folder / "node_modules")
        node = os.environ.get("NODE") or shutil.which("node") or str(ROOT / ".deps/node/bin/node")
        return [node, str(MODULES / "vitest/vitest.mjs"), "run", "--reporter=default", "--reporter=json",
                "--outputFile=.vitest.json"]

    def _pytest(self, environment: dict[str, str]) -> int:
        report = self.folder / ".pytest.xml"
        done = subprocess.run([sys.executable, "-m", "pytest", f"--junitxml={report}"], cwd=self.folder, env=environment,
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        suite = next(xml.parse(report).getroot().iter("testsuite"))
        report.unlink()
        return int(suite.get("tests", 0)) - int(suite.get("skipped", 0))
