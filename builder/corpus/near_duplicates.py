"""Duplicates across the corpus: records with the same bytes, and clusters of near-duplicate articles.

Candidates share a band of their MinHash signatures (Broder 1997; bands: Leskovec, Rajaraman, Ullman, "Mining of Massive
Datasets", chapter 3); each is verified by the Jaccard similarity of the full shingle sets. A cluster is what verified
pairs connect. Its kept member is the one published first, then the first by path and record.
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
from builder.hashing import Hashes, mixed, word_hashes, word_runs
from builder.text import Ints, similarity

_SEED = 20
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_ODD = np.uint64(0x9E3779B97F4A7C15)


def ranks(ids: Sequence[str], seed: int) -> Hashes:
    """A place in the order of choice for each id of 16 hex digits: uniform, and its own whatever the other ids."""
    out = np.array([int(i, 16) for i in ids], dtype=np.uint64)
    out += np.uint64((seed * int(_ODD) + 0x632BE59BD9B4E019) % 2**64)
    return mixed(out)


def signatures(texts: Sequence[str], size: int, permutations: int) -> NDArray[np.uint32]:
    """One MinHash signature a text: texts x permutations."""
    from rensa import RMinHash

    flat, offsets = word_runs(*word_hashes(texts), size)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets.astype(np.uint64), permutations, _SEED)
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(len(texts), permutations)


def bands(signature: NDArray[np.uint32], rows: int) -> Hashes:
    """One 64-bit hash per band of `rows` signature values: texts x bands. Equal hashes make two texts candidates."""
    count, permutations = signature.shape
    cut = signature.reshape(count, permutations // rows, rows).astype(np.uint64)
    out = np.zeros(cut.shape[:2], dtype=np.uint64)
    for i in range(rows):
        out = (out ^ cut[:, :, i]) * _MIX
        out ^= out >> np.uint64(29)
    return out


#: Articles whose shingles are held at once while pairs are verified.
_HELD = 20_000
#: In a band with more equal members than this, each is compared with its neighbours and the first only.
_CROWD = 12
#: First bits of a band by which values are divided before they are sorted: 8 MB for the counts.
_BITS = 20
#: Maps a function over items on the engine.
Map = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]


@dataclass
class CorpusIndex:
    """The index of all shards, with one entry per article in corpus order."""

    folders: list[Path]
    starts: Ints  # the number of the first article of each shard, and the total
    ids: NDArray[np.uint64]
    revisions: NDArray[np.uint64]  # of the records' bytes
    published: Ints  # microseconds; the largest number when unknown

    @classmethod
    def load(cls, folders: list[Path]) -> "CorpusIndex":
        """Reads the index of every shard."""
        ids, revisions = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
        published, counts = [np.empty(0, np.int64)], [0]
        for folder in folders:
            table = pq.read_table(folder / "index.parquet", columns=["id64", "revision", "published"])
            ids.append(table["id64"].to_numpy())
            revisions.append(table["revision"].to_numpy())
            published.append(table["published"].cast(pa.int64()).fill_null(np.iinfo(np.int64).max).to_numpy())
            counts.append(table.num_rows)
        starts = np.cumsum(np.array(counts, np.int64))
        return cls(folders, starts, np.concatenate(ids), np.concatenate(revisions), np.concatenate(published))

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
    _, first, inverse = np.unique(corpus.revisions, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def shared_ids(corpus: CorpusIndex, first: Ints) -> dict[int, int]:
    """Articles whose id another one before them has, and how many; those with the same bytes are not counted."""
    unique = np.flatnonzero(first == np.arange(len(first)))
    order = unique[np.argsort(corpus.ids[unique], kind="stable")]
    again = np.flatnonzero(corpus.ids[order][1:] == corpus.ids[order][:-1]) + 1
    out: dict[int, int] = {}
    for at in again.tolist():
        out[int(order[at])] = out.get(int(order[at - 1]), 0) + 1
    return out


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
            flat, offsets = word_runs(*word_hashes(batch.column("text").take(pa.array(inside))), size)
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
