"""One data folder with a private database for this folder's tests; commands start the database as they need it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.segue import binary


class Shell:
    """`segue …` with a data folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("SEGUE_", "DATABASE_URL"))}
        self.environment = {**clean, "SEGUE_DATA_DIR": str(folder / "data"), "HOME": str(folder)}
        if model := os.environ.get("SEGUE_EMBEDDING_DIR"):
            self.environment["SEGUE_EMBEDDING_DIR"] = model

    def run(self, *words: str, expect: int | None = 0, **environment: str) -> str:
        done = subprocess.run([binary(), *words], env={**self.environment, **environment}, cwd=self.folder, timeout=240,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == expect or (expect is None and done.returncode in (0, 1)), (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        self.said = done.stderr
        return done.stdout

    def json(self, *words: str, **more: Any) -> Any:
        return json.loads(self.run(*words, "--json", **more))


@pytest.fixture(scope="session")
def shell(tmp_path_factory):
    return Shell(tmp_path_factory.mktemp("rag"))
