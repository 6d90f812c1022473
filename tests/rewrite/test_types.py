"""TypeScript of the pairs: before and after the change the compiler finds nothing wrong."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from support.segue import ROOT

PAIRS = Path(__file__).parent / "pairs"
PACKAGES = ROOT / "tests" / "acme" / "node" / "node_modules"  # ollama, openai, express, vue
COMPILER = ROOT / ".deps" / "web" / "node_modules"            # typescript, @types/node
TREES = [(case.name, tree.name) for case in sorted(PAIRS.iterdir()) for tree in sorted(case.iterdir())
         if tree.is_dir() and any(path.suffix in (".ts", ".tsx") for path in tree.rglob("*"))]
# What the packages that are not installed here declare, as far as the pairs use it.
AMBIENT = """
declare module 'axios' {
  const axios: {
    post(url: string, body?: unknown, settings?: unknown): Promise<{ data: any }>
    get(url: string, settings?: unknown): Promise<{ data: any }>
  }
  export default axios
}
declare module '@langchain/ollama' {
  export class ChatOllama {
    constructor(fields: { model: string; baseUrl?: string; temperature?: number; numCtx?: number; numPredict?: number; format?: string; keepAlive?: string })
    invoke(input: unknown): Promise<{ content: unknown }>
  }
  export class OllamaEmbeddings {
    constructor(fields: { model: string; baseUrl?: string })
    embedQuery(text: string): Promise<number[]>
  }
}
declare module '@langchain/openai' {
  export class ChatOpenAI {
    constructor(fields: { model: string; configuration?: { baseURL?: string }; apiKey?: string; temperature?: number; maxTokens?: number; modelKwargs?: Record<string, unknown> })
    invoke(input: unknown): Promise<{ content: unknown }>
  }
  export class OpenAIEmbeddings {
    constructor(fields: { model: string; configuration?: { baseURL?: string }; apiKey?: string })
    embedQuery(text: string): Promise<number[]>
  }
}
declare module 'ollama-ai-provider-v2' {
  export function createOllama(settings: { baseURL?: string }): (model: string) => any
}
declare module '@ai-sdk/openai-compatible' {
  export function createOpenAICompatible(settings: { name: string; baseURL: string; apiKey?: string }): (model: string) => any
}
declare module 'ai' {
  export function generateText(input: { model: any; prompt?: string; messages?: unknown[] }): Promise<{ text: string }>
  export function streamText(input: { model: any; prompt?: string; messages?: unknown[] }): any
}
"""


def complaints(trees, folder):
    """What the compiler says of several trees at once: their names are folders."""
    for name, tree in trees.items():
        shutil.copytree(tree, folder / name)
    modules = folder / "node_modules"
    modules.mkdir()
    for package in PACKAGES.iterdir():
        if not package.name.startswith(".") and package.name != "@types":
            (modules / package.name).symlink_to(package)
    (folder / "ambient.d.ts").write_text(AMBIENT)
    (folder / "tsconfig.json").write_text(json.dumps({
        "compilerOptions": {"strict": True, "noEmit": True, "skipLibCheck": True, "target": "es2024", "lib": ["es2024", "dom", "dom.iterable"],
                            "module": "esnext", "moduleResolution": "bundler", "allowImportingTsExtensions": True, "types": ["node"],
                            "paths": {"@/*": [f"./{name}/src/*" for name in trees]}, "typeRoots": [str(COMPILER / "@types")], "noUnusedLocals": True},
        "include": ["**/*.ts", "**/*.tsx"]}))
    node = os.environ.get("NODE") or shutil.which("node") or str(ROOT / ".deps/node/bin/node")
    done = subprocess.run([node, str(COMPILER / "typescript" / "bin" / "tsc"), "-p", "."], cwd=folder, capture_output=True, text=True, timeout=300)
    return done.stdout + done.stderr


def test_types(tmp_path):
    """One run over all trees; those that name a file by "@/…" have a run of their own, because that is the tree's top."""
    together = {}
    for case, tree in TREES:
        folder = PAIRS / case / tree
        name = f"{case}.{tree}"
        if any(b"'@/" in path.read_bytes() for path in folder.rglob("*.ts")):
            (tmp_path / name).mkdir()
            assert complaints({name: folder}, tmp_path / name) == ""
        else:
            together[name] = folder
    assert len(together) >= 25
    (tmp_path / "all").mkdir()
    assert complaints(together, tmp_path / "all") == ""


def test_a_mistake_is_seen(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.ts").write_text("import OpenAI from 'openai'\nexport const x: string = new OpenAI()\n")
    (tmp_path / "work").mkdir()
    assert "TS2322" in complaints({"tree": tmp_path / "tree"}, tmp_path / "work")
