"""The labelled corpus: how much is found, and what is left alone (issue 6: at least 0.97 and 0.98)."""

from support.segue import binary

from audit.corpus import score


def describe(total):
    return "\n".join([*(f"missed {l.case}/{l.path}:{l.line} {l.kinds} {l.text}" for l in total.missed),
                      *(f"wrong {l.case}/{l.path}:{l.line} as {kind}: {l.text}" for l, kind in total.wrong),
                      *(f"unlabelled {line}" for line in total.unlabelled)])


def test_corpus(tmp_path):
    total = score(binary(), tmp_path)
    assert sum(total.wanted.values()) >= 300 and total.alike >= 150
    assert total.recall >= 0.97, describe(total)
    assert total.precision >= 0.98, describe(total)
    for kind, wanted in total.wanted.items():
        assert total.found[kind] >= 0.8 * wanted, kind
