"""`segue rewrite` from outside: nothing is written unasked, writing can be undone, bad surroundings leave the tree as it was."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from support.segue import binary

APP = {
    "chat.py": b'import os\nimport ollama\n\nclient = ollama.Client(host=os.environ["OLLAMA_URL"])\n\n\n'
               b'def ask(q):\n    r = client.chat(model="llama3.1:8b", messages=[{"role": "user", "content": q}])\n'
               b'    return r["message"]["content"]\n',
    ".env": b"OLLAMA_URL=http://localhost:11434\r\nOTHER=1\r\n",
    "ollama_tools.py": b"from chat import ask\n",
    "main.py": b"import ollama_tools\n",
    "README.md": b"\xef\xbb\xbfUses Ollama.\n",
}


def rewrite(folder, *arguments, **more):
    return subprocess.run([binary(), "rewrite", *map(str, arguments)], cwd=folder, capture_output=True, timeout=120, **more)


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and ".git" not in path.parts}


def git(folder, *words):
    return subprocess.run(["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t", *words],
                          capture_output=True, check=True)


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "app"
    folder.mkdir()
    for name, content in APP.items():
        (folder / name).write_bytes(content)
    (folder / "chat.py").chmod(0o755)
    git(folder, "init", "-q")
    git(folder, "add", "-A", "-f", ".")
    git(folder, "commit", "-qm", "before")
    return folder


def test_a_step_is_needed(app):
    done = rewrite(app)
    assert done.returncode == 2 and b"--to drop-in" in done.stderr
    assert rewrite(app, "--to", "finl").returncode == 2
    assert rewrite(app, "plan", "nowhere", "--to", "final").returncode == 2


def test_nothing_is_written_unasked(app):
    before = tree(app)
    done = rewrite(app, "--to", "final")
    assert done.returncode == 0
    assert done.stdout.startswith(b"diff --git ")
    assert tree(app) == before
    plan = rewrite(app, "plan", "--to", "final")
    assert b"SEG" in plan.stdout and tree(app) == before


def test_write_is_exactly_the_patch_and_can_be_undone(app, tmp_path):
    before = tree(app)
    patch = rewrite(app, "--to", "final").stdout
    done = rewrite(app, "apply", "--to", "final")
    assert done.returncode == 0, done.stderr
    assert (app / "segue-rewrite.patch").read_bytes() == patch
    after = tree(app)
    assert (app / "chat.py").stat().st_mode & 0o777 == 0o755
    assert after[".env"] == b"VLLM_ENDPOINT=http://localhost:8000\r\nOTHER=1\r\n"
    assert after["README.md"] == b"\xef\xbb\xbfUses vLLM.\n"
    assert "vllm_tools.py" in after and "ollama_tools.py" not in after
    assert after["main.py"] == b"import vllm_tools\n"
    git(app, "stash", "-u", "-q")
    (tmp_path / "p").write_bytes(patch)
    git(app, "apply", "--check", str(tmp_path / "p"))
    git(app, "stash", "pop", "-q")
    audit = subprocess.run([binary(), "audit", str(app)], capture_output=True)
    assert audit.returncode == 0, audit.stdout.decode()
    undone = rewrite(app, "undo")
    assert undone.returncode == 0, undone.stderr
    assert tree(app) == before
    assert rewrite(app, "undo").returncode == 2


def test_undo_refuses_what_changed_since(app):
    assert rewrite(app, "--write", "--to", "final").returncode == 0
    (app / ".env").write_bytes(b"MINE=1\n")
    kept = tree(app)
    done = rewrite(app, "undo")
    assert done.returncode != 0 and b".env changed since the rewrite" in done.stderr
    assert tree(app) == kept


def test_a_dirty_tree_needs_force(app):
    (app / "main.py").write_bytes(b"import ollama_tools  # edited\n")
    before = tree(app)
    done = rewrite(app, "apply", "--to", "final")
    assert done.returncode == 2 and b"--force" in done.stderr
    assert tree(app) == before
    assert rewrite(app, "apply", "--to", "final", "--force").returncode == 0
    assert (app / "main.py").read_bytes() == b"import vllm_tools  # edited\n"


def test_a_failing_check_takes_it_back(app):
    before = tree(app)
    done = rewrite(app, "apply", "--to", "final", "--check", "grep -q OLLAMA_URL .env")
    assert done.returncode == 1 and b"taken back" in done.stderr
    assert tree(app) == before
    done = rewrite(app, "apply", "--to", "final", "--check", "test -f chat.py")
    assert done.returncode == 0 and tree(app) != before


def test_only_one_kind_and_fail_on_todo(app):
    done = rewrite(app, "--to", "final", "--only", "model_tag", "--fail-on-todo")
    assert done.returncode == 1
    changed = [line for line in done.stdout.decode().splitlines() if re.match(r"[-+][^-+]", line)]
    assert len(changed) == 2 and all("llama" in line.lower() for line in changed)
    assert rewrite(app, "--to", "final", "--only", "modle").returncode == 2


def test_a_review_page(app, tmp_path):
    for name in ("review.html", "review.md"):
        assert rewrite(app, "--to", "final", "--report", tmp_path / name).returncode == 0
        text = (tmp_path / name).read_text()
        assert "SEG107" in text and "chat.py" in text and "Checklist" in text
    assert rewrite(app, "--to", "final", "--report", tmp_path / "no" / "x.html").returncode != 0


def test_json(app):
    plan = json.loads(rewrite(app, "--json", "--to", "final").stdout)
    assert plan["schema"] == "segue-rewrite/1" and plan["findings_after"] == 0
    moved = {file["old"]: file["new"] for file in plan["files"]}
    assert moved["ollama_tools.py"] == "vllm_tools.py"


def test_a_tree_without_references(tmp_path):
    (tmp_path / "a.py").write_text("print('collaborate')\n")
    for step in ("drop-in", "dual", "final"):
        done = rewrite(tmp_path, "--to", step, "--write")
        assert (done.returncode, done.stdout) == (0, b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.py"]


def test_below_the_top_of_a_repository(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.env").write_text("OLLAMA_URL=http://localhost:11434\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "x")
    patch = rewrite(tmp_path / "sub", "--to", "final").stdout
    (tmp_path / "p").write_bytes(patch)
    git(tmp_path, "apply", "--check", "p")


def as_nobody(app):
    """Root writes everywhere: the program runs as somebody else there, who may read the tree and no more."""
    if os.geteuid() != 0:
        app.chmod(0o555)
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("no setpriv")
    for folder in (app, *app.parents):
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o005)
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def test_a_tree_that_is_read_only(app):
    before = tree(app)
    user = as_nobody(app)
    try:
        done = subprocess.run([*user, binary(), "rewrite", "apply", "--force", "--to", "final"], cwd=app, capture_output=True, timeout=120,
                              env={**os.environ, "HOME": "/nonexistent", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
                                   "GIT_CONFIG_VALUE_0": "*"})
        assert done.returncode != 0 and b"nothing was changed" in done.stderr, done.stderr
    finally:
        app.chmod(0o755)
    assert tree(app) == before


def test_a_full_file_system(app, tmp_path):
    """A tmpfs that has room for the tree, but not for a second one."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(small)], capture_output=True).returncode != 0:
        pytest.skip("may not mount")
    try:
        for number in range(30):
            (small / f"ollama_{number}.py").write_bytes(b"# Ollama\n" + b"x = 1\n" * 1500)
        before = tree(small)
        done = rewrite(small, "apply", "--to", "final")
        assert done.returncode != 0 and b"No space left" in done.stderr, done.stderr
        assert tree(small) == before
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_patch_that_no_longer_applies(app, tmp_path):
    """The saved patch is git's: a tree that went on refuses it as a whole, and so does undo."""
    patch = rewrite(app, "--to", "final").stdout
    (tmp_path / "p").write_bytes(patch)
    (app / "chat.py").write_text("import ollama\nprint(ollama.list())\n")
    before = tree(app)
    done = subprocess.run(["git", "-C", str(app), "apply", str(tmp_path / "p")], capture_output=True)
    assert done.returncode != 0 and tree(app) == before
    git(app, "commit", "-qam", "went on")
    assert rewrite(app, "apply", "--to", "final").returncode == 0
    (app / "chat.py").write_text("mine\n")
    kept = tree(app)
    done = rewrite(app, "undo")
    assert done.returncode != 0 and b"chat.py changed since the rewrite" in done.stderr
    assert tree(app) == kept


