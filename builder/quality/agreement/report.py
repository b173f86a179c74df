"""The agreement report, which `validate` writes as agreement.json. A number without a basis is null."""

import math
from dataclasses import dataclass

Interval = tuple[float, float]


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
class SpanMeasures:
    """Agreement on spans. `compared` counts each span once per other annotator it is compared with."""

    compared: int
    exact_f1: float | None
    exact_f1_interval: Interval | None
    partial_f1: float | None
    partial_f1_interval: Interval | None
    token_alpha: float | None
    tokens: int


@dataclass
class SpanAgreement:
    """Agreement on one kind of span, over all labels and per label."""

    overall: SpanMeasures
    labels: dict[str, SpanMeasures]


@dataclass
class AnswerPairs:
    """One annotator's answers against those of the others to the same question about the same chunk and target.

    `agreement` is the share of `pairs` that agree. `confusion` counts pairs: own label, then the other's.
    """

    pairs: int
    agreement: float | None
    confusion: dict[str, dict[str, int]]


@dataclass
class AnnotatorReport:
    """What one annotator did. `labelled`, `empty`, `skipped`, `drafts` and `quarantined` count annotations.

    `coverage` is the share of all chunks submitted. `seconds` are the lower quartile, median and upper quartile of the
    lead time. `predictions` counts what became of suggestions. `answers` is by question, `span_f1` exact.
    """

    labelled: int
    empty: int
    skipped: int
    drafts: int
    quarantined: int
    coverage: float | None
    seconds: list[float] | None
    predictions: dict[str, int]
    answers: dict[str, AnswerPairs]
    span_f1: float | None


@dataclass
class KnownAnswerScore:
    """How one annotator did on the gold questions; `accuracy` is the mean of the two that have a basis."""

    chunks: int
    answer_accuracy: float | None
    span_f1: float | None
    accuracy: float | None


@dataclass
class AgreementReport:
    """Agreement by question, by kind of span and by annotator, and the scores on the gold questions by annotator."""

    answers: dict[str, AnswerAgreement]
    spans: dict[str, SpanAgreement]
    annotators: dict[str, AnnotatorReport]
    known_answers: dict[str, KnownAnswerScore]

    def accuracy(self) -> dict[str, float]:
        """The accuracy on the gold questions of every annotator who answered one."""
        return {name: s.accuracy for name, s in self.known_answers.items() if s.accuracy is not None}


def rounded(value: float) -> float | None:
    """A number as JSON can hold it, with 6 decimals; None for nan."""
    return None if math.isnan(value) else round(value, 6)


def rounded_interval(values: Interval) -> Interval | None:
    """A confidence interval as JSON can hold it."""
    return None if math.isnan(values[0]) else (round(values[0], 6), round(values[1], 6))
