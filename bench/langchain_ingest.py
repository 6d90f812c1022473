#!/usr/bin/env python3
"""What a LangChain program does with a folder of Markdown: read, split, embed with the same model, keep in memory. Run by the Python of
.deps/peers/langchain (tools/deps bench); prints one JSON object. Two threads, one text a run: its fastest way with this model.

usage: langchain_ingest.py FOLDER MODEL_FOLDER
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
import onnxruntime
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_text_splitters import MarkdownHeaderTextSplitter, RecursiveCharacterTextSplitter
from tokenizers import Tokenizer

THREADS = 2


class Model(Embeddings):
    def __init__(self, folder: Path):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(512)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])

    def embed_query(self, text: str) -> list[float]:
        ids = numpy.array([self.tokenizer.encode(text).ids], dtype=numpy.int64)
        hidden = self.session.run(None, {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)})[0]
        vector = hidden[0, 0]
        return (vector / numpy.linalg.norm(vector)).tolist()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self.embed_query, texts))


def main() -> None:
    folder, model = Path(sys.argv[1]), Model(Path(sys.argv[2]))
    start = time.perf_counter()
    headers = MarkdownHeaderTextSplitter([("#", "title"), ("##", "section")], strip_headers=False)
    pieces = RecursiveCharacterTextSplitter(chunk_size=300, chunk_overlap=0,
                                            length_function=lambda text: len(model.tokenizer.encode(text, add_special_tokens=False).ids))
    documents = [Document(piece.page_content, metadata={**piece.metadata, "path": path.name})
                 for path in sorted(folder.glob("**/*.md")) for piece in pieces.split_documents(headers.split_text(path.read_text()))]
    split = time.perf_counter() - start
    InMemoryVectorStore(model).add_documents(documents)
    whole = time.perf_counter() - start
    print(json.dumps({"passages": len(documents), "split_s": round(split, 2), "whole_s": round(whole, 2),
                      "passages_per_s": round(len(documents) / whole, 1)}))


if __name__ == "__main__":
    main()
