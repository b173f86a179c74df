"""Hashes of words and of runs of words, by which duplicates and leaks are found.

Words are runs of letters and digits in UTF-8, lower-cased in ASCII; each character of a script without spaces is a
word. They are hashed on whole byte arrays, many times as fast as in a loop over words.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from builder.text import Ints, string_buffers

Hashes = npt.NDArray[np.uint64]
#: Bytes of text that are hashed at once: the arrays hold several numbers per byte.
_BLOCK = 1 << 20
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2**64
#: For each byte, its lower-cased value where it belongs to a word, else 0.
_LOWER = np.array(
    [b if b >= 0x80 else ord(chr(b).lower()) if chr(b).isalnum() else 0 for b in range(256)], dtype=np.uint8
)


def word_hashes(texts: Sequence[str] | pa.Array) -> tuple[Hashes, Ints]:
    """The hashes of the words of all texts in a row, and where those of each text begin (one more than texts)."""
    offsets, data = string_buffers(texts if isinstance(texts, pa.Array) else pa.array(texts, pa.large_string()))
    edges, data = offsets.astype(np.int64) - int(offsets[0]), data[int(offsets[0]) : int(offsets[-1])]
    hashes: list[Hashes] = [np.zeros(0, np.uint64)]
    starts: list[Ints] = [np.zeros(0, np.int64)]
    at = 0
    while at < len(data):
        end = int(edges[np.searchsorted(edges, at + _BLOCK, "right") - 1])
        if end <= at:  # a text of several blocks is cut between words, unless one of them fills a block
            end = at + (data[at : at + _BLOCK].tobytes().rfind(b" ") + 1 or _BLOCK)
        borders = edges[np.searchsorted(edges, at, "right") : np.searchsorted(edges, end)] - at
        found, begin = _hashed(data[at:end], borders)
        hashes.append(found)
        starts.append(begin + at)
        at = end
    return np.concatenate(hashes), np.searchsorted(np.concatenate(starts), edges)


def _hashed(data: npt.NDArray[np.uint8], borders: Ints) -> tuple[Hashes, Ints]:
    """The hash of each word of a block of UTF-8, and the byte at which it begins; no word reaches over a border."""
    value = _LOWER[data]
    lone: Any = np.zeros(len(data), dtype=bool)
    if data.max() >= 0x80:
        # Punctuation above ASCII (U+0080-U+00BF, U+2000-U+2FFF) separates words like that below.
        for lead, length in ((0xC2, 2), (0xE2, 3)):
            found = np.flatnonzero(data == lead)
            for i in range(length):
                value[np.minimum(found + i, len(data) - 1)] = 0
        lone = (data >= 0xE3) & (data <= 0xED)  # leads of Chinese, Japanese and Korean characters
    lone[borders] = True
    inside = value > 0
    start = np.flatnonzero(inside & (~np.concatenate(([False], inside[:-1])) | lone))
    end = np.flatnonzero(inside & ~np.concatenate((inside[1:] & ~lone[1:], [False]))) + 1
    # Polynomial hashes of all prefixes; a word is a difference of two, shifted back to its own origin.
    powers, inverses = _powers(1 << max(16, len(data).bit_length()))
    prefix = np.concatenate((np.zeros(1, np.uint64), np.cumsum(value * powers[: len(data)], dtype=np.uint64)))
    return (prefix[end] - prefix[start]) * inverses[start], start


@lru_cache(maxsize=2)
def _powers(size: int) -> tuple[Hashes, Hashes]:
    """Powers of the base, and of its inverse modulo 2**64."""
    steps = np.full((2, size), _BASE)
    steps[1] = np.uint64(pow(int(_BASE), -1, 1 << 64))
    steps[:, 0] = 1
    powers = np.multiply.accumulate(steps, axis=1)
    return powers[0], powers[1]


def word_runs(words: Hashes, offsets: Ints, size: int) -> tuple[Hashes, Ints]:
    """The hashes of all runs of `size` words (shingles), and where those of each text begin; from `word_hashes`.

    A text of fewer words has one run of all its words; a text without words has none.
    """
    counts = np.diff(offsets)
    number = np.maximum(counts - size + 1, np.minimum(counts, 1))
    bounds = np.concatenate(([0], np.cumsum(number)))
    # The position of each run's first word.
    at = np.arange(bounds[-1]) + np.repeat(offsets[:-1] - bounds[:-1], number)
    out: Hashes = np.zeros(len(at), dtype=np.uint64)
    short = bool((counts < size).any())
    length = np.repeat(np.minimum(counts, size), number) if short else None
    for i in range(size):
        following = out * _BASE + words[np.minimum(at + i, len(words) - 1) if short else at + i]
        out = following if length is None else np.where(i < length, following, out)
    return mixed(out), bounds


def mixed(hashes: Hashes) -> Hashes:
    """The finalizer of SplitMix64, in place: every bit of a number depends on every bit of what it was; 0 stays 0."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashes ^= hashes >> np.uint64(shift)
        hashes *= np.uint64(factor)
    hashes ^= hashes >> np.uint64(31)
    return hashes
