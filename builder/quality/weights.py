"""How much each annotator's vote weighs for `aggregation.method=weighted`."""

from collections.abc import Mapping

import numpy as np

from builder.quality.aggregation import shares, winners
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Votes


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
