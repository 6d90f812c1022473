#!/usr/bin/env python3
"""The one runner behind `make test`: C++ test programs, the Python suites, the Node clients, the web page's components and
its flows in a real browser; one closing line.

usage: run.py BUILD_DIR [--only unit,support,cli,audit,rewrite,acme,conformance,balance,chat,store,rag,net,differential,faults,clients,node,web,browser] [--filter EXPRESSION]

Exit status 0: something ran and nothing failed. 1: a failure, or nothing ran. Run it with the Python of the
tests' own environment (tests/requirements.txt). Node is $NODE or the one on PATH.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PYTHON_PARTS = {"support": "support", "cli": "cli", "audit": "audit", "rewrite": "rewrite", "acme": "acme", "conformance": "conformance", "balance": "balance", "chat": "chat", "store": "store", "rag": "rag",
                "net": "net", "differential": "differential",
                "faults": "faults", "clients": "clients/python"}
# Two runs of pytest, each about as long as the browser's: two lanes of work then end together.
PYTHON_GROUPS = (("support", "cli", "audit", "rewrite", "acme", "conformance", "balance", "net", "differential", "clients"),
                 ("chat", "store", "rag", "faults"))
PARTS = ("unit", *PYTHON_PARTS, "node", "web", "browser")
WEB = TESTS.parent / "web"


@dataclass
class Result:
    part: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    output: str = ""  # shown when something failed
    names: list[str] = field(default_factory=list)  # of what failed


def run(command: list[str], environment: dict[str, str], folder: Path, limit: float) -> tuple[int, str]:
    try:
        done = subprocess.run(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, timeout=limit,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as error:
        return 124, (error.stdout or b"").decode("utf-8", "replace") + f"\nstopped after {limit:.0f} s\n"


def unit(program: Path, reports: Path, environment: dict[str, str]) -> Result:
    report = reports / f"{program.name}.json"
    report.unlink(missing_ok=True)
    status, output = run([str(program), f"--gtest_output=json:{report}", "--gtest_brief=1"], environment,
                         program.parent, 300)
    result = Result(f"unit {program.name.removesuffix('_tests')}", output=output)
    if report.exists():
        data = json.loads(report.read_text())
        for suite in data["testsuites"]:
            for case in suite["testsuite"]:
                if case.get("result") == "SKIPPED" or case.get("status") == "NOTRUN":
                    result.skipped += 1
                elif case.get("failures"):
                    result.failed += 1
                    result.names.append(f"{suite['name']}.{case['name']}")
                else:
                    result.passed += 1
    if status != 0 and result.failed == 0:  # it crashed, or a sanitizer ended it
        result.failed = 1
        result.names.append(f"{program.name} ended with status {status}")
    return result


def python(parts: list[str], reports: Path, environment: dict[str, str], expression: str | None) -> list[Result]:
    report = reports / f"pytest-{parts[0]}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-c", str(TESTS / "pytest.ini"), "--rootdir", str(TESTS),
               f"--junitxml={report}", *(str(TESTS / PYTHON_PARTS[part]) for part in parts)]
    if expression:
        command += ["-k", expression]
    status, output = run(command, environment, TESTS, 1500)
    results = {part: Result(part) for part in parts}
    if report.exists():
        for case in xml.parse(report).getroot().iter("testcase"):
            place = case.get("classname", "").replace(".", "/")
            part = next((name for name in parts if place.startswith(PYTHON_PARTS[name] + "/")), parts[0])
            result = results[part]
            kinds = {child.tag for child in case}
            if kinds & {"failure", "error"}:
                result.failed += 1
                result.names.append(case.get("name", ""))
            elif "skipped" in kinds:
                result.skipped += 1
            else:
                result.passed += 1
            result.seconds += float(case.get("time", 0))
    if status not in (0, 5) and not any(result.failed for result in results.values()):
        first = results[parts[0]]
        first.failed += 1
        first.names.append(f"pytest ended with status {status}")
    for result in results.values():
        if result.failed:
            result.output = output  # one output for all of them: shown once
            break
    return list(results.values())


def tap(program: str, files: list[str], environment: dict[str, str], folder: Path, limit: float, result: Result) -> Result:
    """Node's own test runner."""
    status, output = run([program, "--test", "--test-reporter=tap", "--test-concurrency=1", *files],
                         {**environment, "SEGUE_PYTHON": sys.executable}, folder, limit)
    for name, field_name in (("pass", "passed"), ("fail", "failed"), ("skipped", "skipped")):
        found = re.findall(rf"^# {name} (\d+)$", output, re.M)
        setattr(result, field_name, int(found[-1]) if found else 0)
    result.failed += int((re.findall(r"^# cancelled (\d+)$", output, re.M) or ["0"])[-1])
    result.names = re.findall(r"^\s*not ok \d+ - (.*)$", output, re.M)
    if status != 0 and result.failed == 0:
        result.failed, result.names = 1, [f"node --test ended with status {status}"]
    if result.failed:
        result.output = output
    return result