def test_a_full_disk(app):
    """A limit on the size of files stands for it: the write fails in the middle."""
    (app / "big.py").write_bytes(b"# Ollama\n" + b"x = 1\n" * 40_000)
    git(app, "add", "-A")
    git(app, "commit", "-qm", "big")
    before = tree(app)
    done = subprocess.run(["bash", "-c", f"trap '' XFSZ; ulimit -f 100; '{binary()}' rewrite apply --to final"],
                          cwd=app, capture_output=True, timeout=120)
    assert done.returncode != 0, done.stderr
    assert tree(app) == before


def test_a_kill_leaves_each_file_old_or_new(app):
    for number in range(300):
        (app / f"ollama_{number}.py").write_bytes(b"# Ollama\n" * 50)
    git(app, "add", "-A")
    git(app, "commit", "-qm", "many")
    before = tree(app)
    plan = json.loads(rewrite(app, "--json", "--to", "final").stdout)
    new_names = {file["new"] for file in plan["files"]}
    for patience in (0.0, 0.01, 0.03, 0.08):
        process = subprocess.Popen([binary(), "rewrite", "apply", "--to", "final"], cwd=app,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # From the moment that the journal is there files are being written.
        end = time.monotonic() + 60
        journal = app / ".git" / "segue-rewrite" / "1" / "journal.json"
        while not journal.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.001)
        time.sleep(patience)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for name, content in tree(app).items():
            if name.endswith(".new") or name == "segue-rewrite.patch":
                continue
            assert content == before.get(name) or name in new_names, name
            assert content.count(b"\n") > 0
        refused = rewrite(app, "apply", "--to", "final", "--force")
        if refused.returncode != 0:
            assert b"undo" in refused.stderr
        undone = rewrite(app, "undo")
        assert undone.returncode == 0, undone.stderr
        assert tree(app) == before


def test_a_file_that_changes_while_it_is_planned(app):
    """The check runs between plan and write: it edits a file."""
    before = (app / ".env").read_bytes()
    done = rewrite(app, "apply", "--to", "final", "--check", "echo MINE=1 >> .env")
    assert done.returncode != 0 and b".env changed while the rewrite was planned" in done.stderr
    assert (app / ".env").read_bytes() == before + b"MINE=1\n"
    assert "import ollama" in (app / "chat.py").read_text()
