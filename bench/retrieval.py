#!/usr/bin/env python3
"""Measures documents and retrieval on this machine: ingestion, embedding beside the model alone and LangChain, hybrid search alone and
16 at once, HNSW's recall, what retrieval adds to a chat's first token, memory, and (with a dataset) quality.

usage: bench/retrieval.py [--passages 20000,100000] [--only search,embedding,memory,quality] [--json FILE] [--docs]

Texts are six sentences, three to six of one text and the rest of another (of SEGUE_RAG_DATASET's docs.jsonl where that is given, else of
Segue's own documentation). A passage's vector is the mean of its sentences' true ones, so that a run takes minutes, not hours; questions are embedded for real. Searches and chats go through
the API of a running segue, signed in, rights and all. --docs writes the table in docs/retrieval.md. Run it on a quiet machine; the
peer is Python's of .deps/peers/langchain (tools/deps bench), or SEGUE_LANGCHAIN_PYTHON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("SEGUE_BIN", str(ROOT / "build/release/segue"))

from chat.conversation import Conversation  # noqa: E402
from support.people import Browser, House  # noqa: E402
from support.segue import Rehearsal  # noqa: E402

BY_ITSELF = 10  # passages that segue embeds itself before the bench gives it vectors: it has made its table then
SECTIONS_A_FILE = 100
EMBEDDED = 600  # passages of the comparison with the model alone and with LangChain
PEOPLE = 100
CONFIG = {"engines": [{"name": "gone", "url": "http://127.0.0.1:9"}]}


def texts() -> list[list[str]]:
    """The sentences of each text."""
    if folder := os.environ.get("SEGUE_RAG_DATASET"):
        whole = [json.loads(line)["text"] for line in Path(folder, "docs.jsonl").open()]
    else:
        whole = [path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))]
    cut = [[s.strip() for s in re.split(r"(?<=[.!?])\s+", text) if 30 < len(s.strip()) < 400] for text in whole]
    return [sentences for sentences in cut if sentences]


def embed_tool(texts: Iterable[str], *words: str) -> str:
    tool = Path(os.environ["SEGUE_BIN"]).with_name("segue-bench-embed")
    return subprocess.run([tool, *words], input="\n".join(json.dumps(text) for text in texts), check=True, text=True, stdout=subprocess.PIPE).stdout


@cache
def embedded(role: str, texts: tuple[str, ...]) -> list[str]:
    """The model's vectors of `passages` or `questions`, as pgvector reads them."""
    return embed_tool(texts, role).splitlines()


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95) - 1]


def quantiles(values: list[float]) -> dict[str, float]:
    return {"p50_ms": round(statistics.median(values), 1), "p95_ms": round(p95(values), 1)}


