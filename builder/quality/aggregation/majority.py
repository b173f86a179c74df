"""Counting votes, each alike or by weight; the label that wins; and where a model may say more than the count."""

from collections.abc import Mapping

import numpy as np

from builder.quality.aggregation import WEIGHTS
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Integers, Mask, Votes
from builder.settings import load

#: A difference of belief below this is a tie: rounding must not decide a label.
TIE = 1e-6
#: What a model leaves to all labels alike: none is ever impossible, however sure the model is.
_DOUBT = 1e-3
#: The intervals of accuracies cover 90 %.
_Z = 1.645


def majority(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """The share of an item's annotators who chose each label, each counting the same."""
    return shares(votes)


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
    chosen = winners(shares(votes), settings.min_share)[votes.item]
    counted, matched = votes.per_annotator(chosen >= 0), votes.per_annotator(chosen == votes.label)
    return np.divide(matched, counted, out=np.ones(len(counted)), where=counted > 0)


def shares(votes: Votes, weights: Floats | None = None) -> Floats:
    """The share of an item's annotators, by weight, who chose each label; all zero where nobody voted.

    An annotator who gave an item two labels supports both of them, and still counts once among the annotators.
    """
    item, who = votes.voters()
    total = np.bincount(item, weights=None if weights is None else weights[who], minlength=votes.items)[:, None]
    counts = votes.counts(None if weights is None else weights[votes.annotator])
    return np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)


def supported(votes: Votes, posterior: Floats, settings: Aggregation) -> Floats:
    """The posterior of a model where the votes can support it, and the shares of the votes elsewhere.

    A model may contradict the votes on an item when all who voted there are known to it. A tie between labels is
    decided when, besides, those who gave the model's label are surely better than the others: not because a label is
    frequent, or because nothing is known of a rare one. Where fewer than `min_backers` gave the model's label and
    others gave another one, that label and the most frequent other share the belief: of what one annotator said against
    two, a quarter to two thirds was right, however sure the model was (`python -m tests.benchmarks.quality`). Of
    tokens, adjudication looks at the whole span.
    """
    if not len(votes.item):
        return posterior
    posterior = np.where(
        posterior.any(axis=1, keepdims=True), (1 - _DOUBT) * posterior + _DOUBT / posterior.shape[1], 0
    )
    unknown = votes.per_item(~known_annotators(votes, settings)[votes.annotator]) > 0
    counted = shares(votes)
    likeliest = counted >= counted.max(axis=1, keepdims=True) - TIE
    tied = likeliest.sum(axis=1) > 1
    alike = likeliest[np.arange(votes.items), posterior.argmax(axis=1)] & ~tied
    if votes.first is None and tied.any():
        unknown |= tied & ~_surely_better(votes, posterior)
    out = np.where((unknown & ~alike)[:, None], counted, posterior)
    if votes.first is None:
        best = winners(out, settings.min_share)
        backers = votes.counts()[np.arange(votes.items), best]
        lone = np.flatnonzero((best >= 0) & (backers < settings.min_backers) & (backers < votes.per_item()))
        counted[lone, best[lone]] = -1
        out[lone] = 0
        out[lone, best[lone]] = out[lone, counted[lone].argmax(axis=1)] = 0.5
    return out


def _surely_better(votes: Votes, posterior: Floats) -> Mask:
    """Items on which those who gave the likeliest label outweigh the others, whatever their accuracies may be.

    An accuracy weighs its log-odds (S. Nitzan and J. Paroush 1982, doi 10.2307/2526438); it is in its score interval.
    """
    width, count = len(votes.labels), np.maximum(votes.per_annotator(), 1)
    right = votes.per_annotator(posterior[votes.item, votes.label]) / count
    low, high = (
        votes.counts(np.log(p * (width - 1) / (1 - p))[votes.annotator])
        for p in np.clip(score_interval(right, count, _Z), 0.001, 0.999)
    )
    items, best = np.arange(votes.items), posterior.argmax(axis=1)
    high[items, best] = -np.inf
    better: Mask = low[items, best] > high.max(axis=1) + TIE
    return better


def score_interval(share: Floats, count: Floats, z: float) -> Floats:
    """Low and high of the score interval of each share of a count (E. B. Wilson 1927, doi
    10.1080/01621459.1927.10502953), `z` standard errors wide on each side."""
    middle, scale = share + z * z / (2 * count), 1 + z * z / count
    reach = z * np.sqrt(np.maximum(share * (1 - share), 0) / count + (z / (2 * count)) ** 2)
    return np.clip(np.stack([middle - reach, middle + reach]) / scale, 0, 1)


def known_annotators(votes: Votes, settings: Aggregation) -> Mask:
    """Which annotators a model can know: those with `min_shared` items that three annotators or more voted on.

    What two annotators say of the same items does not show which of them is right: three are needed (Y. Zhang, X. Chen,
    D. Zhou and M. I. Jordan, Spectral methods meet EM, 2014, arXiv 1406.3824). Tokens count when somebody marked them.
    """
    item, who = votes.voters()
    shared = np.bincount(item, minlength=votes.items) > 2
    if votes.first is not None:
        shared &= votes.per_item(votes.label != 0) > 0
    known: Mask = np.bincount(who, weights=shared[item], minlength=len(votes.annotators)) >= settings.min_shared
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
