"""Where the time goes: samples of the proxy under load by `perf` (a flame graph and a table), and its system calls by `strace`, for
docs/performance.md. Whatever of the two does not work on a machine is left out and said.

Called by run.py at the end of a full run; alone: `bench/run.py --profile` (with --only, and without measuring anything).
"""
import json
import re
import shutil
import signal
import subprocess
import time

import plots

SECONDS = 3
# What is looked at, and the cell that loads it.
VIEWS = (("nginx", "plain-64"), ("segue", "plain-64"), ("segue-from-ollama", "plain-64"),
         ("nginx", "stream-64"), ("segue", "stream-64"), ("segue-from-ollama", "stream-64"))
ALLOCATION = re.compile(r"^(_?_?(libc_)?(malloc|free|calloc|realloc|cfree)|_int_\w+|malloc_consolidate|unlink_chunk.*|sysmalloc|operator (new|delete).*"
                        r"|tcache_\w+|__libc_\w*alloc\w*|mimalloc$)")

BORING = re.compile(r"(clone3|start_thread|_start|__libc_start\w*|entry_SYSCALL_64_after_hwframe|do_syscall_64|x64_sys_call)$|std::thread::_State_impl")
KERNEL = "_[k]"
# By the outermost kernel functions, which tail calls may hide: several names each.
CALLS = {"send": re.compile(r"sys_send|do_writev|sys_writev|sys_write\b|ksys_write|tcp_sendmsg|sock_write_iter"),
         "receive": re.compile(r"sys_recv|do_readv|sys_read|ksys_read|tcp_recvmsg|sock_read_iter"),
         "wait for sockets": re.compile(r"epoll_p?wait|ep_poll\b")}


def symbol(text):
    """A function's name without its arguments' and templates' types, so that it fits on a bar."""
    text = text.replace("(anonymous namespace)::", "").replace("[clone .cold]", "")
    depth, short = 0, ""
    for char in text.replace("operator<", "operator lt").replace("->", ""):
        if char in "<(":
            depth += 1
        elif char in ">)":
            depth = max(0, depth - 1)
        elif depth == 0:
            short += char
    return re.sub(r"\s+(const)?$", "", short) or text[:40]


def fold(script):
    """Stacks (outermost first) with their counts, of what `perf script -F comm,ip,sym,dso` prints."""
    stacks = {}
    for block in script.split("\n\n"):
        frames = []
        for line in block.splitlines()[1:]:
            found = re.match(r"\s*[0-9a-f]+ (.*) \((.*)\)$", line)
            if found and "mimalloc" in found.group(2):  # few of its functions have names
                frames.append(("mimalloc", found.group(2)))
            elif found and found.group(1) != "[unknown]":
                frames.append((symbol(found.group(1)), found.group(2)))
        # The thread's beginning and the way into the kernel say nothing.
        stack = tuple(name + (KERNEL if "kernel" in place else "") for name, place in reversed(frames)
                      if not BORING.match(name))
        if stack:
            stacks[stack] = stacks.get(stack, 0) + 1
    return stacks


def category(stack):
    """The part that a sample belongs to."""
    inside = [name for name in stack if name.endswith(KERNEL)]
    if inside:
        for kind, names in CALLS.items():
            if any(names.search(name) for name in inside):
                return f"kernel: {kind}"
        return "kernel: interrupts and switching" if len(inside) == len(stack) else "kernel: other system calls"
    if ALLOCATION.match(stack[-1]):
        return "allocating memory"
    for name in reversed(stack):
        part = re.match(r"segue::(\w+)::", name)
        if part:
            return f"Segue's `{part.group(1)}`"
        if "llhttp" in name:
            return "llhttp (HTTP parser)"
        if "simdjson" in name:
            return "simdjson (JSON parser)"
    return "libraries" if any(name.startswith("segue::") for name in stack) else "its own code"


def sample_stacks(bench, proxy, cell):
    """Stacks by perf while the load runs, or why there are none."""
    if not shutil.which("perf"):
        return None, "perf is not installed"
    pids = ",".join(map(str, bench.running[proxy.name].pids()))
    data = bench.folder / "perf.data"
    load = start_load(bench, proxy, cell, SECONDS + 1)
    time.sleep(0.5)
    record = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "--call-graph", "dwarf,8192", "-p", pids, "-o", data, "--",
                             "sleep", str(SECONDS)], capture_output=True, text=True, check=False)
    load.communicate(timeout=60)
    if record.returncode != 0 or not data.exists():
        lines = record.stderr.strip().splitlines() or ["it said nothing"]
        return None, f"perf does not work here: {lines[-1]}"
    script = subprocess.run(["perf", "script", "-i", data, "--no-inline", "-F", "comm,ip,sym,dso"], capture_output=True, text=True, check=False)
    return fold(script.stdout), ""


