"""BM25 by the book, over terms that PostgreSQL made: an independent check of the SQL's arithmetic."""

from __future__ import annotations

import math
from collections import Counter

K1, B = 1.2, 0.75


class Bm25:
    def __init__(self, documents: dict[str, Counter[str]]):
        self.documents = documents
        self.length = {name: sum(terms.values()) for name, terms in documents.items()}
        self.average = sum(self.length.values()) / len(documents)
        self.frequency = Counter(term for terms in documents.values() for term in terms)

    def score(self, query: Counter[str], name: str) -> float:
        total = 0.0
        for term, count in query.items():
            frequency = self.frequency[term]
            occurrences = self.documents[name][term]
            if not occurrences:
                continue
            idf = math.log(1 + (len(self.documents) - frequency + 0.5) / (frequency + 0.5))
            norm = K1 * (1 - B + B * self.length[name] / self.average)
            total += count * idf * occurrences * (K1 + 1) / (occurrences + norm)
        return total

    def best(self, query: Counter[str], count: int) -> list[tuple[str, float]]:
        scored = [(name, self.score(query, name)) for name in self.documents]
        return sorted(((n, s) for n, s in scored if s > 0), key=lambda pair: -pair[1])[:count]
