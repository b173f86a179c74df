"""Votes as one long table of integers: item, annotator, label."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Votes:
    """`item[i]` got `label[i]` from `annotator[i]`; the integers are positions in the lists of names.

    An annotator who gave an item no label has no row for it: that is missing data, not a vote.
    """

    items: int
    annotators: Sequence[str]
    labels: Sequence[str]
    item: Integers
    annotator: Integers
    label: Integers

    @classmethod
    def of(cls, rows: Iterable[tuple[int, str, str]], items: int, labels: Sequence[str]) -> "Votes":
        """Votes from rows of item number, annotator and label; annotators are numbered in alphabetical order."""
        table = list(rows)
        names = sorted({annotator for _, annotator, _ in table})
        number, code = {n: i for i, n in enumerate(names)}, {x: i for i, x in enumerate(labels)}
        columns = [(item, number[annotator], code[label]) for item, annotator, label in table]
        a = np.array(columns, dtype=np.int64).reshape(-1, 3)
        return cls(items, names, labels, a[:, 0].copy(), a[:, 1].copy(), a[:, 2].copy())

    def only(self, kept: Mask) -> "Votes":
        """The votes on the items where `kept` is true, and the annotators who cast them."""
        mask = kept[self.item]
        present = np.unique(self.annotator[mask])
        return Votes(
            items=int(kept.sum()),
            annotators=[self.annotators[i] for i in present],
            labels=self.labels,
            item=(np.cumsum(kept) - 1)[self.item[mask]],
            annotator=np.searchsorted(present, self.annotator[mask]),
            label=self.label[mask],
        )