def start_load(bench, proxy, cell, seconds):
    command = bench.command(proxy, cell, ["--connections", bench.connections(cell), "--seconds", seconds])
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def system_calls(bench, proxy, cell):
    """Calls by name for each request (plain) or event (stream); counting slows the proxy down but does not change what it asks for."""
    if not shutil.which("strace"):
        return {}
    summary = bench.folder / "strace.txt"
    options = [part for pid in bench.running[proxy.name].pids() for part in ("-p", str(pid))]
    tracer = subprocess.Popen(["strace", "-f", "-c", "-U", "name,calls", "-o", summary, *options], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    load = start_load(bench, proxy, cell, 2)
    result = json.loads(load.communicate(timeout=60)[0])
    tracer.send_signal(signal.SIGINT)
    tracer.wait(10)
    count = result["total_events" if cell.startswith("stream") else "total_requests"]
    calls = {}
    for line in summary.read_text().splitlines() if summary.exists() else []:
        found = re.match(r"\s*(\w+)\s+(\d+)\s*$", line)
        if found and count and found.group(1) != "total" and int(found.group(2)) / count >= 0.01:
            calls[found.group(1)] = int(found.group(2)) / count
    return calls


def sentences(shares):
    """The table in words: what is the kernel's, what is memory, what is the proxy's own work."""
    lines = []
    for (title, cell), parts in shares.items():
        kernel = sum(share for part, share in parts.items() if part.startswith("kernel"))
        own = sorted(((share, part) for part, share in parts.items() if not part.startswith("kernel")), reverse=True)
        largest = ", ".join(f"{part} {share:.0%}" for share, part in own[:3] if share >= 0.03)
        lines.append(f"- {title}, {'plain answers' if cell.startswith('plain') else 'streams'}: {kernel:.0%} in the kernel (sockets), {1 - kernel:.0%} in the "
                     f"program" + (f"; there most in {largest}." if largest else "."))
    return lines


def write(bench, folder):
    """Flame graphs and profile.md into `folder`; answers the page's lines."""
    folder.mkdir(exist_ok=True)
    lines = ["## Where the time goes", ""]
    names = {proxy.name: proxy for proxy in bench.proxies}
    views = [(names[name], cell) for name, cell in VIEWS if name in names]
    shares, problem = {}, ""
    for proxy, cell in views:
        stacks, why = sample_stacks(bench, proxy, cell)
        problem = problem or why
        if not stacks:
            continue
        total = sum(stacks.values())
        parts = {}
        for stack, count in stacks.items():
            parts[category(stack)] = parts.get(category(stack), 0) + count / total
        shares[proxy.title, cell] = parts
        if proxy.name != "nginx":
            (folder / f"flame-{proxy.name}-{cell}.svg").write_text(
                plots.flame(f"{proxy.title}, {cell.replace('-', ', ')} in flight: {total} samples", stacks))
    if shares:
        heads = [f"{title}, {'plain answers' if cell.startswith('plain') else 'streams'}" for title, cell in shares]
        rows = sorted({part for parts in shares.values() for part in parts}, key=lambda part: -max(parts.get(part, 0) for parts in shares.values()))
        lines += ["Samples of each process under load, 64 in flight (`perf record -e cpu-clock`), by what it was doing. A share is of that process's own time; "
                  "the tables above say how much time that is.", "",
                  "| part | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
        for row in rows:
            if max(parts.get(row, 0) for parts in shares.values()) >= 0.01:
                lines.append(f"| {row} | " + " | ".join(f"{parts.get(row, 0):.0%}" for parts in shares.values()) + " |")
        lines += ["", *sentences(shares), ""]
        lines += [f"![{proxy.title}, {cell}](performance/flame-{proxy.name}-{cell}.svg)" for proxy, cell in views if proxy.name != "nginx"] + [""]
    if problem:
        lines += [f"Samples are missing where {problem}.", ""]
    calls = {(proxy.title, cell): system_calls(bench, proxy, cell)
             for cell in ("plain-1", "stream-1") for proxy, seen in views if seen == "plain-64"}
    if any(calls.values()):
        rows = sorted({call for found in calls.values() for call in found}, key=lambda call: -max(found.get(call, 0) for found in calls.values()))
        heads = [f"{title}, {'a request' if cell.startswith('plain') else 'an event'}" for title, cell in calls]
        lines += ["System calls for each plain request, and for each event of a stream, 1 in flight (`strace -c`):", "",
                  "| call | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
        lines += [f"| {row} | " + " | ".join(f"{found.get(row, 0):.2f}" for found in calls.values()) + " |" for row in rows]
        lines += ["| **all** | " + " | ".join(f"**{sum(found.values()):.2f}**" for found in calls.values()) + " |", ""]
    (folder / "profile.md").write_text("\n".join(lines) + "\n")
    return lines
