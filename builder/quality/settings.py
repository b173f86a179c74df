"""Typed settings of this room: types, defaults and range checks. The YAML files under conf/ make the choices."""

from dataclasses import dataclass, field

from builder.errors import ConfigError
from builder.quality.adjudication import SPAN_METHODS
from builder.quality.aggregation import METHODS, WEIGHTS
from builder.quality.checks import CHECKS

SEVERITIES = ("error", "warning", "info", "off")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}.", f"It lies between {low:g} and {high:g}.")


@dataclass
class Gates:
    """Below any of these nothing is exported. A null threshold is not asked for."""

    #: Fewest annotators whose labels count on any annotated chunk.
    min_annotators: int | None = 1
    #: Krippendorff's alpha a target needs; `min_alpha_of` sets it for one target alone.
    min_alpha: float | None = None
    min_alpha_of: dict[str, float] = field(default_factory=dict)
    #: Mean pairwise exact F1 of entity spans.
    min_span_f1: float | None = None
    #: Share of submitted annotations that a check put into quarantine.
    max_quarantined: float | None = 0.2
    #: Share of gold stances and spans that are unresolved.
    max_unresolved: float | None = None
    #: Accuracy every annotator needs on the gold questions.
    min_question_accuracy: float | None = None

    def __post_init__(self) -> None:
        if self.min_annotators is not None:
            _within("quality.gates.min_annotators", self.min_annotators, 0, 1000)
        for name, low in (
            ("min_alpha", -1.0),
            ("min_span_f1", 0.0),
            ("max_quarantined", 0.0),
            ("max_unresolved", 0.0),
            ("min_question_accuracy", 0.0),
        ):
            value = getattr(self, name)
            if value is not None:
                _within(f"quality.gates.{name}", value, low, 1.0)
        for target, value in self.min_alpha_of.items():
            _within(f"quality.gates.min_alpha_of.{target}", value, -1.0, 1.0)


@dataclass
class Quality:
    """Severity and thresholds of the checks, how agreement is measured, and the gates."""

    severity: dict[str, str] = field(default_factory=lambda: {code: check.severity for code, check in CHECKS.items()})
    #: Seconds below which submitting nothing counts as not having looked.
    fast_seconds: float = 3.0
    #: Share of an annotator's chunks with the very same answers that counts as straight-lining, from `min_chunks` on.
    straight_share: float = 0.95
    #: Distance between an annotator's earlier and later answers (total variation, 0 to 1) that counts as drift.
    drift_distance: float = 0.4
    min_chunks: int = 10
    #: Jaccard similarity of words from which two chunks of near-duplicate articles count as the same text.
    same_text: float = 0.8
    #: Labels an annotator was asked for, when not all: pseudonym to entity labels. Nobody else is compared on the rest.
    asked: dict[str, list[str]] = field(default_factory=dict)
    #: Order of the stance labels for ordinal alpha; the others (such as "none") are left out of it. Empty: no ordinal.
    ordinal: list[str] = field(default_factory=list)
    bootstrap: int = 1000
    confidence: float = 0.95
    seed: int = 0
    #: JSON Lines file of known answers; empty: no gold questions.
    questions: str = ""
    #: Share of an annotator's queue that is gold questions.
    question_rate: float = 0.05
    #: Accuracy on the gold questions below which the check failed-questions names an annotator.
    question_accuracy: float = 0.7
    gates: Gates = field(default_factory=Gates)

    def __post_init__(self) -> None:
        for check, severity in self.severity.items():
            if check not in CHECKS:
                raise ConfigError(
                    f"quality.severity names {check!r}, which is no check.", f"Known: {', '.join(CHECKS)}."
                )
            if severity not in SEVERITIES:
                raise ConfigError(
                    f"quality.severity.{check} is {severity!r}.", f"Choose one of {', '.join(SEVERITIES)}."
                )
        _within("quality.fast_seconds", self.fast_seconds, 0, 86_400)
        _within("quality.straight_share", self.straight_share, 0.5, 1)
        _within("quality.drift_distance", self.drift_distance, 0, 1)
        _within("quality.min_chunks", self.min_chunks, 2, 1_000_000)
        _within("quality.same_text", self.same_text, 0, 1)
        _within("quality.bootstrap", self.bootstrap, 0, 1_000_000)
        _within("quality.confidence", self.confidence, 0.5, 0.9999)
        _within("quality.question_rate", self.question_rate, 0, 0.9)
        _within("quality.question_accuracy", self.question_accuracy, 0, 1)


@dataclass
class Aggregation:
    """How the annotators' labels become one gold label."""

    method: str = "majority"
    #: Which spans of two annotators are the same span: the very same, overlapping ones, or token by token.
    spans: str = "exact"
    #: A label needs more than this share of the votes (or of the posterior); exactly as much is unresolved.
    min_share: float = 0.5
    #: Intersection over union from which two spans vote for one (spans: overlap).
    min_overlap: float = 0.5
    #: Pseudonyms whose annotations decide wherever they stand, besides those made in a review.
    experts: list[str] = field(default_factory=list)
    #: Where `weighted` takes its weights from: the table below, agreement with the others, or the gold questions.
    weigh_by: str = "agreement"
    weights: dict[str, float] = field(default_factory=dict)
    #: Expectation-maximisation: most rounds, smallest change of the posterior that counts, restarts (mace), smoothing.
    rounds: int = 100
    tolerance: float = 1e-5
    restarts: int = 10
    smoothing: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, known in (
            ("method", self.method, METHODS),
            ("spans", self.spans, SPAN_METHODS),
            ("weigh_by", self.weigh_by, WEIGHTS),
        ):
            if value not in known:
                raise ConfigError(f"aggregation.{name} is {value!r}.", f"Choose one of {', '.join(known)}.")
        if not 0.5 <= self.min_share < 1:
            raise ConfigError(
                f"aggregation.min_share is {self.min_share}.",
                "It lies between 0.5 and 1: a lower one would let two labels win.",
            )
        _within("aggregation.min_overlap", self.min_overlap, 0.01, 1)
        for annotator, weight in self.weights.items():
            _within(f"aggregation.weights.{annotator}", weight, 0, 1_000_000)
        _within("aggregation.rounds", self.rounds, 1, 100_000)
        _within("aggregation.tolerance", self.tolerance, 0, 1)
        _within("aggregation.restarts", self.restarts, 1, 10_000)
        _within("aggregation.smoothing", self.smoothing, 0, 1_000)
