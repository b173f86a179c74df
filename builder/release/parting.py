"""Rows parted between the splits, with nothing that stands on two sides."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from builder.release.cut import by_sentence, stretches
from builder.release.inputs import Tables
from builder.release.leakage import Fingerprints, Shared, leave_out
from builder.release.rows import Index, Rows
from builder.release.settings import Split
from builder.release.splits import Assignment, Member
from builder.text import Ints


class Sides:
    """The split of each row of the index by number, -1 for rows left out; and what texts the splits still share."""

    def __init__(self, index: Index, assignment: Assignment, settings: Split) -> None:
        given = assignment.splits
        self._index = index
        self.near = settings.near
        self.names = sorted(set(given.values()))
        self.shares = [settings.ratios.get(name, 0.0) for name in self.names]
        numbers = {name: i for i, name in enumerate(self.names)}
        of_article = np.array([numbers.get(given.get(a, ""), -1) for a in index.articles.to_pylist()], np.int64)
        self.rows: Ints = of_article[index.article_codes]
        self.left_out = 0
        self.shared = Shared([], [])

    def torn(self) -> int:
        """Articles with rows in several splits."""
        kept = self.rows >= 0
        pairs = np.unique(np.stack([self._index.article_codes[kept], self.rows[kept]]), axis=1)
        return int((np.bincount(pairs[0]) > 1).sum()) if kept.any() else 0

    def part(self, batches: Callable[[], Iterable[pa.RecordBatch]]) -> None:
        """Leaves out rows until no text stands in two splits."""
        prints = Fingerprints.for_size(self._index.characters)
        for rows in self._index.batches(batches):
            prints.add(rows.text)
        before = int((self.rows >= 0).sum())
        self.shared = settle(prints, self.rows, self.shares, self.near)
        self.left_out = before - int((self.rows >= 0).sum())


def settle(prints: Fingerprints, sides: Ints, shares: list[float], near: float) -> Shared:
    """What the splits share when rows have been left out; `sides` of those rows are set to -1."""
    while True:
        shared = prints.shared(sides, near)
        gone = leave_out(shared, sides, shares)
        if not gone:
            return shared
        sides[list(gone)] = -1


class Stream:
    """The rows of the release, split by split within each batch, as often as asked."""

    def __init__(self, index: Index, sides: Sides, tables: Tables, granularity: str, language: str) -> None:
        self._index, self._sides, self._tables = index, sides, tables
        self._granularity, self._language = granularity, language
        self.shared = Shared([], [])
        self.left_out = 0

    def chunks(self) -> Iterator[tuple[str, Rows]]:
        """Chunk rows."""
        at = 0
        for rows in self._index.batches(self._tables.batches):
            yield from self._by_split(rows, self._sides.rows[at : at + len(rows)])
            at += len(rows)

    def cut(self) -> Iterator[tuple[str, Rows]]:
        """Rows of the other granularity; pieces that would stand in two splits are left out."""
        prints = Fingerprints.for_size(self._index.characters)
        parts = []
        for rows, sides in self._pieces():
            prints.add(rows.text)
            parts.append(sides)
        sides = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        before = int((sides >= 0).sum())
        self.shared = settle(prints, sides, self._sides.shares, self._sides.near)
        self.left_out = before - int((sides >= 0).sum())
        at = 0
        for rows, _ in self._pieces():
            yield from self._by_split(rows, sides[at : at + len(rows)])
            at += len(rows)

    def _pieces(self) -> Iterator[tuple[Rows, Ints]]:
        if self._granularity == "sentence":
            at = 0
            for rows in self._index.batches(self._tables.batches):
                pieces, owner = by_sentence(rows, self._language)
                yield pieces, self._sides.rows[at + owner]
                at += len(rows)
        else:
            kept = np.flatnonzero(self._sides.rows >= 0)
            for pieces, first in stretches(self._index, kept, self._tables.texts):
                yield pieces, self._sides.rows[first]

    def _by_split(self, rows: Rows, sides: Ints) -> Iterator[tuple[str, Rows]]:
        for number, name in enumerate(self._sides.names):
            where = np.flatnonzero(sides == number)
            if len(where):
                yield name, rows.take(where)


def certificate(members: list[Member], assignment: Assignment, sides: Sides, stream: Stream) -> dict[str, Any]:
    """What splits share, counted on the final rows; all zero but what was left out to make it so."""
    clusters: dict[str, set[str]] = {}
    for member in members:
        if member.article_id in assignment.splits:
            clusters.setdefault(member.cluster_id, set()).add(assignment.splits[member.article_id])
    return {
        "articles": sides.torn(),
        "clusters": sum(len(found) > 1 for found in clusters.values()),
        "exact_texts": len(sides.shared.exact) + len(stream.shared.exact),
        "near_texts": len(sides.shared.near) + len(stream.shared.near),
        "similarity": sides.near,
        "left_out": {"articles": len(assignment.left_out), "chunks": sides.left_out, "pieces": stream.left_out},
    }