class Place:
    """A data folder with its own database, the commands over it, and texts to fill it with."""

    def __init__(self) -> None:
        self.random = random.Random(7)
        found = texts()
        self.sentences = sorted({sentence for text in found for sentence in text})
        number = {sentence: i for i, sentence in enumerate(self.sentences)}
        self.texts = [[number[sentence] for sentence in text] for text in found]
        self.sections: list[list[int]] = []  # of each section written, its sentences
        self.folder = Path(tempfile.mkdtemp(prefix="segue-bench-"))
        self.environment = {**os.environ, "SEGUE_DATA_DIR": str(self.folder / "data"), "HOME": str(self.folder)}

    def segue(self, *words: str) -> str:
        return subprocess.run([os.environ["SEGUE_BIN"], *words], env=self.environment, check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def sql(self, text: str) -> list[str]:
        """What a script prints; `\\copy` may stand in it."""
        script = self.folder / "script.sql"
        script.write_text(f"set search_path = segue, public; set statement_timeout = 0;\n{text};\n")
        return self.segue("store", "psql", "--", "-v", "ON_ERROR_STOP=1", "-Atqf", str(script)).splitlines()

    def mixture(self) -> list[int]:
        """Six sentences, three at least of one text: a passage has a subject, and so has its vector."""
        subject, aside = self.random.choice(self.texts), self.random.choice(self.texts)
        main = self.random.randint(3, 6)
        return self.random.choices(subject, k=main) + self.random.choices(aside, k=6 - main)

    def write(self, name: str, count: int) -> Path:
        folder = self.folder / name
        folder.mkdir()
        for start in range(0, count, SECTIONS_A_FILE):
            sections = []
            for _ in range(start, min(start + SECTIONS_A_FILE, count)):
                picked = self.mixture()
                sections.append(f"## Section {len(self.sections)}\n\n" + " ".join(re.sub(r"^\W+", "", self.sentences[i]) for i in picked) + "\n")
                self.sections.append(picked)
            (folder / f"{name}{start}.md").write_text(f"# {name} {start}\n\n" + "\n".join(sections))
        return folder

    def vectors(self, role: str, texts: list[str]) -> Path:
        """A file of the model's vectors, one a line with its number."""
        path = self.folder / f"{role}.tsv"
        lines = embedded(role, tuple(texts))
        path.write_text("".join(f"{i}\t{line}\n" for i, line in enumerate(lines)))
        return path

    def house(self, config: dict[str, object] | None = None, **environment: str) -> House:
        return House(config or CONFIG, {"SEGUE_DATA_DIR": str(self.folder / "data"), **environment})


def timed_search(browser: Browser, question: str) -> float:
    start = time.perf_counter()
    reply = browser.post("/segue/v1/search", {"query": question, "limit": 10})
    assert reply.status == 200 and reply.json()["vector"] == "used", reply
    return (time.perf_counter() - start) * 1000


def first_text(browser: Browser, question: str, collections: list[str]) -> float:
    """Milliseconds from the question to the first text of its answer."""
    talk = Conversation(browser)
    start = time.perf_counter()
    _, answer = talk.ask(question, collections=collections)
    stream = talk.follow(answer["id"])
    took = next((time.perf_counter() - start for event in stream if event.name == "text" and event.data["text"]), None)
    for _ in stream:
        pass
    stream.close()
    assert took is not None, "an answer without a word"
    return took * 1000


def recall(place: Place, passages: int, questions: list[str]) -> float:
    """Of the exact ten nearest to a question, how many HNSW finds with the setting that searches use; one that is as near as the tenth counts, since
    equal vectors have no order."""
    file = place.vectors("questions", questions)
    found = "(select e.emb <=> q.emb as d from embedding_1 e order by e.emb <=> q.emb limit 10)"
    exact = "(select d from (select e.emb <=> q.emb as d from embedding_1 e offset 0) x order by d limit 10)"
    candidates = 200 if passages <= 50_000 else 400  # as kBegin of src/rag/search/searcher.cpp has it
    return float(place.sql(f"create temp table question (i int, emb vector(384));\n\\copy question from '{file}'\n"
                           f"set hnsw.ef_search = {candidates}; select avg(n) / 10.0 from (select (select count(*) from {found} a where a.d <= 1e-6 + "
                           f"(select max(d) from {exact} b)) as n from question q) y")[-1])


def fill(place: Place, passages: int) -> float:
    """Passages read, cut and indexed a second; then their vectors."""
    place.segue("docs", "add", str(place.write("first", BY_ITSELF)), "-C", "bench")
    folder = place.write("rest", passages - BY_ITSELF)
    start = time.perf_counter()
    place.segue("docs", "add", str(folder), "-C", "bench", "--no-embedding")
    rate = (passages - BY_ITSELF) / (time.perf_counter() - start)
    picked = place.folder / "picked.tsv"
    picked.write_text("".join(f"{section}\t{i}\n" for section, six in enumerate(place.sections) for i in six))
    place.sql(f"create temp table sentence (i int primary key, emb vector(384));\n\\copy sentence from '{place.vectors('passages', place.sentences)}'\n"
              f"create temp table picked (section int, i int);\n\\copy picked from '{picked}'\n"
              "set work_mem = '1GB'; set maintenance_work_mem = '1GB'; analyze sentence; analyze picked; drop index embedding_1_emb_idx;\n"
              "insert into embedding_1 select p.id, l2_normalize(avg(s.emb)) from passage p join picked on picked.section = "
              "substring(p.heading from '[0-9]+$')::int join sentence s using (i) where not exists (select from embedding_1 e where e.passage = p.id) "
              "group by p.id;\ncreate index embedding_1_emb_idx on embedding_1 using hnsw (emb vector_cosine_ops) with (m = 16, ef_construction = 128);\n"
              "vacuum (analyze) embedding_1")
    return rate


def search(passages: int, questions: int) -> dict[str, object]:
    place = Place()
    asked = [" ".join(place.random.choice(place.sentences).split()[:10]) for _ in range(questions)]
    result: dict[str, object] = {"passages": passages, "ingested_per_s": round(fill(place, passages)), "hnsw_recall_at_10": recall(place, passages, asked[:50])}
    engine = Rehearsal("vllm", "--first-token-ms", "2", "--tokens-per-second", "2000", skill="", models=("rehearsal",))
    house = place.house({"engines": [{"name": "e", "url": engine.url}]})
    try:
        admin = house.set_up()
        house.wait_for(lambda: admin.post("/segue/v1/search", {"query": "warm"}).json()["vector"] == "used", 60)
        house.wait_for(lambda: all(one["embedded"] == one["passages"] for one in admin.get("/segue/v1/collections").json()["collections"]), 300)
        for question in asked[:20]:
            timed_search(admin, question)
        result["one_at_a_time"] = quantiles([timed_search(admin, question) for question in asked])
        with ThreadPoolExecutor(16) as pool:
            result["sixteen_at_once"] = quantiles(list(pool.map(lambda q: timed_search(admin, q), asked * 2)))
        pairs = [(first_text(admin, question, []), first_text(admin, question, ["bench"])) for question in asked[:100]]
        result["chat_first_text"] = {"plain": quantiles([plain for plain, _ in pairs]), "with_retrieval": quantiles([with_it for _, with_it in pairs]),
                                     "added_p95_ms": round(p95([with_it - plain for plain, with_it in pairs]), 1)}
    finally:
        house.stop()
        engine.stop()
    return result


def embedding() -> dict[str, object]:
    """The same files by the model alone, behind ingestion, and by LangChain."""
    place = Place()
    place.segue("docs", "add", str(place.write("warm", 2)), "-C", "warm", "--no-embedding")  # makes the database
    folder = place.write("files", EMBEDDED)
    start = time.perf_counter()
    place.segue("docs", "add", str(folder), "-C", "bench")
    whole = time.perf_counter() - start
    texts = [json.loads(line) for line in
             place.sql("select to_json(concat_ws(E'\\n', title, replace(heading, chr(31), ' > '), body)) from passage")]
    alone = float(embed_tool(texts))
    place.sql("delete from embedding_1")
    house = place.house()
    try:
        seen: list[tuple[float, int]] = []
        admin = house.set_up()

        def done() -> bool:
            one = next(one for one in admin.get("/segue/v1/collections").json()["collections"] if one["id"] == "bench")
            seen.append((time.perf_counter(), one["embedded"]))
            return one["embedded"] == one["passages"]
        while not done():
            time.sleep(0.25)
        begun = [(at, count) for at, count in seen if 0 < count < seen[-1][1]]
        behind = (begun[-1][1] - begun[0][1]) / (begun[-1][0] - begun[0][0])
    finally:
        house.stop()
    result: dict[str, object] = {"passages": len(texts), "model_alone_per_s": alone, "behind_ingestion_per_s": round(behind, 1),
                                 "share_of_the_model": round(behind / alone, 3), "segue_seconds": round(whole, 2)}
    python = os.environ.get("SEGUE_LANGCHAIN_PYTHON", str(ROOT / ".deps/peers/langchain/bin/python"))
    model = ROOT / ".deps/embedding/bge-small-en-v1.5"
    if Path(python).exists() and model.exists():
        start = time.perf_counter()
        printed = subprocess.run([python, str(ROOT / "bench/langchain_ingest.py"), str(folder), str(model)], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout
        result["langchain"] = {**json.loads(printed), "command_s": round(time.perf_counter() - start, 2)}
    return result


def resident_mb(pid: int) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def postgres_mb(house: House) -> float:
    """Shared pages counted once."""
    server = int((house.data / "postgres/data/postmaster.pid").read_text().split()[0])
    pids = [server] + [int(pid) for pid in subprocess.run(["pgrep", "-P", str(server)], text=True, stdout=subprocess.PIPE).stdout.split()]
    total = 0
    for pid in pids:
        try:
            total += int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])
        except OSError:
            pass  # it has ended
    return total / 1024


