#!/usr/bin/env python3
"""Measures what a gateway adds, side by side in one run: nothing (direct), nginx, HAProxy, Segue and its peers before one mock upstream.

Rounds are interleaved, so that a noisy machine is noisy for all; medians and spreads are reported. Upstream and load generator share one
core, the proxy under test has another. Every answer is checked. What was measured is saved after each measurement: a run that was broken
off goes on with --resume.

usage: run.py [--quick] [--only NAME,…] [--cells NAME,…] [--rounds 5] [--seconds 0.8] [--minutes 25] [--awake] [--resume] [--profile] [--report]
  --quick      one short round into build/, no documents written: to try things
  --only       of: direct nginx haproxy segue segue-from-ollama segue-to-ollama smg vllm-router ferro litellm portkey
               (litellm-to-ollama only when named); direct is always measured
  --cells      of: plain-1 plain-16 plain-64 plain-256 big-1 big-64 stream-1 stream-64 open
  --awake      keeps both cores from sleeping between requests: a program of the lowest priority (SCHED_IDLE) spins on each, so that what a
               virtual machine needs to wake a core is not measured; the page says so
  --profile    only looks where the time goes, into docs/performance/profile.md; measures nothing
  --minutes    an end to a run on a machine that is too busy or too slow (25); --resume goes on
  --report     writes docs/performance.md from the saved results and measures nothing
"""
import argparse
import datetime
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import peers
import profile_page
import report
from procs import Running, cores, machine_busy, raise_file_limit

ROOT = Path(__file__).resolve().parent.parent
SMALL = "What is the capital of France?"
BIG = ("The quick brown fox jumps over the lazy dog and thinks about it for a while. " * 1400)[:100 * 1024]

