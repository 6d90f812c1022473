#!/usr/bin/env python3
"""Measures documents and retrieval on this machine: ingestion, embedding, hybrid search alone and 16 at once, HNSW's recall.

usage: bench/retrieval.py [--passages 20000,100000] [--questions 200] [--json FILE]

Texts are mixtures of sentences (of SEGUE_RAG_DATASET's docs.jsonl where that is given, else of Segue's own documentation);
300 of them get true vectors by the model, the others normalised sums of two of those, so that a run takes minutes, not
hours. Searches go through the API of a running segue, signed in, rights and all. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("SEGUE_BIN", str(ROOT / "build/release/segue"))

from support.people import Browser, House  # noqa: E402

TRUE_VECTORS = 300
SECTIONS_A_FILE = 100


def sentences() -> list[str]:
    if folder := os.environ.get("SEGUE_RAG_DATASET"):
        texts = [json.loads(line)["text"] for line in Path(folder, "docs.jsonl").open()]
    else:
        texts = [path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))]
    return [s.strip() for text in texts for s in re.split(r"(?<=[.!?])\s+", text) if 30 < len(s.strip()) < 400]


def quantiles(values: list[float]) -> dict[str, float]:
    values = sorted(values)
    return {"p50_ms": round(statistics.median(values), 1), "p95_ms": round(values[int(len(values) * 0.95) - 1], 1)}


class Bench:
    def __init__(self, passages: int, questions: int):
        self.passages, self.questions = passages, questions
        self.random = random.Random(7)
        self.sentences = sentences()
        self.folder = Path(tempfile.mkdtemp(prefix="segue-bench-"))
        self.environment = {**os.environ, "SEGUE_DATA_DIR": str(self.folder / "data"), "HOME": str(self.folder)}

    def segue(self, *words: str) -> str:
        return subprocess.run([os.environ["SEGUE_BIN"], *words], env=self.environment, check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def write(self, name: str, count: int) -> Path:
        folder = self.folder / name
        folder.mkdir()
        for start in range(0, count, SECTIONS_A_FILE):
            sections = []
            for i in range(start, min(start + SECTIONS_A_FILE, count)):
                picked = [self.random.choice(self.sentences) for _ in range(6)]
                sections.append(f"## Section {i}\n\n" + " ".join(re.sub(r"^\W+", "", s) for s in picked) + "\n")
            (folder / f"{name}{start}.md").write_text(f"# {name} {start}\n\n" + "\n".join(sections))
        return folder

    def search(self, browser: Browser, question: str) -> float:
        start = time.perf_counter()
        reply = browser.post("/segue/v1/search", {"query": question, "limit": 10})
        assert reply.status == 200 and reply.json()["vector"] == "used", reply
        return (time.perf_counter() - start) * 1000

    def recall(self) -> float:
        sql = ("select set_config('hnsw.ef_search', '200', false); with probes as materialized (select passage, emb from embedding_1 "
               "order by md5(passage::text) limit 50) select avg(n) / 10.0 from (select (select count(*) from (select e.passage from "
               "embedding_1 e order by e.emb <=> p.emb limit 10) a join (select passage from (select e.passage, e.emb <=> p.emb as d "
               "from embedding_1 e offset 0) x order by d limit 10) b using (passage)) as n from probes p) y")
        return float(self.segue("store", "psql", "--", "-Atc", f"set search_path = segue, public; {sql}").split()[-1])

    def run(self) -> dict[str, object]:
        result: dict[str, object] = {"passages": self.passages}
        start = time.perf_counter()
        self.segue("docs", "add", str(self.write("first", TRUE_VECTORS)), "-C", "bench")
        result["embedded_per_s"] = round(TRUE_VECTORS / (time.perf_counter() - start), 1)
        folder = self.write("rest", self.passages - TRUE_VECTORS)
        start = time.perf_counter()
        self.segue("docs", "add", str(folder), "-C", "bench", "--no-embedding")
        result["ingested_per_s"] = round((self.passages - TRUE_VECTORS) / (time.perf_counter() - start))
        self.segue("store", "psql", "--", "-qc", "set search_path = segue, public; set statement_timeout = 0; "
                   "set maintenance_work_mem = '1GB'; drop index embedding_1_emb_idx; create temp table real as select "
                   "row_number() over () as i, emb from embedding_1; insert into embedding_1 select p.id, l2_normalize(a.emb + b.emb) "
                   f"from passage p join real a on a.i = 1 + p.id % {TRUE_VECTORS} join real b on b.i = 1 + (p.id * 7919 / 13) % "
                   f"{TRUE_VECTORS} where not exists (select from embedding_1 e where e.passage = p.id); create index "
                   "embedding_1_emb_idx on embedding_1 using hnsw (emb vector_cosine_ops) with (m = 16, ef_construction = 128)")
        self.segue("store", "psql", "--", "-qc", "set search_path = segue, public; analyze")
        result["hnsw_recall_at_10"] = self.recall()
        house = House(environment={"SEGUE_DATA_DIR": str(self.folder / "data")})
        try:
            admin = house.set_up()
            asked = [" ".join(self.random.choice(self.sentences).split()[:10]) for _ in range(self.questions)]
            house.wait_for(lambda: admin.post("/segue/v1/search", {"query": "warm"}).json()["vector"] == "used", 60)
            for question in asked[:20]:
                self.search(admin, question)
            result["one_at_a_time"] = quantiles([self.search(admin, question) for question in asked])
            with ThreadPoolExecutor(16) as pool:
                result["sixteen_at_once"] = quantiles(list(pool.map(lambda q: self.search(admin, q), asked * 2)))
        finally:
            house.stop()
        return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passages", default="20000,100000")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = []
    for passages in options.passages.split(","):
        results.append(Bench(int(passages), options.questions).run())
        print(json.dumps(results[-1], indent=2), flush=True)
    if dataset := os.environ.get("SEGUE_RAG_DATASET"):
        with tempfile.TemporaryDirectory() as data:
            report = subprocess.run([os.environ["SEGUE_BIN"], "rag", "eval", dataset, "--data-dir", data, "--json"], check=True, text=True,
                                    stdout=subprocess.PIPE).stdout
        results.append(json.loads(report))
        print(report)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
