"""Counting votes: shares of the annotators, and the label that wins."""

from collections.abc import Mapping

import numpy as np

from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Integers, Votes

#: A difference of belief below this is a tie: rounding must not decide a label.
TIE = 1e-6


def majority(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """The share of an item's annotators who chose each label, each counting the same."""
    return shares(votes)


def tally(votes: Votes, weights: Floats | None = None) -> Floats:
    """The summed weight of the votes for each label of each item, as items by labels; without weights, each is 1."""
    width = len(votes.labels)
    per_vote = None if weights is None else weights[votes.annotator]
    counts = np.bincount(votes.item * width + votes.label, weights=per_vote, minlength=votes.items * width)
    return counts.reshape(votes.items, width).astype(np.float64)


def shares(votes: Votes, weights: Floats | None = None) -> Floats:
    """The share of an item's annotators, by weight, who chose each label.

    An annotator who gave an item two labels supports both of them, and still counts once among the annotators.
    """
    crowd = len(votes.annotators)
    pairs = np.unique(votes.item * crowd + votes.annotator) if crowd else np.zeros(0, np.int64)
    per_pair = None if weights is None else weights[pairs % crowd]
    total = np.bincount(pairs // max(crowd, 1), weights=per_pair, minlength=votes.items)[:, None]
    counts = tally(votes, weights)
    return np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)


def supported(votes: Votes, posterior: Floats, settings: Aggregation) -> Floats:
    """The posterior of a model where the votes can support it, and the shares of the votes elsewhere.

    What two annotators say of the same items does not show which of them is right: three are needed (Y. Zhang, X. Chen,
    D. Zhou and M. I. Jordan, Spectral methods meet EM, 2014, arXiv 1406.3824). So an annotator is known by items that
    three or more answered, and known well enough by `min_shared` of them. A model may contradict the votes on an item,
    or decide a tie, when all who voted there are known well enough.
    """
    crowd, width = len(votes.annotators), len(votes.labels)
    if not crowd or not width:
        return posterior
    pairs = np.unique(votes.item * crowd + votes.annotator)
    item, who = pairs // crowd, pairs % crowd
    shared = np.bincount(who, weights=np.bincount(item, minlength=votes.items)[item] > 2, minlength=crowd)
    unknown = np.bincount(item, weights=(shared < settings.min_shared)[who], minlength=votes.items) > 0
    counted = shares(votes)
    likeliest = counted >= counted.max(axis=1, keepdims=True) - TIE
    alike = likeliest[np.arange(votes.items), posterior.argmax(axis=1)] & (likeliest.sum(axis=1) == 1)
    return np.where((unknown & ~alike)[:, None], counted, posterior)


def winners(beliefs: Floats, min_share: float) -> Integers:
    """The label of each item with strictly more belief than `min_share` and than any other label; -1 without one."""
    if not beliefs.size:
        return np.full(len(beliefs), -1, dtype=np.int64)
    best: Integers = beliefs.argmax(axis=1).astype(np.int64)
    top = beliefs[np.arange(len(beliefs)), best]
    rivals = (beliefs > top[:, None] - TIE).sum(axis=1)
    best[(top <= min_share + TIE) | (rivals > 1)] = -1
    return best
