"""Writes docs/performance.md and its plots from what `make bench` saved. Every number on that page comes from here."""
import json
import statistics
from pathlib import Path

import plots

NEEDED = ("segue", "segue-from-ollama", "segue-to-ollama")


class Numbers:
    """Values over the rounds: `values(name, cell, pick)`, where pick gets one sample and the direct one of the same round."""

    def __init__(self, data):
        self.samples = data["samples"]

    def values(self, name, cell, pick):
        mine = self.samples.get(name, {}).get(cell, [])
        direct = self.samples.get("direct", {}).get(cell, [])
        found = []
        for turn, sample in enumerate(mine):
            base = direct[turn] if turn < len(direct) else {}
            try:
                value = pick(sample, base)
            except (KeyError, IndexError, ZeroDivisionError, TypeError):
                continue
            if value is not None:
                found.append(value)
        return found

    def median(self, name, cell, pick):
        found = self.values(name, cell, pick)
        return statistics.median(found) if found else None

    def cell(self, name, cell, pick, form="{:.0f}"):
        found = self.values(name, cell, pick)
        if not found:
            return "–"
        text = form.format(statistics.median(found))
        return f"{text} ({form.format(min(found))}–{form.format(max(found))})" if len(found) > 1 else text

    def errors(self, name, cells):
        return sum(sample.get("errors", 0) for cell in cells for sample in self.samples.get(name, {}).get(cell, []))

    def skipped(self, name, cell):
        return any("skipped" in sample for sample in self.samples.get(name, {}).get(cell, []))


def added(group, key):
    return lambda sample, direct: sample[group][key] - direct[group][key]


def rate(sample, _direct):
    return sample["rate"]


def cpu_per_thousand(sample, _direct):
    return sample["proxy_cpu"] / sample["total_requests"] * 1000 if sample["proxy_cpu"] else None


def cpu_per_event(sample, _direct):
    return sample["proxy_cpu"] / sample["total_events"] * 1e6 if sample["proxy_cpu"] else None


def peak_mb(sample, _direct):
    return sample["peak_kb"] / 1024 if sample["peak_kb"] else None


def busy(*keys):
    return lambda sample, _direct: sum(sample[key] for key in keys) / sample["wall"] * 100


def step_value(index, pick):
    return lambda sample, _direct: pick(sample, sample["steps"][index])


def resident_mb(index):
    return step_value(index, lambda _, step: step["rss_kb"] / 1024 if step["open"] >= step["step"] and step["rss_kb"] else None)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def figures(numbers):
    """The figures of the issue: what, measured, wanted, met."""
    def ratio(name, other, cell, pick):
        mine, theirs = numbers.median(name, cell, pick), numbers.median(other, cell, pick)
        # Less than nothing is noise, and a ratio with it would be a lie.
        return mine / theirs if mine is not None and theirs is not None and mine > 0 and theirs > 0 else None

    p50, p99 = added("latency", "p50"), added("latency", "p99")
    rows = [
        ("added latency p50, 1 in flight: relay over nginx", ratio("segue", "nginx", "plain-1", p50), "<=", 1.3),
        ("… Ollama client → vLLM over nginx", ratio("segue-from-ollama", "nginx", "plain-1", p50), "<=", 2),
        ("… OpenAI client → Ollama over nginx", ratio("segue-to-ollama", "nginx", "plain-1", p50), "<=", 2),
        ("added latency p99, 64 in flight: relay over nginx", ratio("segue", "nginx", "plain-64", p99), "<=", 1.5),
        ("requests/s, 64 in flight: relay over nginx", ratio("segue", "nginx", "plain-64", rate), ">=", 0.9),
        ("… relay over SMG", ratio("segue", "smg", "plain-64", rate), ">=", 1.5),
        ("… relay over vllm-router", ratio("segue", "vllm-router", "plain-64", rate), ">=", 1.5),
        ("… relay over Ferro", ratio("segue", "ferro", "plain-64", rate), ">=", 2),
        ("… relay over LiteLLM", ratio("segue", "litellm", "plain-64", rate), ">=", 20),
        ("CPU per streamed event: relay over nginx", ratio("segue", "nginx", "stream-64", cpu_per_event), "<=", 1.3),
        ("… Ollama client → vLLM over nginx", ratio("segue-from-ollama", "nginx", "stream-64", cpu_per_event), "<=", 3),
        ("… OpenAI client → Ollama over nginx", ratio("segue-to-ollama", "nginx", "stream-64", cpu_per_event), "<=", 3),
    ]
    for index, (count, limit) in enumerate(((1000, 50), (5000, 150))):
        found = [numbers.median(name, "open", resident_mb(index)) for name in NEEDED]
        known = [value for value in found if value is not None]
        worst = max(known) if len(known) == len(NEEDED) else None
        rows.append((f"resident MB with {count:,} streams open, the worst of Segue's three ways", worst, "<", limit))
    broken = sum(numbers.errors(name, numbers.samples.get(name, {})) for name in NEEDED)
    is_whole = all(numbers.samples.get(name) for name in NEEDED)
    rows.append(("errors, lost or wrong bytes, all of Segue's measurements", float(broken) if is_whole else None, "<=", 0))
    result = []
    for what, value, sign, wanted in rows:
        met = value is not None and (value <= wanted if sign == "<=" else value < wanted if sign == "<" else value >= wanted)
        result.append((what, value, sign, wanted, met))
    return result


