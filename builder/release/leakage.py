"""Texts that are in two splits: found before rows are written, and certified absent afterwards.

Equal texts are found by the hash of their words. Near-duplicates share runs of `RUN` words: runs that occur in two
splits name the candidates, and two texts are near-duplicates when the Jaccard similarity of their sets of runs reaches
the threshold. Words are compared without case and without the symbols between them. On corpora of more than `MOST` runs
a fixed fraction of all runs is looked at, chosen by hash.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from builder.hashing import Hashes, mixed, word_hashes, word_runs
from builder.text import Ints, similarity

RUN = 5
MOST = 20_000_000
_CROWD = 50


@dataclass(frozen=True)
class Shared:
    """Texts of the given rows that are in several splits: one (row, row) pair each, earlier row first."""

    exact: list[tuple[int, int]]
    near: list[tuple[int, int]]


@dataclass
class Fingerprints:
    """Hashes of texts, batch by batch: of each text's words, and of its runs of words."""

    #: One in how many runs is kept: a power of two.
    rate: int = 1
    _whole: list[Hashes] = field(default_factory=list)
    _runs: list[Hashes] = field(default_factory=list)
    _owners: list[Ints] = field(default_factory=list)
    _rows: int = 0

    @classmethod
    def for_size(cls, characters: int) -> "Fingerprints":
        """Fingerprints for texts of so many characters together."""
        rate = 1
        while characters / 6 / rate > MOST:
            rate *= 2
        return cls(rate)

    def add(self, column: pa.Array) -> None:
        """Adds the texts of a string array."""
        whole, runs, owners = fingerprint(column)
        if self.rate > 1:
            chosen = (runs >> np.uint64(7)) % np.uint64(self.rate) == 0
            runs, owners = runs[chosen], owners[chosen]
        self._whole.append(whole)
        self._runs.append(runs)
        self._owners.append(owners + self._rows)
        self._rows += len(column)

    def shared(self, splits: Ints, threshold: float) -> Shared:
        """The texts that are in several splits; `splits` is the number of each row's split, -1 for no row."""
        if not self._rows:
            return Shared([], [])
        exact = _pairs(np.concatenate(self._whole), np.arange(self._rows), splits)
        runs, owners = np.concatenate(self._runs), np.concatenate(self._owners)
        inside = splits[owners] >= 0
        runs, owners = runs[inside], owners[inside]
        candidates = _pairs(runs, owners, splits) - exact
        sets: dict[int, set[int]] = defaultdict(set)
        chosen = np.isin(owners, [row for pair in candidates for row in pair])
        for run, owner in zip(runs[chosen].tolist(), owners[chosen].tolist(), strict=True):
            sets[owner].add(run)
        near = [(a, b) for a, b in candidates if similarity(sets[a], sets[b]) >= threshold]
        return Shared(sorted(exact), sorted(near))


def fingerprint(column: pa.Array) -> tuple[Hashes, Hashes, Ints]:
    """The hash of each text's words; the hashes of all runs of up to `RUN` words, and the text each is in."""
    hashes, bounds = word_hashes(column)
    # Position weights make the sum of a text's words depend on their order.
    place = np.arange(1, len(hashes) + 1) - np.repeat(bounds[:-1], np.diff(bounds))
    weighted = mixed(hashes.copy()) * mixed(place.astype(np.uint64))
    whole = mixed(np.diff(np.concatenate(([np.uint64(0)], np.cumsum(weighted, dtype=np.uint64)))[bounds]))
    runs, bounds = word_runs(hashes, bounds, RUN)
    return whole, runs, np.repeat(np.arange(len(column)), np.diff(bounds))


def _pairs(hashes: Hashes, owners: Ints, splits: Ints) -> set[tuple[int, int]]:
    """Pairs of rows of different splits that hold the same hash; 0, the hash of no words, counts for none."""
    kept = (splits[owners] >= 0) & (hashes != 0)
    hashes, owners = hashes[kept], owners[kept]
    # Hardly any hash is met twice: sorting them alone finds those that are, and only these need their owners.
    ordered = np.sort(hashes)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return set()
    met = twice[np.minimum(np.searchsorted(twice, hashes), len(twice) - 1)] == hashes
    hashes, owners = hashes[met], owners[met]
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    sides = splits[owners]
    edges = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1], [True]]))
    low = np.minimum.reduceat(sides, edges[:-1])
    high = np.maximum.reduceat(sides, edges[:-1])
    found = set()
    for at in np.flatnonzero(low != high).tolist():
        group = owners[edges[at] : edges[at + 1]].tolist()
        if len(group) > _CROWD:
            # A phrase of so many texts would pair them all: each is held against the first of every other split.
            first = {int(splits[row]): row for row in reversed(group)}
            found |= {(min(a, b), max(a, b)) for a in group for s, b in first.items() if s != splits[a]}
        else:
            found |= {(a, b) for i, a in enumerate(group) for b in group[i + 1 :] if splits[a] != splits[b]}
    return found


def leave_out(shared: Shared, splits: Ints, sizes: list[float]) -> set[int]:
    """Rows to leave out so that no pair is left: of each pair the one in the split with the larger share."""
    gone: set[int] = set()
    for a, b in sorted({*shared.exact, *shared.near}):
        if a not in gone and b not in gone:
            gone.add(a if (sizes[splits[a]], a) > (sizes[splits[b]], b) else b)
    return gone
