"""Texts that are in two splits: found before rows are written, and certified absent afterwards.

Equal texts are found by the hash of their words. Near-duplicates share runs of `RUN` words: runs that occur in two
splits name the candidates, and two texts are near-duplicates when the Jaccard similarity of their sets of runs reaches
the threshold. Words are compared without case and without the symbols between them. On corpora of more than `MOST` runs
a fixed fraction of all runs is looked at, chosen by hash.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.hashing import Hashes, mixed, word_hashes, word_runs
from builder.release.arrays import mask
from builder.text import Ints, similarity

RUN = 5
MOST = 20_000_000
_CROWD = 50


@dataclass(frozen=True)
class Shared:
    """Texts of the given rows that are in several splits: one (row, row) pair each, earlier row first."""

    exact: list[tuple[int, int]]
    near: list[tuple[int, int]]


class Fingerprints:
    """Hashes of texts, batch by batch: of each text's words, and of its runs of words.

    `characters` is the size of all texts together.
    """

    def __init__(self, characters: int = 0) -> None:
        #: One in how many runs is kept: a power of two.
        self.rate = 1
        while characters / 6 / self.rate > MOST:
            self.rate *= 2
        self._parts: list[tuple[Hashes, Hashes, Ints]] = []
        self._rows = 0

    def add(self, column: pa.Array) -> None:
        """Adds the texts of a string array."""
        words, bounds = word_hashes(column)
        # Position weights make the sum of a text's words depend on their order.
        place = np.arange(1, len(words) + 1) - np.repeat(bounds[:-1], np.diff(bounds))
        weighted = mixed(words.copy()) * mixed(place.astype(np.uint64))
        whole = mixed(np.diff(np.concatenate(([np.uint64(0)], np.cumsum(weighted, dtype=np.uint64)))[bounds]))
        runs, bounds = word_runs(words, bounds, RUN)
        owners = np.repeat(np.arange(self._rows, self._rows + len(column)), np.diff(bounds))
        if self.rate > 1:
            chosen = (runs >> np.uint64(7)) % np.uint64(self.rate) == 0
            runs, owners = runs[chosen], owners[chosen]
        self._parts.append((whole, runs, owners))
        self._rows += len(column)

    def shared(self, splits: Ints, threshold: float) -> Shared:
        """The texts that are in several splits; `splits` is the number of each row's split, -1 for no row."""
        if not self._rows:
            return Shared([], [])
        whole, runs, owners = (np.concatenate(parts) for parts in zip(*self._parts, strict=True))
        exact = _pairs(whole, np.arange(self._rows), splits)
        candidates = _pairs(runs, owners, splits) - exact
        sets: dict[int, set[int]] = defaultdict(set)
        chosen = np.isin(owners, [row for pair in candidates for row in pair])
        for run, owner in zip(runs[chosen].tolist(), owners[chosen].tolist(), strict=True):
            sets[owner].add(run)
        near = [(a, b) for a, b in candidates if similarity(sets[a], sets[b]) >= threshold]
        return Shared(sorted(exact), sorted(near))


def _pairs(hashes: Hashes, owners: Ints, splits: Ints) -> set[tuple[int, int]]:
    """Pairs of rows of different splits that hold the same hash; 0, the hash of no words, counts for none."""
    kept = (splits[owners] >= 0) & (hashes != 0)
    hashes, owners = hashes[kept], owners[kept]
    # Hardly any hash is met twice: sorting them alone finds those that are, and only these need their owners.
    alone = np.sort(hashes)
    met = mask(pc.is_in(pa.array(hashes), value_set=pa.array(np.unique(alone[1:][alone[1:] == alone[:-1]]))))
    hashes, owners = hashes[met], owners[met]
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    begins = np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]))
    found: set[tuple[int, int]] = set()
    if not len(begins):
        return found
    sides = splits[owners]
    apart = np.minimum.reduceat(sides, begins) != np.maximum.reduceat(sides, begins)
    for group in (part.tolist() for part, several in zip(np.split(owners, begins[1:]), apart, strict=True) if several):
        # A phrase of so many texts would pair them all: each is held against the first of every other split.
        first = {int(splits[row]): row for row in reversed(group)}
        others = group if len(group) <= _CROWD else list(first.values())
        found |= {(min(a, b), max(a, b)) for a in group for b in others if splits[a] != splits[b]}
    return found


def leave_out(shared: Shared, splits: Ints, sizes: list[float]) -> set[int]:
    """Rows to leave out so that no pair is left: of each pair the one in the split with the larger share."""
    gone: set[int] = set()
    for a, b in sorted({*shared.exact, *shared.near}):
        if not {a, b} & gone:
            gone.add(max(a, b, key=lambda row: (sizes[splits[row]], row)))
    return gone
