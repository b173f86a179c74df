"""Counting votes: shares of the annotators, and the label that wins."""

from collections.abc import Mapping

import numpy as np

from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Integers, Mask, Votes

#: A difference of belief below this is a tie: rounding must not decide a label.
TIE = 1e-6
#: The intervals of accuracies cover 90 %.
_Z = 1.645


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

    A model may contradict the votes on an item when all who voted there are known to it. A tie between labels is
    decided when, besides, those who gave the model's label are surely better than the others: not because a label is
    frequent, or because nothing is known of a rare one. Tokens are not tied one by one.
    """
    if not len(votes.item):
        return posterior
    known = known_annotators(votes, settings)
    unknown = np.bincount(votes.item, weights=~known[votes.annotator], minlength=votes.items) > 0
    counted = shares(votes)
    likeliest = counted >= counted.max(axis=1, keepdims=True) - TIE
    alike = likeliest[np.arange(votes.items), posterior.argmax(axis=1)] & (likeliest.sum(axis=1) == 1)
    tied = likeliest.sum(axis=1) > 1
    if votes.first is None and tied.any():
        unknown |= tied & ~_surely_better(votes, posterior)
    return np.where((unknown & ~alike)[:, None], counted, posterior)


def _surely_better(votes: Votes, posterior: Floats) -> Mask:
    """Items on which those who gave the likeliest label outweigh the others, whatever their accuracies may be.

    An accuracy weighs its log-odds (S. Nitzan and J. Paroush 1982, doi 10.2307/2526438); it lies in its score interval.
    """
    crowd, width = len(votes.annotators), len(votes.labels)
    count = np.maximum(np.bincount(votes.annotator, minlength=crowd), 1)
    right = np.bincount(votes.annotator, weights=posterior[votes.item, votes.label], minlength=crowd) / count
    middle, scale = right + _Z**2 / (2 * count), 1 + _Z**2 / count
    reach = _Z * np.sqrt(np.maximum(right * (1 - right), 0) / count + (_Z / (2 * count)) ** 2)
    cell = votes.item * width + votes.label
    low, high = (
        np.bincount(cell, weights=np.log(p * (width - 1) / (1 - p))[votes.annotator], minlength=votes.items * width)
        for p in (np.clip(bound / scale, 0.001, 0.999) for bound in (middle - reach, middle + reach))
    )
    best = posterior.argmax(axis=1)
    rivals = high.reshape(-1, width)
    rivals[np.arange(votes.items), best] = -np.inf
    better: Mask = low.reshape(-1, width)[np.arange(votes.items), best] > rivals.max(axis=1) + TIE
    return better


def known_annotators(votes: Votes, settings: Aggregation) -> Mask:
    """Which annotators a model can know: those with `min_shared` items that three annotators or more voted on.

    What two annotators say of the same items does not show which of them is right: three are needed (Y. Zhang, X. Chen,
    D. Zhou and M. I. Jordan, Spectral methods meet EM, 2014, arXiv 1406.3824). Tokens count when somebody marked them.
    """
    crowd = len(votes.annotators)
    pairs = np.unique(votes.item * crowd + votes.annotator)
    item, who = np.divmod(pairs, max(crowd, 1))
    shared = np.bincount(item, minlength=votes.items) > 2
    if votes.first is not None:
        shared &= np.bincount(votes.item, weights=votes.label != 0, minlength=votes.items) > 0
    known: Mask = np.bincount(who, weights=shared[item], minlength=crowd) >= settings.min_shared
    return known


def winners(beliefs: Floats, min_share: float) -> Integers:
    """The label of each item with strictly more belief than `min_share` and than any other label; -1 without one."""
    if not beliefs.size:
        return np.full(len(beliefs), -1, dtype=np.int64)
    best: Integers = beliefs.argmax(axis=1).astype(np.int64)
    top = beliefs[np.arange(len(beliefs)), best]
    rivals = (beliefs > top[:, None] - TIE).sum(axis=1)
    best[(top <= min_share + TIE) | (rivals > 1)] = -1
    return best
