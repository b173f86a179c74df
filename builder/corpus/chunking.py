"""Chunks: an article's sections cut into windows under a budget of words, characters or tokens of a tokenizer file.

Each section is cut on its own, so a chunk never mixes summary and body. Chunks are trimmed: in order and without
overlap they cover their section, and only whitespace is outside them. Intervals are in article coordinates.

A chunk is as large as its text is by itself. Sentences are counted with the whitespace before them, so that the sizes
of neighbours add up to that of their chunk; only the first one of a chunk has none before it, and a tokenizer may count
it otherwise.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder.corpus.settings import CHUNKERS, UNITS, Chunking
from builder.errors import ConfigError
from builder.sentences import sentences
from builder.settings import load
from builder.text import is_printable

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Interval = tuple[int, int]
_WORD = re.compile(r"\S+")
_LETTER = re.compile(r"\w")
#: Characters of Chinese and Japanese.
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
#: Characters above which a word counts as several.
_LONG = 12


class CharacterCounter:
    """Unicode code points; the other counters replace what they count otherwise."""

    #: Characters that certainly fit into a unit, for cutting what has no spaces.
    characters = 1.0

    def __init__(self, settings: Chunking) -> None: ...

    def sizes(self, text: str, intervals: Sequence[Interval]) -> list[int]:
        """The size of each interval by itself; intervals are inside a line and have no space at either end."""
        return [b - a for a, b in intervals]

    def gains(self, text: str, intervals: Sequence[Interval]) -> list[int]:
        """What each adds to the one before it, whitespace between them included; the first by itself."""
        return self.sizes(text, [*intervals[:1], *((before[1], own[1]) for before, own in pairwise(intervals))])

    def opening(self, text: str, before: int, start: int, end: int, gain: int) -> int:
        """The size by itself of an interval that adds `gain` to one that ends at `before`."""
        return end - start


class WordCounter(CharacterCounter):
    """Words, which no neighbour changes.

    Words are runs without whitespace, or of twelve bytes of UTF-8 where there is hardly any, as in Thai and in blobs.
    Two characters of Chinese or Japanese are a word, so that a budget means about as many tokens of a model as it does
    in English.
    """

    def sizes(self, text: str, intervals: Sequence[Interval]) -> list[int]:
        if not text.isascii() and _is_dense(text):
            return [_dense_words(text[a:b]) for a, b in intervals]
        if is_printable(text) and "  " not in text:
            # Counting single blanks takes a quarter of the time that cutting words does.
            counts = [text.count(" ", a, b) + 1 for a, b in intervals]
        else:
            counts = [len(text[a:b].split()) for a, b in intervals]
        return [
            n if b - a <= _LONG * n else _long_words(text, a, b, n) for n, (a, b) in zip(counts, intervals, strict=True)
        ]

    gains = sizes

    def opening(self, text: str, before: int, start: int, end: int, gain: int) -> int:
        return gain


@lru_cache(maxsize=2)
def _is_dense(text: str) -> bool:
    # Where words are as short as in English, single characters of another script hardly count.
    return text.count(" ") * _LONG < len(text) and _DENSE.search(text) is not None


def _dense_words(text: str) -> int:
    rest, count = _DENSE.subn(" ", text)
    words = (m.span() for m in _WORD.finditer(rest) if _LETTER.search(m[0]))
    return (count + 1) // 2 + sum(_long_words(rest, *span, 1) for span in words) or 1


def _long_words(text: str, start: int, end: int, count: int) -> int:
    if end - start <= _LONG * count:
        return count
    return max(count, len(text[start:end].encode("utf-8", "replace")) // _LONG)


class TokenCounter(CharacterCounter):
    """Tokens of a tokenizer file, without the special ones that a model puts around a text."""

    characters = 0.25

    def __init__(self, settings: Chunking) -> None:
        self.model = tokenizer(settings.tokenizer)
        self._gained_alone = lru_cache(maxsize=1 << 16)(self._gained)

    def sizes(self, text: str, intervals: Sequence[Interval]) -> list[int]:
        texts = [text[a:b] for a, b in intervals]
        return [len(e) for e in self.model.encode_batch_fast(texts, add_special_tokens=False)]

    def opening(self, text: str, before: int, start: int, end: int, gain: int) -> int:
        # Tokens do not reach over whitespace, so what is before a text can change only its first word.
        word = text.find(" ", start, end)
        return gain + self._gained_alone(text[before:start], text[start : end if word < 0 else word])

    def _gained(self, space: str, word: str) -> int:
        """How many more tokens a word has by itself than after whitespace."""
        alone, following = self.model.encode_batch_fast([word, space + word], add_special_tokens=False)
        return len(alone) - len(following)


@lru_cache(maxsize=4)
def tokenizer(path: str) -> "Tokenizer":
    """The tokenizer of a tokenizer.json; raises `ConfigError` when there is none."""
    from tokenizers import Tokenizer

    if not Path(path).is_file():
        raise ConfigError(f"There is no tokenizer file {path}.", "Set chunking.tokenizer to a tokenizer.json.")
    try:
        found = Tokenizer.from_file(path)
    except Exception as e:
        raise ConfigError(f"{path} is not a tokenizer file: {e}.", "Set chunking.tokenizer to a tokenizer.json.") from e
    found.no_truncation()
    found.no_padding()
    return found


# Where a sentence over the budget may be cut, best first: after a clause, between words.
_CUTS = (re.compile(r"(?<=[;:])\s+|(?<=,)\s+|(?<!\s)\s++(?=[–—(])|(?<=[)–—])\s+"), re.compile(r"\s+"))
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
        total, firsts, count = self.total, [0], len(self.gains)
        while True:
            first = firsts[-1]
            # The parts from the first to `end` are as large as `total[end] - before`.
            before = total[first + 1] - self.opening(first)
            end = max(first + 1, bisect_right(total, budget + before) - 1)
            if end >= count:
                return [*firsts, count]
            for i in range(end, first, -1):
                if total[i] - before < enough:
                    break
                if self.paragraph(i):
                    end = i
                    break
            firsts.append(end)


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
        if 2 * max(parts.gains) <= budget:
            return parts
        # By itself a sentence may be a little larger than what it adds.
        doubtful = [part for part, n in zip(intervals, parts.gains, strict=True) if 2 * n > budget]
        sizes = zip(doubtful, counter.sizes(text, doubtful), strict=True)
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
