"""Every round of the models, against the same formulas in plain loops over votes, annotators and sequences."""

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from scipy.special import digamma

from builder.quality.aggregation.dawid_skene import dawid_skene_fit
from builder.quality.aggregation.mace import mace_fit
from builder.quality.aggregation.sequence import sequence_fit
from builder.quality.settings import Aggregation
from builder.quality.votes import Votes

#: Three texts of three, one and four tokens. Nobody saw token 3; "d" saw one text.
FIRST = (0, 3, 4)
SAID = {"a": "BIOBIOO", "b": "BOOBIIO", "c": "OBIBIOB", "d": "OOB"}
AT = {"a": (0, 1, 2, 4, 5, 6, 7), "b": (0, 1, 2, 4, 5, 6, 7), "c": (0, 1, 2, 4, 5, 6, 7), "d": (0, 1, 2)}
ROWS = [(item, who, tag) for who in SAID for item, tag in zip(AT[who], SAID[who], strict=True)]
LABELS, ITEMS, WHO = "OBI", 8, "abcd"
VOTES = Votes.of(ROWS, ITEMS, list(LABELS), np.array(FIRST))
VOTED = [item for item in range(ITEMS) if item != 3]


def shares() -> Any:
    """Items by labels; uniform where nobody voted."""
    counts = np.array([[sum((i, x) == (item, tag) for i, _, tag in ROWS) for x in LABELS] for item in range(ITEMS)])
    return np.where(counts.any(axis=1, keepdims=True), counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), 1 / 3)


def normal(values: Any) -> Any:
    return values / values.sum(axis=-1, keepdims=True)


def dawid_skene_rounds(rounds: int, smoothing: float) -> list[tuple[Any, Any, float]]:
    """By round the posterior, the confusions, and how far the posterior moved per item."""
    posterior, out = shares(), []
    for _ in range(rounds):
        confusions = np.full((4, 3, 3), smoothing)
        for item, who, tag in ROWS:
            confusions[WHO.index(who), :, LABELS.index(tag)] += posterior[item]
        confusions = normal(confusions)
        updated = np.tile(np.mean([posterior[item] for item in VOTED], axis=0), (ITEMS, 1))
        for item, who, tag in ROWS:
            updated[item] *= confusions[WHO.index(who), :, LABELS.index(tag)]
        updated = normal(updated)
        out.append((updated, confusions, float(np.abs(updated - posterior)[VOTED].sum()) / len(VOTED)))
        posterior = updated
    return out


def mace_rounds(rounds: int, smoothing: float) -> list[tuple[Any, Any, float]]:
    """By round the posterior, the competences, and the logarithm of the likelihood."""
    knowing = dict.fromkeys(WHO, 0.5)
    guesses = {who: normal(np.array([SAID[who].count(x) for x in LABELS]) * 1.0) for who in WHO}
    prior, out = shares()[VOTED].mean(axis=0), []
    for _ in range(rounds):
        joint = np.tile(prior, (ITEMS, 1))
        for item, who, tag in ROWS:
            x = LABELS.index(tag)
            joint[item] *= (1 - knowing[who]) * guesses[who][x] + knowing[who] * (np.arange(3) == x)
        posterior, likelihood = normal(joint), float(np.log(joint[VOTED].sum(axis=1)).sum())
        prior = posterior[VOTED].mean(axis=0)
        known, guessed = dict.fromkeys(WHO, smoothing), {who: np.full(3, smoothing / 3) for who in WHO}
        for item, who, tag in ROWS:
            x = LABELS.index(tag)
            part = posterior[item, x] * knowing[who] / ((1 - knowing[who]) * guesses[who][x] + knowing[who])
            known[who] += part
            guessed[who][x] += 1 - part
        knowing = {who: known[who] / (len(SAID[who]) + 2 * smoothing) for who in WHO}
        guesses = {who: normal(guessed[who]) for who in WHO}
        out.append((posterior, np.array([knowing[who] for who in WHO]), likelihood))
    return out


def expected_log(counts: Any) -> Any:
    return digamma(counts) - digamma(counts.sum(axis=-1, keepdims=True))


def confused(counts: Any) -> Any:
    """Expected confusions by annotator, truth, tag before and tag, with the pseudo-counts of the method."""
    follows = counts.sum(axis=(0, 1)) + 0.01
    possible = np.minimum(3 * normal(follows), 1) + 0.01
    return counts + (1 + 10 * np.eye(3)[None, :, None, :]) * possible


