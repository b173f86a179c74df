"""How far annotators agree on the answers to a question: per target and over all targets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.agreement.coefficients import (
    Coefficient,
    Interval,
    cohen,
    counts_of,
    fleiss,
    nominal_alpha,
    observed,
    ordinal_alpha,
    patterns_of,
    patterns_of_votes,
    rounded,
    with_interval,
)
from builder.quality.settings import Quality
from builder.quality.votes import Floats, Votes, voting_unreviewed
from builder.tables import rows_of


@dataclass
class AnswerMeasures:
    """Agreement on answers, with bootstrap intervals over items.

    `items` have two ratings or more, `single` have one. `cohen` is the mean of all pairs of annotators (Light's kappa).
    `alpha` is Krippendorff's; `alpha_ordinal` counts only labels of `quality.ordinal`, in that order.
    """

    annotators: int
    ratings: int
    items: int
    single: int
    cohen: float | None
    observed: float | None
    observed_interval: Interval | None
    fleiss: float | None
    fleiss_interval: Interval | None
    alpha: float | None
    alpha_interval: Interval | None
    alpha_ordinal: float | None = None
    alpha_ordinal_interval: Interval | None = None


@dataclass
class AnswerAgreement:
    """Agreement on one question, over all targets and per target ("" is the whole chunk)."""

    overall: AnswerMeasures
    targets: dict[str, AnswerMeasures]


@dataclass
class AnswerPairs:
    """One annotator's answers against those of the others to the same question about the same chunk and target.

    `agreement` is the share of `pairs` that agree. `confusion` counts pairs: own label, then the other's.
    """

    pairs: int
    agreement: float | None
    confusion: dict[str, dict[str, int]]


def answer_votes(
    annotations: pa.Table, answers: pa.Table, question: str, labels: Sequence[str]
) -> tuple[Votes, list[tuple[str, str]]]:
    """The votes on one question, without reviews, and the chunk and target of each item."""
    allowed = set(voting_unreviewed(annotations)["annotation_id"].to_pylist())
    mine = answers.filter(pc.equal(answers["question"], question))
    given = {
        (chunk, target, annotator): label
        for annotation, chunk, target, annotator, label in rows_of(
            mine, "annotation_id", "chunk_id", "target", "annotator", "label"
        )
        if annotation in allowed and label in labels
    }
    items = sorted({(chunk, target) for chunk, target, _ in given})
    number = {item: i for i, item in enumerate(items)}
    rows = [(number[chunk, target], annotator, given[chunk, target, annotator]) for chunk, target, annotator in given]
    return Votes.of(sorted(rows), len(items), labels), items


def answer_agreement(
    annotations: pa.Table, answers: pa.Table, question: str, labels: Sequence[str], settings: Quality
) -> AnswerAgreement:
    """Agreement on the answers to one question of the scheme."""
    votes, items = answer_votes(annotations, answers, question, labels)
    of_item = np.array([target for _, target in items], dtype=object)
    return AnswerAgreement(
        overall=measure(votes, settings),
        targets={target: measure(votes.only(of_item == target), settings) for target in sorted({t for _, t in items})},
    )


def measure(votes: Votes, settings: Quality) -> AnswerMeasures:
    """Every coefficient for any table of votes; ordinal alpha when two labels of `quality.ordinal` are among them."""
    patterns, weights, single = patterns_of_votes(votes)
    ordered = [votes.labels.index(label) for label in settings.ordinal if label in votes.labels]
    by_order = patterns_of(counts_of(votes)[:, ordered]) if len(ordered) > 1 else None

    def of(coefficient: Coefficient) -> tuple[float | None, Interval | None]:
        return with_interval(settings, coefficient, patterns, weights)

    return AnswerMeasures(
        len(votes.annotators), len(votes.item), int(weights.sum()), single, rounded(light(votes)),
        *of(observed), *of(fleiss), *of(nominal_alpha),
        *(with_interval(settings, ordinal_alpha, *by_order) if by_order else ()),
    )  # fmt: skip


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


def answer_pairs(votes: Votes) -> dict[str, AnswerPairs]:
    """By annotator, the pairs with other annotators who answered for the same chunk and target."""
    width, crowd = len(votes.labels), len(votes.annotators)
    if not crowd:
        return {}
    cells = np.bincount(votes.item * width + votes.label, minlength=votes.items * width).reshape(-1, width)
    table = np.zeros((crowd, width, width), dtype=np.int64)
    others = cells[votes.item].copy()
    others[np.arange(len(votes.item)), votes.label] -= 1
    np.add.at(table, (votes.annotator, votes.label), others)
    out: dict[str, AnswerPairs] = {}
    for i, name in enumerate(votes.annotators):
        total = int(table[i].sum())
        confusion = {
            own: {other: int(table[i, r, c]) for c, other in enumerate(votes.labels) if table[i, r, c]}
            for r, own in enumerate(votes.labels)
            if table[i, r].any()
        }
        out[name] = AnswerPairs(total, round(int(np.trace(table[i])) / total, 6) if total else None, confusion)
    return out
