"""Bar charts as SVG, without any library: a bar is the median, the line on it goes from the least to the greatest."""
import html
import math
import statistics

WIDTH, LEFT, RIGHT, ROW, TOP = 860, 250, 90, 26, 44
OURS, THEIRS, FAINT, INK = "#0b7a75", "#9aa5b1", "#d9dee4", "#1f2933"


def short(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def bars(title, rows, is_log=False):
    height = TOP + ROW * len(rows) + 12
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
             f'font-family="system-ui, sans-serif" font-size="13"><title>{html.escape(title)}</title>',
             f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
             f'<text x="12" y="24" font-size="15" font-weight="600" fill="{INK}">{html.escape(title)}</text>']
    highest = max((max(values) for _, values in rows), default=1) or 1
    positive = [min(values) for _, values in rows if min(values) > 0]
    floor = 10 ** math.floor(math.log10(min(positive))) if positive else 0.1

    def place(value):
        if not is_log:
            share = value / highest
        elif value <= floor:
            share = 0
        else:
            share = math.log10(value / floor) / (math.log10(highest / floor) or 1)
        return LEFT + max(0.0, min(1.0, share)) * (WIDTH - LEFT - RIGHT)

    for index, (name, values) in enumerate(rows):
        middle, y = statistics.median(values), TOP + ROW * index
        parts.append(f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end" fill="{INK}">{html.escape(name)}</text>')
        parts.append(f'<rect x="{LEFT}" y="{y + 3}" width="{max(1.0, place(middle) - LEFT):.1f}" height="{ROW - 8}" rx="2" '
                     f'fill="{OURS if name.startswith("Segue") else THEIRS}"/>')
        parts.append(f'<line x1="{place(min(values)):.1f}" x2="{place(max(values)):.1f}" y1="{y + ROW / 2 - 1}" y2="{y + ROW / 2 - 1}" '
                     f'stroke="{INK}" stroke-width="1.5"/>')
        parts.append(f'<text x="{place(max(middle, max(values))) + 6:.1f}" y="{y + 16}" fill="{INK}">{short(middle)}</text>')
    parts.append(f'<line x1="{LEFT}" x2="{LEFT}" y1="{TOP - 4}" y2="{height - 10}" stroke="{FAINT}"/></svg>')
    return "\n".join(parts) + "\n"


def flame(title, stacks):
    """A flame graph (roots at the top) of stacks with their counts; the full name and the share are in each box's title."""
    tree = {"count": 0, "below": {}}
    for stack, count in stacks.items():
        node = tree
        node["count"] += count
        for name in stack:
            node = node["below"].setdefault(name, {"count": 0, "below": {}})
            node["count"] += count
    total, width, row = tree["count"] or 1, 1200, 17
    boxes, deepest = [], 0

    def walk(node, left, depth):
        nonlocal deepest
        for name, below in sorted(node["below"].items()):
            size = below["count"] / total * width
            if size >= 1.5:
                deepest = max(deepest, depth)
                ours = name.startswith("segue::")
                color = OURS if ours else "#c97b3d" if name.endswith("_[k]") else THEIRS if "::" in name else "#d8b48a"
                top = 40 + depth * row
                full = html.escape(f"{name}: {below['count'] / total:.1%}", quote=True)
                label = html.escape(name.removeprefix("segue::")[:int(size / 6.3)]) if size > 30 else ""
                boxes.append(f'<g><title>{full}</title><rect x="{left:.1f}" y="{top}" width="{size - 0.4:.1f}" height="{row - 1}" fill="{color}"/>'
                             + (f'<text x="{left + 3:.1f}" y="{top + 12}" fill="{"#fff" if ours else INK}">{label}</text>' if label else "") + "</g>")
                walk(below, left, depth + 1)
            left += size

    walk(tree, 0.0, 0)
    height = 40 + (deepest + 1) * row + 8
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
                      f'font-family="ui-monospace, monospace" font-size="10.5"><title>{html.escape(title)}</title>',
                      f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
                      f'<text x="8" y="24" font-family="system-ui, sans-serif" font-size="15" font-weight="600" fill="{INK}">{html.escape(title)}</text>',
                      *boxes, "</svg>"]) + "\n"