def memory() -> dict[str, object]:
    """Resident size of segue with the store, idle and with a hundred people who read an answer each."""
    engine = Rehearsal("vllm", "--first-token-ms", "50", "--tokens-per-second", "4", "--slots", str(2 * PEOPLE), skill="", models=("rehearsal",))
    # One sentence: the rehearsal engine quotes sentences, and all must still be streaming when the last one begins.
    long_text = "[1] Which word stands here is told by " + ", then ".join(f"the word number {n}" for n in range(40)) + "."
    result: dict[str, object] = {}
    for name, folder in (("without_model", "/nowhere"), ("with_model", os.environ.get("SEGUE_EMBEDDING_DIR", ""))):
        place = Place()
        house = place.house({"engines": [{"name": "e", "url": engine.url}]}, **({"SEGUE_EMBEDDING_DIR": folder} if folder else {}))
        try:
            admin = house.set_up()
            house.wait_for(lambda: admin.post("/segue/v1/search", {"query": "How do I begin?"}).json()["hits"], 60)
            time.sleep(3)
            result[name] = {"idle_mb": round(resident_mb(house.child.pid), 1), "postgres_idle_mb": round(postgres_mb(house), 1)}
            if name == "with_model":
                continue
            people = [house.person(admin, f"p{n}") for n in range(PEOPLE)]
            barrier = threading.Barrier(PEOPLE + 1, timeout=120)  # one that fails must not keep the others waiting for ever

            def stream(browser: Browser) -> None:
                talk = Conversation(browser, system=long_text)
                _, answer = talk.ask("Which word stands here?")
                follow = talk.follow(answer["id"])
                next(event for event in follow if event.name == "text" and event.data["text"])
                barrier.wait()
                barrier.wait()
                follow.close()
            threads = [threading.Thread(target=stream, args=(person,)) for person in people]
            for thread in threads:
                thread.start()
            barrier.wait()
            time.sleep(2)
            running = int(place_count(admin))
            result[name].update({"streaming_mb": round(resident_mb(house.child.pid), 1), "streams": running,
                                 "postgres_streaming_mb": round(postgres_mb(house), 1)})
            barrier.wait()
            for thread in threads:
                thread.join()
        finally:
            house.stop()
    engine.stop()
    return result


