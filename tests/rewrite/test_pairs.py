"""Pairs of trees: `before`, and what each step makes of it (`after-final`, …), as plain files.

Each result must be exactly that, parse, be a fixed point, and come as a patch that `git apply` takes. What is left to a
person stands in `todo-<step>.txt`: `path:line rule reason`, and behind an arrow what is suggested. SEGUE_UPDATE_PAIRS=1 writes what the program makes now:
read the difference before you commit it.
"""

import ast
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

from support.segue import binary

HERE = pathlib.Path(__file__).parent / "pairs"
UPDATE = os.environ.get("SEGUE_UPDATE_PAIRS") == "1"
CASES = [(case.name, step.name.removeprefix("after-"))
         for case in sorted(HERE.iterdir()) for step in sorted(case.glob("after-*"))
         if step.name != "after-dual-final"]
# Files that tests or git would take for their own are kept under another name.
STORED = {"gitignore.txt": ".gitignore"}
BOTH = [case.name for case in sorted(HERE.iterdir()) if (case / "after-dual").is_dir() and (case / "after-final").is_dir()]


def rewrite(folder, *arguments):
    return subprocess.run([binary(), "rewrite", *map(str, arguments)], cwd=folder, capture_output=True, timeout=120)


def tree_of(folder):
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(".git/"):
            head, _, last = name.rpartition("/")
            last = STORED.get(last, last)
            found[f"{head}/{last}" if head else last] = path.read_bytes()
    return found


def undated(tree):
    """An allowance ends thirty days from today."""
    return {name: re.sub(rb"until: \d{4}-\d\d-\d\d", b"until: 2026-12-24", content) if name == "segue-audit.yaml" else content
            for name, content in tree.items()}


def put(tree, folder):
    for name, content in tree.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def git(folder, *words):
    return subprocess.run(["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t", *words],
                          capture_output=True, check=True)


def check_parses(name, content):
    if name.endswith(".py"):
        ast.parse(content)
    elif name.endswith((".yml", ".yaml")) and b"{{" not in content:
        list(yaml.safe_load_all(content))
    elif name.endswith(".json"):
        json.loads(content)


@pytest.mark.parametrize("case,step", CASES)
def test_pair(case, step, tmp_path):
    folder = tmp_path / "app"
    put(tree_of(HERE / case / "before"), folder)
    git(folder, "init", "-q")
    git(folder, "add", "-A", "-f", ".")
    git(folder, "commit", "-qm", "before")
    options = [word for word in ["--map", "models.txt"] if (folder / "models.txt").exists()]
    done = rewrite(folder, "--json", "--to", step, *options)
    assert done.returncode == 0, done.stderr.decode()
    plan = json.loads(done.stdout)
    if plan["patch"]:
        (tmp_path / "patch").write_text(plan["patch"])
        git(folder, "apply", "--check", str(tmp_path / "patch"))
        git(folder, "apply", str(tmp_path / "patch"))
    got = undated(tree_of(folder))
    todos = "".join(f"{todo['path']}:{todo['line']} {todo['rule']} {todo['reason']}\n"
                    + (f"    → {todo['suggestion']}\n" if todo["suggestion"] else "") for todo in plan["todos"])
    wanted_folder = HERE / case / f"after-{step}"
    todo_file = HERE / case / f"todo-{step}.txt"
    if UPDATE:
        shutil.rmtree(wanted_folder)
        back = {value: key for key, value in STORED.items()}
        put({"/".join(back.get(part, part) for part in name.split("/")): content for name, content in got.items()},
            wanted_folder)
        todo_file.write_text(todos)
    wanted = tree_of(wanted_folder)
    assert sorted(got) == sorted(wanted)
    for name, content in got.items():
        assert content.decode("utf-8", "replace") == wanted[name].decode("utf-8", "replace"), name
        check_parses(name, content)
    assert todos == (todo_file.read_text() if todo_file.exists() else "")
    again = rewrite(folder, "--to", step, *options)
    assert again.stdout == b"", "not a fixed point"


@pytest.mark.parametrize("case", BOTH)
def test_final_after_dual(case, tmp_path):
    """What dual wrote leaves no trace: the result is that of going at once; compose keeps dual's services."""
    folder = tmp_path / "app"
    put(tree_of(HERE / case / "after-dual"), folder)
    done = rewrite(folder, "apply", "--force", "--to", "final")
    assert done.returncode == 0, done.stderr.decode()
    (folder / "segue-rewrite.patch").unlink(missing_ok=True)
    shutil.rmtree(folder / ".segue-rewrite", ignore_errors=True)
    got = tree_of(folder)
    wanted_folder = HERE / case / "after-dual-final"
    if not wanted_folder.is_dir():
        wanted_folder = HERE / case / "after-final"
    elif UPDATE:
        shutil.rmtree(wanted_folder)
        put(got, wanted_folder)
    wanted = tree_of(wanted_folder)
    assert sorted(got) == sorted(wanted)
    for name, content in got.items():
        assert content.decode() == wanted[name].decode(), name
        check_parses(name, content)


def test_there_are_enough():
    assert len(CASES) >= 100
