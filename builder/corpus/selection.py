"""Selection: which chunks are annotated.

Every rule orders chunks by a hash of the seed and their ids, which does not depend on the other chunks. So a growing
corpus changes the selection as little as the budget allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.corpus.inventory import in_order
from builder.corpus.near_duplicates import Map, ranks
from builder.corpus.parts import read_table
from builder.corpus.settings import STRATA, Selection
from builder.hashing import word_hashes
from builder.settings import load
from builder.text import Ints, mentions

Bools = NDArray[np.bool_]
_LENGTHS = (500, 1000, 2000, 4000, 8000)
_DIMENSIONS = 512
#: Chunks among which unlike ones are looked for, at least, and per chunk of the budget.
_POOL, _EACH = 2000, 4


@dataclass(frozen=True)
class ShardChunks:
    """The chunks of one shard, and the rows of its articles from which none is selected."""

    folder: Path
    left_out: list[int]
    settings: Selection
    keywords: tuple[str, ...]


@dataclass
class ChunkFacts:
    """What the selection needs to know of each chunk of a shard."""

    rank: NDArray[np.uint64]
    eligible: Bools
    unmatched: frozenset[str] = frozenset()  # keywords that no chunk mentions
    strata: Sequence[str] = ()
    number: Ints | None = None  # of the stratum, per chunk


def chunk_facts(task: ShardChunks) -> ChunkFacts:
    """The facts of every chunk of a shard."""
    settings = task.settings
    columns = ["chunk_id", "ordinal"] + (["text"] if settings.method == "keywords" else [])
    chunks = read_table(task.folder / "chunks.parquet", columns)
    rank = ranks(chunks["chunk_id"].to_pylist(), settings.seed)
    row = article_rows(chunks)
    eligible = ~np.isin(row, task.left_out)
    eligible &= rank < np.uint64(int(settings.fraction * 2**64)) if settings.fraction < 1 else True
    unmatched = frozenset(task.keywords)
    if settings.method == "keywords":
        pattern = mentions(task.keywords)
        found = [t if pattern.search(t) else None for t in chunks["text"].to_pylist()]
        eligible &= np.array([t is not None for t in found], dtype=bool)
        unmatched = frozenset(k for k in unmatched if not any(mentions([k]).search(t) for t in found if t is not None))
    if settings.method != "stratified":
        return ChunkFacts(rank, eligible, unmatched)
    strata = load(STRATA[settings.by])(task.folder / "articles.parquet")
    names, numbers = np.unique(strata, return_inverse=True)
    return ChunkFacts(rank, eligible, unmatched, names.tolist(), numbers[row])


def article_rows(chunks: pa.Table) -> Ints:
    """The row of each chunk's article in the shard: the chunks of each follow one another, numbered from 0."""
    return np.cumsum(chunks["ordinal"].to_numpy() == 0) - 1


def by_source(articles: Path) -> list[str]:
    """The source of each article, "" without one."""
    return [source or "" for source in read_table(articles, ["source"])["source"].to_pylist()]


def by_date(articles: Path) -> list[str]:
    """The month in which each article was published, "" without one."""
    return [f"{day:%Y-%m}" if day else "" for day in read_table(articles, ["published"])["published"].to_pylist()]


def by_length(articles: Path) -> list[str]:
    """The class of each article's length, as a number."""
    lengths = pc.utf8_length(read_table(articles, ["text"])["text"]).to_numpy()
    return list(map(str, np.searchsorted(_LENGTHS, lengths, side="right")))


def select_chunks(tasks: list[ShardChunks], settings: Selection, run: Map) -> tuple[list[Bools], list[str]]:
    """For each shard, which of its chunks are annotated; and the keywords that no chunk of any mentions."""
    found: list[ChunkFacts] = in_order(run("selecting", chunk_facts, tasks))
    starts = np.cumsum([0, *(len(f.rank) for f in found)])
    rank = np.concatenate([f.rank for f in found])
    eligible = np.flatnonzero(np.concatenate([f.eligible for f in found]))
    # Only records with the same bytes have chunks of the same rank; they keep the order of the corpus.
    order = eligible[np.argsort(rank[eligible], kind="stable")]
    if settings.budget and len(order) > settings.budget:
        if settings.method == "stratified":
            codes = {name: i for i, name in enumerate(sorted({name for f in found for name in f.strata}))}
            stratum = np.concatenate([np.array([codes[n] for n in f.strata], np.int64)[f.number] for f in found])
            order = _shares(order, stratum, settings.budget)
        elif settings.method == "diverse":
            order = _diverse(order, starts, [t.folder for t in tasks], settings.budget)
        else:
            order = order[: settings.budget]
    chosen = np.zeros(starts[-1], dtype=bool)
    chosen[order] = True
    unmatched = frozenset.intersection(*(f.unmatched for f in found))
    return [chosen[a:b] for a, b in pairwise(starts.tolist())], sorted(unmatched)


def _shares(order: Ints, stratum: Ints, budget: int) -> Ints:
    """The first chunks of each stratum: equal shares, and what small strata leave goes to the others."""
    present, sizes = np.unique(stratum[order], return_counts=True)
    left, out = budget, []
    for done, i in enumerate(np.argsort(sizes, kind="stable").tolist()):
        share = min(int(sizes[i]), left // (len(present) - done))
        out.append(order[stratum[order] == present[i]][:share])
        left -= share
    return np.concatenate(out)


def _diverse(order: Ints, starts: Ints, folders: list[Path], budget: int) -> Ints:
    """Farthest-first traversal (Gonzalez 1985) over the words of a pool of the first chunks in order."""
    pool = order[: max(_POOL, _EACH * budget)]
    texts: dict[int, str] = {}
    shard = np.searchsorted(starts, pool, side="right") - 1
    for p in np.unique(shard).tolist():
        here = np.sort(pool[shard == p])
        column = read_table(folders[p] / "chunks.parquet", ["text"])["text"]
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
