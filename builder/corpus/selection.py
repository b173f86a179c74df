"""Selection: which chunks are annotated.

Every rule orders chunks by a hash of the seed and their ids, which does not depend on the other chunks. So a growing
corpus changes the selection as little as the budget allows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builder.corpus.near_duplicates import Map, ranks
from builder.corpus.settings import Selection
from builder.hashing import word_hashes
from builder.text import mentions

Bools = NDArray[np.bool_]
_LENGTHS = (500, 1000, 2000, 4000, 8000)
_DIMENSIONS = 512


@dataclass(frozen=True)
class ShardChunks:
    """The chunks of one shard, and the rows of its articles from which none is selected."""

    folder: str
    left_out: tuple[int, ...]
    settings: Selection
    keywords: tuple[str, ...]


@dataclass
class ChunkFacts:
    """What the selection needs to know of each chunk of a shard."""

    rank: NDArray[np.uint64]
    eligible: Bools
    stratum: list[str]
    number: NDArray[np.int32]  # of the stratum, per chunk
    unmatched: frozenset[str] = frozenset()  # keywords that no chunk mentions


def chunk_facts(task: ShardChunks) -> ChunkFacts:
    """The facts of every chunk of a shard."""
    settings = task.settings
    column, names_of = _STRATA[settings.by]
    columns = ["chunk_id", "ordinal"] + (["text"] if settings.method == "keywords" else [])
    chunks = pq.read_table(f"{task.folder}/chunks.parquet", columns=columns)
    articles = pq.read_table(f"{task.folder}/articles.parquet", columns=[column])
    rank = ranks(chunks["chunk_id"].to_pylist(), settings.seed)
    row = article_rows(chunks)
    eligible = ~np.isin(row, np.array(task.left_out, dtype=np.int64))
    eligible &= rank < np.uint64(min(int(settings.fraction * 2**64), 2**64 - 1)) if settings.fraction < 1 else True
    unmatched = frozenset(task.keywords)
    if settings.method == "keywords":
        pattern = mentions(task.keywords)
        found = [t if pattern.search(t) else None for t in chunks["text"].to_pylist()]
        eligible &= np.array([t is not None for t in found], dtype=bool)
        unmatched = frozenset(k for k in unmatched if not any(mentions([k]).search(t) for t in found if t is not None))
    names = names_of(articles[column]) if settings.method == "stratified" else [""] * articles.num_rows
    distinct = sorted(set(names))
    code = {name: i for i, name in enumerate(distinct)}
    numbers = np.array([code[n] for n in names], dtype=np.int32)
    return ChunkFacts(rank, eligible, distinct, numbers[row] if len(numbers) else np.empty(0, np.int32), unmatched)


def article_rows(chunks: pa.Table) -> NDArray[np.int64]:
    """The row of each chunk's article in the shard: the chunks of each follow one another, numbered from 0."""
    return np.cumsum(chunks["ordinal"].to_numpy() == 0) - 1


#: The column that each kind of stratum needs, and the name of the stratum of every article.
_STRATA: dict[str, tuple[str, Callable[[pa.ChunkedArray], list[str]]]] = {
    "source": ("source", lambda column: [s or "" for s in column.to_pylist()]),
    "date": ("published", lambda column: [f"{d:%Y-%m}" if d else "" for d in column.to_pylist()]),
    "length": ("text", lambda c: list(map(str, np.searchsorted(_LENGTHS, pc.utf8_length(c).to_numpy(), side="right")))),
}


def select_chunks(tasks: list[ShardChunks], settings: Selection, run: Map) -> tuple[list[Bools], list[str]]:
    """For each shard, which of its chunks are annotated; and the keywords that no chunk of any mentions."""
    found: list[ChunkFacts] = run(chunk_facts, tasks)
    starts = np.cumsum([0, *(len(f.rank) for f in found)])
    rank = np.concatenate([f.rank for f in found])
    eligible = np.flatnonzero(np.concatenate([f.eligible for f in found]))
    # Only records with the same bytes have chunks of the same rank; they keep the order of the corpus.
    order = eligible[np.argsort(rank[eligible], kind="stable")]
    if settings.budget and len(order) > settings.budget:
        if settings.method == "stratified":
            names = sorted({n for f in found for n in f.stratum})
            code = {n: i for i, n in enumerate(names)}
            stratum = np.concatenate([np.array([code[n] for n in f.stratum] or [0])[f.number] for f in found])
            order = _shares(order, stratum, settings.budget)
        elif settings.method == "diverse":
            order = _diverse(order, starts, [t.folder for t in tasks], settings.budget)
        else:
            order = order[: settings.budget]
    chosen = np.zeros(starts[-1], dtype=bool)
    chosen[order] = True
    unmatched = frozenset.intersection(*(f.unmatched for f in found))
    return [chosen[a:b] for a, b in pairwise(starts.tolist())], sorted(unmatched)


def _shares(order: NDArray[np.int64], stratum: NDArray[np.int64], budget: int) -> NDArray[np.int64]:
    """The first chunks of each stratum: equal shares, and what small strata leave goes to the others."""
    present, sizes = np.unique(stratum[order], return_counts=True)
    left, out = budget, []
    for done, i in enumerate(np.argsort(sizes, kind="stable").tolist()):
        share = min(int(sizes[i]), left // (len(present) - done))
        out.append(order[stratum[order] == present[i]][:share])
        left -= share
    return np.concatenate(out)


def _diverse(order: NDArray[np.int64], starts: NDArray[np.int64], folders: list[str], budget: int) -> NDArray[np.int64]:
    """Farthest-first traversal (Gonzalez 1985) over the words of a pool of the first chunks in order."""
    pool = order[: max(2000, 4 * budget)]
    texts: dict[int, str] = {}
    shard = np.searchsorted(starts, pool, side="right") - 1
    for p in np.unique(shard).tolist():
        here = np.sort(pool[shard == p])
        column = pq.read_table(f"{folders[p]}/chunks.parquet", columns=["text"])["text"]
        texts |= dict(zip(here.tolist(), column.take(pa.array(here - starts[p])).to_pylist(), strict=True))
    hashes, offsets = word_hashes([texts[i] for i in pool.tolist()])
    row = np.repeat(np.arange(len(pool)), np.diff(offsets))
    flat = np.bincount(
        row * _DIMENSIONS + (hashes >> np.uint64(40)).astype(np.int64) % _DIMENSIONS, minlength=len(pool) * _DIMENSIONS
    )
    vectors = np.sqrt(flat.reshape(len(pool), _DIMENSIONS)).astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    closest = np.zeros(len(pool), dtype=np.float32)
    chosen = [0]
    while len(chosen) < min(budget, len(pool)):
        closest = np.maximum(closest, vectors @ vectors[chosen[-1]])
        closest[chosen[-1]] = np.inf
        chosen.append(int(np.argmin(closest)))
    return pool[chosen]
