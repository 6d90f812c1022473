"""`segue audit --since`: what changed is judged with what it depends on, and says the same as the whole audit does of those lines."""

import json
import subprocess

import pytest

from support.segue import binary

PROJECT = {
    "docker-compose.yml": "services:\n  brain:\n    image: ollama/ollama:0.33.0\n    ports: ['8434:11434']\n  web:\n    build: .\n",
    ".env.example": "LLM_URL=http://localhost:11434\nCHAT_MODEL=llama3.1:8b\n",
    "package.json": '{"name": "acme-ollama-desk", "dependencies": {"ollama": "^0.5.0"}}\n',
    "backend/app/settings.py": "import os\n\nADDRESS = os.getenv('LLM_URL', 'http://localhost:11434')\nMODEL = 'llama3.1:8b'\nRETRIES = 3\n",
    "backend/app/llm/__init__.py": "",
    "backend/app/llm/client.py": "from ollama import Client\nfrom ..settings import ADDRESS\n\n\ndef connect():\n    return Client(host=ADDRESS)\n",
    "backend/app/llm/ask.py": "from .client import connect\n\n\ndef ask(text, model):\n    reply = connect().chat(model=model, messages=[text])\n    return reply\n",
    "backend/app/routes.py": "from fastapi import APIRouter\n\nrouter = APIRouter()\n\n\n@router.post('/api/chat')\ndef chat():\n    return {'message': 'hi'}\n",
    "backend/app/main.py": "from .routes import router\nfrom .llm.ask import ask\nfrom .settings import MODEL\n\nprint(ask('hi', MODEL))\n",
    "web/src/api.ts": "export const one = 1\n",
    "web/src/plain.ts": "export const two = 2\n",
    "README.md": "# Desk\nStart Ollama first.\n",
}

CHANGES = {
    "a value that comes out of another file": {"backend/app/worker.py": "import requests\nfrom .settings import ADDRESS\n\nrequests.get(ADDRESS)\nreply = requests.post(f'{ADDRESS}/api/chat', json={}).json()\nprint(reply['message'])\n"},
    "a client that another module hands out": {"backend/app/main.py": "from .llm.client import connect\n\nfor part in connect().chat(model='x', stream=True):\n    print(part['message']['content'])\n"},
    "a reply that went through two modules": {"backend/app/report.py": "from .llm.ask import ask\n\nprint(ask('hi', 'phi3:mini')['message']['content'])\n"},
    "the function that is called with a model": {"backend/app/llm/ask.py": "from .client import connect\n\n\ndef ask(text, model):\n    return connect().generate(model=model, prompt=text)['response']\n"},
    "the project's own route": {"web/src/api.ts": "export const ask = (text: string) => fetch('/api/chat', { method: 'POST', body: text })\n"},
    "a name that the settings gave": {"web/src/plain.ts": "export const url = process.env.LLM_URL\nexport const model = process.env.CHAT_MODEL\n"},
    "a service under another name": {"docker-compose.override.yml": "services:\n  web:\n    depends_on: [brain]\n    environment:\n      API: http://brain:11434\n  brain:\n    volumes: ['models:/root/.ollama']\n"},
    "the project's own name": {"web/src/title.ts": "export const title = 'acme-ollama-desk'\nexport const other = 'ollama'\n"},
    "what does not matter": {"web/src/plain.ts": "export const two = 3\n"},
    "odd names": {"docs/é ü/a b.md": "Ask Ollama.\n", 'docs/"q".md': "Ask Ollama.\n", "new file.py": "import ollama\n"},
    "lines that look like a diff": {"README.md": "# Desk\n++ b/ollama\n-- a/ollama\nStart Ollama first.\n@@ -1 +1 @@ ollama\n"},
    "what is allowed": {"backend/app/old.py": "# segue: allow SEG101 for now until 2099-01-01 owner @ann\nimport ollama\n"},
    "the policy": {"segue-audit.yaml": "allow:\n  - rules: [SEG124]\n    paths: ['README.md']\n    reason: history\n    owner: '@ann'\n"},
}


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t", *words], check=True, capture_output=True)


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "desk"
    write(root, PROJECT)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "all")
    return root


def since(root, *more):
    done = subprocess.run([binary(), "audit", "--since", "HEAD", "--format", "json", *map(str, more), str(root)], capture_output=True, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def fresh(report):
    return [(f["path"], f["line"], f["rule"], f["level"], f["id"], f["message"], f["suppressed"]) for f in report["findings"]
            if f["baseline"] == "new"]


@pytest.mark.parametrize("change", CHANGES, ids=lambda name: name.replace(" ", "_"))
@pytest.mark.parametrize("staged", [False, True], ids=["untracked", "staged"])
def test_the_same_as_the_whole_audit(project, tmp_path, change, staged):
    write(project, CHANGES[change])
    if staged:
        git(project, "add", "-A")
    whole = since(project, "--write-baseline", tmp_path / "all.json")  # a baseline holds everything
    part = since(project)
    assert fresh(part) == fresh(whole)
    if change not in ("the project's own route", "what does not matter", "the policy"):
        assert fresh(part), "this change brings something"
    if change != "the policy":
        assert {f["path"] for f in part["findings"]} <= set(CHANGES[change])
    assert any(f["path"] == "docker-compose.yml" for f in whole["findings"])


def test_a_moved_file_is_not_new(project):
    git(project, "mv", "backend/app/llm/client.py", "backend/app/llm/connect.py")
    assert fresh(since(project)) == []
    (project / "README.md").unlink()
    assert fresh(since(project)) == []


def test_a_folder_below_the_root(project):
    write(project, {"backend/app/more.py": "import ollama\n", "web/src/more.ts": "import 'ollama'\n"})
    assert {(f["path"], f["line"]) for f in since(project / "backend")["findings"]} == {("app/more.py", 1)}


def test_the_rest_of_a_large_tree_is_not_read(project):
    write(project, {f"lib/part{i // 50}/file{i}.py": f"VALUE_{i} = 'ollama {i}'\n" for i in range(4000)})
    git(project, "add", "-A")
    git(project, "commit", "-qm", "more")
    write(project, CHANGES["a value that comes out of another file"])
    part = since(project)
    assert part["stats"]["scanned"] < 2500
    assert {f["line"] for f in part["findings"]} >= {2, 4, 5, 6}


def test_the_index_is_left_alone(project):
    write(project, CHANGES["the project's own name"])
    before = (project / ".git/index").read_bytes(), (project / ".git/index").stat().st_mtime_ns
    since(project)
    assert before == ((project / ".git/index").read_bytes(), (project / ".git/index").stat().st_mtime_ns)


def test_changes_of_both_kinds_are_read_with_what_lies_near(project):
    """a tracked file and one that git does not know yet, each with a client that another module hands out"""
    change = CHANGES["a client that another module hands out"]
    write(project, change | {"backend/app/other.py": change["backend/app/main.py"]})
    found = {(path, line) for path, line, *_ in fresh(since(project))}
    assert {path for path, _ in found} == {"backend/app/main.py", "backend/app/other.py"}
    assert {line for path, line in found if path.endswith("main.py")} == {line for path, line in found if path.endswith("other.py")}


def test_a_policy_that_git_does_not_track_yet(project):
    write(project, CHANGES["the policy"])
    assert any(f["path"] == "docker-compose.yml" for f in since(project)["findings"]), "everything is read"