# name: connections, prompt, events, microseconds between events, seconds (times --seconds)
CELLS = {
    "plain-1": (1, SMALL, 12, 0, 1.0), "plain-16": (16, SMALL, 12, 0, 1.0),
    "plain-64": (64, SMALL, 12, 0, 1.0), "plain-256": (256, SMALL, 12, 0, 1.0),
    "big-1": (1, BIG, 12, 0, 1.0), "big-64": (64, BIG, 12, 0, 1.0),
    "stream-1": (1, SMALL, 200, 1000, 1.0), "stream-64": (64, SMALL, 200, 5000, 2.0),
    "open": (0, SMALL, 9999, 1_000_000, 0.0),
}
STEPS = (1000, 5000)     # streams open at once
HOLD_SECONDS = 1.3       # each step; an event a second in each stream
RAMP_SECONDS = 5
SETTLE_SECONDS = 4
SPIN = "import os\nos.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.tools_core, self.proxy_core = cores()
        self.deadline = time.monotonic() + options.minutes * 60
        self.running = {}
        self.left_out, self.ended = {}, {}
        self.proxies = []
        os.sched_setaffinity(0, {self.tools_core})
        self.spinners = [self.start(f"spinner-{core}", [sys.executable, "-c", SPIN], core)
                         for core in ((self.tools_core, self.proxy_core) if options.awake else ())]
        self.upstream_port = peers.free_port()
        self.upstream = self.start("upstream", [options.tools / "segue-bench-upstream", self.upstream_port], self.tools_core)
        if not peers.wait_until(lambda: peers.ask(self.upstream_port, "/health")[0] == 200, 10):
            sys.exit("the mock upstream does not answer; build it: cmake --build build/release --target bench-tools")

    def start(self, name, command, core, environment=None):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return Running(command, core, folder, environment)

    def close(self):
        for running in [*self.running.values(), self.upstream, *self.spinners]:
            running.stop()

    def start_proxy(self, proxy):
        """Starts it and waits for the upstream's answer through it; answers why not, or nothing."""
        if proxy.name == "direct":
            proxy.port = self.upstream_port
            return ""
        proxy.port = peers.free_port()
        folder = self.folder / proxy.name
        folder.mkdir(exist_ok=True)
        command, environment = proxy.command(folder, proxy.port, self.upstream_port)
        running = self.running[proxy.name] = self.start(proxy.name, command, self.proxy_core, environment)
        seen = {"last": (0, "nothing")}

        def answers():
            if running.ended():
                return True
            if peers.ask(proxy.port, proxy.ready_path, timeout=2)[0] == 0:
                return False
            seen["last"] = peers.ask(proxy.port, proxy.path, proxy.body(SMALL, 12, 0, False), proxy.headers)
            return seen["last"][0] == 200 and " 00000000:0012@" in seen["last"][1]

        if peers.wait_until(answers, proxy.start_seconds) and not running.ended():
            return ""
        why = f"does not start: {running.last_words()}" if running.ended() else f"no right answer within {proxy.start_seconds} s: " \
            f"{seen['last'][0]} {' '.join(seen['last'][1].split())[:160]}"
        running.stop()
        del self.running[proxy.name]
        return why

    def start_all(self, wanted):
        for proxy in wanted:
            why = proxy.missing() or self.start_proxy(proxy)
            if why:
                if isinstance(proxy, peers.Segue):
                    sys.exit(f"{proxy.title} cannot be measured: {why}")
                self.left_out[proxy.name] = why
                say(f"{proxy.title}: left out ({why})")
                continue
            proxy.broken = {}
            for kind, cell in (("plain", "plain-1"), ("stream", "stream-1")):
                sample = self.load(proxy, cell, 0.3)
                if sample["errors"]:
                    proxy.broken[kind] = f"{', '.join(sample['error_kinds'])}: {sample['error_sample'][:160]}"
                    say(f"{proxy.title}: {kind} answers are wrong ({proxy.broken[kind]})")
            self.proxies.append(proxy)
            self.pause(proxy)
            say(f"{proxy.title} {proxy.version()} answers")

    def revive(self, proxy):
        """A proxy that ended is started again, and said to have ended."""
        running = self.running.get(proxy.name)
        if proxy.name == "direct" or (running and not running.ended()):
            return ""
        if running:
            say(f"{proxy.title} ended by itself: {running.last_words()}")
            self.ended[proxy.name] = self.ended.get(proxy.name, 0) + 1
        return self.start_proxy(proxy)

    def pause(self, proxy):
        if proxy.is_pausable and proxy.name in self.running:
            self.running[proxy.name].signal(signal.SIGSTOP)

    def settle(self, proxy):
        """Waits until a proxy has done with what its clients left behind, so that it does not burden the next measurement."""
        running = self.running.get(proxy.name)
        end = time.monotonic() + SETTLE_SECONDS
        while running and not running.ended() and time.monotonic() < end:
            before = running.cpu()
            time.sleep(0.1)
            if running.cpu() - before < 0.01:
                return

    def resume(self, proxy):
        if proxy.is_pausable and proxy.name in self.running:
            self.running[proxy.name].signal(signal.SIGCONT)
            time.sleep(0.1)

    def command(self, proxy, cell, more):
        _, prompt, events, gap, _ = CELLS[cell]
        body = self.folder / "body.json"
        streams = gap > 0
        body.write_text(proxy.body(prompt, events, gap, streams))
        headers = [part for name, value in proxy.headers.items() for part in ("--header", f"{name}: {value}")]
        ends = ["--end", proxy.end] if streams else []
        return [str(part) for part in [self.options.tools / "segue-bench-load", "--port", proxy.port, "--path", proxy.path, "--body", body,
                                       *headers, *ends, *more]]

    @staticmethod
    def connections(cell):
        return CELLS[cell][0]

    def load(self, proxy, cell, seconds):
        done = subprocess.run(self.command(proxy, cell, ["--connections", self.connections(cell), "--seconds", seconds, "--warm", 0.2]),
                              capture_output=True, text=True, timeout=seconds + 30, check=False)
        try:
            return json.loads(done.stdout)
        except ValueError:
            sys.exit(f"the load generator said nothing that can be read: {done.stdout} {done.stderr}")

    def clocks(self, running):
        spun = sum(spinner.cpu() for spinner in self.spinners)
        return [self.upstream.cpu(), running.cpu() if running else 0, machine_busy() - spun, time.monotonic()]

    def sample(self, proxy, cell):
        running = self.running.get(proxy.name)
        if cell == "open":
            return self.sample_open(proxy)
        if running:
            running.forget_peak()
        before = self.clocks(running)
        sample = self.load(proxy, cell, CELLS[cell][4] * self.options.seconds)
        after = self.clocks(running)
        upstream, own, busy, wall = (b - a for a, b in zip(before, after))
        sample.update(upstream_cpu=upstream, proxy_cpu=own, wall=wall, peak_kb=running.memory("VmHWM") if running else 0)
        # What neither the proxy nor the tools used: other programs, or the hypervisor. A quiet machine shows a few percent.
        used = own + upstream + sample["load_cpu"]
        sample["foreign"] = max(0.0, busy - used) / wall
        return sample

    def sample_open(self, proxy):
        """Memory of a fresh process with many streams open; what it keeps from earlier work would blur it."""
        if proxy.name in self.running and proxy.start_seconds < 60:
            self.running.pop(proxy.name).stop()
            why = self.start_proxy(proxy)
            if why:
                return {"skipped": why, "errors": 1}
        running = self.running.get(proxy.name)
        possible = [step for step in STEPS if 2 * step + 200 < self.options.files]
        steps = possible if getattr(proxy, "reached", STEPS[-1]) >= STEPS[0] else possible[:1]
        if self.options.quick:
            steps = steps[:1]
        if not steps:
            return {"skipped": f"a process may open only {self.options.files} files here; raise the hard limit (ulimit -Hn)"}
        idle = running.memory("VmRSS") if running else 0
        command = self.command(proxy, "open", ["--steps", ",".join(map(str, steps)), "--hold", HOLD_SECONDS, "--ramp", RAMP_SECONDS])
        sample = {"idle_kb": idle, "steps": []}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
            for line in load.stdout:
                value = json.loads(line)
                if "step" not in value:
                    sample.update(value)
                    continue
                before = running.cpu() if running else 0
                time.sleep(HOLD_SECONDS * 0.8)
                value["rss_kb"] = running.memory("VmRSS") if running else 0
                value["cpu_per_second"] = ((running.cpu() if running else 0) - before) / (HOLD_SECONDS * 0.8)
                sample["steps"].append(value)
        proxy.reached = max((step["open"] for step in sample["steps"]), default=0)
        return sample

    def measure(self, results, cells, save):
        # Memory with open streams comes last: it starts the proxies anew.
        for group in ([cell for cell in cells if cell != "open"], [cell for cell in cells if cell == "open"]):
            for turn in range(self.options.rounds if group else 0):
                for cell in group:
                    order = self.proxies[turn % len(self.proxies):] + self.proxies[:turn % len(self.proxies)]
                    for proxy in order:
                        if time.monotonic() > self.deadline:
                            sys.exit(f"the {self.options.minutes:g} minutes are over in round {turn + 1} ({cell}); what was measured is in "
                                     f"{self.options.results}: go on with --resume, or write the page as it is with --report")
                        samples = results.setdefault(proxy.name, {}).setdefault(cell, [])
                        if len(samples) > turn:
                            continue    # a broken run goes on
                        why = proxy.broken.get("stream" if CELLS[cell][3] else "plain") or self.revive(proxy)
                        if not why:
                            self.resume(proxy)
                            samples.append(self.sample(proxy, cell))
                            self.settle(proxy)
                            self.pause(proxy)
                        else:
                            samples.append({"skipped": why})
                        save()
                say(f"round {turn + 1} of {self.options.rounds} done ({', '.join(group)})")


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def settings(options, cells):
    return {"rounds": options.rounds, "seconds": options.seconds, "cells": cells, "steps": list(STEPS), "awake": options.awake}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--cells", default="")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--segue", type=Path, default=ROOT / "build/release/segue")
    parser.add_argument("--tools", type=Path, default=ROOT / "build/release", help="folder of segue-bench-load and segue-bench-upstream")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--awake", action="store_true")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.4 if options.quick else 0.8)
    options.segue, options.tools = options.segue.resolve(), options.tools.resolve()
    partial = options.quick or options.only or options.cells
    options.results = options.results or (options.tools / "bench-quick.json" if partial else ROOT / "bench/results.json")
    options.writes = options.profile or not partial
    return options


