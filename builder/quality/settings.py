"""Settings of checks, agreement, gates and aggregation."""

from dataclasses import dataclass, field
from typing import Annotated

from builder.quality.aggregation import METHODS, WEIGHTS
from builder.quality.checks import CHECKS
from builder.settings import limits, setting

#: Choices of `aggregation.spans`: which spans of two annotators count as the same span.
SPAN_METHODS = {
    "auto": "builder.quality.adjudication.tokens:tokens_if_known",
    "exact": "builder.quality.adjudication.spans:exact",
    "overlap": "builder.quality.adjudication.spans:overlap",
    "tokens": "builder.quality.adjudication.tokens:tokens",
}
CheckName = Annotated[str, limits(choices=CHECKS, allowed="the name of a check")]
Severity = Annotated[str, limits(choices=("error", "warning", "info", "off"))]


@dataclass
class Gates:
    """Thresholds required for export; null disables one."""

    min_annotators: int | None = setting(1, "Fewest annotators whose labels count, on every chunk.", ge=0, le=1000)
    max_short: float | None = setting(
        None, "Largest share of chunks with fewer annotators than `annotators.overlap`.", ge=0, le=1
    )
    min_alpha: float | None = setting(None, "Least Krippendorff's alpha of each target.", ge=-1, le=1)
    min_alpha_of: dict[str, Annotated[float, limits(ge=-1, le=1)]] = setting(
        {}, "Least alpha of single targets.", example="quality.gates.min_alpha_of.japan=0.8", released=True
    )
    min_span_f1: float | None = setting(None, "Least mean pairwise F1 of spans (same bounds and label).", ge=0, le=1)
    max_quarantined: float | None = setting(0.2, "Largest share of annotations in quarantine.", ge=0, le=1)
    max_unresolved: float | None = setting(None, "Largest share of unresolved gold answers and spans.", ge=0, le=1)
    min_question_accuracy: float | None = setting(None, "Least accuracy per annotator on gold questions.", ge=0, le=1)


@dataclass
class Quality:
    """Severities and thresholds of the checks, how agreement is measured, and the gates."""

    severity: dict[CheckName, Severity] = setting(
        {name: check.severity for name, check in CHECKS.items()},
        "Severity of each check. `error`: the annotation does not vote, and `builder review` sends its chunk to an "
        "expert. `warning` and `info` only report. `off` disables a check.",
        example="quality.severity.mid-word=error",
    )
    accepted: list[str] = setting(
        [],
        "Annotations, as project:id, that count although another than their annotator made or changed them.",
        example="quality.accepted=['12:345']",
        released=True,
    )
    fast_seconds: float = setting(
        3.0, "An annotation in fewer seconds is `fast-empty` or `fast-answer`.", ge=0, le=86_400
    )
    straight_share: float = setting(
        0.95, "Share of equal answers of an annotator that is straight-lining.", ge=0.5, le=1
    )
    drift_distance: float = setting(0.4, "Change of answers over time, beyond others', that is `drift`.", ge=0, le=1)
    min_chunks: int = setting(10, "Chunks before straight-lining and drift are judged.", ge=2, le=1_000_000)
    same_text: float = setting(0.8, "Jaccard similarity of words from which two chunks are the same text.", ge=0, le=1)
    asked: dict[str, list[str]] = setting(
        {},
        "Pseudonym to entity labels, for annotators who were asked for some labels only. The column `labels` of"
        " annotators.file adds to it.",
        example="quality.asked={annotator-1: [PERSON, ORG]}",
    )
    bootstrap: int = setting(1000, "Samples drawn for confidence intervals. 0: no intervals.", ge=0, le=1_000_000)
    confidence: float = setting(0.95, "Coverage of the confidence intervals.", ge=0.5, le=0.9999)
    gamma: int = setting(
        0,
        "Random annotations per chunk by which gamma of spans is measured, such as 30, on chunks with 2 to 5 "
        "annotators. 0: gamma is not measured.",
        ge=0,
        le=100_000,
    )
    seed: int = setting(0, "Seed of the bootstrap and of gamma.", ge=0)
    questions: str = setting("", "Gold questions: path of a .jsonl file in the format of recorded labels. Empty: none.")
    question_rate: float = setting(0.05, "Share of gold questions in each annotator's queue.", ge=0, le=0.9)
    question_accuracy: float = setting(0.7, "Lower accuracy on the gold questions is `failed-questions`.", ge=0, le=1)
    gates: Gates = field(default_factory=Gates)


@dataclass
class Aggregation:
    """How the annotators' labels become gold labels."""

    method: str = setting("auto", "How votes decide; the choices of this group describe it.", choices=METHODS)
    spans: str = setting(
        "auto",
        "Which spans of two annotators are one. `auto`: for each kind, `tokens` where a model can know most "
        "annotators, else `exact`. `exact`: the same bounds. `overlap`: see `min_overlap`. `tokens`: "
        "annotators vote on each token.",
        choices=SPAN_METHODS,
    )
    min_share: float = setting(0.5, "A label needs more than this share of votes or of probability.", ge=0.5, lt=1)
    min_overlap: float = setting(0.5, "Intersection over union from which spans are one (`overlap`).", ge=0.01, le=1)
    experts: list[str] = setting(
        [], "Pseudonyms of annotators whose labels decide, as those of a review do.", released=True
    )
    weigh_by: str = setting(
        "agreement",
        "Weights of `weighted`. `agreement`: with the majority. `questions`: accuracy on the gold questions. `given`: "
        "`weights`.",
        choices=WEIGHTS,
    )
    weights: dict[str, Annotated[float, limits(ge=0, le=1_000_000)]] = setting(
        {},
        "Weight per pseudonym (`weigh_by: given`). Annotators that are not listed have weight 1.",
        example="aggregation.weights={annotator-1: 2}",
        released=True,
    )
    rounds: int = setting(100, "Most rounds of learning (dawid_skene, mace, sequence).", ge=1, le=100_000)
    tolerance: float = setting(1e-5, "Smallest change of a probability that starts another round.", ge=0, le=1)
    smoothing: float = setting(0.01, "Added to each count of a confusion matrix (dawid_skene, mace).", ge=0, le=1000)
    min_shared: int = setting(
        20,
        "Items that an annotator must share with two others or more before a method that learns about annotators may "
        "contradict the count of votes because of them.",
        ge=0,
        le=1_000_000,
    )
    min_backers: int = setting(
        2,
        "Annotators who must say so before such a method may decide against anybody who says otherwise; what fewer say "
        "is unresolved. 1: the method alone decides.",
        ge=1,
        le=1000,
    )
