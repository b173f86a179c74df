"""What is believed of each item: by the configured method, and as soft labels, which predict what people say.

A model's posterior is about the truth and is too sure to predict people. It is tempered, and mixed with smoothed shares
of the votes; temperature, mixture and smoothing are those that predict held-out votes best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from builder.quality.aggregation import LEARNED, METHODS
from builder.quality.aggregation.dawid_skene import LEAST, normalised
from builder.quality.aggregation.majority import known_annotators, shares
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Integers, Mask, Voters, Votes
from builder.settings import load

TEMPERATURES = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0)
MIXTURES = (0.25, 0.5, 0.75, 1.0)
#: Votes that smoothing adds to an item, spread over the labels as they are spread over all items.
SMOOTHINGS = (0.25, 0.5, 1.0, 2.0)
#: Held-out votes from which temperature and mixture are learned; with fewer, shares with half a vote are used. So they
#: are unless another choice surely predicts better: its gain is larger than its standard error by this factor (95 %).
FEWEST, _SURE = 30, 1.645
_BINS = 10
#: Parts of the items: what is scored on one of them was learned on the others.
_FOLDS = 5
#: The methods that the validation report compares.
_MEASURED = ("majority", "dawid_skene", "mace")


@dataclass(frozen=True)
class SoftLabels:
    """How probabilities are made: `model` is the part of the model's posterior in them, after its `temperature`."""

    model: float = 0.0
    temperature: float = 1.0
    smoothing: float = 0.5

    def of(self, votes: Votes, posterior: Floats) -> Floats:
        """The probability of each label of each item; all zero where nobody voted.

        What leaves a label nothing is no posterior but shares of votes, which are smoothed like all shares.
        """
        of_model = posterior.all(axis=1, keepdims=True)
        counted = smoothed_shares(votes, self.smoothing, posterior)
        believed = np.where(of_model, tempered(posterior, self.temperature), counted)
        return self.model * believed + (1 - self.model) * smoothed_shares(votes, self.smoothing)


@dataclass
class Calibration:
    """How well one method's probabilities predict held-out votes: their mean cross-entropy (nats) and Brier score, and
    the expected calibration error of the likeliest label (ten bins of equal width)."""

    votes: int
    cross_entropy: float
    brier: float
    calibration_error: float


@dataclass
class MeasuredCalibration:
    """`shares` are those with half a vote of smoothing, `model` the posterior as it is, `released` what is released.

    `released` is cross-fitted: the votes on an item are predicted as other items' votes were predicted best. `made` was
    learned on all.
    """

    shares: Calibration
    model: Calibration
    released: Calibration
    made: SoftLabels


def smoothed_shares(votes: Votes, smoothing: float, counted: Floats | None = None) -> Floats:
    """Shares of the votes after adding `smoothing` votes, spread as the votes on all items; zero where nobody voted.

    The shares may be `counted` in another way, as by weight.
    """
    counts = votes.counts()
    total = counts.sum(axis=1, keepdims=True)
    spread = counts.sum(axis=0) / max(float(counts.sum()), 1.0)
    given = counts if counted is None else total * counted
    return np.where(given.any(axis=1, keepdims=True), (given + smoothing * spread) / (total + smoothing), 0.0)


def tempered(posterior: Floats, temperature: float) -> Floats:
    """The posterior to the power of 1 / temperature, as probabilities: flatter from 1 on."""
    return normalised(np.where(posterior > 0, np.maximum(posterior, LEAST) ** (1 / temperature), 0.0))


def measure_calibration(
    votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]
) -> MeasuredCalibration | None:
    """How well a method predicts votes that it has not seen; None when there are fewer than `FEWEST` of them.

    The annotators of each item are divided in two halves, and each half predicts the other.
    """
    first = _first_half(votes)
    seen = [votes.where(first), votes.where(~first)]
    paired = (seen[0].per_item() > 0) & (seen[1].per_item() > 0)
    if votes.per_item()[paired].sum() < FEWEST:
        return None
    posteriors = [load(METHODS[settings.method])(half, settings, accuracy) for half in seen]
    held = [half.where(paired[half.item]) for half in reversed(seen)]
    item, label = np.concatenate([half.item for half in held]), np.concatenate([half.label for half in held])
    fold = (item if votes.first is None else np.searchsorted(votes.first, item, side="right")) % _FOLDS

    def predicted(made: SoftLabels) -> Floats:
        parts = zip(seen, posteriors, held, strict=True)
        return np.concatenate([np.maximum(made.of(half, p)[other.item], LEAST) for half, p, other in parts])

    usual = np.log(predicted(SoftLabels())[np.arange(len(label)), label])

    @cache
    def gains(made: SoftLabels) -> Floats:
        """By fold, what is gained over the usual shares in logarithms of probability; and the sum of its squares."""
        gain = np.log(predicted(made)[np.arange(len(label)), label]) - usual
        return np.stack([np.bincount(fold, weights=g, minlength=_FOLDS) for g in (gain, gain**2)])

    def learned(without: int = -1) -> SoftLabels:
        def gained(made: SoftLabels) -> float:
            return float(gains(made)[0, np.arange(_FOLDS) != without].sum())

        best = max((SoftLabels(smoothing=s) for s in SMOOTHINGS), key=gained)
        best = max([best, *(SoftLabels(m, t, best.smoothing) for m in MIXTURES for t in TEMPERATURES)], key=gained)
        error = float(np.sqrt(gains(best)[1, np.arange(_FOLDS) != without].sum()))
        return best if gained(best) > _SURE * error else SoftLabels()

    crossed = np.empty((len(label), len(votes.labels)))
    for part in range(_FOLDS):
        crossed[fold == part] = predicted(learned(part))[fold == part]
    own = np.concatenate([np.maximum(p[other.item], LEAST) for p, other in zip(posteriors, held, strict=True)])
    return MeasuredCalibration(
        _score(predicted(SoftLabels()), label), _score(own, label), _score(crossed, label), learned()
    )


