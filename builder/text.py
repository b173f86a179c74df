"""How this project reads text: words, mentions of a name, and how alike two texts are.

A word token is a run of letters, digits and underscores, or any other single character that is not a space. Combining
marks and joiners stay with the character before them. `Ukraine's` is three tokens, so a span of the name alone has its
ends on token borders. Whole columns are cut at once, because releases hold hundreds of millions of characters.
"""

import re
import unicodedata
from collections.abc import Iterable, Set
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

#: Classes of characters.
SPACE, WORD, OTHER, MARK, UNKNOWN = 0, 1, 2, 3, 255
_JOINERS = "\u200c\u200d"
_PAGE = 256
_class_of = np.full(0x110000, UNKNOWN, np.uint8)
_PLAIN = bytes(range(32, 127)) + b"\n"
#: Shorter names are found only as they are written: "US" must not match "us".
_SHORT = 4
#: Thai, Lao, Burmese, Khmer, Japanese, Chinese, Korean: no blanks between words, or endings joined to them.
_JOINED = re.compile("[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")

Ints = npt.NDArray[np.int64]


@lru_cache(maxsize=4)  # cleaning, segmenting and counting ask about the same text one after the other
def is_printable(text: str) -> bool:
    """True when every character is a newline or printable, so the plain space is the only other space."""
    # Of most texts hardly anything is left without the printable characters of ASCII, which are cut many times as fast
    # as characters are looked up.
    rest = text.encode("utf-8", "surrogatepass").translate(None, _PLAIN)
    return not rest or rest.decode("utf-8", "surrogatepass").isprintable()


def token_spans(text: str) -> list[tuple[int, int]]:
    """The word tokens of one text: the same as `words` gives for a column.

    >>> [text[a:b] for text in ["न्यूज़ 24's"] for a, b in token_spans(text)]
    ['न्यूज़', '24', "'", 's']
    """
    tokens = words(Texts.of(pa.array([text], pa.string())))
    return list(zip(tokens.starts.tolist(), tokens.ends.tolist(), strict=True))


def mentions(names: Iterable[str]) -> re.Pattern[str]:
    """A pattern that finds any of the names as whole words; the longest wins where several begin.

    Names of fewer than four characters, and names without lower-case letters, must be written exactly so; the case of
    other names does not matter. Names in Thai, Lao, Burmese, Khmer, Japanese, Chinese and Korean are found inside
    words. Blank names are left out; without any name the pattern finds nothing.

    >>> [bool(mentions(["xi", "Bank of Japan"]).search(text)) for text in ("Xi spoke", "the bank of Japan's", "taxi")]
    [False, True, False]
    """
    return _mentions(tuple(names))


@lru_cache(maxsize=4096)
def _mentions(names: tuple[str, ...]) -> re.Pattern[str]:
    found = sorted({n for n in names if n.strip()}, key=lambda n: (-len(n), n))
    exact = {n for n in found if len(n) < _SHORT or n == n.upper()}
    parts = [re.escape(n) if n in exact else f"(?i:{re.escape(n)})" for n in found]
    joined = "|".join(part for part in parts if _JOINED.search(part)) or "(?!)"
    marks, any_name = _marks(), f"(?:{'|'.join(part for part in parts if not _JOINED.search(part)) or '(?!)'})"
    # A mark before the name belongs to a word, and so would the name, unless the mark is that of a symbol. Marks are
    # looked for where a name is: at every position, they would take ten times as long.
    begins = rf"(?:(?<![{marks}])|(?<=[^\w\s{marks}][{marks}]))"
    return re.compile(
        rf"(?<!\w)(?={any_name}(?![\w{marks}])){begins}{any_name}(?![\w{marks}])|(?:{joined})(?![{marks}])"
    )


@cache
def _marks() -> str:
    """Ranges of all combining marks and joiners, which stay with the character before them, for a character class."""
    marks = (p for p in (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0)) if unicodedata.category(chr(p))[0] == "M")
    points = np.array(sorted([*marks, *map(ord, _JOINERS)]))
    # Written as single characters, the class would take ten times as long to compile.
    return "".join(f"{chr(r[0])}-{chr(r[-1])}" for r in np.split(points, np.flatnonzero(np.diff(points) != 1) + 1))


def similarity(a: Set[Any] | npt.NDArray[Any], b: Set[Any] | npt.NDArray[Any]) -> float:
    """Jaccard similarity: the elements that both have, per element that either has; 0 when both are empty.

    Both are sets, or both arrays of distinct values (two to three times as fast for hashes).

    >>> similarity({"a", "b", "c"}, {"b", "c", "d"})
    0.5
    """
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        shared = np.intersect1d(np.asarray(a), np.asarray(b), assume_unique=True).size
    else:
        shared = len(a & b)
    union = len(a) + len(b) - shared
    return shared / union if union else 0.0