def place_count(admin: Browser) -> float:
    """Requests that engines have under way."""
    return sum(one["in_flight"] for one in admin.get("/segue/v1/engines").json()["engines"])


def quality() -> dict[str, object] | None:
    dataset = os.environ.get("SEGUE_RAG_DATASET")
    if not dataset:
        return None
    with tempfile.TemporaryDirectory() as data:
        return json.loads(subprocess.run([os.environ["SEGUE_BIN"], "rag", "eval", dataset, "--data-dir", data, "--json"], check=True, text=True,
                                         stdout=subprocess.PIPE).stdout)


def rows(results: dict[str, object]) -> list[tuple[str, str, str, bool]]:
    """What, measured, wanted, met."""
    out: list[tuple[str, str, str, bool]] = []

    def row(what: str, value: float, unit: str, wanted: str, met: bool) -> None:
        out.append((what, f"{value:g} {unit}".strip(), wanted, met))
    for one in results.get("search", []):
        count = f"{one['passages']:,} passages"
        single, many = one["one_at_a_time"]["p95_ms"], one["sixteen_at_once"]["p95_ms"]
        if one["passages"] <= 20_000:
            row(f"hybrid search, {count}, one at a time, p95", single, "ms", "≤ 30 ms", single <= 30)
        else:
            row(f"hybrid search, {count}, one at a time, p95", single, "ms", "≤ 120 ms", single <= 120)
            row("… 16 at once, p95", many, "ms", "≤ 700 ms", many <= 700)
            added = one["chat_first_text"]["added_p95_ms"]
            row(f"chat with retrieval over plain chat, {count}, added time to the first text, p95", added, "ms", "< 160 ms", added < 160)
        row(f"HNSW's recall of the exact ten nearest, {count}", one["hnsw_recall_at_10"], "", "≥ 0.99", one["hnsw_recall_at_10"] >= 0.99)
        row(f"parsed, cut and found by keyword, {count}", one["ingested_per_s"], "passages/s", "≥ 500", one["ingested_per_s"] >= 500)
    if one := results.get("embedding"):
        row("embedded behind ingestion, share of the model alone in a loop", one["share_of_the_model"], f"({one['behind_ingestion_per_s']:g} of "
            f"{one['model_alone_per_s']:g} passages/s)", "≥ 0.9", one["share_of_the_model"] >= 0.9)
        if peer := one.get("langchain"):
            row("the same files read, cut and embedded, command to end, LangChain's time over Segue's", round(peer["command_s"] / one["segue_seconds"], 2),
                f"({peer['command_s']:g} s, {peer['whole_s']:g} s of them after its imports, its store in memory; Segue {one['segue_seconds']:g} s, its database "
                "started and stopped)", "≥ 1", peer["command_s"] >= one["segue_seconds"])
    if one := results.get("memory"):
        idle, busy = one["without_model"]["idle_mb"], one["without_model"]["streaming_mb"]
        row("resident with the store, idle", idle, f"MB (PostgreSQL besides: {one['without_model']['postgres_idle_mb']:g} MB; with the embedding model: "
            f"{one['with_model']['idle_mb']:g} MB)", "< 120 MB", idle < 120)
        row(f"… {one['without_model']['streams']} people streaming", busy, f"MB (PostgreSQL besides: {one['without_model']['postgres_streaming_mb']:g} MB)",
            "< 250 MB", busy < 250)
    return out