def figure_lines(numbers):
    rows = []
    for what, value, sign, wanted, met in figures(numbers):
        shown = "not measured" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
        rows.append((what, shown, f"{sign} {wanted:g}".replace("<=", "≤").replace(">=", "≥"),
                     "not measured" if value is None else "yes" if met else "**no**"))
    return table(("figure", "measured", "wanted", "met"), rows)


def text(data, more=()):
    numbers, titles = Numbers(data), data["titles"]
    names = [name for name in titles if name in data["samples"]]
    proxies = [name for name in names if name != "direct"]
    machine, options = data["machine"], data["settings"]
    cells = options["cells"]

    def rows(of, columns, shown):
        result = []
        for name in of:
            skips = all(numbers.skipped(name, cell) for cell in shown)
            values = ["not measured, see below" if skips and not i else "–" if skips else column(name) for i, column in enumerate(columns)]
            result.append((titles[name], *values, "–" if skips else str(numbers.errors(name, shown))))
        return result

    def latency(cell, key, group="latency"):
        # direct's own row shows what the others are compared with
        return lambda name: numbers.cell(name, cell, (lambda sample, _: sample[group][key]) if name == "direct" else added(group, key))

    lines = ["# Performance", "",
             f"Measured by `make bench` at {data['when']}: {options['rounds']} interleaved rounds of {options['seconds']:g} s a measurement; "
             f"each number is the median of the rounds, with the least and the greatest in parentheses. {machine['cpu']}, "
             f"{machine['cores']} cores, {machine['system']}, Linux {machine['kernel']}. The proxy under test has core {machine['proxy_core']} to "
             f"itself and one worker; load generator and mock upstream share core {machine['tools_core']}. Absolute numbers belong to that machine; "
             "the ratios are what counts. Raw numbers: [bench/results.json](../bench/results.json). How it is measured: at the end.", "",
             "Versions: " + "; ".join(f"{titles[name]} {version}" for name, version in data["versions"].items() if version) + ".", "",
             "## The figures that were set", ""]
    lines += figure_lines(numbers)
    lines += ["", "What is not met concerns short plain answers, where the network costs least and a gateway's own work shows most: Segue reads the request's "
              "and the answer's JSON (which model, which tokens), chooses an engine by its load, and keeps a record, metrics and limits of each request; nginx reads neither. "
              "How much that weighs depends on what the machine's kernel takes for the same sockets: *Where the time goes*, below, has the profile of both.", ""]
    plain = [cell for cell in ("plain-1", "plain-16", "plain-64", "plain-256") if cell in cells]
    heavy = "plain-64" if "plain-64" in plain else plain[-1] if plain else ""
    if plain:
        lines += ["", "## Plain answers, small prompts", "",
                  "Latency that the proxy adds (its percentile minus that of *direct* in the same round), in microseconds. Each connection sends its next "
                  "request when it has the answer (a closed loop), so at 64 and 256 in flight latency is the inverse of throughput. The row *direct* is not a difference: it is the latency without any proxy.", ""]
        lines += table(("", *[f"{head}, {cell.split('-')[1]} in flight" for cell in plain for head in ("added p50 µs", "p99 µs")], "errors"),
                       rows(names, [latency(cell, key) for cell in plain for key in ("p50", "p99")], plain))
        lines += ["", "![added latency](performance/latency.svg)", ""]
        lines += table(("", *[f"requests/s, {cell.split('-')[1]} in flight" for cell in plain], "CPU seconds per 1,000 requests", "peak MB",
                        "its core busy %", "the tools' core busy %", "errors"),
                       rows(names, [*[lambda name, cell=cell: numbers.cell(name, cell, rate) for cell in plain],
                                    lambda name: numbers.cell(name, heavy, cpu_per_thousand, "{:.4f}"),
                                    lambda name: numbers.cell(name, heavy, peak_mb, "{:.1f}"),
                                    lambda name: "–" if name == "direct" else numbers.cell(name, heavy, busy("proxy_cpu")),
                                    lambda name: numbers.cell(name, heavy, busy("upstream_cpu", "load_cpu"))], plain))
        lines += ["", f"CPU, memory (the sum of the resident peaks of its processes) and busy cores are those at {heavy.split('-')[1]} in flight. *direct* shows that the "
                  "upstream is not the limit: there, load generator and upstream share one core and still answer more requests than any proxy.", "",
                  "![requests a second](performance/rate.svg)", ""]
    big = [cell for cell in ("big-1", "big-64") if cell in cells]
    if big:
        lines += ["", "## Plain answers, prompts of 100 KB", ""]
        columns = [latency(cell, key) for cell in big for key in ("p50", "p99")]
        columns += [lambda name: numbers.cell(name, big[-1], rate), lambda name: numbers.cell(name, big[-1], cpu_per_thousand, "{:.3f}"),
                    lambda name: numbers.cell(name, big[-1], peak_mb, "{:.1f}")]
        lines += table(("", *[f"{head}, {cell.split('-')[1]} in flight" for cell in big for head in ("added p50 µs", "p99 µs")],
                        f"requests/s, {big[-1].split('-')[1]}", "CPU seconds per 1,000", "peak MB", "errors"), rows(names, columns, big))
    streams = [cell for cell in ("stream-1", "stream-64") if cell in cells]
    if streams:
        lines += ["", "## Streams of 200 events", "",
                  "One stream with an event each millisecond, and 64 streams with an event each 5 ms (12,800 events a second). *First event*: from the "
                  "request to the first text. *Delay*: from the upstream's sending of an event to its arrival; *gap*: between two events of one stream. "
                  "All in microseconds, less *direct*'s, whose own row is not a difference.", ""]
        columns = []
        for cell in streams:
            columns += [latency(cell, "p50", "first_event"), latency(cell, "p50", "delay"), latency(cell, "p99", "delay"),
                        latency(cell, "p50", "gap"), latency(cell, "p99", "gap")]
        columns += [lambda name: numbers.cell(name, streams[-1], cpu_per_event, "{:.1f}"),
                    lambda name: numbers.cell(name, streams[-1], lambda sample, _: sample["events_in_window"] / sample["seconds"])]
        heads = [f"{head}, {cell.split('-')[1]}" for cell in streams for head in ("first event p50", "delay p50", "delay p99", "gap p50", "gap p99")]
        lines += table(("", *heads, "CPU µs per event", "events/s", "errors"), rows(names, columns, streams))
        lines += ["", "![CPU per streamed event](performance/event.svg)", ""]
    if "open" in cells:
        steps = options["steps"]
        lines += ["", "## Streams open at once", "",
                  "A freshly started process (LiteLLM's is not: it needs too long); each stream gets an event a second. Resident memory of all its processes, in MB. A step counts as reached when "
                  "every stream has its first event within 5 s of opening the first.", ""]

        def opened(index):
            return lambda name: numbers.cell(name, "open", step_value(index, lambda _, step: step["open"]))

        columns = [lambda name: numbers.cell(name, "open", lambda sample, _: sample["idle_kb"] / 1024 or None, "{:.1f}")]
        heads = ["idle MB"]
        for index, step in enumerate(steps):
            heads += [f"open of {step:,}", f"MB at {step:,}", f"CPU s/s at {step:,}"]
            columns += [opened(index), lambda name, index=index: numbers.cell(name, "open", resident_mb(index), "{:.1f}"),
                        lambda name, index=index: numbers.cell(
                            name, "open", step_value(index, lambda _, step: step["cpu_per_second"] or None), "{:.2f}")]
        lines += table(("", *heads, "errors"), rows(proxies, columns, ["open"]))
        lines += ["", "![memory with streams open](performance/memory.svg)", ""]
    lines += ["", *left_out(data), *noise(data), *more, *method(options)]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def left_out(data):
    lines = []
    for name, why in data["left_out"].items():
        lines.append(f"- {data['titles'][name]} was not measured: {why}")
    for name, kinds in data.get("broken", {}).items():
        for kind, why in kinds.items():
            lines.append(f"- {data['titles'][name]}: its {kind} answers are not the upstream's and were not measured: {why}")
    for name, count in data.get("ended", {}).items():
        lines.append(f"- {data['titles'][name]} ended by itself {count} times and was started again.")
    kinds = {}
    for name, cells in data["samples"].items():
        for samples in cells.values():
            for sample in samples:
                for kind, count in sample.get("error_kinds", {}).items():
                    kinds.setdefault(name, {}).setdefault(kind, 0)
                    kinds[name][kind] += count
    for name, found in kinds.items():
        lines.append(f"- Errors of {data['titles'][name]}: " + ", ".join(f"{kind} ({count})" for kind, count in found.items()))
    return ["## Left out, and errors", "", *lines, ""] if lines else []


