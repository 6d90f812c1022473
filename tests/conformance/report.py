"""A pytest plugin: which conformance case passed on which engine, as a table in build/conformance.md.

The case is read from the test's name (`test_c37_…`), the engine from its parameters. A skip counts as "not
applicable" and keeps its reason. A case without any result is listed too, so that a gap cannot hide.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path

CASES = 144
ENGINES = ("replay", "rehearsal", "real vLLM")


class Report:
    def __init__(self, path: Path):
        self.path = path
        self.titles: dict[int, str] = {}
        self.results: dict[tuple[int, str], list[tuple[str, str]]] = defaultdict(list)
        self.places: dict[str, tuple[int, str]] = {}

    def pytest_collection_modifyitems(self, items):  # noqa: D102 (a pytest hook)
        for item in items:
            found = re.match(r"test_c(\d+)", item.name)
            if not found:
                continue
            case = int(found.group(1))
            words = (item.function.__doc__ or item.name).strip().splitlines()[0]
            self.titles.setdefault(case, words)
            self.places[item.nodeid] = (case, engine_of(item))

    def pytest_runtest_logreport(self, report):  # noqa: D102
        place = self.places.get(report.nodeid)
        if place is None or (report.when != "call" and report.passed):
            return
        reason = ""
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
        self.results[place].append((report.outcome, reason))

    def pytest_sessionfinish(self, session):  # noqa: D102
        if not self.results:
            return
        rows = ["# Conformance", "", "Made by `tests/run.py`. Cases of the wire specification, one row each.", "",
                "| case | what | " + " | ".join(ENGINES) + " |", "|---|---|" + "---|" * len(ENGINES)]
        for case in range(1, CASES + 1):
            cells = [self.cell(case, engine) for engine in ENGINES]
            rows.append(f"| C{case:02d} | {self.titles.get(case, 'no test').replace('|', chr(92) + '|')} | "
                        + " | ".join(cells) + " |")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("\n".join(rows) + "\n", encoding="utf-8")

    def cell(self, case: int, engine: str) -> str:
        found = self.results.get((case, engine))
        if not found:
            return "not run" if engine == "real vLLM" else ""
        outcomes = [outcome for outcome, _ in found]
        if "failed" in outcomes:
            return "**failed**"
        if "passed" in outcomes:
            return "passed"
        return "not applicable: " + found[0][1].replace("|", "\\|")


def engine_of(item) -> str:
    parameters = getattr(getattr(item, "callspec", None), "id", "")
    if "rehearsal" in parameters:
        return "rehearsal"
    return "real vLLM" if "real-vllm" in parameters else "replay"


def pytest_configure(config):  # noqa: D103 (a pytest hook)
    root = Path(__file__).resolve().parents[2]
    path = Path(os.environ.get("SEGUE_CONFORMANCE_REPORT", root / "build" / "conformance.md"))
    config.pluginmanager.register(Report(path), "segue-conformance-report")
