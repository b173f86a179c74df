"""Word shingles of many texts at once, as 64-bit hashes, and their MinHash signatures.

Words are runs of letters and digits in UTF-8, lower-cased in ASCII; each character of a script without spaces is a
word. All is done on whole byte arrays: a Python loop over words would cost several times the rest of `prepare`.
Signatures: Broder, "On the resemblance and containment of documents" (1997), by rensa's RMinHash.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Offsets = NDArray[np.int64]

#: Characters of a text that are hashed at once.
_LONG = 1_000_000
_SEED = 20
_PRIME = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2**64
_INVERSE = np.uint64(pow(int(_PRIME), -1, 1 << 64))
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def _classes() -> NDArray[np.uint8]:
    """For each byte, its lower-cased value where it belongs to a word, else 0."""
    table = np.zeros(256, dtype=np.uint8)
    for byte in range(256):
        if byte >= 0x80 or chr(byte).isalnum():
            table[byte] = ord(chr(byte).lower()) if byte < 0x80 else byte
    return table


_CLASSES = _classes()


def _powers(base: np.uint64, count: int) -> Hashes:
    out = np.full(count, base, dtype=np.uint64)
    out[0] = 1
    return np.multiply.accumulate(out)


def word_hashes(texts: Sequence[str]) -> tuple[Hashes, Offsets]:
    """The hashes of the words of all texts in a row, and where those of each text begin (one more than texts)."""
    if all(len(text) <= _LONG for text in texts):
        return _words(texts)
    # A long text is hashed piece by piece: the arrays hold several numbers per byte.
    found = [[_words([piece])[0] for piece in _cut(text)] for text in texts]
    counts = [sum(map(len, pieces)) for pieces in found]
    return np.concatenate([p for pieces in found for p in pieces]), np.cumsum([0, *counts], dtype=np.int64)


def _cut(text: str) -> Iterator[str]:
    """The text in pieces that end between words, but for a word so long that it fills a piece."""
    at = 0
    while len(text) - at > _LONG:
        end = text.rfind(" ", at, at + _LONG) + 1 or at + _LONG
        yield text[at:end]
        at = end
    yield text[at:]


def _words(texts: Sequence[str]) -> tuple[Hashes, Offsets]:
    encoded = [t.encode("utf-8", "replace") for t in texts]
    ends = np.cumsum([len(e) + 1 for e in encoded], dtype=np.int64)
    data = np.frombuffer(b"\n".join(encoded) + b"\n", dtype=np.uint8)
    if not texts:
        return np.empty(0, np.uint64), np.zeros(1, np.int64)
    value = _CLASSES[data]
    lone: Any = np.zeros(len(data), dtype=bool)
    if data.max() >= 0x80:
        # Punctuation above ASCII (U+0080-U+00BF, U+2000-U+2FFF) separates words like that below.
        for lead, length in ((0xC2, 2), (0xE2, 3)):
            at = np.flatnonzero(data == lead)
            for i in range(length):
                value[np.minimum(at + i, len(data) - 1)] = 0
        lone = (data >= 0xE3) & (data <= 0xED)  # leads of Chinese, Japanese and Korean characters
    inside = value > 0
    before = np.concatenate(([False], inside[:-1]))
    start = np.flatnonzero(inside & (~before | lone))
    following = np.concatenate((inside[1:] & ~lone[1:], [False]))
    end = np.flatnonzero(inside & ~following) + 1
    # Polynomial hashes of all prefixes; a word is a difference of two, shifted back to its own origin.
    powers, inverses = _power_tables(len(data))
    prefix = np.concatenate((np.zeros(1, np.uint64), np.cumsum(value * powers[: len(data)], dtype=np.uint64)))
    hashes = (prefix[end] - prefix[start]) * inverses[start]
    return hashes, np.concatenate(([0], np.searchsorted(start, ends)))


_tables: tuple[Hashes, Hashes] = (np.empty(0, np.uint64), np.empty(0, np.uint64))


def _power_tables(count: int) -> tuple[Hashes, Hashes]:
    global _tables
    if len(_tables[0]) < count:
        size = max(count, 1 << 16)
        _tables = (_powers(_PRIME, size), _powers(_INVERSE, size))
    return _tables


def shingles(texts: Sequence[str], size: int) -> tuple[Hashes, Offsets]:
    """The hashes of the word shingles of all texts in a row, and where those of each text begin.

    A text of fewer words than `size` has one shingle of all its words; a text without words has none.
    """
    hashes, offsets = word_hashes(texts)
    counts = np.diff(offsets)
    size_of = np.minimum(counts, size)
    number = np.where(counts == 0, 0, counts - size_of + 1)
    out_offsets = np.concatenate(([0], np.cumsum(number)))
    # The position of each shingle's first word.
    at = np.arange(out_offsets[-1]) + np.repeat(offsets[:-1] - out_offsets[:-1], number)
    out: Hashes = np.zeros(len(at), dtype=np.uint64)
    short = counts < size
    if short.any():
        span = np.repeat(size_of, number)
        for i in range(size):
            word = hashes[np.minimum(at + i, len(hashes) - 1)]
            out = np.where(i < span, out * _PRIME + word, out)
    else:
        for i in range(size):
            out = out * _PRIME + hashes[at + i]
    out ^= out >> np.uint64(30)
    out *= _MIX[0]
    out ^= out >> np.uint64(27)
    out *= _MIX[1]
    out ^= out >> np.uint64(31)
    return out, out_offsets


def signatures(texts: Sequence[str], size: int, permutations: int) -> NDArray[np.uint32]:
    """One MinHash signature a text: texts x permutations."""
    from rensa import RMinHash

    flat, offsets = shingles(texts, size)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets.astype(np.uint64), permutations, _SEED)
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(len(texts), permutations)


def bands(signature: NDArray[np.uint32], rows: int) -> Hashes:
    """One 64-bit hash per band of `rows` signature values: texts x bands. Equal hashes make two texts candidates."""
    count, permutations = signature.shape
    cut = signature.reshape(count, permutations // rows, rows).astype(np.uint64)
    out = np.zeros(cut.shape[:2], dtype=np.uint64)
    for i in range(rows):
        out = (out ^ cut[:, :, i]) * _MIX[0]
        out ^= out >> np.uint64(29)
    return out
