"""How far annotators agree on the answers to a question: per target and over all targets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.agreement import coefficients as by
from builder.quality.agreement.coefficients import Coefficient, Interval, rounded, with_interval
from builder.quality.agreement.parts import AgreementParts, agreement_parts
from builder.quality.settings import Quality
from builder.quality.votes import Votes, voting_unreviewed
from builder.scheme import Question
from builder.tables import rows_of


@dataclass
class AnswerMeasures:
    """Agreement on answers, with bootstrap intervals over items.

    `items` have two ratings or more, `single` have one. `cohen` is the mean of all pairs of annotators (Light's kappa).
    `alpha` is Krippendorff's, `s` Bennett's, `ac1` Gwet's. `alpha_ordinal`, `ac2` and `cohen_weighted` (quadratic)
    count only the labels that the question has in an order.
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
    s: float | None
    s_interval: Interval | None
    ac1: float | None
    ac1_interval: Interval | None
    alpha_ordinal: float | None = None
    alpha_ordinal_interval: Interval | None = None
    ac2: float | None = None
    ac2_interval: Interval | None = None
    cohen_weighted: float | None = None


@dataclass
class AnswerAgreement:
    """Agreement on one question: over all targets, per target ("" is the whole chunk), and in other parts."""

    overall: AnswerMeasures
    targets: dict[str, AnswerMeasures]
    parts: AgreementParts


@dataclass
class AnswerPairs:
    """One annotator's answers against those of the others to the same question about the same chunk and target.

    `agreement` is the share of `pairs` that agree.
    """

    pairs: int
    agreement: float | None


def answer_votes(annotations: pa.Table, answers: pa.Table, question: Question) -> tuple[Votes, list[tuple[str, str]]]:
    """The votes on one question, without reviews, and the chunk and target of each item; each mention is an item."""
    allowed = voting_unreviewed(annotations)["annotation_id"].combine_chunks()
    of_question = pc.and_(pc.equal(answers["question"], question.name), pc.is_in(answers["annotation_id"], allowed))
    columns = ("chunk_id", "target", "start", "end", "annotator", "label")
    given = {
        ((chunk, target, -1 if start is None else start, end or 0), annotator): label
        for chunk, target, start, end, annotator, label in rows_of(answers.filter(of_question), *columns)
        if label in question.labels
    }
    items = sorted({item for item, _ in given})
    number = {item: i for i, item in enumerate(items)}
    rows = [(number[item], annotator, label) for (item, annotator), label in given.items()]
    return Votes.of(sorted(rows), len(items), list(question.labels)), [(chunk, target) for chunk, target, *_ in items]


def answer_agreement(
    annotations: pa.Table, answers: pa.Table, windows: pa.Table, question: Question, settings: Quality
) -> AnswerAgreement:
    """Agreement on the answers to one question of the scheme."""
    votes, items = answer_votes(annotations, answers, question)
    of_item = np.array([target for _, target in items], dtype=object)
    mine = answers.filter(pc.equal(answers["question"], question.name))
    return AnswerAgreement(
        measure(votes, settings, question.order),
        {
            target: measure(votes.only(of_item == target), settings, question.order)
            for target in sorted({t for _, t in items})
        },
        agreement_parts(votes, items, annotations, mine, ("target", "start"), windows, settings),
    )


def measure(votes: Votes, settings: Quality, order: Sequence[str] = ()) -> AnswerMeasures:
    """Every coefficient for any table of votes; those for ordinal labels when two labels of `order` are among them."""
    patterns, weights = by.patterns_of_votes(votes)
    items = int(by.paired(patterns, weights)[1].sum())

    def of(coefficient: Coefficient) -> tuple[float | None, Interval | None]:
        return with_interval(settings, coefficient, patterns, weights)

    found = AnswerMeasures(
        len(votes.annotators), len(votes.item), items, int(weights.sum()) - items, rounded(light(votes)),
        *of(by.observed), *of(by.fleiss), *of(by.nominal_alpha), *of(by.bennett_s), *of(by.gwet_ac1),
    )  # fmt: skip
    ordered = [votes.labels.index(label) for label in order if label in votes.labels]
    if len(ordered) > 1:
        ranked = by.patterns_of(votes.counts()[:, ordered])
        found.alpha_ordinal, found.alpha_ordinal_interval = with_interval(settings, by.ordinal_alpha, *ranked)
        found.ac2, found.ac2_interval = with_interval(settings, by.gwet_ac2, *ranked)
        found.cohen_weighted = rounded(light(votes, ordered))
    return found


def light(votes: Votes, ordered: Sequence[int] | None = None) -> float:
    """The mean of Cohen's kappa over all pairs of annotators for whom it is defined.

    With labels in an order, the mean weighted kappa of these labels.
    """
    credit = None if ordered is None else by.quadratic_weights(len(ordered))
    kappas = []
    for a, b in combinations(range(len(votes.annotators)), 2):
        cells = by.confusion(votes, a, b)
        kappas.append(by.cohen(cells if ordered is None else cells[np.ix_(ordered, ordered)], credit))
    defined = [k for k in kappas if not math.isnan(k)]
    return sum(defined) / len(defined) if defined else math.nan


def answer_pairs(votes: Votes) -> dict[str, AnswerPairs]:
    """By annotator, the pairs with other annotators who answered for the same chunk and target."""
    pairs = votes.per_annotator(votes.per_item()[votes.item] - 1)
    alike = votes.per_annotator(votes.counts()[votes.item, votes.label] - 1)
    rows = zip(votes.annotators, pairs.tolist(), alike.tolist(), strict=True)
    return {name: AnswerPairs(int(n), round(same / n, 6) if n else None) for name, n, same in rows}
