#!/usr/bin/env python3
"""Counts the instructions that Segue itself executes for a request and for a streamed event (callgrind), without the kernel's. A busy
machine does not change them: for telling whether a change made the program cheaper, where `make bench` needs a quiet one.

usage: instructions.py [--segue build/release/segue] [--top 12]     needs valgrind; a minute
"""
import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import peers
from procs import Running, cores, raise_file_limit

ROOT = Path(__file__).resolve().parent.parent
# name: connections, events, gap in microseconds, streams, requests of the short and of the long run; the difference is what is counted
VIEWS = {"a plain request": (1, 12, 0, False, (200, 1200)), "a plain request, 64 in flight": (64, 12, 0, False, (640, 2560)),
         "a streamed event": (1, 100, 10000, True, (2, 10))}


def count(proxy, folder, upstream, view, requests, out):
    connections, events, gap, streams, _ = VIEWS[view]
    port = peers.free_port()
    command, _ = proxy.command(folder, port, upstream)
    running = Running(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command], cores()[1], folder)
    try:
        text = proxy.body("What is the capital of France?", events, 0, False)
        if not peers.wait_until(lambda: peers.ask(port, proxy.path, text)[0] == 200, 60):
            sys.exit(f"segue does not answer under valgrind: {running.last_words()}")
        body = folder / "body.json"
        body.write_text(proxy.body("What is the capital of France?", events, gap, streams))
        ends = ["--end", proxy.end] if streams else []
        done = subprocess.run([proxy.segue.parent / "segue-bench-load", "--port", str(port), "--path", proxy.path, "--body", body, *ends,
                               "--connections", str(connections), "--requests", str(requests), "--seconds", "120"], capture_output=True, text=True, check=True)
        if '"errors":0,' not in done.stdout:
            sys.exit(f"wrong answers: {done.stdout}")
    finally:
        running.process.terminate()
        running.process.wait(60)
        running.stop()
    return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segue", type=Path, default=ROOT / "build/release/segue")
    parser.add_argument("--top", type=int, default=12, help="functions to list of each")
    options = parser.parse_args()
    options.segue, options.files = options.segue.resolve(), raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="segue-bench-") as name:
        folder, port = Path(name), peers.free_port()
        upstream = Running([options.segue.parent / "segue-bench-upstream", port], cores()[0], folder)
        try:
            for kind in (peers.Segue, peers.SegueFromOllama, peers.SegueToOllama):
                proxy, place = kind(options), folder / kind.name
                place.mkdir()
                for view, (_, events, _, streams, runs) in VIEWS.items():
                    out = folder / "callgrind.out"
                    low, high = (count(proxy, place, port, view, requests, out) for requests in runs)
                    divisor = (runs[1] - runs[0]) * (events if streams else 1)
                    print(f"{proxy.title}: {(high - low) / divisor:,.0f} instructions for {view}", flush=True)
                    listing = subprocess.run(["callgrind_annotate", out], capture_output=True, text=True, check=False).stdout
                    rows = re.findall(r"^ *[\d,]+ \((?: ?\d+\.\d+%)\).*", listing, re.M)[1:options.top + 1]
                    print("\n".join("  " + re.sub(r"\?\?\?:|\[.*?\]", "", row).strip()[:150] for row in rows), flush=True)
        finally:
            upstream.stop()


if __name__ == "__main__":
    main()
