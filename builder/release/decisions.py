"""What gold says about how a label was decided: whether it is released, with which votes, shares and probability."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import Mask, flat, mask, numbers, records, small
from builder.release.configuration import INT, NUMBER, STRING, Column, Numbering
from builder.release.settings import Export
from builder.text import Ints

RELEASED = ("agreed", "single", "adjudicated", "expert")
#: What is known of a gold row: it is released, it is not decided, or it was voted down.
KEPT, OPEN, DOWN = 0, 1, 2
#: Reason for which gold is left out, to what the card says. "rejected" spans are no loss: they were voted down.
REASONS = {
    "unresolved": "without a decision between the annotators",
    "improbable": "below the minimum probability",
    "disputed": "below the minimum agreement",
    "outside": "in no text of this release",
}
#: How hard an item is, with its interval, as gold says it.
DIFFICULTY = dict.fromkeys(("difficulty", "difficulty_low", "difficulty_high"), NUMBER)
#: What gold spans and evidence say about how they were decided, besides their place and label.
COLUMNS = {
    "status": STRING, "probability": NUMBER, "votes_for": INT, "votes_against": INT, "share": NUMBER, "entropy": NUMBER,
    **DIFFICULTY,
}  # fmt: skip
#: The same as columns of their own.
DIFFICULTIES = [
    Column("difficulty", NUMBER, "logits by which annotators err here more than elsewhere; null with one vote"),
    Column("difficulty_low", NUMBER, "lower end of the interval of `difficulty`"),
    Column("difficulty_high", NUMBER, "upper end of the interval of `difficulty`"),
]
#: What tables of gold must be read for it.
READS = ("label", "probability", "votes", "shares", "entropy", "status", *DIFFICULTY)


def decided(gold: pa.Table, settings: Export) -> tuple[Ints, dict[str, int]]:
    """Whether each row of a gold table is KEPT, OPEN or DOWN, and how many are not kept, by reason."""
    state = np.where(mask(pc.is_in(gold["status"], pa.array(RELEASED))), KEPT, OPEN)
    state[mask(pc.equal(gold["status"], "rejected"))] = DOWN
    counts = {"unresolved": int((state == OPEN).sum()), "rejected": int((state == DOWN).sum())}
    doubts = {}
    if settings.min_probability:
        doubts["improbable"] = mask(pc.less(gold["probability"], settings.min_probability))
    if settings.min_agreement:
        votes, agreed = _votes_for(gold)
        doubts["disputed"] = (votes > 0) & (agreed / np.maximum(votes, 1) < settings.min_agreement)
    for reason, doubt in doubts.items():
        counts[reason] = int((doubt & (state == KEPT)).sum())
        state[doubt & (state == KEPT)] = OPEN
    return state, counts


def columns(gold: pa.Table) -> dict[str, pa.Array]:
    """`COLUMNS` for rows of GOLD_SPANS; `share` is the smoothed share of votes for the label."""
    votes, agreed = _votes_for(gold)
    parents, entries, mine = _own(gold, "shares")
    at = pc.index_in(pa.array(np.arange(gold.num_rows)), value_set=pa.array(parents[mine]))
    return {
        **{name: flat(gold[name]) for name in ("status", "probability", "entropy", *DIFFICULTY)},
        "share": pc.struct_field(entries, "probability").filter(pa.array(mine)).take(at),
        "votes_for": small(agreed),
        "votes_against": small(votes - agreed),
    }


def votes(gold: pa.Table, numbering: Numbering) -> pa.StructArray:
    """How many votes each gold row has for each released label."""
    cells = per_label(gold, "votes", numbering)
    return records(**{name: small(cells[:, i]) for i, name in enumerate(numbering.labels)})


def soft_labels(gold: pa.Table, column: str, numbering: Numbering) -> pa.StructArray:
    """One number per released label, from a column of lists of `POSTERIOR`; null where the list is."""
    cells, missing = per_label(gold, column, numbering, "probability"), mask(pc.is_null(gold[column]))
    return records(**{name: pa.array(cells[:, i], mask=missing) for i, name in enumerate(numbering.labels)})


def per_label(gold: pa.Table, column: str, numbering: Numbering, weight: str = "") -> npt.NDArray[Any]:
    """Rows x released labels: how many entries of a column of lists have the label, or the sum of their weights."""
    parents, entries = _entries(gold, column)
    cast, width = numbering.ids(pc.struct_field(entries, "label")), len(numbering.labels)
    known = cast >= 0
    weights = pc.struct_field(entries, weight).to_numpy(zero_copy_only=False)[known] if weight else None
    return np.bincount((parents * width + cast)[known], weights, gold.num_rows * width).reshape(gold.num_rows, width)


def _votes_for(gold: pa.Table) -> tuple[Ints, Ints]:
    """How many votes each gold row has, and how many of them are for its label."""
    parents, _, mine = _own(gold, "votes")
    return np.bincount(parents, minlength=gold.num_rows), np.bincount(parents[mine], minlength=gold.num_rows)


def _own(gold: pa.Table, column: str) -> tuple[Ints, pa.Array, Mask]:
    """Entries of a column of lists: the row of each, itself, and whether it has the label of its row."""
    parents, entries = _entries(gold, column)
    label = pc.struct_field(entries, "label")
    return parents, entries, mask(pc.equal(label, flat(gold["label"]).take(pa.array(parents))))


def _entries(gold: pa.Table, column: str) -> tuple[Ints, pa.Array]:
    found = flat(gold[column])
    return numbers(pc.list_parent_indices(found)), pc.list_flatten(found)
