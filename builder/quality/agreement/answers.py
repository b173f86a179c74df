"""How far annotators agree on the answers to a question: per target and over all targets."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.agreement.coefficients import (
    Coefficient,
    bootstrap_interval,
    cohen,
    counts_of,
    fleiss,
    nominal_alpha,
    observed,
    ordinal_alpha,
    patterns_of,
    patterns_of_votes,
)
from builder.quality.agreement.report import AnswerAgreement, AnswerMeasures, Interval, rounded, rounded_interval
from builder.quality.settings import Quality
from builder.quality.voters import voting_unreviewed
from builder.quality.votes import Floats, Votes


def answer_votes(
    annotations: pa.Table, answers: pa.Table, question: str, labels: Sequence[str]
) -> tuple[Votes, list[tuple[str, str]]]:
    """The votes on one question, without reviews, and the chunk and target of each item."""
    allowed = set(voting_unreviewed(annotations)["annotation_id"].to_pylist())
    mine = answers.filter(pc.equal(answers["question"], question))
    columns = (mine[c].to_pylist() for c in ("annotation_id", "chunk_id", "target", "annotator", "label"))
    given = {
        (chunk, target, annotator): label
        for annotation, chunk, target, annotator, label in zip(*columns, strict=True)
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

    def with_interval(coefficient: Coefficient, table: Floats, times: Floats) -> tuple[float | None, Interval | None]:
        drawn = bootstrap_interval(coefficient, table, times, settings.bootstrap, settings.confidence, settings.seed)
        return rounded(coefficient(table, times)), rounded_interval(drawn)

    ordered = [votes.labels.index(label) for label in settings.ordinal if label in votes.labels]
    return AnswerMeasures(
        len(votes.annotators),
        len(votes.item),
        int(weights.sum()),
        single,
        rounded(light(votes)),
        *with_interval(observed, patterns, weights),
        *with_interval(fleiss, patterns, weights),
        *with_interval(nominal_alpha, patterns, weights),
        *(with_interval(ordinal_alpha, *patterns_of(counts_of(votes)[:, ordered])) if len(ordered) > 1 else ()),
    )


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