def noise(data):
    values = [sample["foreign"] for cells in data["samples"].values() for samples in cells.values() for sample in samples
              if "foreign" in sample]
    if not values:
        return []
    middle, worst = statistics.median(values), sorted(values)[int(len(values) * 0.95)]
    warning = "" if middle < 0.1 else " **The machine was not quiet; measure again before trusting a number.**"
    return [f"Processor time that neither the proxy under test nor the tools used (other programs, idle proxies, the hypervisor), in cores: "
            f"median {middle:.2f}, 95th percentile {worst:.2f}.{warning}", ""]


def method(options):
    awake = ["- A program of the lowest priority (SCHED_IDLE) spins on each core, so that no core sleeps between requests: what a virtual machine needs to "
             "wake one would hide what the proxies need."] if options.get("awake") else []
    return ["## How it is measured", "",
            "`make bench` installs what is needed (nginx, HAProxy, the peers with pinned versions and hashes in `.deps/peers`), builds Segue in release "
            "mode, and takes about 15 minutes; close everything else. `bench/run.py --quick --only nginx,segue` takes seconds and writes no page; "
            "`--resume` goes on with a run that was broken off; `--report` writes this page anew from the saved numbers.", "",
            "- **The upstream** (`bench/upstream.cpp`) is a mock engine of our own without Segue's code: one thread, answers ready to send, vLLM's and Ollama's "
            "wire formats.",
            "- **The load generator** (`bench/load.cpp`) keeps every latency (percentiles are exact, no buckets) and checks every answer: each request "
            "carries its own marker, each event of the answer repeats it with its number and the time it was sent. A lost, doubled, late or foreign event, "
            "a wrong status, a cut body, an answer that takes longer than 5 s after the end of a measurement: an error. A kept connection that the server closes between two requests is opened again, as HTTP asks.",
            "- **Each proxy** runs with one worker on one core, access logs and rate limits off, keep-alive on both sides; `bench/peers.py` has every command "
            "line. All run during the whole time; LiteLLM, Portkey and Ferro are stopped (SIGSTOP) while others are measured. "
            "Before anything is measured its answers are compared with the upstream's.",
            "- **CPU** is the kernel's account of all its processes, warm-up included, divided by everything they did in that time. **Memory** is VmHWM (reset before each "
            "measurement) or VmRSS, summed over its processes; nginx's two share pages, so its sum is a little too high.",
            f"- Rounds are interleaved: each measurement is taken of every proxy before the next, {options['rounds']} times.",
            *awake,
            "- Nothing is cached: Segue has no response cache, and each prompt is a new one.",
            "- Portkey 1.15.2 answers streams only with an older `@hono/node-server` (its issue 1389); 1.14.1 is pinned. Ferro sends only models of its catalogue to an engine, so its "
            "clients ask for `gpt-4o-mini`.", ""]


