"""MACE: annotators either know the label or guess in a way of their own. Learned by expectation-maximisation."""

from collections.abc import Mapping

import numpy as np

from builder.quality.aggregation.dawid_skene import DECIMALS, LEAST, normalised
from builder.quality.aggregation.majority import supported
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Votes


def mace(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """The posterior of each label when annotators either know it or guess.

    Source: D. Hovy, T. Berg-Kirkpatrick, A. Vaswani and E. Hovy, Learning whom to trust with MACE, NAACL 2013
    (aclanthology.org/N13-1132). Unlike there, the shares of the labels are learned too, because among spans "nothing
    here" is far more frequent than any label; and the one start is not drawn: everyone is trusted alike, and guesses as
    they vote, so that somebody who always gives the same label says little with it.
    """
    return supported(votes, mace_fit(votes, settings)[0], settings)


def mace_fit(votes: Votes, settings: Aggregation) -> tuple[Floats, Floats]:
    """The posteriors, and each annotator's competence: the probability of knowing rather than guessing."""
    crowd, width = len(votes.annotators), len(votes.labels)
    pair, cell = votes.annotator * width + votes.label, votes.item * width + votes.label
    knowing: Floats = np.full(crowd, 0.5)
    guesses = normalised(np.bincount(pair, minlength=crowd * width).reshape(crowd, width).astype(np.float64))
    posterior = np.zeros((votes.items, width))
    cast, voted, smooth = votes.per_annotator(), votes.per_item() > 0, settings.smoothing
    prior: Floats = normalised(votes.counts())[voted].sum(axis=0) / max(int(voted.sum()), 1)
    likelihood = -np.inf
    for _ in range(settings.rounds if len(votes.item) else 0):
        guessed = np.maximum((1 - knowing)[:, None] * guesses, LEAST)
        # Whatever is true, the label may have been guessed; where it is the truth, it may have been known as well.
        floor = np.log(guessed)
        gain = np.log(guessed + knowing[:, None]) - floor
        joint = votes.counts(gain.ravel().take(pair)) + votes.per_item(floor.ravel().take(pair))[:, None]
        joint += np.log(np.maximum(prior, LEAST))
        top = joint.max(axis=1, keepdims=True)
        evidence = np.exp(joint - top)
        total = evidence.sum(axis=1, keepdims=True)
        posterior = np.round(evidence / total, DECIMALS)
        before, likelihood = likelihood, float((np.log(total[:, 0]) + top[:, 0])[voted].sum())
        prior = posterior[voted].mean(axis=0)
        share = (knowing[:, None] / (guessed + knowing[:, None])).ravel().take(pair)
        known = posterior.ravel().take(cell) * share
        knowing = (votes.per_annotator(known) + smooth) / (cast + 2 * smooth)
        counted = np.bincount(pair, weights=1 - known, minlength=crowd * width).reshape(crowd, width) + smooth / width
        guesses = counted / np.maximum(counted.sum(axis=1, keepdims=True), LEAST)
        if likelihood - before < settings.tolerance * max(int(voted.sum()), 1):
            break
    posterior[~voted] = 0
    return posterior, knowing