def sequence_rounds(rounds: int) -> list[tuple[Any, Any, float]]:
    """By round the posterior, the confusions, and how far the posterior moved."""
    texts = [range(low, high) for low, high in pairwise([*FIRST, ITEMS])]
    posterior, out = shares(), []
    shown = sum(np.outer(posterior[i], posterior[j]) for text in texts for i, j in pairwise(text))
    begun = posterior[list(FIRST)].sum(axis=0)
    moves, start = shown, begun
    tag_of = {(item, who): LABELS.index(tag) for item, who, tag in ROWS}
    before = {(i, w): 3 if i in FIRST else tag_of.get((i - 1, w), 3) for i, w in tag_of}
    for _ in range(rounds):
        counts = np.zeros((4, 3, 4, 3))
        for (item, who), tag in tag_of.items():
            counts[WHO.index(who), :, before[item, who], tag] += posterior[item]
        log = expected_log(confused(counts))
        evidence = np.zeros((ITEMS, 3))
        for (item, who), tag in tag_of.items():
            evidence[item] += log[WHO.index(who), :, before[item, who], tag]
        move, begin = expected_log(moves + 0.5 * shown + 1), expected_log(start + 0.5 * begun + 1)
        updated, moves = np.zeros((ITEMS, 3)), np.zeros((3, 3))
        for text in texts:
            of_text, total = [], 0.0
            for tags in product(range(3), repeat=len(text)):
                p = begin[tags[0]] + sum(evidence[item, tag] for item, tag in zip(text, tags, strict=True))
                of_text.append((tags, np.exp(p + sum(move[x, y] for x, y in pairwise(tags)))))
                total += of_text[-1][1]
            for tags, p in of_text:
                for item, tag in zip(text, tags, strict=True):
                    updated[item, tag] += p / total
                for x, y in pairwise(tags):
                    moves[x, y] += p / total
        start = updated[list(FIRST)].sum(axis=0)
        out.append((updated, normal(confused(counts)), float(np.abs(updated - posterior).mean()) * 3))
        posterior = updated
    return out


def seen(posterior: Any) -> Any:
    """The posterior as it is given: nothing is believed of what nobody saw."""
    return np.where((np.arange(ITEMS) == 3)[:, None], 0, posterior)


@pytest.mark.parametrize("smoothing", [0.01, 0.5])
def test_dawid_skene_follows_its_formulas_round_by_round_until_little_moves(smoothing: float) -> None:
    expected = dawid_skene_rounds(4, smoothing)
    for n, (posterior, confusions, _) in enumerate(expected, start=1):
        found = dawid_skene_fit(VOTES, Aggregation(rounds=n, tolerance=0, smoothing=smoothing))
        assert found[0] == pytest.approx(seen(posterior), abs=1e-7)
        assert found[1] == pytest.approx(confusions, abs=1e-7)
    for moved, rounds in ((expected[1][2] * 1.001, 2), (expected[1][2] * 0.999, 3)):
        assert expected[2][2] < expected[1][2] < expected[0][2]
        stopped = dawid_skene_fit(VOTES, Aggregation(tolerance=moved, smoothing=smoothing))[0]
        assert stopped == pytest.approx(seen(expected[rounds - 1][0]), abs=1e-7)


@pytest.mark.parametrize("smoothing", [0.01, 0.5])
def test_mace_follows_its_formulas_round_by_round_until_little_is_gained(smoothing: float) -> None:
    expected = mace_rounds(4, smoothing)
    for n, (posterior, knowing, _) in enumerate(expected, start=1):
        found = mace_fit(VOTES, Aggregation(rounds=n, tolerance=0, smoothing=smoothing))
        assert found[0] == pytest.approx(seen(posterior), abs=1e-7)
        assert found[1] == pytest.approx(knowing, abs=1e-7)
    gain = (expected[1][2] - expected[0][2]) / len(VOTED)
    assert gain > (expected[2][2] - expected[1][2]) / len(VOTED)
    for least, rounds in ((gain * 1.001, 2), (gain * 0.999, 3)):
        stopped = mace_fit(VOTES, Aggregation(tolerance=least, smoothing=smoothing))[0]
        assert stopped == pytest.approx(seen(expected[rounds - 1][0]), abs=1e-7)


def test_sequences_follow_their_formulas_round_by_round_until_little_moves() -> None:
    expected = sequence_rounds(4)
    for n, (posterior, confusions, _) in enumerate(expected, start=1):
        found = sequence_fit(VOTES, Aggregation(rounds=n, tolerance=0))
        assert found[0] == pytest.approx(seen(posterior), abs=1e-7)
        if n == len(expected):
            assert found[1] == pytest.approx(confusions, abs=1e-7)
    for moved, rounds in ((expected[1][2] * 1.001, 2), (expected[1][2] * 0.999, 3)):
        assert expected[2][2] < expected[1][2] < expected[0][2]
        # A hundredth of the change that ends the rounds.
        stopped = sequence_fit(VOTES, Aggregation(tolerance=moved / 100))[0]
        assert stopped == pytest.approx(seen(expected[rounds - 1][0]), abs=1e-7)
