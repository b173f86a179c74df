"""Chunks: an article's sections cut into windows under a budget.

Each section is cut on its own, so a chunk never mixes summary and body. Chunks are trimmed: in order and without
overlap they cover their section, and only whitespace lies outside them. Intervals are in article coordinates.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from builder.corpus.sentences import sentences
from builder.corpus.settings import Chunking

Interval = tuple[int, int]
Count = Callable[[Sequence[str]], list[int]]


class Piece(NamedTuple):
    """A part of a section: an interval of the article, its size in the units of the budget, its sentences."""

    start: int
    end: int
    tokens: int
    sentences: int


class Chunker:
    """Cuts articles by the settings; holds the counter of the budget, which may be a tokenizer."""

    def __init__(self, settings: Chunking) -> None:
        self.settings = settings
        self.count: Count = COUNTERS[settings.unit](settings)

    def cut(
        self, text: str, sections: Sequence[tuple[str, int, int]], language: str
    ) -> tuple[list[tuple[str, Piece]], list[Interval]]:
        """The pieces of every section with its kind, and the sentences of the text."""
        found: list[Interval] = []
        pieces: list[tuple[str, Piece]] = []
        for kind, start, end in sections:
            inner = [(start + a, start + b) for a, b in sentences(text[start:end], language)]
            found += inner
            pieces += [(kind, piece) for piece in METHODS[self.settings.method](self, text, inner)]
        return pieces, found

    def measure(self, text: str, intervals: Sequence[Interval]) -> list[Piece]:
        """The intervals as pieces of one sentence each."""
        counts = self.count([text[a:b] for a, b in intervals])
        return [Piece(a, b, n, 1) for (a, b), n in zip(intervals, counts, strict=True)]


def _words(_: Chunking) -> Count:
    return lambda texts: [len(t.split()) for t in texts]


def _characters(_: Chunking) -> Count:
    return lambda texts: [len(t) for t in texts]


COUNTERS: dict[str, Callable[[Chunking], Count]] = {"words": _words, "characters": _characters}


def by_sentences(chunker: Chunker, text: str, inner: list[Interval]) -> list[Piece]:
    """Sentences packed under the budget; a chunk full enough ends with its paragraph when the next does not fit."""
    budget = chunker.settings.max_tokens
    enough = chunker.settings.min_fill * budget
    out: list[Piece] = []
    start = end = tokens = number = 0
    for paragraph in _paragraphs(text, chunker.measure(text, inner)):
        whole = sum(p.tokens for p in paragraph)
        if number and tokens + whole > budget and tokens >= enough:
            out.append(Piece(start, end, tokens, number))
            number = 0
        for p in paragraph:
            if number and tokens + p.tokens > budget:
                out.append(Piece(start, end, tokens, number))
                number = 0
            if not number:
                start, tokens = p.start, 0
            end, tokens, number = p.end, tokens + p.tokens, number + 1
    if number:
        out.append(Piece(start, end, tokens, number))
    return out


def _paragraphs(text: str, pieces: list[Piece]) -> list[list[Piece]]:
    out: list[list[Piece]] = []
    before = -1
    for p in pieces:
        if before < 0 or text.find("\n", before, p.start) >= 0:
            out.append([])
        out[-1].append(p)
        before = p.end
    return out


METHODS: dict[str, Callable[[Chunker, str, list[Interval]], list[Piece]]] = {"sentences": by_sentences}