def node(environment: dict[str, str]) -> Result:
    folder = TESTS / "clients" / "node"
    program = environment.get("NODE") or shutil.which("node")
    result = Result("node")
    if not program:
        result.failed, result.names = 1, ["no node: set NODE or install it"]
        return result
    if not (folder / "node_modules").is_dir():
        npm = str(Path(program).with_name("npm"))
        status, output = run([npm if os.path.exists(npm) else "npm", "ci", "--no-audit", "--no-fund"], environment,
                             folder, 300)
        if status != 0:
            result.failed, result.names, result.output = 1, ["npm ci failed"], output
            return result
    files = sorted(str(path.name) for path in folder.glob("*.test.mjs"))
    return tap(program, files, environment, folder, 300, result)


def page_tools(environment: dict[str, str], result: Result) -> str | None:
    """Node, where the page's packages are there; else a failure that says what to do."""
    program = environment.get("NODE") or shutil.which("node")
    if program and (WEB / "node_modules").is_dir():
        return program
    result.failed, result.names = 1, ["the web page's packages are not there: run 'make web'"]
    return None


def web(reports: Path, environment: dict[str, str]) -> Result:
    """The page's components (Vitest) and its types."""
    result = Result("web")
    program = page_tools(environment, result)
    if not program:
        return result
    report = reports / "vitest.json"
    report.unlink(missing_ok=True)
    run([program, "tools/types.mjs"], environment, WEB, 60)
    status, result.output = run([program, "node_modules/vitest/vitest.mjs", "run", "--reporter=json", f"--outputFile={report}"],
                                environment, WEB, 300)
    if report.exists():
        data = json.loads(report.read_text())
        result.passed, result.failed, result.skipped = (data[name] for name in ("numPassedTests", "numFailedTests", "numPendingTests"))
        failed = [case for suite in data["testResults"] for case in suite["assertionResults"] if case["status"] == "failed"]
        result.names = [case["fullName"] for case in failed]
        if failed:
            result.output = "\n".join(f"{case['fullName']}: {' '.join(case['failureMessages'])}" for case in failed)
    if status != 0 and result.failed == 0:
        result.failed, result.names = 1, [f"vitest ended with status {status}"]
    status, output = run([program, "node_modules/vue-tsc/bin/vue-tsc.js", "--noEmit"], environment, WEB, 300)
    if status == 0:
        result.passed += 1
    else:
        result.failed += 1
        result.names.append("types")
        result.output += output
    return result


def browser(environment: dict[str, str]) -> Result:
    """The page in a real Chromium over the real program."""
    result = Result("browser")
    program = page_tools(environment, result)
    if not program:
        return result
    folder = TESTS / "browser"
    return tap(program, sorted(path.name for path in folder.glob("*.test.mjs")), environment, folder, 1800, result)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="a build folder, such as build/dev")
    parser.add_argument("--only", default=",".join(PARTS), help="comma list of " + ", ".join(PARTS))
    parser.add_argument("--filter", help="pytest's -k expression for the Python parts")
    options = parser.parse_args()
    chosen = [part.strip() for part in options.only.split(",") if part.strip()]
    unknown = set(chosen) - set(PARTS)
    if unknown:
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")

    build = options.build.resolve()
    reports = build / "test-reports"
    reports.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("TSAN_OPTIONS", f"suppressions={TESTS / 'tsan.supp'}")
    environment = {**os.environ, "SEGUE_BIN": str(build / "segue"), "PYTHONDONTWRITEBYTECODE": "1",
                   "SEGUE_CONFORMANCE_REPORT": str(build / "conformance.md")}
    jobs = []  # the longest first
    if "browser" in chosen:
        jobs.append(lambda: [browser(environment)])
    for group in PYTHON_GROUPS:
        if parts := [part for part in group if part in chosen]:
            jobs.append(lambda parts=parts: python(parts, reports, environment, options.filter))
    if "unit" in chosen:
        jobs += [lambda program=program: [unit(program, reports, environment)]
                 for program in sorted(build.glob("*_tests"))]
    if "node" in chosen:
        jobs.append(lambda: [node(environment)])
    if "web" in chosen:
        jobs.append(lambda: [web(reports, environment)])

    started = time.monotonic()
    results: list[Result] = []

    def timed(job):
        begin = time.monotonic()
        made = job()
        for result in made:
            result.seconds = result.seconds or time.monotonic() - begin
        return made

    with ThreadPoolExecutor(2) as pool:
        for made in pool.map(timed, jobs):
            results += made
    results.sort(key=lambda result: PARTS.index(result.part.split()[0]))
    for result in results:
        if result.failed and result.output:
            print(f"--- {result.part} ---\n{result.output.rstrip()}\n")
    for result in results:
        print(f"{result.part:<24} {result.passed:>5} passed {result.failed:>4} failed {result.skipped:>4} skipped"
              f"  {result.seconds:6.1f} s")
    for result in results:  # last, so that whoever sees only the end of a log knows which
        for name in result.names:
            print(f"failed: {result.part}: {name}")
    passed, failed, skipped = (sum(getattr(result, name) for result in results)
                               for name in ("passed", "failed", "skipped"))
    print(f"took {time.monotonic() - started:.0f} s")
    if passed + failed == 0:
        print("no test ran: build the test programs and segue first")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
