"""The labelled corpus: text files that each hold one small repository.

`=== path` begins a file. A line may end in a label, two spaces and `@@`:

    ollama.chat(model="x")  @@client_call the reason
    "/api/chat"  @@ok own route

The kinds before the first space (one or more, joined by commas) are those that a finding on the line may have, the decisive one first;
`ok` is a look-alike: nothing at warning or above may be said of the line. Labels are cut off before the audit sees the file.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "corpus"


@dataclass
class Label:
    case: str
    path: str
    line: int
    kinds: list[str]  # empty: a look-alike
    reason: str
    text: str


@dataclass
class Score:
    found: Counter = field(default_factory=Counter)  # by decisive kind
    wanted: Counter = field(default_factory=Counter)
    right_kind: int = 0
    missed: list[Label] = field(default_factory=list)
    other_kind: list[tuple[Label, str]] = field(default_factory=list)
    alike: int = 0
    wrong: list[tuple[Label, str]] = field(default_factory=list)  # look-alikes that were reported
    unlabelled: list[str] = field(default_factory=list)  # reported lines that nobody labelled

    @property
    def recall(self) -> float:
        return sum(self.found.values()) / max(1, sum(self.wanted.values()))

    @property
    def precision(self) -> float:
        right = sum(self.found.values())
        return right / max(1, right + len(self.wrong) + len(self.unlabelled))


def read(case: Path) -> tuple[dict[str, str], list[Label]]:
    files: dict[str, list[str]] = {}
    labels: list[Label] = []
    path = None
    for raw in case.read_text().splitlines():
        if raw.startswith("=== "):
            path = raw[4:].strip()
            files[path] = []
            continue
        if path is None:
            continue
        text, mark, label = raw.partition("  @@")
        files[path].append(text)
        if mark:
            kinds, _, reason = label.partition(" ")
            labels.append(Label(case.stem, path, len(files[path]), [] if kinds == "ok" else kinds.split(","), reason, text.strip()))
    return {name: "\n".join(lines) + "\n" for name, lines in files.items()}, labels


def audit(segue: str, folder: Path) -> list[dict]:
    done = subprocess.run([segue, "audit", str(folder), "--format", "json"], capture_output=True, text=True, timeout=120)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)["findings"]


def score(segue: str, work: Path, only: str | None = None) -> Score:
    total = Score()
    for case in sorted(FOLDER.glob("*.txt")):
        if only and case.stem != only:
            continue
        files, labels = read(case)
        folder = work / case.stem
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        by_line: dict[tuple[str, int], dict] = {}
        for finding in audit(segue, folder):
            if finding["level"] != "note" and finding["token"] != finding["path"].rsplit("/", 1)[-1]:
                by_line[finding["path"], finding["line"]] = finding
        for label in labels:
            finding = by_line.pop((label.path, label.line), None)
            if not label.kinds:
                total.alike += 1
                if finding:
                    total.wrong.append((label, finding["kind"]))
                continue
            if "ok" in label.kinds:  # either answer is right
                continue
            total.wanted[label.kinds[0]] += 1
            if not finding:
                total.missed.append(label)
                continue
            total.found[label.kinds[0]] += 1
            if finding["kind"] in label.kinds:
                total.right_kind += 1
            else:
                total.other_kind.append((label, finding["kind"]))
        total.unlabelled += [f"{case.stem}/{path}:{line} {finding['kind']}: {finding['snippet'][:80]}" for (path, line), finding in sorted(by_line.items())]
    return total
