"""Settings of checks, agreement, gates and aggregation."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Meta

from builder.quality.aggregation import METHODS, WEIGHTS
from builder.quality.checks import CHECKS
from builder.settings import one_of

#: Choices of `aggregation.spans`: which spans of two annotators count as the same span.
SPAN_METHODS = {
    "exact": "adjudication.spans:exact",
    "overlap": "adjudication.spans:overlap",
    "tokens": "adjudication.tokens:tokens",
}
SEVERITIES = ("error", "warning", "info", "off")


def means(description: str, example: str = "", **limits: Any) -> Meta:
    """What a setting means, and its limits."""
    return Meta(description=description, extra={"example": example} if example else None, **limits)


Share = Annotated[float, Meta(ge=0, le=1)]
Alpha = Annotated[float, Meta(ge=-1, le=1)]
Count = Annotated[int, Meta(ge=0, le=1000)]


@dataclass
class Gates:
    """Thresholds required for export; null disables one."""

    min_annotators: Annotated[
        Count | None, means("Fewest annotators whose labels count, on every annotated chunk.")
    ] = 1
    min_alpha: Annotated[Alpha | None, means("Least Krippendorff's alpha of each target.")] = None
    min_alpha_of: Annotated[
        dict[str, Alpha],
        means(
            "Least alpha of single targets, in place of `min_alpha`.",
            "quality.gates.min_alpha_of.japan=0.8",
        ),
    ] = field(default_factory=dict)
    min_span_f1: Annotated[
        Share | None, means("Least mean pairwise F1 of entity spans with the same bounds and label.")
    ] = None
    max_quarantined: Annotated[Share | None, means("Largest share of submitted annotations in quarantine.")] = 0.2
    max_unresolved: Annotated[Share | None, means("Largest share of gold answers and spans that are unresolved.")] = (
        None
    )
    min_question_accuracy: Annotated[
        Share | None, means("Least accuracy of every annotator on the gold questions.")
    ] = None


@dataclass
class Quality:
    """Severities and thresholds of the checks, how agreement is measured, and the gates."""

    severity: Annotated[
        dict[Annotated[str, one_of(CHECKS, allowed="the name of a check")], Annotated[str, one_of(SEVERITIES)]],
        means(
            "Severity of each check. `error` puts the annotation into quarantine: it does not vote, and `builder "
            "review` sends its chunk to an expert. `warning` and `info` only report. `off` disables a check.",
            "quality.severity.mid-word=error",
        ),
    ] = field(default_factory=lambda: {name: check.severity for name, check in CHECKS.items()})
    fast_seconds: Annotated[
        float, means("An empty annotation submitted faster than this (seconds) is `fast-empty`.", ge=0, le=86_400)
    ] = 3.0
    straight_share: Annotated[
        float, means("Share of an annotator's chunks with the same answers that is straight-lining.", ge=0.5, le=1)
    ] = 0.95
    drift_distance: Annotated[
        Share,
        means(
            "Total variation between an annotator's earlier and later answers, beyond that of the others, "
            "that is `drift`."
        ),
    ] = 0.4
    min_chunks: Annotated[int, means("Chunks before straight-lining and drift are judged.", ge=2, le=1_000_000)] = 10
    same_text: Annotated[
        Share,
        means("Jaccard similarity of words from which chunks of near-duplicate articles have the same text."),
    ] = 0.8
    asked: Annotated[
        dict[str, list[str]],
        means(
            "Pseudonym to entity labels, for annotators who were asked for some labels only. On the other labels "
            "nobody is compared with them.",
            "quality.asked={annotator-1: [PERSON, ORG]}",
        ),
    ] = field(default_factory=dict)
    ordinal: Annotated[
        list[str],
        means(
            "Order of the answers for ordinal alpha; answers that are not listed are left out of it. Empty: no "
            "ordinal alpha."
        ),
    ] = field(default_factory=list)
    bootstrap: Annotated[int, means("Samples drawn for confidence intervals. 0: no intervals.", ge=0, le=1_000_000)] = (
        1000
    )
    confidence: Annotated[float, means("Coverage of the confidence intervals.", ge=0.5, le=0.9999)] = 0.95
    seed: Annotated[int, means("Seed of the bootstrap.")] = 0
    questions: Annotated[
        str,
        means(
            "Path of a JSON Lines file of gold questions: chunks with known answers, in the format of recorded "
            "labels. Empty: none."
        ),
    ] = ""
    question_rate: Annotated[float, means("Share of gold questions in each annotator's queue.", ge=0, le=0.9)] = 0.05
    question_accuracy: Annotated[Share, means("Lower accuracy on the gold questions is `failed-questions`.")] = 0.7
    gates: Gates = field(default_factory=Gates)


@dataclass
class Aggregation:
    """How the annotators' labels become gold labels."""

    method: Annotated[
        str,
        one_of(
            METHODS,
            "`majority`: one vote each. `dawid_skene`: weighs votes by the confusions of each annotator (Dawid and "
            "Skene 1979). `mace`: by how often each annotator guesses (Hovy et al. 2013). `weighted`: by `weigh_by`. "
            "`expert`: what is not unanimous waits for `builder review`.",
        ),
    ] = "majority"
    spans: Annotated[
        str,
        one_of(
            SPAN_METHODS,
            "Which spans of two annotators are one. `exact`: the same bounds. `overlap`: see `min_overlap`. `tokens`: "
            "annotators vote on each token.",
        ),
    ] = "exact"
    min_share: Annotated[
        float,
        means(
            "A label needs more than this share of the votes or of the probability. Exactly this share is unresolved.",
            ge=0.5,
            lt=1,
        ),
    ] = 0.5
    min_overlap: Annotated[
        float, means("Intersection over union from which two spans are one (`spans: overlap`).", ge=0.01, le=1)
    ] = 0.5
    experts: Annotated[list[str], means("Pseudonyms of annotators whose labels decide, as those of a review do.")] = (
        field(default_factory=list)
    )
    weigh_by: Annotated[
        str,
        one_of(
            WEIGHTS,
            "Weights of `weighted`. `agreement`: with the majority. `questions`: accuracy on the gold questions. "
            "`given`: `weights`.",
        ),
    ] = "agreement"
    weights: Annotated[
        dict[str, Annotated[float, Meta(ge=0, le=1_000_000)]],
        means(
            "Weight per pseudonym (`weigh_by: given`). Annotators that are not listed have weight 1.",
            "aggregation.weights={annotator-1: 2}",
        ),
    ] = field(default_factory=dict)
    rounds: Annotated[int, means("Most rounds of expectation maximisation (dawid_skene, mace).", ge=1, le=100_000)] = (
        100
    )
    tolerance: Annotated[Share, means("Smallest change of a probability that starts another round.")] = 1e-5
    restarts: Annotated[int, means("Random starts, of which the best is kept (mace).", ge=1, le=10_000)] = 10
    smoothing: Annotated[
        float, means("Added to each count of a confusion matrix (dawid_skene, mace).", ge=0, le=1_000)
    ] = 0.01
    seed: Annotated[int, means("Seed of the random starts (mace).")] = 0
