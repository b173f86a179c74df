"""Duplicates across the corpus: records with the same bytes, and clusters of near-duplicate articles.

Candidates share a band of their MinHash signatures (Broder 1997; bands: Leskovec, Rajaraman, Ullman, "Mining of Massive
Datasets", chapter 3); each is verified by the Jaccard similarity of the full shingle sets. A cluster is what verified
pairs connect. Its kept member is the one published first, then the first by path and record.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builder.corpus.inventory import in_order
from builder.corpus.parts import REQUESTS, discard, read_ranges, read_sealed, read_table, write_sealed
from builder.corpus.settings import Dedup
from builder.hashing import Hashes, mixed, word_hashes, word_runs
from builder.store import digest
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


#: Runs a function over items on the engine: its name for the progress, the function and the items. Yields the number of
#: an item and its result, in the order in which they are done.
Map = Callable[[str, Callable[[Any], Any], Sequence[Any]], Iterable[tuple[int, Any]]]
#: Band hashes, and pairs, that one task holds.
_VALUES, _PAIRS = 1 << 23, 10_000
#: In a band with more equal members than this, each is compared with its neighbours and the first only.
_CROWD = 12
#: First bits of a band by which values are looked up, and shards that are read at once.
_BITS, _SHARDS = 24, 256
_HALF = np.uint64(32)


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

        def column(name: str) -> list[pa.ChunkedArray]:
            with ThreadPoolExecutor(REQUESTS) as pool:
                return list(pool.map(lambda folder: read_table(folder / "index.parquet", [name])[name], folders))

        # One after the other, so that no more than one is in memory twice.
        ids = column("id64")
        starts = np.cumsum([0, *map(len, ids)])
        revisions = np.concatenate([part.to_numpy() for part in column("revision")])
        published = [p.cast(pa.int64()).fill_null(np.iinfo(np.int64).max) for p in column("published")]
        ids, published = (np.concatenate([part.to_numpy() for part in some]) for some in (ids, published))
        return cls(folders, starts, ids, revisions, published)

    def by_shard(self, articles: Ints) -> Iterator[tuple[Path, Ints]]:
        """The folder of each shard of sorted articles, and their rows there."""
        edges = np.searchsorted(articles, self.starts)
        for shard in np.flatnonzero(np.diff(edges)).tolist():
            yield self.folders[shard], articles[edges[shard] : edges[shard + 1]] - self.starts[shard]

    def places(self, articles: Ints) -> list[str]:
        """Where articles come from, in words: "record 3 of news.jsonl"."""
        distinct, at = np.unique(articles, return_inverse=True)
        words: list[str] = []
        for folder, rows in self.by_shard(distinct):
            found = read_table(folder / "index.parquet", ["source_path", "record"]).take(pa.array(rows))
            words += (f"record {row['record']} of {row['source_path']}" for row in found.to_pylist())
        return [words[i] for i in at.tolist()]


def same_bytes(corpus: CorpusIndex) -> tuple[Ints, Ints]:
    """Articles of which an earlier one has the same record bytes, and the first that has them."""
    order = np.argsort(corpus.revisions, kind="stable")
    ordered = corpus.revisions[order]
    at = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
    first = order[np.searchsorted(ordered, ordered[at])]
    by_number = np.argsort(order[at])
    return order[at][by_number], first[by_number]


def shared_ids(corpus: CorpusIndex, repeats: Ints) -> Ints:
    """Articles whose id another one before them has; those with the same bytes are not counted."""
    order = np.argsort(corpus.ids, kind="stable")
    order = order[~np.isin(order, repeats, assume_unique=True)]
    ordered = corpus.ids[order]
    return np.sort(order[1:][ordered[1:] == ordered[:-1]])


def band_pairs(task: tuple[list[Path], Ints, range, int, int, Path]) -> Hashes:
    """Pairs of articles that share a band, sorted: the lower number in the first 32 bits, the other in the last.

    The task has the folders of all shards, the number of the first article of each, some bands, which part of how many
    parts of their values to look at, and the file of articles that are not compared.
    """
    folders, starts, bands, part, parts, left_out = task
    held: list[tuple[list[Hashes], list[Ints]]] = [([], []) for _ in bands]
    sizes = (8 * np.diff(starts)).tolist()
    for at in range(0, len(folders), _SHARDS):
        some = list(zip(folders, sizes, strict=True))[at : at + _SHARDS]
        slabs = read_ranges([(f / "bands.bin", bands.start * size, bands.stop * size) for f, size in some])
        for start, slab in zip(starts[at:], slabs, strict=False):
            rows = np.frombuffer(slab, np.uint64).reshape(len(bands), -1)
            for values, (kept, numbers) in zip(rows, held, strict=True):
                here = np.flatnonzero(values % np.uint64(parts) == part)
                kept.append(values[here])
                numbers.append(here + start)
    repeats = np.frombuffer(read_sealed(left_out) or b"", np.int64)
    found: list[Hashes] = [np.empty(0, np.uint64)]
    for kept, numbers in held:
        values, number = np.concatenate(kept), np.concatenate(numbers)
        wanted = ~np.isin(number, repeats, assume_unique=True)
        found += equal_pairs(values[wanted], number[wanted])
    return np.unique(np.concatenate(found))


def equal_pairs(values: Hashes, numbers: Ints) -> Iterator[Hashes]:
    """Pairs of ascending numbers with equal values; not all of them where more than `_CROWD` are equal."""
    # Most values are unique, and sorting them alone is many times as fast as finding their order.
    ascending = np.sort(values)
    repeated = ascending[1:][ascending[1:] == ascending[:-1]]
    if not len(repeated):
        return
    mark = np.zeros(1 << _BITS, bool)
    mark[repeated >> np.uint64(64 - _BITS)] = True
    order = np.flatnonzero(mark[values >> np.uint64(64 - _BITS)])
    order = order[np.argsort(values[order], kind="stable")]
    values, named = values[order], numbers[order].astype(np.uint64)
    begin = np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])
    size = np.diff(np.append(begin, len(values)))
    first, crowded = np.repeat(begin, size), np.repeat(size, size) > _CROWD
    for distance in range(1, _CROWD):
        near = (first[distance:] == first[:-distance]) & ((distance == 1) | ~crowded[distance:])
        at = np.flatnonzero(near)
        yield named[at] << _HALF | named[at + distance]
    at = np.flatnonzero(crowded & (first != np.arange(len(first))))
    yield named[first[at]] << _HALF | named[at]


def _ends(pairs: Hashes) -> Ints:
    """The numbers in each pair: 2 x pairs."""
    return np.stack([pairs >> _HALF, pairs & np.uint64(2**32 - 1)]).astype(np.int64)


def exact_similarities(corpus: CorpusIndex, pair: Ints, size: int, scratch: Path, run: Map) -> NDArray[np.float64]:
    """The similarity of each pair, by sets of shingles that are written where the texts are, into the folder `scratch`.

    The sets of each shard follow one another in one file, so whoever compares two texts reads only theirs.
    """
    if not pair.size:
        return np.empty(0)
    articles = np.unique(pair)
    tasks = [(folder, rows, size, scratch / folder.name) for folder, rows in corpus.by_shard(articles)]
    ends = [8 * np.cumsum(lengths) for lengths in in_order(run("verifying", write_shingles, tasks))]
    begins = np.concatenate([np.append(0, end[:-1]) for end in ends])
    shard, end = np.repeat(np.arange(len(ends)), list(map(len, ends))), np.concatenate(ends)
    files = [task[3] for task in tasks]
    blocks = []
    for first in range(0, pair.shape[1], _PAIRS):
        some, at = np.unique(np.searchsorted(articles, pair[:, first : first + _PAIRS]), return_inverse=True)
        blocks.append((files, np.stack([shard[some], begins[some], end[some]]), at.reshape(2, -1)))
    found = in_order(run("verifying", compare_shingles, blocks))
    discard(scratch)
    return np.concatenate(found)


def write_shingles(task: tuple[Path, Ints, int, Path]) -> Ints:
    """Writes the distinct shingles of some articles, sorted, and returns how many each has.

    The task has the shard's folder, sorted rows of its articles, the shingle size, and the file to write.
    """
    folder, wanted, size, target = task
    out: list[Hashes] = []
    at = 0
    with (folder / "articles.parquet").open("rb") as f:
        for batch in pq.ParquetFile(f).iter_batches(batch_size=500, columns=["text"]):
            inside = wanted[(wanted >= at) & (wanted < at + batch.num_rows)] - at
            if len(inside):
                flat, offsets = word_runs(*word_hashes(batch.column("text").take(pa.array(inside))), size)
                out += [np.unique(part) for part in np.split(flat, offsets[1:-1])]
            at += batch.num_rows
    write_sealed(target, np.concatenate(out).tobytes())
    return np.array(list(map(len, out)))


def compare_shingles(task: tuple[list[Path], Ints, Ints]) -> NDArray[np.float64]:
    """The similarity of pairs of sets: the files, number of the file, begin and end of each set, and pairs of sets."""
    files, places, pairs = task
    ranges = [(files[file], begin, end) for file, begin, end in places.T.tolist()]
    sets = [np.frombuffer(data, np.uint64) for data in read_ranges(ranges)]
    return np.array([similarity(sets[a], sets[b]) for a, b in pairs.T.tolist()])


def clusters(corpus: CorpusIndex, pair: Ints) -> tuple[Ints, Ints]:
    """Articles that another one stands for, and the kept member of the cluster of each."""
    if not pair.size:
        return pair[0], pair[1]
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    articles, at = np.unique(pair, return_inverse=True)
    a, b = at.reshape(2, -1)
    graph = coo_array((np.ones(len(a), bool), (a, b)), (len(articles), len(articles)))
    _, cluster = connected_components(graph, directed=False)
    order = np.lexsort((articles, corpus.published[articles], cluster))
    best = order[np.append(True, np.diff(cluster[order]) > 0)[: len(order)]]
    kept = articles[best][cluster]
    is_member = kept != articles
    return articles[is_member], kept[is_member]


def near_duplicates(corpus: CorpusIndex, repeats: Ints, settings: Dedup, parts: Path, run: Map) -> tuple[Ints, Ints]:
    """Articles that are left for another one of their cluster, and the kept one of each; repeats are not compared.

    The names of the shards' folders depend on all that their texts depend on, so the same names have the same clusters.
    """
    if not settings.near or not len(corpus.ids):
        return repeats[:0], repeats[:0]
    names = [folder.name for folder in corpus.folders]
    key, known = bytes.fromhex(digest(str(settings.threshold), *names)), read_sealed(parts / "clusters")
    if known is not None and known[: len(key)] == key:
        members, kept = np.frombuffer(known[len(key) :], np.int64).reshape(2, -1)
        return members, kept
    left_out = parts / "repeats"
    write_sealed(left_out, repeats.tobytes())
    total, width = int(corpus.starts[-1]), settings.permutations // settings.rows
    step, number = max(1, _VALUES // total), -(-total // _VALUES)
    cuts = [range(width)[begin : begin + step] for begin in range(0, width, step)]
    tasks = [(corpus.folders, corpus.starts, cut, part, number, left_out) for cut in cuts for part in range(number)]
    pairs: Hashes = np.empty(0, np.uint64)
    for _, found in run("comparing", band_pairs, tasks):
        pairs = np.union1d(pairs, found)
    pair = _ends(pairs)
    similar = exact_similarities(corpus, pair, settings.shingle, parts / "shingles", run)
    members, kept = clusters(corpus, pair[:, similar >= settings.threshold])
    write_sealed(parts / "clusters", key + np.stack([members, kept]).tobytes())
    return members, kept
