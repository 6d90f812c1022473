#!/usr/bin/env python3
"""Fails on an include that goes up or sideways in the house of docs/architecture.md.

A folder may include itself and folders on lower floors. Vendors' field names live in src/llm and src/engine, system socket
headers in src/net, libpq in src/store.
"""
import pathlib
import re
import sys

FLOORS = {
    "base": 0,
    "llm": 1, "net": 1, "store": 1, "stats": 1,
    "engine": 2,
    "rag": 3, "telemetry": 3, "evidence": 3, "people": 3,
    "audit": 4, "doctor": 4, "bench": 4,
    "gateway": 5, "rewrite": 5, "deploy": 5,
    "chat": 6, "rollout": 6, "certify": 6, "plan": 6,
    "serve": 7,
    "cli": 8,
}
# Header -> folders that may include it.
OWNED = {
    r"sys/(socket|epoll|un)\.h|netinet/.*|arpa/inet\.h|netdb\.h": {"net"},
    r"openssl/ssl\.h": {"net"},
    r"llhttp\.h": {"net"},
    r"libpq-fe\.h": {"store"},
    r"simdjson\.h|yaml-cpp/.*|spdlog/.*": {"base"},
    r"hs\.h": {"audit"},
    r"CLI/CLI\.hpp": {"cli"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    problems = []
    for path in sorted((root / "src").rglob("*.[ch]pp")):
        folder = path.relative_to(root / "src").parts[0]
        name = path.relative_to(root)
        if folder not in FLOORS:
            problems.append(f"{name}: folder src/{folder} has no floor; add it to tools/check_layers.py and docs/architecture.md")
            continue
        is_test = re.search(r"(_test|_bench|_fuzz|test_\w+)\.[ch]pp$", path.name)
        for quote, header in INCLUDE.findall(path.read_text()):
            if quote == '"':
                other = header.split("/")[0]
                if other not in FLOORS:
                    problems.append(f'{name}: "{header}" is not written from src/')
                elif other != folder and FLOORS[other] >= FLOORS[folder]:
                    problems.append(f'{name}: src/{folder} (floor {FLOORS[folder]}) must not include "{header}" (floor {FLOORS[other]})')
            elif not is_test:
                for pattern, owners in OWNED.items():
                    if re.fullmatch(pattern, header) and folder not in owners:
                        problems.append(f"{name}: <{header}> belongs to src/{', src/'.join(sorted(owners))}")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"layers: {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
