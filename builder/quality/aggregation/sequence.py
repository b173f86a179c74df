"""Bayesian sequence combination: what an annotator says of a token depends on what they said of the token before.

The items are the tokens of sequences (`Votes.first`); the labels are tags: O, then B and I of each label of spans. Tags
follow one another as they do in the truth (a Markov chain). Posteriors come from variational inference: forward and
backward over all sequences at once, one position after the other. Items that are no tokens have no order; for them this
is independent Bayesian classifier combination (H.-C. Kim and Z. Ghahramani, 2012).
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import digamma

from builder.quality.aggregation.dawid_skene import DECIMALS, LEAST, normalised
from builder.quality.aggregation.majority import supported
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Integers, Votes

#: Pseudo-counts of an annotator's confusions: of any tag that can follow the one before, and of the right one.
ANY, RIGHT = 1.0, 10.0
#: The part of the tags and moves that the votes alone show which is added to those that are believed: without it, few
#: annotators who overlook much make the model believe in spans that only the least careful of them marked.
SHOWN = 0.5
#: Tolerances below which a change ends the rounds: variational beliefs move slowly, and by little.
_COARSE = 100


def sequence_tags(votes: Votes, settings: Aggregation, accuracy: Mapping[str, float]) -> Floats:
    """The posterior of each tag of each token.

    Source: E. Simpson and I. Gurevych, A Bayesian approach for sequence tagging with crowds, EMNLP 2019
    (aclanthology.org/D19-1101). Which tags can follow one another is learned from all annotators, not given.
    """
    return supported(votes, sequence_fit(votes, settings)[0], settings)


def sequence_fit(votes: Votes, settings: Aggregation) -> tuple[Floats, Floats]:
    """The posteriors, and the expected confusions as annotator, true tag, annotator's tag before, given tag.

    The last of the tags before means that there is none.
    """
    crowd, width = len(votes.annotators), len(votes.labels)
    chains = _Chains(votes)
    cell = (votes.annotator * (width + 1) + _before(votes)) * width + votes.label
    size = crowd * (width + 1) * width
    posterior = normalised(votes.counts())
    voted = posterior.sum(axis=1) > 0
    posterior[~voted] = 1 / max(width, 1)
    confusions = np.zeros((width, crowd, width + 1, width))
    shown, begun = chains.counts(posterior)
    moves, start = shown, begun
    for _ in range(settings.rounds if len(votes.item) else 0):
        by_tag = np.ascontiguousarray(posterior.T)
        for true in range(width):
            counted = np.bincount(cell, weights=by_tag[true].take(votes.item), minlength=size)
            confusions[true] = counted.reshape(crowd, width + 1, width)
        prior = _prior(confusions)
        likelihood = _expected_log(confusions + prior)
        evidence = np.empty_like(by_tag)
        for true in range(width):
            evidence[true] = votes.per_item(likelihood[true].ravel().take(cell))
        move, begin = (_expected_log(n + SHOWN * seen + 1) for n, seen in ((moves, shown), (start, begun)))
        updated, moves, start = chains.smooth(evidence.T, move, begin)
        updated = np.round(updated, DECIMALS)
        moved = float(np.abs(updated - posterior).mean()) * width
        posterior = updated
        if moved < _COARSE * settings.tolerance:
            break
    posterior[~voted] = 0
    expected = confusions + _prior(confusions)
    return posterior, (expected / np.maximum(expected.sum(axis=3, keepdims=True), LEAST)).transpose(1, 0, 2, 3)


def _prior(counts: Floats) -> Floats:
    """Pseudo-counts by true tag, annotator, tag before and given tag."""
    width = counts.shape[0]
    # Which tags can follow a tag at all does not depend on the truth, nor on the annotator.
    follows = counts.sum(axis=(0, 1)) + 0.01
    possible = np.minimum(width * follows / follows.sum(axis=1, keepdims=True), 1) + 0.01
    right = ANY + RIGHT * np.eye(width)[:, None, None, :]
    return np.broadcast_to(right * possible, counts.shape)


def _before(votes: Votes) -> Integers:
    """The tag that the annotator of each vote gave the token before; the number of tags where there is none."""
    before = np.full(len(votes.item), len(votes.labels), dtype=np.int64)
    if votes.first is None or not len(votes.item):
        return before
    order = np.lexsort((votes.item, votes.annotator))
    item, who = votes.item[order], votes.annotator[order]
    begins = np.zeros(votes.items + 1, dtype=np.bool_)
    begins[votes.first] = True
    follows = (who[1:] == who[:-1]) & (item[1:] == item[:-1] + 1) & ~begins[item[1:]]
    before[order[1:][follows]] = votes.label[order[:-1][follows]]
    return before


class _Chains:
    """The sequences of the items, walked at one position of all of them at a time."""

    def __init__(self, votes: Votes) -> None:
        first = np.arange(votes.items) if votes.first is None else votes.first
        length = np.diff(np.append(first, votes.items))
        first, length = first[length > 0], length[length > 0]
        longest = np.argsort(-length, kind="stable")
        first, length = first[longest], length[longest]
        #: The items at each position, of the longest sequence first.
        self.at = [first[: int((length > n).sum())] + n for n in range(int(length.max(initial=0)))]

    def counts(self, posterior: Floats) -> tuple[Floats, Floats]:
        """Expected numbers of moves from tag to tag, and of tags at the start, of independent tokens."""
        moves = np.zeros((posterior.shape[1],) * 2)
        for items in self.at[1:]:
            moves += posterior[items - 1].T @ posterior[items]
        return moves, posterior[self.at[0] if self.at else []].sum(axis=0)

    def smooth(self, evidence: Floats, moves: Floats, start: Floats) -> tuple[Floats, Floats, Floats]:
        """The posterior of each item, and the expected counts; all arguments are logarithms."""
        seen = np.exp(evidence - evidence.max(axis=1, keepdims=True))
        step, forward, scale = np.exp(moves), np.empty_like(seen), np.ones((len(seen), 1))
        for n, items in enumerate(self.at):
            joint = seen[items] * (forward[items - 1] @ step if n else np.exp(start))
            scale[items] = joint.sum(axis=1, keepdims=True)
            forward[items] = joint / scale[items]
        backward, counted = np.ones_like(seen), np.zeros_like(step)
        for items in reversed(self.at[1:]):
            ahead = seen[items] * backward[items] / scale[items]
            backward[items - 1] = ahead @ step.T
            counted += forward[items - 1].T @ ahead
        posterior = normalised(forward * backward)
        return posterior, counted * step, posterior[self.at[0]].sum(axis=0)


def _expected_log(counts: Floats) -> Floats:
    """The expected logarithms of probabilities with these Dirichlet counts, along the last axis."""
    found: Floats = digamma(counts) - digamma(counts.sum(axis=-1, keepdims=True))
    return found
