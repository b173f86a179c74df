"""How far annotators agree on stances: for each target and over all."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from builder.quality.measures import agreement_on
from builder.quality.settings import Quality
from builder.quality.votes import Votes, reviews, voting


def stance_votes(annotations: pa.Table, stances: pa.Table, labels: list[str]) -> tuple[Votes, list[tuple[str, str]]]:
    """The stances of annotators who vote, and the chunk and target of each item; reviews are left out.

    A review is made in sight of the others' labels, so it tells nothing about agreement.
    """
    voters = voting(annotations)
    voters = voters.filter(pa.array([not r for r in reviews(voters)], pa.bool_()))
    allowed = set(voters["annotation_id"].to_pylist())
    columns = (stances[c].to_pylist() for c in ("annotation_id", "chunk_id", "target", "annotator", "label"))
    given = {
        (chunk, target, annotator): label
        for annotation, chunk, target, annotator, label in zip(*columns, strict=True)
        if annotation in allowed and label in labels
    }
    items = sorted({(chunk, target) for chunk, target, _ in given})
    number = {item: i for i, item in enumerate(items)}
    rows = [
        (number[chunk, target], annotator, given[chunk, target, annotator])
        for chunk, target, annotator in sorted(given)
    ]
    return Votes.of(rows, len(items), labels), items


def stance_agreement(annotations: pa.Table, stances: pa.Table, labels: list[str], settings: Quality) -> dict[str, Any]:
    """`{"overall": ..., "targets": {target: ...}}` of `measures.agreement_on`."""
    votes, items = stance_votes(annotations, stances, labels)
    targets = sorted({target for _, target in items})
    code = {target: i for i, target in enumerate(targets)}
    of_item = np.array([code[target] for _, target in items], dtype=np.int64)
    return {
        "overall": agreement_on(votes, settings, settings.ordinal),
        "targets": {
            target: agreement_on(restrict(votes, of_item == code[target]), settings, settings.ordinal)
            for target in targets
        },
    }


def restrict(votes: Votes, kept: npt.NDArray[np.bool_]) -> Votes:
    """The votes on some of the items only, and the annotators who cast them."""
    mask = kept[votes.item] if len(votes.item) else np.zeros(0, dtype=np.bool_)
    renumbered = np.cumsum(kept) - 1
    present = np.unique(votes.annotator[mask])
    return Votes(
        items=int(kept.sum()),
        annotators=[votes.annotators[i] for i in present],
        labels=votes.labels,
        item=renumbered[votes.item[mask]],
        annotator=np.searchsorted(present, votes.annotator[mask]),
        label=votes.label[mask],
    )
