"""Which annotations may vote, and their votes as one long table of integers: item, annotator, label."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Votes:
    """`item[i]` got `label[i]` from `annotator[i]`; the integers index the three lists of names.

    An annotator who gave no label to an item has no row there: that is missing data, not a vote.
    """

    items: int
    annotators: Sequence[str]
    labels: Sequence[str]
    item: Integers
    annotator: Integers
    label: Integers

    @classmethod
    def of(cls, rows: Iterable[tuple[int, str, str]], items: int, labels: Sequence[str]) -> "Votes":
        """Votes from (item number, annotator, label) rows; annotators are numbered in alphabetical order."""
        table = list(rows)
        names = sorted({annotator for _, annotator, _ in table})
        number, code = {n: i for i, n in enumerate(names)}, {x: i for i, x in enumerate(labels)}
        columns = [(item, number[annotator], code[label]) for item, annotator, label in table]
        a = np.array(columns, dtype=np.int64).reshape(-1, 3)
        return cls(items, names, labels, a[:, 0].copy(), a[:, 1].copy(), a[:, 2].copy())


def voting(annotations: pa.Table) -> pa.Table:
    """The annotations that vote: submitted, not in quarantine, and the latest of an annotator on a chunk.

    Skips and drafts say nothing about the chunk; an empty submission says that there is nothing in it. Rows are in the
    order of chunk and annotator. The column `review` is added: whether it was made from annotations of another
    project. A person's review of a chunk does not replace that person's own annotation of it.
    """
    t = annotations.append_column("review", pa.array(reviews(annotations)))
    submitted = pc.is_in(t["state"], pa.array(["labelled", "labelled-empty"]))
    t = t.filter(pc.and_(submitted, pc.invert(pc.fill_null(t["quarantined"], False))))
    keys = ("chunk_id", "annotator", "review")
    up, down = [(k, "ascending") for k in keys], [("updated", "descending"), ("annotation_id", "descending")]
    t = t.sort_by([*up, *down])
    earlier: list[bool] = []
    before = None
    for key in zip(*(t[k].to_pylist() for k in keys), strict=True):
        earlier.append(key == before)
        before = key
    return t.filter(pc.invert(pa.array(earlier, pa.bool_())))


def reviews(annotations: pa.Table) -> list[bool]:
    """Whether each annotation was made from annotations of another project, as a review is."""
    columns = (annotations[c].to_pylist() for c in ("parent_id", "project_id"))
    return [bool(parent) and parent.partition(":")[0] != str(project) for parent, project in zip(*columns, strict=True)]