def write(data, root):
    docs = Path(root) / "docs"
    (docs / "performance").mkdir(exist_ok=True)
    profile = docs / "performance/profile.md"
    more = profile.read_text().splitlines() if profile.exists() else []
    (docs / "performance.md").write_text(text(data, more))
    numbers = Numbers(data)
    draw(data, numbers, docs / "performance")
    print("\n".join(figure_lines(numbers)))
    return 0 if all(met for *_, met in figures(numbers)) else 1


def draw(data, numbers, folder):
    titles = data["titles"]
    names = [name for name in titles if name in data["samples"]]
    proxies = [name for name in names if name != "direct"]

    def bars(of, cell, pick):
        return [(titles[name], numbers.values(name, cell, pick)) for name in of if numbers.values(name, cell, pick)]

    (folder / "rate.svg").write_text(plots.bars("requests a second, 64 in flight (more is better)", bars(names, "plain-64", rate)))
    (folder / "latency.svg").write_text(plots.bars("added latency p50, 1 in flight, µs (less is better; logarithmic)",
                                                   bars(proxies, "plain-1", added("latency", "p50")), is_log=True))
    (folder / "event.svg").write_text(plots.bars("CPU µs per streamed event, 64 streams (less is better; logarithmic)",
                                                 bars(proxies, "stream-64", cpu_per_event), is_log=True))
    (folder / "memory.svg").write_text(plots.bars("resident MB, 1,000 streams open (less is better; logarithmic)",
                                                  bars(proxies, "open", resident_mb(0)), is_log=True))


if __name__ == "__main__":
    home = Path(__file__).resolve().parent.parent
    raise SystemExit(write(json.loads((home / "bench/results.json").read_text()), home))
