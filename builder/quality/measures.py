"""Agreement on labels of items: the numbers that go into agreement.json, for any table of votes."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from builder.quality.coefficients import (
    cohen,
    counts_of,
    fleiss,
    interval,
    nominal_alpha,
    observed,
    ordinal_alpha,
    patterns_of,
    patterns_of_votes,
)
from builder.quality.settings import Quality
from builder.quality.votes import Floats, Votes


def number(value: float) -> float | None:
    """A number as JSON can hold it: null where it is not defined, else 6 decimals."""
    return None if math.isnan(value) else round(value, 6)


def bounds(values: tuple[float, float]) -> list[float] | None:
    """A confidence interval as JSON can hold it."""
    return None if math.isnan(values[0]) else [round(v, 6) for v in values]


def agreement_on(votes: Votes, settings: Quality, order: Sequence[str] = ()) -> dict[str, Any]:
    """How far the annotators agree, with bootstrap intervals over items; null where something is not defined.

    `cohen` is the mean of all pairs of annotators (Light's kappa), each pair over the items both labelled.
    `alpha_ordinal` is over the labels of `order` only. `items` have two ratings or more; `single` have one.
    """
    patterns, weights, single = patterns_of_votes(votes)
    out: dict[str, Any] = {
        "annotators": len(votes.annotators),
        "ratings": len(votes.item),
        "items": int(weights.sum()),
        "single": single,
        "cohen": number(light(votes)),
    }
    measured = {"observed": (observed, patterns, weights), "fleiss": (fleiss, patterns, weights),
                "alpha": (nominal_alpha, patterns, weights)}  # fmt: skip
    chosen = [votes.labels.index(label) for label in order if label in votes.labels]
    if len(chosen) > 1:
        measured["alpha_ordinal"] = (ordinal_alpha, *patterns_of(counts_of(votes)[:, chosen]))
    for name, (coefficient, table, times) in measured.items():
        out[name] = number(coefficient(table, times))
        drawn = interval(coefficient, table, times, settings.bootstrap, settings.confidence, settings.seed)
        out[f"{name}_interval"] = bounds(drawn)
    return out


def light(votes: Votes) -> float:
    """The mean of Cohen's kappa over all pairs of annotators for whom it is defined."""
    kappas = [cohen(confusion(votes, a, b)) for a, b in combinations(range(len(votes.annotators)), 2)]
    defined = [k for k in kappas if not math.isnan(k)]
    return sum(defined) / len(defined) if defined else math.nan


def confusion(votes: Votes, one: int, other: int) -> Floats:
    """How often one annotator gave a label (row) where the other gave another (column)."""
    width = len(votes.labels)
    given = []
    for annotator in (one, other):
        label = np.full(votes.items, -1, dtype=np.int64)
        mine = votes.annotator == annotator
        label[votes.item[mine]] = votes.label[mine]
        given.append(label)
    both = (given[0] >= 0) & (given[1] >= 0)
    cells = np.bincount(given[0][both] * width + given[1][both], minlength=width * width)
    return cells.reshape(width, width).astype(np.float64)
