#!/usr/bin/env python3
"""Recall and precision of `segue audit` on the labelled corpus (tests/audit), by kind.

usage: audit_quality.py SEGUE [CASE] [--details]
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "audit"))
from corpus import score  # noqa: E402


def main():
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    with tempfile.TemporaryDirectory() as folder:
        total = score(words[0], Path(folder), words[1] if len(words) > 1 else None)
    print("| kind | labelled | found | recall |\n|---|---|---|---|")
    for kind in sorted(total.wanted):
        print(f"| {kind} | {total.wanted[kind]} | {total.found[kind]} | {total.found[kind] / total.wanted[kind]:.2f} |")
    found = sum(total.found.values())
    print(f"| all | {sum(total.wanted.values())} | {found} | {total.recall:.3f} |\n")
    print(f"precision {total.precision:.3f}; look-alikes left alone {total.alike - len(total.wrong)} of {total.alike}; "
          f"lines reported without a label {len(total.unlabelled)}; kind as labelled {total.right_kind} of {found}")
    if "--details" in sys.argv:
        for label in total.missed:
            print(f"missed  {label.case}/{label.path}:{label.line} {','.join(label.kinds)}: {label.text}")
        for label, kind in total.wrong:
            print(f"wrong   {label.case}/{label.path}:{label.line} as {kind}: {label.text}  ({label.reason})")
        for label, kind in total.other_kind:
            print(f"kind    {label.case}/{label.path}:{label.line} {kind} instead of {','.join(label.kinds)}: {label.text}")
        for line in total.unlabelled:
            print(f"extra   {line}")


main()
