"""MACE: annotators either know the label or guess in a way of their own.

It learns from the votes alone, by expectation-maximisation. The same votes and seed give the same beliefs.
"""

from collections.abc import Mapping

import numpy as np

from builder.quality.aggregation.dawid_skene import LEAST, normalised
from builder.quality.aggregation.majority import tally
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Votes


def mace(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """The posterior of each label when annotators either know it or guess.

    Source: D. Hovy, T. Berg-Kirkpatrick, A. Vaswani and E. Hovy, Learning whom to trust with MACE, NAACL 2013
    (aclanthology.org/N13-1132). Unlike there, the shares of the labels are learned too, because among spans "nothing
    here" is far more frequent than any label. The first start trusts everyone alike and the others are random; the
    start with the highest likelihood of the votes is used.
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
    likelihood, prior = -np.inf, normalised(tally(votes))[voted].mean(axis=0)
    for _ in range(settings.rounds):
        guessed = np.maximum((1 - knowing)[:, None] * guesses, LEAST)
        # Whatever is true, the label may have been guessed; where it is the truth, it may have been known as well.
        floor = np.log(guessed)
        gain = np.log(guessed + knowing[:, None]) - floor
        joint = np.bincount(cell, weights=gain.ravel()[pair], minlength=votes.items * width).reshape(-1, width)
        joint += np.bincount(votes.item, weights=floor.ravel()[pair], minlength=votes.items)[:, None]
        joint += np.log(np.maximum(prior, LEAST))
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
        guesses = counted / np.maximum(counted.sum(axis=1, keepdims=True), LEAST)
        if likelihood - before < settings.tolerance * max(int(voted.sum()), 1):
            break
    posterior[~voted] = 0
    return likelihood, posterior, knowing
