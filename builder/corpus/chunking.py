"""Chunks: an article's sections cut into windows under a budget.

Each section is cut on its own, so a chunk never mixes summary and body. Chunks are trimmed: in order and without
overlap they cover their section, and only whitespace is outside them. Intervals are in article coordinates.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from builder.corpus.budgets import CharacterCounter, Interval
from builder.corpus.settings import CHUNKERS, UNITS, Chunking
from builder.settings import load
from builder.text import sentences

# Where a sentence over the budget may be cut, best first: after a clause, between words.
_CUTS = (re.compile(r"(?<=[;:])\s+|(?<=,)\s+|(?<!\s)\s++(?=[–—(])|(?<=[)–—])\s+"), re.compile(r"\s+"))
_WORD = re.compile(r"\S+")
#: Characters of a sentence that are cut at once: its words are many tuples, and a blob may be of any size.
_STRETCH = 100_000
_STRETCHES = re.compile(rf"\S(?s:.{{,{_STRETCH - 3}}}\S)?(?!\S)|\S{{1,{_STRETCH}}}")


class ChunkBounds(NamedTuple):
    """A chunk: an interval of the article, its size in the units of the budget, and how many sentences begin in it."""

    start: int
    end: int
    tokens: int
    sentences: int


class Parts:
    """Sentences, and pieces of long ones, with what each adds to the size of those before it."""

    def __init__(self, text: str, counter: CharacterCounter, at: Sequence[Interval], begun: Sequence[int]) -> None:
        self.text, self.counter, self.at = text, counter, at
        self.gains = counter.gains(text, at)
        self.total = [0, *accumulate(self.gains)]
        self.begun = begun  # how many sentences begin before each part, and in all

    def opening(self, i: int) -> int:
        """The size of a part that begins a chunk."""
        return self.counter.opening(self.text, self.at[i - 1][1], *self.at[i], self.gains[i]) if i else self.gains[0]

    def paragraph(self, i: int) -> bool:
        """Whether a paragraph begins with a part that is not the first."""
        return "\n" in self.text[self.at[i - 1][1] : self.at[i][0]]

    def chunk(self, first: int, end: int) -> ChunkBounds:
        """The chunk of the parts `first:end`."""
        tokens = self.opening(first) + self.total[end] - self.total[first + 1]
        return ChunkBounds(self.at[first][0], self.at[end - 1][1], tokens, self.begun[end] - self.begun[first])

    def packed(self, budget: int, enough: float = float("inf")) -> list[int]:
        """The first part of each chunk under the budget, and the number of parts.

        A chunk of at least `enough` ends with its paragraph when the next one does not fit.
        """
        firsts, tokens, count = [0], self.opening(0), len(self.gains)
        for i in range(1, count):
            gain = self.gains[i]
            full = tokens + gain > budget
            if not full and tokens >= enough and self.paragraph(i):
                end = next((j for j in range(i + 1, count) if self.paragraph(j)), count)
                full = tokens + self.total[end] - self.total[i] > budget
            if full:
                firsts.append(i)
                tokens = self.opening(i)
            else:
                tokens += gain
        return [*firsts, count]


class Chunker:
    """Cuts articles by the settings; holds the counter of the budget, which may be a tokenizer."""

    def __init__(self, settings: Chunking) -> None:
        self.settings = settings
        self.counter = load(UNITS[settings.unit])(settings)
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
            if inner:
                chunks += [(kind, chunk) for chunk in self.cut_section(self, text, inner)]
        return chunks, found

    def parts(self, text: str, intervals: Sequence[Interval]) -> Parts:
        """The sentences; one over the budget becomes several parts, and counts with the first."""
        counter, budget = self.counter, self.settings.max_tokens
        parts = Parts(text, counter, intervals, range(len(intervals) + 1))
        # By itself a sentence may be a little larger than what it adds.
        doubtful = [part for part, n in zip(intervals, parts.gains, strict=True) if 2 * n > budget]
        sizes = zip(doubtful, counter.sizes(text, doubtful), strict=True) if doubtful else ()
        broken = {part: list(self._broken(text, *part)) for part, n in sizes if n > budget}
        if not broken:
            return parts
        pieces = [(small, int(i == 0)) for part in intervals for i, small in enumerate(broken.get(part, [part]))]
        return Parts(text, counter, [small for small, _ in pieces], [0, *accumulate(n for _, n in pieces)])

    def _broken(self, text: str, start: int, end: int) -> Iterator[Interval]:
        """A sentence over the budget, cut between clauses, else words, else characters."""
        counter, budget = self.counter, self.settings.max_tokens
        step = max(1, int(budget * counter.characters))
        for stretch in _STRETCHES.finditer(text, start, end):
            parts = [stretch.span()]
            for cut in (*_CUTS, None):
                smaller: list[Interval] = []
                for (a, b), n in zip(parts, counter.sizes(text, parts), strict=True):
                    if n <= budget:
                        smaller.append((a, b))
                    elif cut:
                        edges = [a, *(m.end() for m in cut.finditer(text, a, b)), b]
                        smaller += [(c, c + len(text[c:d].rstrip())) for c, d in pairwise(edges)]
                    else:
                        smaller += [(c, min(c + step, b)) for c in range(a, b, step)]
                parts = smaller
            firsts = Parts(text, counter, parts, ()).packed(budget)
            packed = [(parts[i][0], parts[j - 1][1]) for i, j in pairwise(firsts)]
            # Parts of one word may have more tokens together than apart.
            yield from packed if max(counter.sizes(text, packed)) <= budget else parts


def by_sentences(chunker: Chunker, text: str, inner: list[Interval]) -> list[ChunkBounds]:
    """Sentences packed under the budget; a chunk full enough ends with its paragraph when the next does not fit.

    A last chunk under a quarter of the budget is evened out with the one before it, where a paragraph's end makes up
    for a tenth of the budget.
    """
    budget = chunker.settings.max_tokens
    parts = chunker.parts(text, inner)
    firsts = parts.packed(budget, chunker.settings.min_fill * budget)
    out = [parts.chunk(i, j) for i, j in pairwise(firsts)]
    if len(out) > 1 and out[-1].tokens * 4 < budget:
        first, end = firsts[-3], firsts[-1]
        both = parts.total[first] + parts.total[end]

        def cost(i: int) -> float:
            return abs(both - 2 * parts.total[i]) - (budget / 5 if parts.paragraph(i) else 0)

        for i in sorted(range(first + 1, end), key=cost):
            halves = [parts.chunk(first, i), parts.chunk(i, end)]
            if max(chunk.tokens for chunk in halves) <= budget:
                return [*out[:-2], *halves]
    return out


def by_paragraphs(chunker: Chunker, text: str, inner: list[Interval]) -> list[ChunkBounds]:
    """One chunk per paragraph; one over the budget is cut as `by_sentences` does."""
    edges = [i for i in range(1, len(inner)) if "\n" in text[inner[i - 1][1] : inner[i][0]]]
    return [chunk for i, j in pairwise([0, *edges, len(inner)]) for chunk in by_sentences(chunker, text, inner[i:j])]


def by_article(chunker: Chunker, text: str, inner: list[Interval]) -> list[ChunkBounds]:
    """One chunk per section, whatever its size."""
    return [ChunkBounds(inner[0][0], inner[-1][1], sum(chunker.counter.gains(text, inner)), len(inner))]


def by_tokens(chunker: Chunker, text: str, inner: list[Interval]) -> list[ChunkBounds]:
    """Windows of as many words as fit, whatever sentences they cut; a sentence counts where it begins."""
    parts = chunker.parts(text, [m.span() for m in _WORD.finditer(text, inner[0][0], inner[-1][1])])
    chunks = [parts.chunk(i, j) for i, j in pairwise(parts.packed(chunker.settings.max_tokens))]
    begins = [start for start, _ in inner]
    return [c._replace(sentences=bisect_left(begins, c.end) - bisect_left(begins, c.start)) for c in chunks]
