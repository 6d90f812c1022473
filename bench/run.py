#!/usr/bin/env python3
"""Measures what a gateway adds, side by side in one run: direct, nginx and Segue before the same mock upstream.

Rounds are interleaved, so that a noisy machine is noisy for all; medians and spreads are reported. The upstream and the load
generator (wrk) run on one core, the proxy under test on another. Writes docs/performance.md and bench/results.json.

usage: run.py [--rounds 5] [--seconds 2] [--segue build/release/segue] [--no-write]
"""

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPENAI = {"model": "bench", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
OLLAMA = {**OPENAI, "stream": False}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, path="/", limit=15):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1).read()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing answers on port {port}")


def pinned(core, command):
    return ["taskset", "-c", str(core), *map(str, command)] if (os.cpu_count() or 1) > 1 else list(map(str, command))


class Load:
    """wrk with a body; answers requests a second, latency percentiles in microseconds, and errors."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, url, body, connections, seconds, stream=False):
        if stream:
            body = {**body, "stream": True}
        script = self.folder / "post.lua"
        text = json.dumps(body, separators=(",", ":")).replace("\\", "\\\\").replace("'", "\\'")
        script.write_text(
            "wrk.method='POST'\nwrk.headers['Content-Type']='application/json'\n"
            f"wrk.body='{text}'\n"
            "done=function(s,l,r) io.write(string.format('RESULT %f %f %f %d %d\\n', "
            "s.requests/(s.duration/1e6), l:percentile(50), l:percentile(99), "
            "s.errors.connect+s.errors.read+s.errors.write+s.errors.timeout+s.errors.status, s.requests)) end\n")
        command = pinned(0, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script, url])
        out = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30).stdout
        found = re.search(r"RESULT (\S+) (\S+) (\S+) (\d+) (\d+)", out)
        if not found:
            sys.exit(f"wrk said nothing that can be read:\n{out}")
        rate, p50, p99, errors, count = map(float, found.groups())
        return {"rate": rate, "p50_us": p50, "p99_us": p99, "errors": int(errors), "requests": int(count)}


def start_peers(folder, segue, upstream_binary, running):
    upstream_port, nginx_port, segue_port = free_port(), free_port(), free_port()
    running.append(subprocess.Popen(pinned(0, [upstream_binary, upstream_port]), stdout=subprocess.DEVNULL))
    wait_for(upstream_port, "/health")
    nginx_conf = folder / "nginx.conf"
    nginx_conf.write_text(f"""
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  keepalive_requests 1000000;
  upstream engine {{ server 127.0.0.1:{upstream_port}; keepalive 256; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{nginx_port};
    location / {{ proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}""")
    running.append(subprocess.Popen(pinned(1, ["nginx", "-p", folder, "-c", nginx_conf]), stderr=subprocess.DEVNULL))
    config = folder / "segue.yaml"
    config.write_text(f"""
listen: 127.0.0.1:{segue_port}
workers: 1
data_dir: {folder}/data
engines: [{{name: bench, dialect: openai, url: "http://127.0.0.1:{upstream_port}", probe_capabilities: false}}]
models: [{{name: bench, targets: [{{engine: bench, model: bench}}], profile: {{capabilities: [completion]}}}}]
log: {{level: "off"}}
""")
    running.append(subprocess.Popen(pinned(1, [segue, "serve", "--config", config]), stdout=subprocess.DEVNULL))
    wait_for(nginx_port, "/health")
    wait_for(segue_port, "/livez")
    base = "http://127.0.0.1:{}{}"
    chat = "/v1/chat/completions"
    return {
        "direct": (base.format(upstream_port, chat), OPENAI),
        "nginx": (base.format(nginx_port, chat), OPENAI),
        "segue relay": (base.format(segue_port, chat), OPENAI),
        "segue translation": (base.format(segue_port, "/api/chat"), OLLAMA),
    }


def measure(load, peers, rounds, seconds):
    cells = [("1 in flight", 1, False), ("64 in flight", 64, False), ("stream, 1 in flight", 1, True)]
    results = {name: {cell: [] for cell, _, _ in cells} for name in peers}
    for name, (url, body) in peers.items():  # warm every connection pool and page
        load.run(url, body, 16, 1)
    for turn in range(rounds):
        for cell, connections, stream in cells:
            for name, (url, body) in peers.items():
                results[name][cell].append(load.run(url, body, connections, seconds, stream))
        print(f"round {turn + 1} of {rounds} done", file=sys.stderr)
    return results


def median(samples, key):
    return statistics.median(sample[key] for sample in samples)


def spread(samples, key):
    values = [sample[key] for sample in samples]
    return f"{min(values):.0f}-{max(values):.0f}"


def report(results, rounds, seconds):
    added = {name: median(cells["1 in flight"], "p50_us") - median(results["direct"]["1 in flight"], "p50_us")
             for name, cells in results.items()}
    rate = {name: median(cells["64 in flight"], "rate") for name, cells in results.items()}
    errors = sum(sample["errors"] for cells in results.values() for samples in cells.values() for sample in samples)
    lines = ["# Performance", "",
             f"Written by `make bench` on {datetime.date.today()}: {rounds} interleaved rounds of {seconds} s, medians (spread), "
             f"{os.cpu_count()} cores, {platform.machine()}. The load generator (wrk) and the mock upstream share one core, the proxy "
             "under test has the other. Absolute numbers belong to that machine; the ratios are what counts.", "",
             "| what | p50, 1 in flight | added p50 | p99, 64 in flight | requests/s, 64 in flight | p50 of a stream of 20 events | errors |",
             "|---|---|---|---|---|---|---|"]
    for name, cells in results.items():
        one, many, stream = cells["1 in flight"], cells["64 in flight"], cells["stream, 1 in flight"]
        lines.append(f"| {name} | {median(one, 'p50_us'):.0f} us ({spread(one, 'p50_us')}) | {added[name]:.0f} us | "
                     f"{median(many, 'p99_us'):.0f} us | {rate[name]:.0f} ({spread(many, 'rate')}) | "
                     f"{median(stream, 'p50_us'):.0f} us | {sum(s['errors'] for s in one + many + stream)} |")
    checks = [
        ("added p50 of the relay, 1 in flight, over nginx's", added["segue relay"] / max(added["nginx"], 1), "<=", 2.0),
        ("added p50 of the translation, 1 in flight, in ms", added["segue translation"] / 1000, "<", 0.2),
        ("requests/s of the relay, 64 in flight, over nginx's", rate["segue relay"] / rate["nginx"], ">=", 0.6),
        ("errors", errors, "<=", 0),
    ]
    lines += ["", "| figure | measured | wanted | met |", "|---|---|---|---|"]
    met_all = True
    for name, value, sign, wanted in checks:
        met = value <= wanted if sign in ("<=", "<") else value >= wanted
        met_all = met_all and met
        lines.append(f"| {name} | {value:.2f} | {sign} {wanted} | {'yes' if met else 'no'} |")
    lines += ["", "The upstream is not the limit: *direct* is the first row. The translation does more than the relay: it reads an Ollama "
              "request, streams from the engine, and sums the events up into one object.", ""]
    return "\n".join(lines), met_all


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--segue", type=Path, default=ROOT / "build/release/segue")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    for tool in ("wrk", "nginx", "taskset"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed; make bench installs it")
    running = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            peers = start_peers(folder, options.segue, options.segue.parent / "segue-bench-upstream", running)
            results = measure(Load(folder), peers, options.rounds, options.seconds)
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(10)
    text, met = report(results, options.rounds, options.seconds)
    print(text)
    if not options.no_write:
        (ROOT / "docs/performance.md").write_text(text)
        (ROOT / "bench/results.json").write_text(json.dumps(results, indent=1) + "\n")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
