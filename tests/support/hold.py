"""Starts rigs for tests in another language, prints where they are as JSON, and stops them when stdin closes.

    python -m support.hold
    {"openai": {"segue": "http://127.0.0.1:…", "engine": "http://127.0.0.1:…"}, "ollama": {…}, "embed-openai": …}
"""

from __future__ import annotations

import json
import sys

from .embedder import make_embedder
from .rigs import EMBEDS, make


def main() -> None:
    rigs = {}
    try:
        for dialect in ("openai", "ollama"):
            rigs[dialect] = make(dialect, "rehearsal")
            rigs[f"breaking-{dialect}"] = make(dialect, "rehearsal", max_attempts=1)
            rigs[f"breaking-{dialect}"].engine.faults({"drop_after": 3})
            rigs[f"embed-{dialect}"] = make(dialect, profile=EMBEDS)
            make_embedder(rigs[f"embed-{dialect}"].engine)
        print(json.dumps({name: {"segue": rig.segue.url, "engine": rig.engine.url} for name, rig in rigs.items()}),
              flush=True)
        sys.stdin.read()
    finally:
        for rig in rigs.values():
            rig.stop()


if __name__ == "__main__":
    main()
