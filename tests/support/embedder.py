"""A scripted engine that embeds: vectors that differ, answered out of order, in either dialect."""

from __future__ import annotations

import base64
import math
import struct

from .engines import Answer, ReplayEngine, Seen


def vector(number: int, size: int = 16) -> list[float]:
    """The vector of the input at this place: of length 1, different for each place."""
    raw = [math.sin(number * 31 + position + 1) for position in range(size)]
    length = math.sqrt(sum(value * value for value in raw))
    return [value / length for value in raw]


def texts_of(given: object) -> list[object]:
    if isinstance(given, list) and given and not isinstance(given[0], int):
        return given
    return [given]


def openai(seen: Seen) -> Answer:
    count = len(texts_of(seen.json["input"]))
    packed = seen.json.get("encoding_format") == "base64"

    def one(number: int) -> object:
        values = vector(number)
        return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode() if packed else values

    rows = [{"index": n, "object": "embedding", "embedding": one(n)} for n in range(count)]
    return Answer.json({"id": "embd-1", "object": "list", "created": 1, "model": seen.json["model"],
                        "data": rows[::-1], "usage": {"prompt_tokens": 3 * count, "total_tokens": 3 * count}})


def ollama(seen: Seen) -> Answer:
    count = len(texts_of(seen.json["input"]))
    return Answer.json({"model": seen.json["model"], "embeddings": [vector(n) for n in range(count)],
                        "total_duration": 14143917, "load_duration": 1019500, "prompt_eval_count": 3 * count})


def make_embedder(engine: ReplayEngine) -> None:
    engine.on("/v1/embeddings", openai)
    engine.on("/api/embed", ollama)
    engine.on("/api/embeddings", Answer.json({"embedding": vector(0)}))
