"""Chunks: an article's sections cut into windows under a budget.

Each section is cut on its own, so a chunk never mixes summary and body. Chunks are trimmed: in order and without
overlap they cover their section, and only whitespace lies outside them. Intervals are in article coordinates.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from builder.corpus.settings import Chunking
from builder.corpus.tokens import CHARACTERS, COUNTERS, Interval, boundaries
from builder.sentences import sentences

# Where a sentence over the budget may be cut, best first: behind a clause, between words.
_CLAUSE = re.compile(r"(?<=[;:])\s+|(?<=,)\s+|\s+(?=[–—(])|(?<=[)–—])\s+")
_WORD = re.compile(r"\s+")


class Piece(NamedTuple):
    """A part of a section: an interval of the article, its size in the units of the budget, its sentences."""

    start: int
    end: int
    tokens: int
    sentences: int


#: The same without names, for the many that are joined into one: what a section's sentences become first.
Part = tuple[int, int, int, int]


class Chunker:
    """Cuts articles by the settings; holds the counter of the budget, which may be a tokenizer."""

    def __init__(self, settings: Chunking) -> None:
        self.settings = settings
        self.count = COUNTERS[settings.unit](settings)
        self.cut_section = METHODS[settings.method]

    def cut(
        self, text: str, sections: Sequence[tuple[str, int, int]], language: str
    ) -> tuple[list[tuple[str, Piece]], list[Interval]]:
        """The pieces of every section with its kind, and the sentences of the text."""
        found: list[Interval] = []
        pieces: list[tuple[str, Piece]] = []
        for kind, start, end in sections:
            inner = sentences(text[start:end], language, start)
            found += inner
            pieces += [(kind, piece) for piece in self.cut_section(self, text, inner)]
        return pieces, found

    def measure(self, text: str, intervals: Sequence[Interval]) -> list[Part]:
        """The intervals as pieces of one sentence each; one over the budget becomes several."""
        counts = self.count(text, intervals)
        budget = self.settings.max_tokens
        out: list[Part] = []
        if max(counts, default=0) <= budget:
            return [(a, b, n, 1) for (a, b), n in zip(intervals, counts, strict=True)]
        for (a, b), n in zip(intervals, counts, strict=True):
            out += [(a, b, n, 1)] if n <= budget else self._break(text, a, b)
        return out

    def _break(self, text: str, start: int, end: int) -> list[Part]:
        """A sentence over the budget, cut between clauses, else words, else characters; the first part counts it."""
        parts = [(start, end)]
        for cut in (_CLAUSE, _WORD, None):
            counts = self.count(text, parts)
            parts = [
                small
                for (a, b), n in zip(parts, counts, strict=True)
                for small in ([(a, b)] if n <= self.settings.max_tokens else list(self._smaller(text, a, b, cut)))
            ]
        counts = self.count(text, parts)
        return _pack(
            [(a, b, n, int(i == 0)) for i, ((a, b), n) in enumerate(zip(parts, counts, strict=True))],
            self.settings.max_tokens,
        )

    def _smaller(self, text: str, start: int, end: int, cut: re.Pattern[str] | None) -> Sequence[Interval]:
        if cut is None:
            step = max(1, int(self.settings.max_tokens * CHARACTERS[self.settings.unit]))
            return [(a, min(a + step, end)) for a in range(start, end, step)]
        edges = [start, *(m.end() for m in cut.finditer(text, start, end)), end]
        return [(a, a + len(text[a:b].rstrip())) for a, b in pairwise(edges) if text[a:b].strip()]


def _pack(parts: list[Part], budget: int) -> list[Part]:
    """Neighbours joined while they fit; without a paragraph to look at."""
    out: list[Part] = []
    for a, b, n, s in parts:
        if out and out[-1][2] + n <= budget:
            start, _, tokens, number = out[-1]
            out[-1] = (start, b, tokens + n, number + s)
        else:
            out.append((a, b, n, s))
    return out


def by_sentences(chunker: Chunker, text: str, inner: list[Interval]) -> list[Piece]:
    """Sentences packed under the budget; a chunk full enough ends with its paragraph when the next does not fit.

    A last chunk under a quarter of the budget is evened out with the one before it.
    """
    budget = chunker.settings.max_tokens
    enough = chunker.settings.min_fill * budget
    out: list[Piece] = []
    first: list[int] = []  # of each chunk: the number of its first part
    parts = chunker.measure(text, inner)
    start = end = tokens = number = at = 0
    for i, (a, b, n, s) in enumerate(parts):
        if i == at:
            start = a
        elif tokens + n > budget or (
            tokens >= enough and "\n" in text[end:a] and tokens + _paragraph(text, parts, i, budget) > budget
        ):
            out.append(Piece(start, end, tokens, number))
            first.append(at)
            start, at, tokens, number = a, i, 0, 0
        end = b
        tokens += n
        number += s
    if parts:
        out.append(Piece(start, end, tokens, number))
        first.append(at)
    if len(out) > 1 and out[-1].tokens * 4 < budget:
        out[-2:] = _even(text, parts[first[-2] :], budget)
    return out


def _paragraph(text: str, parts: list[Part], first: int, limit: int) -> int:
    """The size of the paragraph that begins with a part, counted no further than the limit."""
    total = 0
    for i in range(first, len(parts)):
        if i > first and "\n" in text[parts[i - 1][1] : parts[i][0]]:
            break
        total += parts[i][2]
        if total > limit:
            break
    return total


def _even(text: str, parts: list[Part], budget: int) -> list[Piece]:
    """Two chunks of the parts, as even as they can be; a paragraph's end makes up for a tenth of the budget."""
    total = sum(p[2] for p in parts)
    best, where, left = float("inf"), 1, 0
    for i in range(1, len(parts)):
        left += parts[i - 1][2]
        if left > budget or total - left > budget:
            continue
        cost = abs(total - 2 * left) - (budget / 5 if "\n" in text[parts[i - 1][1] : parts[i][0]] else 0)
        if cost < best:
            best, where = cost, i
    return [_join(parts[:where]), _join(parts[where:])]


