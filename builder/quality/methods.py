"""The share of belief each label of each item deserves, given the votes: one function a method.

Every method takes votes, settings and the annotators' weights and returns a matrix of items by labels, each between 0
and 1; a row is all zero where nobody voted. `aggregation.winners` turns beliefs into labels.
"""

from collections.abc import Callable, Mapping

import numpy as np

from builder.quality.aggregation import shares, winners
from builder.quality.models import dawid_skene, mace
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Votes


def majority(votes: Votes, settings: Aggregation, weights: Floats) -> Floats:
    """The share of the annotators who chose each label, each counting the same."""
    return shares(votes)


def weighted(votes: Votes, settings: Aggregation, weights: Floats) -> Floats:
    """The share of the annotators who chose each label, each counting as much as their weight."""
    return shares(votes, weights)


#: By `aggregation.method`. With "expert" nothing but unanimity decides, which is found by counting as well.
METHODS: dict[str, Callable[[Votes, Aggregation, Floats], Floats]] = {
    "majority": majority,
    "dawid_skene": dawid_skene,
    "mace": mace,
    "weighted": weighted,
    "expert": majority,
}


def weights_of(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """One weight an annotator of `votes`, in their order.

    `given`: the table `aggregation.weights`, 1 for whom it does not name. `questions`: the accuracy on the gold
    questions, and the mean accuracy of the others for whoever answered none. `agreement`: how often an annotator
    chose what the plain majority chose ("worker agreement with aggregate"); 1 where there is no majority to compare
    with.
    """
    names = votes.annotators
    if settings.method != "weighted":
        return np.ones(len(names))
    if settings.weigh_by == "given":
        return np.array([settings.weights.get(name, 1.0) for name in names])
    if settings.weigh_by == "questions":
        unknown = sum(accuracy.values()) / len(accuracy) if accuracy else 1.0
        return np.array([accuracy.get(name, unknown) for name in names])
    chosen = winners(shares(votes), settings.min_share)[votes.item]
    counted = np.bincount(votes.annotator[chosen >= 0], minlength=len(names))
    matched = np.bincount(votes.annotator[chosen == votes.label], minlength=len(names))
    return np.divide(matched, counted, out=np.ones(len(names)), where=counted > 0)
