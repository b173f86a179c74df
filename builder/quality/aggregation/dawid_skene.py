"""Dawid and Skene's model: every annotator confuses labels in a way of their own.

It learns from the votes alone, by expectation-maximisation over the long table of votes with one `bincount` per class,
so the cost grows with the votes and not with items times annotators. It starts from the majority.
"""

from collections.abc import Mapping

import numpy as np

from builder.quality.aggregation.majority import supported
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Votes

#: Probabilities are kept above this, so that their logarithms are finite.
LEAST = 1e-10
#: Decimals of beliefs between rounds: what rounding errors add in one round must not grow in the next.
DECIMALS = 9


def dawid_skene(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """The posterior of each label, with one confusion matrix per annotator, to whose counts `smoothing` is added.

    Source: A. P. Dawid and A. M. Skene, Maximum likelihood estimation of observer error-rates using the EM algorithm,
    1979 (doi 10.2307/2346806).
    """
    return supported(votes, dawid_skene_fit(votes, settings)[0], settings)


def dawid_skene_fit(votes: Votes, settings: Aggregation) -> tuple[Floats, Floats]:
    """The posteriors, and the confusion matrices as annotator, true label, given label."""
    crowd, width = len(votes.annotators), len(votes.labels)
    pair = votes.annotator * width + votes.label
    # One row per label, so that sums over labels run along memory.
    posterior = np.ascontiguousarray(normalised(votes.counts()).T)
    voted = posterior.sum(axis=0) > 0
    some = max(int(voted.sum()), 1)
    confusions = np.zeros((crowd, width, width))
    for _ in range(settings.rounds if len(votes.item) else 0):
        for true in range(width):
            counted = np.bincount(pair, weights=posterior[true].take(votes.item), minlength=crowd * width)
            confusions[:, true, :] = counted.reshape(crowd, width)
        confusions += settings.smoothing
        confusions /= np.maximum(confusions.sum(axis=2, keepdims=True), LEAST)
        prior = np.log(np.maximum(posterior.sum(axis=1) / some, LEAST))
        likelihood = np.log(np.maximum(confusions, LEAST))
        updated = np.empty_like(posterior)
        for true in range(width):
            given = likelihood[:, true, :].ravel().take(pair)
            updated[true] = votes.per_item(given) + prior[true]
        updated -= updated.max(axis=0)
        np.exp(updated, out=updated)
        updated *= voted / updated.sum(axis=0)
        np.round(updated, DECIMALS, out=updated)
        moved = float(np.abs(updated - posterior).sum()) / some
        posterior = updated
        if moved < settings.tolerance:
            break
    return np.ascontiguousarray(posterior.T), confusions


def normalised(counts: Floats) -> Floats:
    total = counts.sum(axis=1, keepdims=True)
    out: Floats = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    return out
