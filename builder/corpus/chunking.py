"""Chunks: an article's sections cut into windows under a budget.

Each section is cut on its own, so a chunk never mixes summary and body. Chunks are trimmed: in order and without
overlap they cover their section, and only whitespace is outside them. Intervals are in article coordinates.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from builder.corpus.budgets import COUNTERS, Interval
from builder.corpus.settings import CHUNKERS, Chunking
from builder.settings import load
from builder.text import sentences

# Where a sentence over the budget may be cut, best first: after a clause, between words.
_CLAUSE = re.compile(r"(?<=[;:])\s+|(?<=,)\s+|(?<!\s)\s++(?=[–—(])|(?<=[)–—])\s+")
_WORD = re.compile(r"\s+")
_INK = re.compile(r"\S")
#: Characters of a sentence that are cut at once: its words are many tuples, and a blob may be of any size.
_STRETCH = 100_000


class ChunkBounds(NamedTuple):
    """A chunk: an interval of the article, its size in the units of the budget, and how many sentences begin in it."""

    start: int
    end: int
    tokens: int
    sentences: int


#: The same without names, of a sentence or a piece of a long one: chunks are packed from millions of these.
Measured = tuple[int, int, int, int]


class Chunker:
    """Cuts articles by the settings; holds the counter of the budget, which may be a tokenizer."""

    def __init__(self, settings: Chunking) -> None:
        self.settings = settings
        self.counter = COUNTERS[settings.unit](settings)
        self.cut_section = load(CHUNKERS[settings.method])

    def cut(
        self, text: str, sections: Sequence[tuple[str, int, int]], language: str
    ) -> tuple[list[tuple[str, ChunkBounds]], list[Interval]]:
        """The chunks of every section with its kind, and the sentences of the text."""
        found: list[Interval] = []
        chunks: list[tuple[str, ChunkBounds]] = []
        for kind, start, end in sections:
            inner = sentences(text[start:end], language, start)
            found += inner
            chunks += [(kind, chunk) for chunk in self.cut_section(self, text, inner)]
        return chunks, found

    def measure(self, text: str, intervals: Sequence[Interval]) -> list[Measured]:
        """The intervals with their sizes; a sentence over the budget becomes several, and counts with the first.

        The size of each is what it adds to the one before it.
        """
        gains = self.counter.gains(text, intervals)
        budget = self.settings.max_tokens
        # By itself a sentence may be a little larger than what it adds.
        doubtful = [part for part, n in zip(intervals, gains, strict=True) if 2 * n > budget]
        sizes = zip(doubtful, self.counter.sizes(text, doubtful), strict=True) if doubtful else ()
        broken = {
            part: [(a + c, a + d) for a, b in _stretches(text, *part) for c, d in self._break(text[a:b])]
            for part, size in sizes
            if size > budget
        }
        if not broken:
            return [(a, b, n, 1) for (a, b), n in zip(intervals, gains, strict=True)]
        parts = [(small, int(i == 0)) for part in intervals for i, small in enumerate(broken.get(part, [part]))]
        gains = self.counter.gains(text, [small for small, _ in parts])
        return [(a, b, n, s) for ((a, b), s), n in zip(parts, gains, strict=True)]

    def opening(self, text: str, parts: Sequence[Measured], at: int) -> int:
        """The size of a part that begins a chunk."""
        start, end, gain, _ = parts[at]
        return self.counter.opening(text, parts[at - 1][1], start, end, gain) if at else gain

    def join(self, text: str, parts: Sequence[Measured], first: int, end: int) -> ChunkBounds:
        """The chunk of the parts `first:end`."""
        some = parts[first:end]
        tokens = self.opening(text, parts, first) + sum(p[2] for p in some[1:])
        return ChunkBounds(some[0][0], some[-1][1], tokens, sum(p[3] for p in some))

    def _break(self, text: str) -> list[Interval]:
        """A sentence over the budget, cut between clauses, else words, else characters."""
        budget = self.settings.max_tokens
        parts = [(0, len(text))]
        for cut in (_CLAUSE, _WORD, None):
            sizes = self.counter.sizes(text, parts)
            parts = [
                small
                for (a, b), n in zip(parts, sizes, strict=True)
                for small in ([(a, b)] if n <= budget else list(self._smaller(text, a, b, cut)))
            ]
        packed: list[Interval] = []
        tokens = 0
        measured = [(a, b, n, 0) for (a, b), n in zip(parts, self.counter.gains(text, parts), strict=True)]
        for i, (a, b, n, _) in enumerate(measured):
            if packed and tokens + n <= budget:
                packed[-1] = (packed[-1][0], b)
                tokens += n
            else:
                packed.append((a, b))
                tokens = self.opening(text, measured, i)
        # Parts of one word may have more tokens together than apart.
        return packed if max(self.counter.sizes(text, packed)) <= budget else parts

    def _smaller(self, text: str, start: int, end: int, cut: re.Pattern[str] | None) -> Sequence[Interval]:
        if cut is None:
            step = max(1, int(self.settings.max_tokens * self.counter.characters))
            return [(a, min(a + step, end)) for a in range(start, end, step)]
        edges = [start, *(m.end() for m in cut.finditer(text, start, end)), end]
        return [(a, a + len(text[a:b].rstrip())) for a, b in pairwise(edges) if text[a:b].strip()]


def _stretches(text: str, start: int, end: int) -> Iterator[Interval]:
    """The interval in parts of limited length, cut between words where that can be."""
    while end - start > _STRETCH:
        at = text.rfind(" ", start, start + _STRETCH)
        at = at if at > start else start + _STRETCH
        yield start, start + len(text[start:at].rstrip())
        ink = _INK.search(text, at, end)
        start = ink.start() if ink else end
    yield start, end


def by_sentences(chunker: Chunker, text: str, inner: list[Interval]) -> list[ChunkBounds]:
    """Sentences packed under the budget; a chunk full enough ends with its paragraph when the next does not fit.

    A last chunk under a quarter of the budget is evened out with the one before it.
    """
    budget = chunker.settings.max_tokens
    enough = chunker.settings.min_fill * budget
    parts = chunker.measure(text, inner)
    first: list[int] = []  # of each chunk: the number of its first part
    tokens = end = 0
    for i, (a, b, n, _) in enumerate(parts):
        if (
            not first
            or tokens + n > budget
            or (tokens >= enough and "\n" in text[end:a] and tokens + _paragraph(text, parts, i, budget) > budget)
        ):
            first.append(i)
            tokens = chunker.opening(text, parts, i)
        else:
            tokens += n
        end = b
    out = [chunker.join(text, parts, i, j) for i, j in pairwise([*first, len(parts)])]
    if len(out) > 1 and out[-1].tokens * 4 < budget:
        out[-2:] = _even(chunker, text, parts, first[-2], out[-2:])
    return out


def _paragraph(text: str, parts: list[Measured], first: int, limit: int) -> int:
    """The size of the paragraph that begins with a part, counted no further than the limit."""
    total = 0
    for i in range(first, len(parts)):
        if i > first and "\n" in text[parts[i - 1][1] : parts[i][0]]:
            break
        total += parts[i][2]
        if total > limit:
            break
    return total


def _even(
    chunker: Chunker, text: str, parts: list[Measured], first: int, parted: list[ChunkBounds]
) -> list[ChunkBounds]:
    """Two chunks of the parts from `first` on, as even as they can be, instead of those that were parted.

    A paragraph's end makes up for a tenth of the budget.
    """
    budget = chunker.settings.max_tokens
    total = sum(p[2] for p in parts[first:])
    left, ranked = 0, []
    for i in range(first + 1, len(parts)):
        left += parts[i - 1][2]
        cost = abs(total - 2 * left) - (budget / 5 if "\n" in text[parts[i - 1][1] : parts[i][0]] else 0)
        ranked.append((cost, i))
    halves = (
        [chunker.join(text, parts, first, i), chunker.join(text, parts, i, len(parts))] for _, i in sorted(ranked)
    )
    return next((two for two in halves if max(chunk.tokens for chunk in two) <= budget), parted)


def by_paragraphs(chunker: Chunker, text: str, inner: list[Interval]) -> list[ChunkBounds]:
    """One chunk per paragraph; one over the budget is cut as `by_sentences` does."""
    out: list[ChunkBounds] = []
    at = 0
    for i in range(1, len(inner) + 1):
        if i == len(inner) or "\n" in text[inner[i - 1][1] : inner[i][0]]:
            out += by_sentences(chunker, text, inner[at:i])
            at = i
    return out


def by_article(chunker: Chunker, text: str, inner: list[Interval]) -> list[ChunkBounds]:
    """One chunk per section, whatever its size."""
    size = sum(chunker.counter.gains(text, inner))
    return [ChunkBounds(inner[0][0], inner[-1][1], size, len(inner))] if inner else []


def by_tokens(chunker: Chunker, text: str, inner: list[Interval]) -> list[ChunkBounds]:
    """Windows of so many units, whatever they cut through; a sentence counts where it begins."""
    if not inner:
        return []
    start, end = inner[0][0], inner[-1][1]
    begins = [a - start for a, _ in inner]
    return [
        ChunkBounds(start + a, start + b, size, bisect_left(begins, b) - bisect_left(begins, a))
        for a, b, size in chunker.counter.windows(text[start:end])
    ]