def _join(parts: list[Part]) -> Piece:
    return Piece(parts[0][0], parts[-1][1], sum(p[2] for p in parts), sum(p[3] for p in parts))


def by_paragraphs(chunker: Chunker, text: str, inner: list[Interval]) -> list[Piece]:
    """A paragraph a chunk; one over the budget is cut as `by_sentences` does."""
    out: list[Piece] = []
    at = 0
    for i in range(1, len(inner) + 1):
        if i == len(inner) or "\n" in text[inner[i - 1][1] : inner[i][0]]:
            out += by_sentences(chunker, text, inner[at:i])
            at = i
    return out


def by_article(chunker: Chunker, text: str, inner: list[Interval]) -> list[Piece]:
    """The whole section a chunk, whatever its size."""
    if not inner:
        return []
    start, end = inner[0][0], inner[-1][1]
    return [Piece(start, end, sum(chunker.count(text, inner)), len(inner))]


def by_tokens(chunker: Chunker, text: str, inner: list[Interval]) -> list[Piece]:
    """Windows of so many units, whatever they cut through; a sentence counts where it begins."""
    if not inner:
        return []
    size = chunker.settings.max_tokens
    start, end = inner[0][0], inner[-1][1]
    begins = [a for a, _ in inner]
    out: list[Piece] = []
    window: list[tuple[int, int, int]] = []
    total = 0

    def close() -> None:
        a, b = start + window[0][0], start + window[-1][1]
        out.append(Piece(a, b, total, bisect_left(begins, b) - bisect_left(begins, a)))

    for unit in boundaries(chunker.settings, text[start:end]):
        if window and total + unit[2] > size:
            close()
            window, total = [], 0
        window.append(unit)
        total += unit[2]
    close()
    return out


#: How a section becomes pieces, by name.
METHODS: dict[str, Callable[[Chunker, str, list[Interval]], list[Piece]]] = {
    "sentences": by_sentences,
    "paragraphs": by_paragraphs,
    "article": by_article,
    "tokens": by_tokens,
}
