#!/usr/bin/env python3
"""`segue audit` beside `rg -i ollama` over the same trees, made of this repository's own dependencies.

usage: audit_speed.py [--segue build/release/segue] [--sizes 20,200,1000] [--rounds 3] [--json build/bench/audit_speed.json]

The trees are hard links in build/bench/audit-tree, so that they cost no space. Folders that the audit takes for vendored or built
(node_modules, dist, …) get other names: otherwise it would only look for the word in them. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [".deps/venv/lib", ".deps/web/node_modules", ".deps/node/lib", ".deps/grammars", "tests/clients/node/node_modules",
           "tests/acme/node/node_modules"]
RENAMED = {"node_modules": "packages", "site-packages": "python", "vendor": "parts", "third_party": "parts3", "dist": "made", "build": "makes",
           "out": "output", "__pycache__": "cache", "target": "aim", ".git": "gitdata"}
LARGEST = 64 << 20
SINCE_MB = 200  # the tree on which --since is timed


def files():
    """Every file of the dependencies, in an order that mixes them: each size is a sample of the same kind."""
    found = []
    for source in SOURCES:
        top = (ROOT / source).resolve()
        for folder, folders, names in os.walk(top):
            folders[:] = [name for name in folders if not os.path.islink(os.path.join(folder, name))]
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                size = os.path.getsize(path)
                if 0 < size <= LARGEST:
                    parts = [RENAMED.get(part, part) for part in os.path.relpath(path, top).split(os.sep)]
                    found.append((hashlib.sha1(f"{source}/{path}".encode()).hexdigest(), path, "/".join([source.replace("/", "-").lstrip("."), *parts]), size))
    found.sort()
    return found


def make_tree(folder: Path, megabytes: int, listed) -> int:
    """Links files into `folder` until it holds so much; the list is used again when it is too short."""
    wanted, total, copy = megabytes * 1_000_000, 0, 0
    while total < wanted:
        for _, path, name, size in listed:
            target = folder / f"copy-{copy}" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, target)
            except OSError:
                shutil.copyfile(path, target)
            total += size
            if total >= wanted:
                break
        copy += 1
    return total


def measure(command: list[str]) -> dict:
    """Wall and CPU seconds, peak memory in MB, and what it said on standard error."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        said = err.read().decode("utf-8", "replace")
    if child.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with {child.returncode}: {said[-500:]}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "mb": usage.ru_maxrss / 1024, "said": said}


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--segue", default=str(ROOT / "build/release/segue"))
    options.add_argument("--sizes", default="20,200,1000")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", default=str(ROOT / "build/bench/audit_speed.json"))
    given = options.parse_args()
    rg = shutil.which("rg") or sys.exit("no rg: tools/deps bench installs ripgrep")
    if not os.access(given.segue, os.X_OK):
        sys.exit(f"no {given.segue}: make build, or name one with --segue")

    listed = files()
    base = ROOT / "build/bench/audit-tree"
    shutil.rmtree(base, ignore_errors=True)
    rows, environment = [], {**os.environ, "GIT_CEILING_DIRECTORIES": str(base)}
    os.environ.update(environment)  # the trees are no part of this repository
    try:
        for size in [int(text) for text in given.sizes.split(",")]:
            tree = base / str(size)
            total = make_tree(tree, size, listed)
            audit = [given.segue, "audit", "--fail-on", "never", "--stats", "--format", "json", str(tree)]
            text = [given.segue, "audit", "--fail-on", "never", "--stats", str(tree)]
            search = [rg, "-i", "--no-ignore", "--hidden", "ollama", str(tree)]
            measure(search), measure(text)  # both find the files in memory
            runs = {"rg": [], "audit": []}
            for _ in range(given.rounds):
                runs["rg"].append(measure(search))
                runs["audit"].append(measure(text))
            said = runs["audit"][-1]["said"]
            parsed = re.search(r"\(([0-9.]+) % of the bytes\)", said)
            row = {"mb": total / 1e6, "rg_s": median(runs["rg"], "wall"), "audit_s": median(runs["audit"], "wall"),
                   "rg_cpu_s": median(runs["rg"], "cpu"), "audit_cpu_s": median(runs["audit"], "cpu"),
                   "peak_mb": max(run["mb"] for run in runs["audit"]), "parsed_percent": float(parsed[1]) if parsed else None,
                   "json_s": measure(audit)["wall"]}
            row["ratio"] = row["audit_s"] / row["rg_s"]
            row["cpu_ms_per_mb"] = 1000 * row["audit_cpu_s"] / row["mb"]
            rows.append(row)
            if size == SINCE_MB:  # git needs minutes for a larger one
                row["since_s"] = since(given.segue, tree)
        start = min(measure([given.segue, "version"])["wall"] for _ in range(5))
    finally:
        shutil.rmtree(base, ignore_errors=True)

    print(f"{os.cpu_count()} cores; median of {given.rounds} runs; rg is {subprocess.check_output([rg, '--version'], text=True).split()[1]}; "
          f"`segue version` takes {start:.3f} s\n")
    print("| tree | `rg -i ollama` | `segue audit` | ratio | CPU a MB | peak memory | bytes parsed | with `--json` (hashes the tree) |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(f"| {row['mb']:.0f} MB | {row['rg_s']:.2f} s | {row['audit_s']:.2f} s | {row['ratio']:.1f} | {row['cpu_ms_per_mb']:.2f} ms "
              f"| {row['peak_mb']:.0f} MB | {row['parsed_percent']} % | {row['json_s']:.2f} s |")
    for row in rows:
        if "since_s" in row:
            print(f"\n`--since HEAD` with one changed file of the {row['mb']:.0f} MB tree: {row['since_s']:.2f} s, {row['since_s'] - start:.2f} s of it after the start")
    Path(given.json).parent.mkdir(parents=True, exist_ok=True)
    Path(given.json).write_text(json.dumps({"cores": os.cpu_count(), "start_s": start, "rows": rows}, indent=1) + "\n")


def since(segue: str, tree: Path) -> float:
    """The best of three, after one file of a committed tree was changed."""
    git = ["git", "-C", str(tree), "-c", "user.name=b", "-c", "user.email=b@b", "-c", "core.looseCompression=0", "-c", "gc.auto=0"]
    for words in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    fresh = tree / "changed.py"
    fresh.write_text("import ollama\n")
    subprocess.run([*git, "add", "changed.py"], check=True)
    taken = [measure([segue, "audit", "--since", "HEAD", "--fail-on", "never", str(tree)])["wall"] for _ in range(3)]
    shutil.rmtree(tree / ".git")
    fresh.unlink()
    return min(taken)


main()
