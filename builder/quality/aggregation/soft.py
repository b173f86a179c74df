"""Soft labels: probabilities that predict what people say, measured on votes that were held out.

A model's posterior is about the truth and is too sure to predict people. It is tempered, and mixed with smoothed shares
of the votes; temperature, mixture and smoothing are those that predict held-out votes best.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from builder.quality.aggregation import METHODS
from builder.quality.aggregation.dawid_skene import LEAST, normalised
from builder.quality.aggregation.majority import tally
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Integers, Mask, Votes
from builder.settings import load

TEMPERATURES = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0)
MIXTURES = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Votes that smoothing adds to an item, spread over the labels as they are spread over all items.
SMOOTHINGS = (0.25, 0.5, 1.0, 2.0)
#: Held-out votes from which temperature and mixture are learned; with fewer, shares with half a vote are used.
FEWEST = 30
_BINS = 10
#: The methods that the validation report compares.
_MEASURED = ("majority", "dawid_skene", "mace")


@dataclass
class SoftLabels:
    """How probabilities are made: `model` is the part of the model's posterior in them, after its `temperature`."""

    model: float = 0.0
    temperature: float = 1.0
    smoothing: float = 0.5

    def of(self, votes: Votes, posterior: Floats) -> Floats:
        """The probability of each label of each item; all zero where nobody voted."""
        smoothed = smoothed_shares(votes, self.smoothing)
        if not self.model:
            return smoothed
        return self.model * tempered(posterior, self.temperature) + (1 - self.model) * smoothed


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
    """`shares` are those with half a vote of smoothing, `model` the posterior as it is, `released` what is released."""

    shares: Calibration
    model: Calibration
    released: Calibration
    made: SoftLabels


def smoothed_shares(votes: Votes, smoothing: float) -> Floats:
    """Shares of the votes after adding `smoothing` votes, spread as the votes on all items; zero where nobody voted."""
    counts = tally(votes)
    total = counts.sum(axis=1, keepdims=True)
    spread = counts.sum(axis=0) / max(float(counts.sum()), 1.0)
    return np.where(total > 0, (counts + smoothing * spread) / (total + smoothing), 0.0)


def tempered(posterior: Floats, temperature: float) -> Floats:
    """The posterior to the power of 1 / temperature, as probabilities: flatter from 1 on."""
    if temperature == 1:
        return normalised(posterior)
    return normalised(np.where(posterior > 0, np.maximum(posterior, LEAST) ** (1 / temperature), 0.0))


def measure_calibration(
    votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]
) -> MeasuredCalibration | None:
    """How well a method predicts votes that it has not seen; None when there are fewer than `FEWEST` of them.

    The annotators of each item are divided in two halves, and each half predicts the other.
    """
    halves = _halves(votes)
    paired = np.ones(votes.items, dtype=np.bool_)
    for half in halves:
        paired &= np.bincount(votes.item[half], minlength=votes.items) > 0
    if int(paired[votes.item].sum()) < FEWEST:
        return None
    known = [_part(votes, half) for half in halves]
    posteriors = [load(METHODS[settings.method])(part, settings, accuracy) for part in known]
    held = [paired[votes.item] & half for half in reversed(halves)]
    where = [(votes.item[h], votes.label[h]) for h in held]

    def predicted(made: SoftLabels) -> list[Floats]:
        return [
            np.maximum(made.of(part, posterior), LEAST)[items]
            for part, posterior, (items, _) in zip(known, posteriors, where, strict=True)
        ]

    def loss(made: SoftLabels) -> float:
        found = zip(predicted(made), where, strict=True)
        return -sum(float(np.log(p[np.arange(len(p)), label]).sum()) for p, (_, label) in found)

    def score(made: SoftLabels) -> Calibration:
        return _score(np.concatenate(predicted(made)), np.concatenate([label for _, label in where]))

    smoothings = [SoftLabels(0.0, 1.0, s) for s in SMOOTHINGS]
    best = min(smoothings, key=loss)
    mixed = [SoftLabels(m, t, best.smoothing) for m, t in product(MIXTURES[1:], TEMPERATURES)]
    best = min([best, *mixed], key=loss)
    return MeasuredCalibration(score(SoftLabels()), score(SoftLabels(1.0)), score(best), best)


def calibrations(votes: Votes) -> dict[str, MeasuredCalibration]:
    """How well the methods predict held-out votes, with their default settings; empty when there are too few."""
    found = {name: measure_calibration(votes, Aggregation(method=name), {}) for name in _MEASURED}
    return {name: measured for name, measured in found.items() if measured}


def _halves(votes: Votes) -> tuple[Mask, Mask]:
    """Two masks of votes: in every item, every other annotator. Tokens of one sequence have the same halves."""
    order = np.lexsort((votes.annotator, votes.item))
    item = votes.item[order]
    rank = np.arange(len(item)) - np.searchsorted(item, item)
    first = np.zeros(len(item), dtype=np.bool_)
    first[order] = rank % 2 == 0
    return first, ~first


def _part(votes: Votes, chosen: Mask) -> Votes:
    columns = (votes.item[chosen], votes.annotator[chosen], votes.label[chosen])
    return Votes(votes.items, votes.annotators, votes.labels, *columns, votes.first)


def _score(predicted: Floats, label: Integers) -> Calibration:
    rows = np.arange(len(label))
    likeliest, sure = predicted.argmax(axis=1), predicted.max(axis=1)
    missed = predicted.copy()
    missed[rows, label] -= 1
    bins = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)
    gap = np.bincount(bins, weights=(likeliest == label) - sure, minlength=_BINS)
    return Calibration(
        votes=len(label),
        cross_entropy=round(-float(np.log(predicted[rows, label]).mean()), 6),
        brier=round(float((missed**2).sum(axis=1).mean()), 6),
        calibration_error=round(float(np.abs(gap).sum()) / len(label), 6),
    )
