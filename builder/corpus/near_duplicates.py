"""Duplicates across the corpus: records with the same bytes, and clusters of near-duplicate articles.

Candidates share a band of their MinHash signatures (Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets",
chapter 3); each is verified by the Jaccard similarity of the full shingle sets. A cluster is what verified pairs
connect. Its kept member is the one published first, then the first by path and record.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builder.corpus.parts import read_array, write_array
from builder.corpus.settings import Dedup
from builder.corpus.shingles import shingles
from builder.text import similarity

#: Articles whose shingles are held at once while pairs are verified.
_HELD = 20_000
#: In a band with more equal members than this, each is compared with its neighbours and the first only.
_CROWD = 12
#: First bits of a band by which values are told apart before they are sorted: 8 MB for the counts.
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
        ids, published, counts = [], [], [0]
        for folder in folders:
            table = pq.read_table(folder / "index.parquet", columns=["id64", "published"])
            ids.append(table["id64"].to_numpy())
            unknown = np.iinfo(np.int64).max
            published.append(table["published"].cast(pa.int64()).fill_null(unknown).to_numpy())
            counts.append(table.num_rows)
        return cls(
            folders,
            np.cumsum(np.array(counts, np.int64)),
            np.concatenate(ids) if ids else np.empty(0, np.uint64),
            np.concatenate(published).astype(np.int64) if ids else np.empty(0, np.int64),
        )

    @property
    def size(self) -> int:
        return len(self.ids)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """A number for each text that is the same in later runs, from the name of its shard's folder and its row there.

        That name depends on all that the text depends on; the id of an article depends on its raw bytes only.
        """
        counts = np.diff(self.starts)
        shards = np.array([int(folder.name[:16], 16) for folder in self.folders], dtype=np.uint64)
        row = np.arange(self.size) - np.repeat(self.starts[:-1], counts)
        return np.repeat(shards, counts) + row.astype(np.uint64) * _ODD

    def rows(self, articles: Ints) -> list[tuple[int, int]]:
        """The shard of each article and its row there."""
        shard = np.searchsorted(self.starts, articles, side="right") - 1
        return list(zip(shard.tolist(), (articles - self.starts[shard]).tolist(), strict=True))

    def places(self, articles: Iterable[int]) -> dict[int, str]:
        """Where articles come from, in words: "record 3 of news.jsonl"."""
        wanted = np.unique(np.fromiter(articles, dtype=np.int64))
        shard = np.searchsorted(self.starts, wanted, side="right") - 1
        out: dict[int, str] = {}
        for p in np.unique(shard).tolist():
            table = pq.read_table(self.folders[p] / "index.parquet", columns=["source_path", "record"])
            here = wanted[shard == p]
            found = table.take(pa.array(here - self.starts[p])).to_pylist()
            out |= {
                a: f"record {row['record']} of {row['source_path']}"
                for a, row in zip(here.tolist(), found, strict=True)
            }
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


def texts_of(folder: Path, wanted: Ints) -> Iterator[list[str]]:
    """The texts of rows (sorted numbers) of a shard's articles, in batches."""
    at = 0
    for batch in pq.ParquetFile(folder / "articles.parquet").iter_batches(batch_size=500, columns=["text"]):
        inside = wanted[(wanted >= at) & (wanted < at + batch.num_rows)] - at
        if len(inside):
            yield batch.column("text").take(pa.array(inside)).to_pylist()
        at += batch.num_rows


def shingle_sets(task: tuple[str, Ints, int]) -> list[NDArray[np.uint64]]:
    """The sorted distinct shingles of some articles of a part: (shard folder, rows, shingle size)."""
    folder, wanted, size = task
    out: list[NDArray[np.uint64]] = []
    for texts in texts_of(Path(folder), wanted):
        flat, offsets = shingles(texts, size)
        out += [np.unique(part) for part in np.split(flat, offsets[1:-1])]
    return out


def verify(corpus: CorpusIndex, pairs: Ints, settings: Dedup, run: Map) -> NDArray[np.float64]:
    """The Jaccard similarity of each pair, by the full shingle sets."""
    out = np.zeros(len(pairs))
    for begin, end in _blocks(pairs):
        block = pairs[begin:end]
        needed = np.unique(block)
        shard = np.searchsorted(corpus.starts, needed, side="right") - 1
        tasks = [
            (str(corpus.folders[p]), needed[shard == p] - corpus.starts[p], settings.shingle)
            for p in np.unique(shard).tolist()
        ]
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


class KnownSimilarities:
    """Similarities known from earlier runs, by the keys of the two texts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        stored = read_array(path)
        self.known = {} if stored is None else {(a, b): value for a, b, value in stored.tolist()}

    def similarities(self, corpus: CorpusIndex, pairs: Ints, settings: Dedup, run: Map) -> NDArray[np.float64]:
        """The similarity of each pair, reusing known values; those of other pairs are dropped from the file."""
        wanted = corpus.keys[pairs].reshape(-1, 2)
        keys = [tuple(k) for k in wanted.tolist()]
        fresh = np.array([k not in self.known for k in keys], dtype=bool)
        out = np.array([self.known.get(k, 0.0) for k in keys])
        if fresh.any():
            out[fresh] = verify(corpus, pairs[fresh], settings, run)
            write_array(self.path, np.rec.fromarrays([*wanted.T, out]))
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
    out = np.arange(corpus.size, dtype=np.int64)
    for article in parent:
        out[article] = best[root(article)]
    return out


def find_duplicates(corpus: CorpusIndex, settings: Dedup, cache: Path, run: Map) -> tuple[Ints, Ints]:
    """For each article, the first with the same bytes, and the kept member of its near-duplicate cluster."""
    first = same_bytes(corpus)
    if not settings.near:
        return first, np.arange(corpus.size, dtype=np.int64)
    pairs = candidates(corpus, first == np.arange(corpus.size))
    similar = KnownSimilarities(cache).similarities(corpus, pairs, settings, run)
    return first, clusters(corpus, pairs[similar >= settings.threshold].tolist())
