"""Duplicates across the corpus: records with the same bytes, and clusters of near-duplicate articles.

Candidates share a band of their MinHash signatures (Broder 1997; bands: Leskovec, Rajaraman, Ullman, "Mining of Massive
Datasets", chapter 3); each is verified by the Jaccard similarity of the full shingle sets. A cluster is what verified
pairs connect. Its kept member is the one published first, then the first by path and record.

Words are runs of letters and digits in UTF-8, lower-cased in ASCII; each character of a script without spaces is a
word. They are hashed on whole byte arrays: a Python loop over words would cost several times the rest of `prepare`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builder.corpus.parts import read_array, write_array
from builder.corpus.settings import Dedup
from builder.text import similarity

Hashes = NDArray[np.uint64]
Offsets = NDArray[np.int64]

#: Characters of a text that are hashed at once.
_LONG = 1_000_000
_SEED = 20
_PRIME = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2**64
_INVERSE = np.uint64(pow(int(_PRIME), -1, 1 << 64))
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


#: For each byte, its lower-cased value where it belongs to a word, else 0.
_CLASSES = np.array(
    [b if b >= 0x80 else ord(chr(b).lower()) if chr(b).isalnum() else 0 for b in range(256)], dtype=np.uint8
)


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
    powers, inverses = _power_tables(1 << max(16, (len(data) - 1).bit_length()))
    prefix = np.concatenate((np.zeros(1, np.uint64), np.cumsum(value * powers[: len(data)], dtype=np.uint64)))
    hashes = (prefix[end] - prefix[start]) * inverses[start]
    return hashes, np.concatenate(([0], np.searchsorted(start, ends)))


@lru_cache(maxsize=2)
def _power_tables(size: int) -> tuple[Hashes, Hashes]:
    return _powers(_PRIME, size), _powers(_INVERSE, size)


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
    return _mixed(out), out_offsets


def _mixed(hashes: Hashes) -> Hashes:
    """The finalizer of SplitMix64: every bit of a number depends on every bit of what it was."""
    for shift, factor in ((30, _MIX[0]), (27, _MIX[1])):
        hashes ^= hashes >> np.uint64(shift)
        hashes *= factor
    hashes ^= hashes >> np.uint64(31)
    return hashes


def ranks(ids: Sequence[str], seed: int) -> Hashes:
    """A place in the order of choice for each id of 16 hex digits: uniform, and its own whatever the other ids."""
    out = np.array([int(i, 16) for i in ids], dtype=np.uint64)
    out += np.uint64((seed * int(_PRIME) + 0x632BE59BD9B4E019) % 2**64)
    return _mixed(out)


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


#: Articles whose shingles are held at once while pairs are verified.
_HELD = 20_000
#: In a band with more equal members than this, each is compared with its neighbours and the first only.
_CROWD = 12
#: First bits of a band by which values are divided before they are sorted: 8 MB for the counts.
_BITS = 20
_ODD = np.uint64(0x9E3779B97F4A7C15)
Ints = NDArray[np.int64]
#: Maps a function over items on the engine.
Map = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]


@dataclass
class CorpusIndex:
    """The index of all shards, with one entry per article in corpus order."""

    folders: list[Path]
    starts: Ints  # the number of the first article of each shard, and the total
    ids: NDArray[np.uint64]
    published: Ints  # microseconds; the largest number when unknown

    @classmethod
    def load(cls, folders: list[Path]) -> "CorpusIndex":
        """Reads the index of every shard."""
        ids, published, counts = [np.empty(0, np.uint64)], [np.empty(0, np.int64)], [0]
        for folder in folders:
            table = pq.read_table(folder / "index.parquet", columns=["id64", "published"])
            ids.append(table["id64"].to_numpy())
            published.append(table["published"].cast(pa.int64()).fill_null(np.iinfo(np.int64).max).to_numpy())
            counts.append(table.num_rows)
        return cls(folders, np.cumsum(np.array(counts, np.int64)), np.concatenate(ids), np.concatenate(published))

    @property
    def keys(self) -> NDArray[np.uint64]:
        """A number for each text that is the same in later runs, from the name of its shard's folder and its row there.

        That name depends on all that the text depends on; the id of an article depends on its raw bytes only.
        """
        counts = np.diff(self.starts)
        shards = np.array([int(folder.name[:16], 16) for folder in self.folders], dtype=np.uint64)
        row = np.arange(len(self.ids)) - np.repeat(self.starts[:-1], counts)
        return np.repeat(shards, counts) + row.astype(np.uint64) * _ODD

    def rows(self, articles: Ints) -> list[tuple[int, int]]:
        """The shard of each article and its row there."""
        shard = np.searchsorted(self.starts, articles, side="right") - 1
        return list(zip(shard.tolist(), (articles - self.starts[shard]).tolist(), strict=True))

    def by_shard(self, articles: Ints) -> Iterator[tuple[Path, Ints, Ints]]:
        """The folder of each shard of sorted articles, those in it, and their rows there."""
        shard = np.searchsorted(self.starts, articles, side="right") - 1
        for p in np.unique(shard).tolist():
            here = articles[shard == p]
            yield self.folders[p], here, here - self.starts[p]

    def places(self, articles: Iterable[int]) -> dict[int, str]:
        """Where articles come from, in words: "record 3 of news.jsonl"."""
        out: dict[int, str] = {}
        for folder, here, rows in self.by_shard(np.unique(np.fromiter(articles, dtype=np.int64))):
            table = pq.read_table(folder / "index.parquet", columns=["source_path", "record"])
            found = table.take(pa.array(rows)).to_pylist()
            words = (f"record {row['record']} of {row['source_path']}" for row in found)
            out |= dict(zip(here.tolist(), words, strict=True))
        return out


def same_bytes(corpus: CorpusIndex) -> Ints:
    """For each article, the first one with the same record bytes (itself, when it is the first)."""
    _, first, inverse = np.unique(corpus.ids, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def candidates(corpus: CorpusIndex, unique: NDArray[np.bool_]) -> Ints:
    """Pairs (lower number first) of articles among `unique` that share a band: pairs x 2, sorted."""
    stored = [np.load(folder / "bands.npy", mmap_mode="r") for folder in corpus.folders]
    width = stored[0].shape[0] if stored else 0
    numbers = np.flatnonzero(unique)
    found: list[Ints] = []
    for band in range(width):
        values = np.concatenate([s[band] for s in stored])[numbers]
        # Most values are unique, even by their first bits; only the others need sorting.
        first = (values >> np.uint64(64 - _BITS)).astype(np.int64)
        crowded = np.flatnonzero(np.bincount(first)[first] > 1)
        order = crowded[np.argsort(values[crowded], kind="stable")]
        equal = values[order][1:] == values[order][:-1]
        found.append(_pairs(numbers[order], equal))
        if len(found) > 8:
            found = [np.unique(np.concatenate(found), axis=0)]
    return np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 2), np.int64)


def _pairs(members: Ints, equal: NDArray[np.bool_]) -> Ints:
    """Pairs within each run of equal members."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], equal.view(np.int8), [0]))))
    out: list[tuple[int, int]] = []
    for begin, end in edges.reshape(-1, 2).tolist():
        run = members[begin : end + 1].tolist()
        if len(run) <= _CROWD:
            out += [(a, b) for i, a in enumerate(run) for b in run[i + 1 :]]
        else:
            out += [(run[0], b) for b in run[1:]] + list(pairwise(run))
    return np.array(out, dtype=np.int64).reshape(-1, 2)


