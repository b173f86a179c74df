"""Lines repeated across the corpus: navigation, calls to subscribe and the like, found by counting."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def repeated(paths: Sequence[str], articles: int) -> NDArray[np.uint64]:
    """The hashes that stand in at least so many articles; each file holds an article's hashes once."""
    # By the top bits, so that only a slice of all hashes is sorted at once.
    out = []
    for top in range(16):
        found = [h[(h >> np.uint64(60)) == top] for h in (np.load(path, mmap_mode="r") for path in paths)]
        values, number = np.unique(np.concatenate(found), return_counts=True)
        out.append(values[number >= articles])
    return np.concatenate(out)


def lines_of(path: str, common: NDArray[np.uint64]) -> frozenset[int]:
    """Those of the common hashes that a shard holds; its tables depend on no others."""
    return frozenset(np.intersect1d(np.load(path), common).tolist())
