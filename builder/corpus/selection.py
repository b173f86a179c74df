"""Selection: which chunks are annotated.

Every rule orders chunks by a hash of the seed and their ids, which does not depend on the other chunks. So a growing
corpus changes the selection as little as the budget allows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builder.corpus.settings import Selection
from builder.corpus.shingles import word_hashes
from builder.text import mentions

Bools = NDArray[np.bool_]
Map = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
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


def facts(task: ShardChunks) -> ChunkFacts:
    """The facts of every chunk of a shard."""
    settings = task.settings
    columns = ["chunk_id", "article_id"] + (["text"] if settings.method == "keywords" else [])
    chunks = pq.read_table(f"{task.folder}/chunks.parquet", columns=columns)
    articles = pq.read_table(f"{task.folder}/articles.parquet", columns=["article_id", *_STRATA[settings.by][0]])
    rank = ranks(chunks["chunk_id"].to_pylist(), settings.seed)
    row = _rows_of(chunks, articles)
    eligible = ~np.isin(row, np.array(task.left_out, dtype=np.int64))
    eligible &= rank < np.uint64(min(int(settings.fraction * 2**64), 2**64 - 1)) if settings.fraction < 1 else True
    if settings.method == "keywords":
        pattern = mentions(task.keywords)
        eligible &= np.array([bool(pattern.search(t)) for t in chunks["text"].to_pylist()], dtype=bool)
    names = _STRATA[settings.by][1](articles) if settings.method == "stratified" else [""] * articles.num_rows
    distinct = sorted(set(names))
    code = {name: i for i, name in enumerate(distinct)}
    numbers = np.array([code[n] for n in names], dtype=np.int32)
    return ChunkFacts(rank, eligible, distinct, numbers[row] if len(numbers) else np.empty(0, np.int32))


def _rows_of(chunks: pa.Table, articles: pa.Table) -> NDArray[np.int64]:
    """The article row of each chunk."""
    ids = articles["article_id"].to_pylist()
    if len(set(ids)) == len(ids):
        found: NDArray[np.int64] = pc.index_in(chunks["article_id"], value_set=pa.array(ids)).to_numpy()
        return found.astype(np.int64)
    return rows_of(chunks["article_id"].to_pylist(), chunks["chunk_id"].to_pylist(), ids)


def rows_of(chunk_articles: list[str], chunk_ids: list[str], articles: list[str]) -> NDArray[np.int64]:
    """The article row of each chunk when some articles have the same id, and so the same chunks one after the other."""
    out, at, seen = [], -1, set[str]()
    before = ""
    for article, chunk in zip(chunk_articles, chunk_ids, strict=True):
        if article != before or chunk in seen:
            at = articles.index(article, at + 1)
            before, seen = article, set()
        seen.add(chunk)
        out.append(at)
    return np.array(out, dtype=np.int64)


def ranks(ids: Sequence[str], seed: int) -> NDArray[np.uint64]:
    """A place in the order of choice for each id of 16 hex digits: uniform, and its own whatever the other ids."""
    out = np.array([int(i, 16) for i in ids], dtype=np.uint64)
    out += np.uint64((seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        out ^= out >> np.uint64(shift)
        out *= np.uint64(factor)
    return out ^ (out >> np.uint64(31))


def _source(articles: pa.Table) -> list[str]:
    return [s or "" for s in articles["source"].to_pylist()]


def _month(articles: pa.Table) -> list[str]:
    return [f"{d:%Y-%m}" if d else "" for d in articles["published"].to_pylist()]


def _length(articles: pa.Table) -> list[str]:
    lengths = pc.utf8_length(articles["text"]).to_numpy()
    return [str(i) for i in np.searchsorted(_LENGTHS, lengths, side="right")]


_STRATA: dict[str, tuple[list[str], Callable[[pa.Table], list[str]]]] = {
    "source": (["source"], _source),
    "date": (["published"], _month),
    "length": (["text"], _length),
}


def select_chunks(tasks: list[ShardChunks], settings: Selection, run: Map) -> list[Bools]:
    """For each shard, which of its chunks are annotated."""
    found: list[ChunkFacts] = run(facts, tasks)
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
    return [chosen[a:b] for a, b in pairwise(starts.tolist())]


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