def shingle_sets(task: tuple[str, Ints, int]) -> list[Hashes]:
    """The sorted distinct shingles of some articles of a part: (shard folder, sorted rows, shingle size)."""
    folder, wanted, size = task
    out: list[Hashes] = []
    at = 0
    for batch in pq.ParquetFile(f"{folder}/articles.parquet").iter_batches(batch_size=500, columns=["text"]):
        inside = wanted[(wanted >= at) & (wanted < at + batch.num_rows)] - at
        if len(inside):
            flat, offsets = shingles(batch.column("text").take(pa.array(inside)).to_pylist(), size)
            out += [np.unique(part) for part in np.split(flat, offsets[1:-1])]
        at += batch.num_rows
    return out


def exact_similarities(corpus: CorpusIndex, pairs: Ints, settings: Dedup, run: Map) -> NDArray[np.float64]:
    """The Jaccard similarity of each pair, by the full shingle sets."""
    out = np.zeros(len(pairs))
    for begin, end in _blocks(pairs):
        block = pairs[begin:end]
        needed = np.unique(block)
        tasks = [(str(folder), rows, settings.shingle) for folder, _, rows in corpus.by_shard(needed)]
        sets = dict(zip(needed.tolist(), (s for result in run(shingle_sets, tasks) for s in result), strict=True))
        out[begin:end] = [similarity(sets[a], sets[b]) for a, b in block.tolist()]
    return out


def _blocks(pairs: Ints) -> Iterator[tuple[int, int]]:
    begin, seen = 0, set[int]()
    for at, (a, b) in enumerate(pairs.tolist()):
        seen |= {a, b}
        if len(seen) >= _HELD:
            yield begin, at + 1
            begin, seen = at + 1, set()
    if begin < len(pairs):
        yield begin, len(pairs)


def similarities(corpus: CorpusIndex, pairs: Ints, settings: Dedup, cache: Path, run: Map) -> NDArray[np.float64]:
    """The similarity of each pair. Known ones are taken from the cache; it forgets those of other pairs."""
    stored = read_array(cache)
    known = {} if stored is None else {(a, b): value for a, b, value in stored.tolist()}
    wanted = corpus.keys[pairs].reshape(-1, 2)
    found = [known.get((a, b)) for a, b in wanted.tolist()]
    fresh = np.array([value is None for value in found], dtype=bool)
    out = np.array([value or 0.0 for value in found])
    if fresh.any():
        out[fresh] = exact_similarities(corpus, pairs[fresh], settings, run)
        write_array(cache, np.rec.fromarrays([*wanted.T, out]))
    return out


def clusters(corpus: CorpusIndex, pairs: Iterable[tuple[int, int]]) -> Ints:
    """For each article, the kept member of its cluster (itself, when it is alone)."""
    parent: dict[int, int] = {}

    def root(x: int) -> int:
        while parent.setdefault(x, x) != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for a, b in pairs:
        parent[root(a)] = root(b)
    best: dict[int, int] = {}
    for article in sorted(parent, key=lambda a: (corpus.published[a], a)):
        best.setdefault(root(article), article)
    out = np.arange(len(corpus.ids), dtype=np.int64)
    for article in parent:
        out[article] = best[root(article)]
    return out


def find_duplicates(corpus: CorpusIndex, settings: Dedup, cache: Path, run: Map) -> tuple[Ints, Ints]:
    """For each article, the first with the same bytes, and the kept member of its near-duplicate cluster."""
    first = same_bytes(corpus)
    if not settings.near:
        return first, np.arange(len(corpus.ids), dtype=np.int64)
    pairs = candidates(corpus, first == np.arange(len(corpus.ids)))
    similar = similarities(corpus, pairs, settings, cache, run)
    return first, clusters(corpus, pairs[similar >= settings.threshold].tolist())