@dataclass(frozen=True)
class Texts:
    """A column of texts as one array of code points. Character i of text r is `points[starts[r] + i]`."""

    points: npt.NDArray[np.uint32] | npt.NDArray[np.uint8]
    starts: Ints  # of each text in `points`, and the total at the end
    utf8: npt.NDArray[np.uint8]
    at_byte: Ints | None  # byte offset of each code point in `utf8`, and the total; None where they are the same

    @classmethod
    def of(cls, column: pa.Array) -> "Texts":
        """The texts of a string array without nulls."""
        offsets, data = string_buffers(column)
        utf8 = data[int(offsets[0]) : int(offsets[-1])]
        offsets = offsets.astype(np.int64) - int(offsets[0])
        if bool((utf8 < 0x80).all()):
            return cls(utf8, offsets, utf8, None)
        points = np.frombuffer(utf8.tobytes().decode().encode("utf-32-le"), np.uint32)
        at_byte = np.append(np.flatnonzero((utf8 & 0xC0) != 0x80), len(utf8))
        return cls(points, np.searchsorted(at_byte, offsets), utf8, at_byte)

    def byte(self, positions: Ints) -> Ints:
        """The offsets in `utf8` of positions in `points`."""
        return positions if self.at_byte is None else self.at_byte[positions]

    def slices(self, starts: Ints, ends: Ints) -> pa.Array:
        """The strings between pairs of positions in `points`."""
        lo, hi = self.byte(starts), self.byte(ends)
        lengths = hi - lo
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        picks = np.repeat(lo - offsets[:-1], lengths) + np.arange(offsets[-1])
        return strings(self.utf8[picks], offsets)


@dataclass(frozen=True)
class Tokens:
    """Tokens of a column of texts, one after the other; `rows[r]:rows[r + 1]` are those of text r."""

    rows: Ints
    starts: Ints  # positions in `Texts.points`
    ends: Ints
    #: Which characters are in a token, when tokens follow one another without overlap.
    covered: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.starts)

    def strings(self, texts: Texts) -> pa.Array:
        """The tokens' texts."""
        if self.covered is None:
            return texts.slices(self.starts, self.ends)
        offsets = np.zeros(len(self) + 1, np.int64)
        np.cumsum(texts.byte(self.ends) - texts.byte(self.starts), out=offsets[1:])
        inside = self.covered if texts.at_byte is None else np.repeat(self.covered, np.diff(texts.at_byte))
        return strings(texts.utf8[inside], offsets)


def words(texts: Texts) -> Tokens:
    """The word tokens of the texts.

    >>> column = pa.array(["Ukraine's F-16s 👍🏽!", ""])
    >>> texts = Texts.of(column)
    >>> tokens = words(texts)
    >>> texts.slices(tokens.starts, tokens.ends).to_pylist()
    ['Ukraine', "'", 's', 'F', '-', '16s', '👍', '🏽', '!']
    >>> tokens.rows.tolist()
    [0, 9, 9]
    """
    kinds = _kinds(texts)
    # A token begins at every symbol, and at every word character that does not continue a word of the same text.
    in_word = kinds == WORD
    begins = in_word.copy()
    begins[1:] &= ~in_word[:-1]
    first = texts.starts[:-1][texts.starts[:-1] < len(kinds)]
    begins[first] = in_word[first]
    begins |= kinds == OTHER
    gaps = kinds == SPACE
    edges = np.append(np.flatnonzero(begins | gaps), len(kinds))
    is_token = begins[edges[:-1]]
    starts, ends = edges[:-1][is_token], edges[1:][is_token]
    return Tokens(np.searchsorted(starts, texts.starts), starts, ends, ~gaps)


def strings(utf8: npt.NDArray[np.uint8], offsets: Ints) -> pa.Array:
    """A string array over bytes and the offsets between its strings."""
    if len(offsets) and offsets[-1] >= 2**31:
        raise OverflowError("more than 2 GiB of text in one batch")
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(utf8))]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)


def string_buffers(column: pa.Array) -> tuple[npt.NDArray[np.signedinteger[Any]], npt.NDArray[np.uint8]]:
    """Offsets of a string column, one more than rows, and the bytes they count in."""
    width: type[np.signedinteger[Any]] = np.int64 if pa.types.is_large_string(column.type) else np.int32
    _, offsets, data = column.buffers()
    if offsets is None or not len(column):
        return np.zeros(1, np.int32), np.zeros(0, np.uint8)
    edges = np.frombuffer(offsets, width)[column.offset : column.offset + len(column) + 1]
    return edges, np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)


def class_of(points: npt.NDArray[np.uint32] | npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """SPACE, WORD, OTHER or MARK for each code point."""
    if points.dtype == np.uint8:
        return _ASCII[points]
    kinds = _class_of[points]
    if (kinds == UNKNOWN).any():
        # The table of classes is filled a page at a time, for the pages that texts use.
        for page in np.unique(points[kinds == UNKNOWN] // _PAGE).tolist():
            for point in range(page * _PAGE, (page + 1) * _PAGE):
                _class_of[point] = _kind(chr(point))
        kinds = _class_of[points]
    return kinds


def _kinds(texts: Texts) -> npt.NDArray[np.uint8]:
    kinds = class_of(texts.points)
    marks = kinds == MARK
    if marks.any():
        alone = marks.copy()
        alone[1:] &= kinds[:-1] == SPACE
        alone[texts.starts[:-1][texts.starts[:-1] < len(kinds)]] = True
        kinds[alone & marks] = WORD
        marks = kinds == MARK
        # A mark takes the class of the last character that is none; after a symbol it must not begin a token.
        last = np.maximum.accumulate(np.where(marks, 0, np.arange(len(kinds))))
        kinds = np.where(marks & (kinds[last] == OTHER), MARK, kinds[last])
    return kinds


def _kind(char: str) -> int:
    category = unicodedata.category(char)
    if char.isspace() or category in ("Cc", "Zs", "Zl", "Zp"):
        return SPACE
    if category[0] == "M" or char in _JOINERS:
        return MARK
    return WORD if char.isalnum() or char == "_" else OTHER


_ASCII = np.array([_kind(chr(point)) for point in range(128)], np.uint8)
