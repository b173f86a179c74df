"""A majority in which some annotators count more than others."""

from collections.abc import Mapping

import numpy as np

from builder.quality.aggregation import WEIGHTS
from builder.quality.aggregation.majority import shares, supported, winners
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Votes
from builder.settings import load


def weighted(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """The share of an item's annotators who chose each label, each counting as much as their weight.

    Weights that are learned from the votes may contradict these only where they are supported.
    """
    found = shares(votes, load(WEIGHTS[settings.weigh_by])(votes, settings, accuracy))
    return supported(votes, found, settings) if settings.weigh_by == "agreement" else found


def given(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """The weights in `aggregation.weights`, and 1 for annotators that it does not name."""
    return np.array([settings.weights.get(name, 1.0) for name in votes.annotators])


def questions(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """The accuracy on the gold questions; annotators without one get the mean accuracy of the others."""
    unknown = sum(accuracy.values()) / len(accuracy) if accuracy else 1.0
    return np.array([accuracy.get(name, unknown) for name in votes.annotators])


def agreement_weights(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """How often each annotator chose what the plain majority chose; 1 where there is no majority to compare with.

    The measure is called "worker agreement with aggregate" in the literature on crowdsourcing.
    """
    crowd = len(votes.annotators)
    chosen = winners(shares(votes), settings.min_share)[votes.item]
    counted = np.bincount(votes.annotator[chosen >= 0], minlength=crowd)
    matched = np.bincount(votes.annotator[chosen == votes.label], minlength=crowd)
    return np.divide(matched, counted, out=np.ones(crowd), where=counted > 0)