def pick(text, known, what):
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in known:
            sys.exit(f"there is no {what} {name}; known: {' '.join(known)}")
    return names or list(known)


def main():
    options = parse()
    options.files = raise_file_limit()
    if options.report:
        return report.write(json.loads(options.results.read_text()), ROOT)
    classes = {kind.name: kind for kind in [*peers.ALL, *peers.EXTRA]}
    names = pick(options.only, classes, "proxy")
    extra = {kind.name for kind in peers.EXTRA}
    wanted = [kind(options) for name, kind in classes.items()
              if name == "direct" or name in names and (options.only or name not in extra)]
    cells = pick(options.cells, CELLS, "cell")
    data = {"settings": settings(options, cells), "samples": {}}
    if options.resume and options.results.exists():
        old = json.loads(options.results.read_text())
        if old.get("settings") != data["settings"]:
            sys.exit(f"{options.results} was measured with other settings ({old.get('settings')}); leave --resume out to begin anew")
        data = old
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="segue-bench-") as name:
        bench = Bench(options, Path(name))
        try:
            bench.start_all(wanted)
            data.update({
                "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                "machine": {"cpu": cpu_model(), "cores": os.cpu_count(), "kernel": platform.release(), "system": system(),
                            "tools_core": bench.tools_core, "proxy_core": bench.proxy_core, "files": options.files},
                "titles": {proxy.name: proxy.title for proxy in wanted},
                "versions": {proxy.name: proxy.version() for proxy in bench.proxies},
                "left_out": bench.left_out, "ended": bench.ended,
                "broken": {proxy.name: proxy.broken for proxy in bench.proxies if proxy.broken}})

            def save():
                part = options.results.with_suffix(".part")
                part.write_text(json.dumps(data, indent=1) + "\n")
                part.replace(options.results)

            if not options.profile:
                bench.measure(data["samples"], cells, save)
            if options.writes:
                say("looking where the time goes")
                profile_page.write(bench, ROOT / "docs/performance")
        finally:
            bench.close()
    if options.profile:
        return 0
    if options.writes:
        return report.write(data, ROOT)
    print(report.text(data))
    return 0


def system():
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()


if __name__ == "__main__":
    sys.exit(main())
