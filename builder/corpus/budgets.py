"""What a chunk's budget counts: words, characters, or the tokens of a Hugging Face tokenizer file.

A chunk is as large as its text is by itself. Sentences are counted with the whitespace before them, so that the sizes
of neighbours add up to that of their chunk; only the first one of a chunk has none before it, and a tokenizer may count
it otherwise. Intervals are trimmed and in order.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from builder.corpus.settings import Chunking
from builder.errors import ConfigError
from builder.text import is_spaced

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
        """The size of each interval by itself."""
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
        if not is_spaced(text):
            return [_long_words(text, a, b, len(text[a:b].split())) for a, b in intervals]
        # The only spaces are single plain ones, and counting them is several times faster.
        return [
            n if b - a <= _LONG * (n := text.count(" ", a, b) + 1) else _long_words(text, a, b, n) for a, b in intervals
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
