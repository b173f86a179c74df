"""What a chunk's budget counts: words, characters, or the tokens of a Hugging Face tokenizer file."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from builder.characters import is_printable
from builder.corpus.settings import Chunking
from builder.errors import ConfigError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Interval = tuple[int, int]
#: The sizes of intervals of a text.
Count = Callable[[str, Sequence[Interval]], list[int]]
_WORD = re.compile(r"\S+")


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


def _words(_: Chunking) -> Count:
    return count_words


def count_words(text: str, intervals: Sequence[Interval]) -> list[int]:
    """The words of each interval: runs without whitespace, or of twelve bytes of UTF-8 where there is hardly any.

    The second rule serves Chinese, Thai and blobs. An interval lies in one line and is trimmed.
    """
    if "  " in text or not is_printable(text):
        return [_dense(text, a, b, len(text[a:b].split())) for a, b in intervals]
    # The only spaces are single plain ones, and counting them is several times faster.
    return [n if b - a <= 12 * (n := text.count(" ", a, b) + 1) else _dense(text, a, b, n) for a, b in intervals]


def _dense(text: str, start: int, end: int, count: int) -> int:
    return count if end - start <= 12 * count else max(count, len(text[start:end].encode("utf-8", "replace")) // 12)


def _characters(_: Chunking) -> Count:
    return lambda text, intervals: [b - a for a, b in intervals]


def _tokens(settings: Chunking) -> Count:
    model = tokenizer(settings.tokenizer)
    return lambda text, intervals: [
        len(e) for e in model.encode_batch_fast([text[a:b] for a, b in intervals], add_special_tokens=False)
    ]


#: The counter of each unit; sizes of neighbours are added up, so the budget holds for their sum.
COUNTERS: dict[str, Callable[[Chunking], Count]] = {"words": _words, "characters": _characters, "tokenizer": _tokens}

#: Characters that certainly fit into a unit, for cutting what has no spaces.
CHARACTERS = {"words": 3.0, "characters": 1.0, "tokenizer": 0.25}


def boundaries(settings: Chunking, text: str) -> list[tuple[int, int, int]]:
    """The units of a text: start, end and number, in order and without overlap, none of them only whitespace.

    A number above one is that of tokens which share their characters.
    """
    if settings.unit == "words":
        return [(*m.span(), 1) for m in _WORD.finditer(text)]
    if settings.unit == "characters":
        return [(i, i + 1, 1) for i, c in enumerate(text) if not c.isspace()]
    out: list[tuple[int, int, int]] = []
    pending = 0  # tokens of mere space, which count with the next one
    for start, end in tokenizer(settings.tokenizer).encode(text, add_special_tokens=False).offsets:
        start = max(start, out[-1][1] if out else 0)
        bare = text[start:end].strip()
        if bare:
            start += text[start:end].index(bare[0])
            out.append((start, start + len(bare), 1 + pending))
            pending = 0
        elif out and end <= out[-1][1]:
            out[-1] = (*out[-1][:2], out[-1][2] + 1)
        else:
            pending += 1
    return out
