"""`segue audit` from outside: exit codes, outputs, suppressions, baselines, bad input."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.segue import ROOT, binary


@pytest.fixture
def tree(tmp_path):
    def write(**files):
        for name, text in files.items():
            target = tmp_path / name.replace("__", "/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path
    return write


def audit(*arguments, cwd=None, limit=60):
    return subprocess.run([binary(), "audit", *map(str, arguments)], cwd=cwd, capture_output=True, timeout=limit)


def found(*arguments, **more):
    done = audit("--format", "json", *arguments, **more)
    assert done.returncode in (0, 1, 3), done.stderr
    return json.loads(done.stdout)


def lines(report, level=("error", "warning")):
    return [(f["path"], f["line"], f["kind"]) for f in report["findings"] if f["level"] in level and not f["suppressed"]]


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t", *words], check=True, capture_output=True)


def test_exit_codes(tree):
    root = tree(**{"a.py": "import ollama\n", "b__b.py": "x = 1\n"})
    assert audit(root).returncode == 1
    assert audit(root / "b").returncode == 0
    assert audit("--fail-on", "never", root).returncode == 0
    wrong = audit(root / "c")
    assert wrong.returncode == 2 and b"no file or folder" in wrong.stderr
    close = audit(root / "a.pz")
    assert close.returncode == 2 and b"did you mean" in close.stderr
    assert audit("--kind", "endpont", root).stderr == b"segue: there is no kind 'endpont'; did you mean 'endpoint'?\n"
    assert audit("--kind", "endpoint", root).returncode == 0
    assert audit("--kind", "import", root).returncode == 1


def test_explain():
    text = audit("--explain", "SEG103").stdout.decode()
    assert text.startswith("SEG103 endpoint") and "why:" in text and "fix:" in text
    assert audit("--explain", "all").stdout.count(b"\nSEG") > 30


@pytest.fixture
def open_folder():
    """Where other users may look, too."""
    folder = Path(tempfile.mkdtemp(prefix="segue-audit-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_unreadable_is_named(open_folder):
    """Root may read everything: the audit then runs as nobody."""
    (open_folder / "a.py").write_text("import ollama\n")
    (open_folder / "b.py").write_text("x = 1\n")
    (open_folder / "c").mkdir()
    (open_folder / "c/d.py").write_text("import ollama\n")
    program = Path(shutil.copy(binary(), open_folder / "program")) if os.geteuid() == 0 else binary()
    (open_folder / "a.py").chmod(0)
    (open_folder / "c").chmod(0)
    user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}

    def run(*arguments):
        return subprocess.run([program, "audit", *map(str, arguments)], cwd="/", capture_output=True, timeout=60, **user)
    try:
        named = run(open_folder / "a.py")
        assert named.returncode == 3 and b"a.py was not read: cannot be opened: Permission denied" in named.stderr
        report = json.loads(run("--format", "json", open_folder).stdout)
    finally:
        (open_folder / "c").chmod(0o755)
    assert {(f["path"], f["reason"]) for f in report["not_read"] if f["path"] != "program"} == {
        ("a.py", "cannot be opened: Permission denied"), ("c", "cannot open the folder: Permission denied")}


def test_without_git(tree):
    """No repository, and no git program either: the same findings."""
    root = tree(**{"a.py": "import ollama\n", ".gitignore": "b.py\n", "b.py": "import ollama\n"})
    assert lines(found(root)) == [("a.py", 1, "import")]
    git(root, "init", "-q")
    git(root, "add", "-f", "b.py")
    assert lines(found(root)) == [("a.py", 1, "import"), ("b.py", 1, "import")]  # tracked: read although ignored
    bare = subprocess.run([binary(), "audit", "--format", "json", root], capture_output=True, timeout=60, env={"PATH": "/nowhere"})
    assert lines(json.loads(bare.stdout)) == [("a.py", 1, "import")]
    since = subprocess.run([binary(), "audit", "--since", "HEAD", root], capture_output=True, timeout=60, env={"PATH": "/nowhere"})
    assert since.returncode == 2 and b"--since needs a git repository" in since.stderr


def test_json_says_what_the_specification_asks(tree):
    report = found(tree(**{"a.py": "import ollama\n"}))
    assert report["schema"] == "segue-audit/1" and len(report["tool"]["rules_sha256"]) == 64
    finding = report["findings"][0]
    assert {"id", "rule", "kind", "level", "confidence", "path", "line", "column", "end_line", "end_column", "byte_start", "byte_end", "token", "snippet", "message",
            "why", "also", "breaks_at_runtime", "fix", "outside_git", "baseline", "suppressed"} <= finding.keys()
    assert (finding["line"], finding["column"], finding["token"]) == (1, 8, "ollama")


def test_fingerprints_survive_moved_lines(tree):
    before = {f["id"] for f in found(tree(**{"a.py": "import ollama\nu = 'http://x:11434'\n"}))["findings"]}
    after = {f["id"] for f in found(tree(**{"a.py": "# one\n# two\n\nimport ollama\n\nu = 'http://x:11434'\n"}))["findings"]}
    assert before == after and len(before) == 2


def test_sarif(tree):
    sarif = json.loads(audit("--format", "sarif", tree(**{"a b.py": "import ollama\né = 'x'; u = 'http://x:11434'\n"})).stdout)
    assert sarif["version"] == "2.1.0"
    run = sarif["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    for result in run["results"]:
        assert result["ruleId"] in rules and result["level"] in ("error", "warning", "note") and "kind" not in result
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "a%20b.py", "uriBaseId": "%SRCROOT%"}
        assert result["partialFingerprints"]["segue/v1"]
    region = run["results"][-1]["locations"][0]["physicalLocation"]["region"]
    assert (region["startColumn"], region["byteOffset"]) == (24, 38)  # é is one UTF-16 unit and two bytes


NODE = os.environ.get("NODE") or shutil.which("node") or str(ROOT / ".deps/node/bin/node")
MODULES = ROOT / "tests/clients/node/node_modules"


def sarif_problems(file):
    return subprocess.run([NODE, ROOT / "tests/audit/validate_sarif.mjs", MODULES, file], capture_output=True, text=True)


def test_sarif_is_valid_by_its_official_schema(tree, tmp_path):
    """The corpus has every kind; suppressions, flows, a baseline and odd names come on top."""
    from audit.corpus import read
    root = tree(**{"a b/é%.py": "import ollama\nc = ollama.Client()\nr = c.chat(model='llama3.1:8b')\nprint(r['message']['content'])\n",
                   "x.py": "# segue: allow SEG101 for now until 2099-01-01 owner @ann\nimport ollama\n",
                   "y.min.js": "ollama " * 2000})
    for corpus in sorted((ROOT / "tests/audit/corpus").glob("*.txt")):
        for name, text in read(corpus)[0].items():
            target = root / corpus.stem / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    file = tmp_path / "out.sarif"
    assert audit("--format", "sarif", "--output", file, root).returncode == 1
    report = json.loads(file.read_text())
    assert len(report["runs"][0]["results"]) > 300
    done = sarif_problems(file)
    assert done.returncode == 0 and done.stdout == "valid\n", done.stderr[:2000]
    report["runs"][0]["results"][0]["level"] = "terrible"
    file.write_text(json.dumps(report))
    assert sarif_problems(file).returncode == 1  # the check can fail


def test_html_is_one_page_without_network(tree):
    page = audit("--format", "html", tree(**{"a.py": "u = 'http://x:11434/<script>alert(1)</script>'\n"})).stdout.decode()
    assert "<script>alert" not in page and not re.search(r'(src|href)="', page)
    assert "11434" in page and "<mark>" in page


def test_github_and_markdown(tree):
    root = tree(**{"a.py": "import ollama\n"})
    assert b"::error file=a.py,line=1,col=8" in audit("--format", "github", root).stdout
    assert b"- [ ] line 1: SEG101 error" in audit("--format", "md", root).stdout


def test_suppressions(tree):
    allow = "segue: allow SEG101 a good reason until 2099-01-01 owner @ann"
    root = tree(**{
        "ok.py": f"import ollama  # {allow}\n",
        "above.ts": f"// {allow}\nimport o from 'ollama'\n",
        "no_owner.py": "import ollama  # segue: allow SEG101 because\n",
        "expired.py": "import ollama  # segue: allow SEG101 because until 2020-01-01 owner @ann\n",
        "unused.py": f"x = 1  # {allow}\n",
        "docs.md": "Ollama\n",
        "segue-audit.yaml": "allow:\n  - rules: [SEG124]\n    paths: ['docs.md']\n    reason: history\n    owner: '@ann'\n",
    })
    report = found(root)
    assert lines(report) == [("expired.py", 1, "import"), ("expired.py", 1, "suppression_expired"), ("no_owner.py", 1, "import"),
                             ("no_owner.py", 1, "suppression_incomplete"), ("unused.py", 1, "suppression_unused")]
    assert {s["owner"] for s in report["suppressions"]} == {"@ann", ""}


def test_a_wrong_policy_names_the_place(tree):
    done = audit(tree(**{"segue-audit.yaml": "allow:\n  - rules: [SEG999]\n    reason: x\n    owner: y\n"}))
    assert done.returncode == 2 and b"segue-audit.yaml:2" in done.stderr and b"SEG999" in done.stderr


def test_the_policy_names_segue_data_and_models(tree):
    files = {"a.env": "LLM=http://gate:11434\nOTHER=http://box:11434\n", "b.py": "import ollama\nollama.chat(model='acme-chat:7b')\n",
             "c.yaml": "store:\n  bucket: ollama_answers\n"}
    before = found(tree(**files))
    assert {("a.env", 1, "base_url"), ("a.env", 2, "base_url"), ("b.py", 2, "client_call")} <= set(lines(before))
    assert any(f["path"] == "c.yaml" and f["level"] != "note" for f in before["findings"])
    policy = "gateway: [gate]\ndata_names: [ollama_answers]\nmodels: {'acme-chat:7b': acme/Chat-7B}\n"
    after = found(tree(**{"segue-audit.yaml": policy}))
    assert ("a.env", 1, "base_url") not in lines(after) and ("a.env", 2, "base_url") in lines(after)
    assert [f["kind"] for f in after["findings"] if f["path"] == "c.yaml"] == ["data_name"]
    tagged = found(tree(**{"d.py": "import ollama\nMODEL = 'acme-chat:7b'\nollama.chat(model=MODEL)\n"}))
    assert "acme/Chat-7B" in [f["fix"]["to"] for f in tagged["findings"] if f["kind"] == "model_tag"]
    wrong = audit(tree(**{"segue-audit.yaml": "models: {x: 3}\n"}))
    assert wrong.returncode == 2 and b"needs the id of a model" in wrong.stderr


def test_look_alikes_only_with_all(tree):
    root = tree(**{"a.md": "We tried Dollama, and https://blog.example.com/why-ollama-is-slow too.\n", "b.py": "import ollama\n"})
    assert "look_alike" not in {f["kind"] for f in found(root)["findings"]}
    assert [(f["path"], f["line"], f["level"]) for f in found("--all", root)["findings"] if f["kind"] == "look_alike"] == [("a.md", 1, "note")]
    assert audit("--all", root / "a.md").returncode == 0


def test_a_subfolder_obeys_the_rules_above_it(tree):
    root = tree(**{".gitignore": "out/\n*.gen.py\n/services/chat/top.py\n", "services__.gitignore": "!keep.gen.py\nlocal.py\n",
                   "services__chat__a.py": "import ollama\n", "services__chat__b.gen.py": "import ollama\n",
                   "services__chat__keep.gen.py": "import ollama\n", "services__chat__local.py": "import ollama\n",
                   "services__chat__top.py": "import ollama\n", "services__chat__out__c.py": "import ollama\n",
                   "services__chat__mine.py": "import ollama\n"})
    git(root, "init", "-q")
    (root / ".git/info/exclude").write_text("mine.py\n")
    want = {"a.py", "keep.gen.py"}
    assert {f["path"] for f in found(root / "services/chat")["findings"]} == want
    assert {f["path"] for f in found(root)["findings"]} == {f"services/chat/{name}" for name in want}
    assert {f["path"] for f in found(root / "services/chat/out")["findings"]} == {"c.py"}  # it was named


def test_baseline_is_a_ratchet(tree, tmp_path_factory):
    root = tree(**{"a.py": "import ollama\n"})
    file = tmp_path_factory.mktemp("b") / "baseline.json"
    assert audit("--write-baseline", file, root).returncode == 1
    assert audit("--baseline", file, root).returncode == 0
    tree(**{"a.py": "import os\nimport ollama\nu = 'http://x:11434'\n"})
    report = found("--baseline", file, root)
    assert [f["kind"] for f in report["findings"] if f["baseline"] == "new"] == ["base_url"]
    assert audit("--baseline", root / "nothing.json", root).returncode == 2


def test_since(tree):
    root = tree(**{"a.py": "import ollama\n"})
    git(root, "init", "-q")
    git(root, "add", "a.py")
    git(root, "commit", "-qm", "x")
    assert audit("--since", "HEAD", root).returncode == 0
    tree(**{"a.py": "import ollama\nu = 'http://x:11434'\n", "new.py": "import ollama\n"})
    report = found("--since", "HEAD", root)
    assert [(f["path"], f["line"]) for f in report["findings"] if f["baseline"] == "new"] == [("a.py", 2), ("new.py", 1)]
    assert b"no revision" in audit("--since", "nowhere", root).stderr


def test_secrets_are_masked(tree):
    out = audit("--format", "json", tree(**{".env": "OLLAMA_URL=http://user:hunter22@x:11434\nOLLAMA_API_KEY=abcdef123456\n"})).stdout
    assert b"hunter22" not in out and b"abcdef123456" not in out


def test_odd_bytes(tree):
    root = tree(**{
        "le.py": "\ufeffimport ollama\r\n".encode("utf-16-le"),
        "be.txt": "\ufeffUse Ollama\n".encode("utf-16-be"),
        "latin.py": b"# \xe9t\xe9\nimport ollama\n",
        "bin.dat": b"\0\1\2ollama\0",
        "crlf.py": b"import os\r\nimport ollama\r\n",
        "empty.py": b"",
        "nul.py": b"import ollama\n\0",
    })
    report = found(root)
    assert {(path, line) for path, line, _ in lines(report)} == {("le.py", 1), ("be.txt", 1), ("latin.py", 2), ("crlf.py", 2)}
    assert {f["path"] for f in report["not_read"]} == {"bin.dat", "nul.py"}


def test_large_and_deep_input(tree):
    root = tree(**{
        "big.py": b"x = 1\n" * 3_000_000 + b"import ollama\n",
        "line.js": b"a" * 5_000_000 + b" ollama " + b"b" * 5_000_000,
        "huge.js": b"a" * 50_000_000 + b" ollama\n",
        "deep.json": b"[" * 100_000 + b'"ollama"' + b"]" * 100_000,
        "deep.py": b"import ollama\nx = " + b"(" * 100_000 + b")" * 100_000,
        "deep.ts": b"import ollama from 'ollama'\n" + b"{" * 100_000,
    })
    report = found(root, limit=120)
    assert [f["path"] for f in report["not_read"]] == ["big.py", "huge.js"]
    assert {f["path"] for f in report["findings"]} == {"line.js", "deep.json", "deep.py", "deep.ts"}
