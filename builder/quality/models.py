"""Aggregation models that learn how good each annotator is from the votes alone, by expectation-maximisation.

Both work on the long table of votes with one `bincount` a class, so their cost grows with the votes and not with items
times annotators. Both begin with the majority, and the same votes and seed give the same beliefs.
"""

import numpy as np

from builder.quality.aggregation import tally
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Votes

_LEAST = 1e-10


def dawid_skene(votes: Votes, settings: Aggregation, weights: Floats) -> Floats:
    """The posterior of each label when every annotator confuses labels in a way of their own.

    Source: A. P. Dawid and A. M. Skene, Maximum likelihood estimation of observer error-rates using the EM algorithm,
    1979 (doi 10.2307/2346806). All items share one confusion matrix an annotator; `smoothing` is added to its counts.
    """
    return dawid_skene_fit(votes, settings)[0]


def dawid_skene_fit(votes: Votes, settings: Aggregation) -> tuple[Floats, Floats]:
    """The posteriors, and the confusion matrices: annotator, true label, given label."""
    crowd, width = len(votes.annotators), len(votes.labels)
    pair = votes.annotator * width + votes.label
    # One row a label, so that sums over labels run along memory.
    posterior = np.ascontiguousarray(_normalised(tally(votes)).T)
    voted = posterior.sum(axis=0) > 0
    some = max(int(voted.sum()), 1)
    confusions = np.zeros((crowd, width, width))
    for _ in range(settings.rounds if len(votes.item) else 0):
        for true in range(width):
            counted = np.bincount(pair, weights=posterior[true].take(votes.item), minlength=crowd * width)
            confusions[:, true, :] = counted.reshape(crowd, width)
        confusions += settings.smoothing
        confusions /= np.maximum(confusions.sum(axis=2, keepdims=True), _LEAST)
        prior = np.log(np.maximum(posterior.sum(axis=1) / some, _LEAST))
        likelihood = np.log(np.maximum(confusions, _LEAST))
        updated = np.empty_like(posterior)
        for true in range(width):
            given = likelihood[:, true, :].ravel().take(pair)
            updated[true] = np.bincount(votes.item, weights=given, minlength=votes.items) + prior[true]
        updated -= updated.max(axis=0)
        np.exp(updated, out=updated)
        updated *= voted / updated.sum(axis=0)
        moved = float(np.abs(updated - posterior).sum()) / some
        posterior = updated
        if moved < settings.tolerance:
            break
    return np.ascontiguousarray(posterior.T), confusions


def mace(votes: Votes, settings: Aggregation, weights: Floats) -> Floats:
    """The posterior of each label when annotators either know it or guess in a way of their own.

    Source: D. Hovy, T. Berg-Kirkpatrick, A. Vaswani and E. Hovy, Learning whom to trust with MACE, NAACL 2013
    (aclanthology.org/N13-1132). Other than there the labels' shares are learned too, because among spans "nothing here"
    is far more frequent than any label. The first beginning trusts everyone alike, the others are random; the one under
    which the votes are likeliest is taken.
    """
    return mace_fit(votes, settings)[0]


def mace_fit(votes: Votes, settings: Aggregation) -> tuple[Floats, Floats]:
    """The posteriors, and each annotator's competence: the probability of knowing rather than guessing."""
    crowd, width = len(votes.annotators), len(votes.labels)
    rng = np.random.default_rng(settings.seed)
    best: tuple[float, Floats, Floats] = (-np.inf, np.zeros((votes.items, width)), np.zeros(crowd))
    for start in range(settings.restarts if len(votes.item) else 0):
        knowing = np.full(crowd, 0.5) if not start else rng.uniform(0.1, 0.9, crowd)
        guesses = np.full((crowd, width), 1 / width) if not start else rng.dirichlet(np.ones(width), crowd)
        found = _mace_once(votes, settings, knowing, guesses)
        if found[0] > best[0] + 1e-9:
            best = found
    return best[1], best[2]


def _mace_once(votes: Votes, settings: Aggregation, knowing: Floats, guesses: Floats) -> tuple[float, Floats, Floats]:
    crowd, width = len(votes.annotators), len(votes.labels)
    pair, cell = votes.annotator * width + votes.label, votes.item * width + votes.label
    cast = np.bincount(votes.annotator, minlength=crowd)
    voted = np.bincount(votes.item, minlength=votes.items) > 0
    likelihood, prior = -np.inf, _normalised(tally(votes))[voted].mean(axis=0)
    for _ in range(settings.rounds):
        guessed = np.maximum((1 - knowing)[:, None] * guesses, _LEAST)
        # Whatever is true, the label may have been guessed; where it is the truth, it may have been known as well.
        floor = np.log(guessed)
        gain = np.log(guessed + knowing[:, None]) - floor
        joint = np.bincount(cell, weights=gain.ravel()[pair], minlength=votes.items * width).reshape(-1, width)
        joint += np.bincount(votes.item, weights=floor.ravel()[pair], minlength=votes.items)[:, None]
        joint += np.log(np.maximum(prior, _LEAST))
        top = joint.max(axis=1, keepdims=True)
        evidence = np.exp(joint - top)
        total = evidence.sum(axis=1, keepdims=True)
        posterior = evidence / total
        before, likelihood = likelihood, float((np.log(total[:, 0]) + top[:, 0])[voted].sum())
        prior = posterior[voted].mean(axis=0)
        share = (knowing[:, None] / (guessed + knowing[:, None])).ravel()[pair]
        known = posterior.ravel()[cell] * share
        smooth = settings.smoothing
        knowing = (np.bincount(votes.annotator, weights=known, minlength=crowd) + smooth) / (cast + 2 * smooth)
        counted = np.bincount(pair, weights=1 - known, minlength=crowd * width).reshape(crowd, width) + smooth / width
        guesses = counted / np.maximum(counted.sum(axis=1, keepdims=True), _LEAST)
        if likelihood - before < settings.tolerance * max(int(voted.sum()), 1):
            break
    posterior[~voted] = 0
    return likelihood, posterior, knowing


def _normalised(counts: Floats) -> Floats:
    total = counts.sum(axis=1, keepdims=True)
    out: Floats = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    return out