def write_docs(table: str) -> None:
    path = ROOT / "docs/retrieval.md"
    text = path.read_text()
    made = f"## Figures\n\n{table}\n"
    path.write_text(re.sub(r"## Figures\n.*?(?=\n## |\Z)", lambda _: made, text, flags=re.S) if "## Figures\n" in text else f"{text.rstrip()}\n\n{made}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passages", default="20000,100000")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--only", default="search,embedding,memory,quality")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--docs", action="store_true")
    options = parser.parse_args()
    only = options.only.split(",")
    results: dict[str, object] = {}
    if "search" in only:
        results["search"] = [search(int(passages), options.questions) for passages in options.passages.split(",")]
    for name, measure in (("embedding", embedding), ("memory", memory), ("quality", quality)):
        if name in only and (made := measure()):
            results[name] = made
    print(json.dumps(results, indent=2), flush=True)
    version = subprocess.run([os.environ["SEGUE_BIN"], "version"], text=True, stdout=subprocess.PIPE).stdout.strip()
    lines = [f"Measured by `bench/retrieval.py` at {time.strftime('%Y-%m-%d', time.gmtime())}, {version}, {os.cpu_count()} cores, {platform.release()}.",
             "", "| what | measured | wanted | met |", "|---|---|---|---|"]
    lines += [f"| {what} | {value} | {wanted} | {'yes' if met else '**no**'} |" for what, value, wanted, met in rows(results)]
    print("\n".join(lines))
    if options.docs:
        write_docs("\n".join(lines))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