def calibrations(votes: Votes) -> dict[str, MeasuredCalibration]:
    """How well the methods predict held-out votes, with their default settings; empty when there are too few."""
    found = {name: measure_calibration(votes, Aggregation(method=name), {}) for name in _MEASURED}
    return {name: measured for name, measured in found.items() if measured}


def _first_half(votes: Votes) -> Mask:
    """In every item, the votes of every other annotator. Tokens of one sequence have the same halves."""
    order = np.lexsort((votes.annotator, votes.item))
    item = votes.item[order]
    first = np.zeros(len(item), dtype=np.bool_)
    first[order] = (np.arange(len(item)) - np.searchsorted(item, item)) % 2 == 0
    return first


def _score(predicted: Floats, label: Integers) -> Calibration:
    right = np.eye(predicted.shape[1])[label]
    likeliest, sure = predicted.argmax(axis=1), predicted.max(axis=1)
    bins = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)
    gap = np.bincount(bins, weights=(likeliest == label) - sure, minlength=_BINS)
    return Calibration(
        votes=len(label),
        cross_entropy=round(-float(np.log(predicted[right > 0]).mean()), 6),
        brier=round(float(((predicted - right) ** 2).sum(axis=1).mean()), 6),
        calibration_error=round(float(np.abs(gap).sum()) / len(label), 6),
    )


class Beliefs(NamedTuple):
    """Items by labels: what decides, the soft labels, and smoothed shares of the votes; the method, never "auto"; which
    items experts decided; and how many annotators must say what the method decides against others."""

    decides: Floats
    soft: Floats
    shares: Floats
    method: str
    expert: Mask
    min_backers: int


@dataclass
class Decider:
    """Who votes, how votes decide, and what annotators reached on the gold questions.

    `chosen` gets the method used for each question and kind of span, in words; with "auto", and why.
    """

    voters: Voters
    settings: Aggregation
    accuracy: Mapping[str, float] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)

    def believe(self, about: str, votes: Votes, experts: Votes | None = None) -> Beliefs:
        """Beliefs by the configured method; "auto" chooses one by the votes. Where experts voted, their votes count."""
        method, why = choose(votes, self.settings) if self.settings.method == "auto" else (self.settings.method, "")
        used = replace(self.settings, method=method)
        self.chosen[about] = f"{method}: {why}" if why else method
        decides = load(METHODS[method])(votes, used, self.accuracy)
        measured = measure_calibration(votes, used, self.accuracy)
        made = measured.made if measured else SoftLabels()
        counted = smoothed_shares(votes, made.smoothing)
        # Weights may come from elsewhere, so the shares do not say what they say.
        by_weight = smoothed_shares(votes, made.smoothing, decides) if method == "weighted" else counted
        found = decides, made.of(votes, decides) if measured else by_weight, counted
        of_experts = np.zeros_like(decides) if experts is None else shares(experts)
        expert: Mask = np.asarray(of_experts.any(axis=1))
        decides, soft, counted = (np.where(expert[:, None], of_experts, values) for values in found)
        learned = method in LEARNED or (method == "weighted" and used.weigh_by == "agreement")
        return Beliefs(decides, soft, counted, method, expert, used.min_backers if learned else 1)


def auto(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """The beliefs of the method that `choose` chooses."""
    method, _ = choose(votes, settings)
    found: Floats = load(METHODS[method])(votes, replace(settings, method=method), accuracy)
    return found


def choose(votes: Votes, settings: Aggregation) -> tuple[str, str]:
    """The method that fits the votes, and why, in words.

    A model is used when most votes come from annotators whom it can know: with `min_shared` items that three or more
    answered. Otherwise votes are counted. Measured by `python -m tests.benchmarks.quality`.
    """
    known = known_annotators(votes, settings)
    shared = f"share {settings.min_shared} items or more with two others"
    counted = f"{int(known.sum())} of {len(known)} annotators {shared}"
    if votes.per_annotator()[known].sum() > len(votes.item) / 2:
        return "sequence", f"{counted}, so a model can tell them apart"
    return "majority", f"{counted}, too few to tell good from bad, so votes are counted"


def soft_columns(labels: Sequence[str | None], soft: Floats, shares: Floats) -> dict[str, Any]:
    """The columns `posterior`, `shares` and `entropy` (nats) of one gold label among these labels."""
    posterior, shown = (p / p.sum() if p.sum() else p for p in (soft, shares))
    some = posterior[posterior > 0]
    columns = {
        name: [{"label": x, "probability": p} for x, p in zip(labels, values.tolist(), strict=True)]
        for name, values in (("posterior", posterior), ("shares", shown))
    }
    return {**columns, "entropy": float(-(some * np.log(some)).sum()) + 0.0}
