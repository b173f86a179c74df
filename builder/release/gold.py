"""Which gold a release holds, and how much of it is left out, by reason."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.arrays import flat, mask, numbers
from builder.release.settings import Export

RELEASED = ("agreed", "adjudicated", "expert")
#: Reason for which gold is left out, to what the card says. "rejected" spans are no loss: they were voted down.
REASONS = {
    "unresolved": "without a decision between the annotators",
    "improbable": "below the minimum probability",
    "disputed": "below the minimum agreement",
    "outside": "in no text of this release",
}


def released(gold: pa.Table, settings: Export) -> tuple[pa.Table, dict[str, int]]:
    """The rows of a gold table that are released, and how many were left out, by reason.

    Left out are rows without a decision, rows below `export.min_probability` and rows below `export.min_agreement`.
    """
    counts = {status: pc.sum(pc.equal(gold["status"], status)).as_py() or 0 for status in ("unresolved", "rejected")}
    gold = gold.filter(pc.is_in(gold["status"], pa.array(RELEASED)))
    if settings.min_probability:
        sure = mask(pc.fill_null(pc.greater_equal(gold["probability"], settings.min_probability), True))
        counts["improbable"] = int((~sure).sum())
        gold = gold.filter(pa.array(sure))
    if settings.min_agreement:
        agreed = agreement(gold) >= settings.min_agreement
        counts["disputed"] = int((~agreed).sum())
        gold = gold.filter(pa.array(agreed))
    return gold, counts


def agreement(gold: pa.Table) -> npt.NDArray[np.float64]:
    """Share of each row's votes that are for its label; 1 where nobody voted."""
    total, agreed = votes_for(gold)
    return np.where(total > 0, agreed / np.maximum(total, 1), 1.0)


def votes_for(gold: pa.Table) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """How many votes each gold row has, and how many of them are for its label."""
    votes = flat(gold["votes"])
    parents = numbers(pc.list_parent_indices(votes))
    cast = pc.struct_field(pc.list_flatten(votes), "label")
    hit = mask(pc.fill_null(pc.equal(cast, flat(gold["label"]).take(pa.array(parents))), False))
    total = np.bincount(parents, minlength=gold.num_rows)
    return total.astype(np.int32), np.bincount(parents[hit], minlength=gold.num_rows).astype(np.int32)
