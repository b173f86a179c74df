"""Models against crowds whose truth and whose annotators' accuracy are known because we made them."""

import numpy as np
import pytest

from builder.quality.aggregation.dawid_skene import dawid_skene_fit
from builder.quality.aggregation.mace import mace_fit
from builder.quality.aggregation.majority import shares
from builder.quality.settings import Aggregation
from builder.quality.votes import Votes
from tests.quality.crowds import LABELS, SKILLS, votes_of


def test_dawid_skene_recovers_accuracies_and_truth() -> None:
    votes, truth, reached = votes_of(SKILLS)
    posterior, confusions = dawid_skene_fit(votes, Aggregation())
    prior = np.bincount(truth, minlength=3) / len(truth)
    estimated = np.einsum("k,akk->a", prior, confusions)
    assert np.abs(estimated - reached).max() < 0.03
    assert np.mean(posterior.argmax(axis=1) == truth) > np.mean(shares(votes).argmax(axis=1) == truth) + 0.02
    assert np.allclose(posterior.sum(axis=1), 1)


def test_dawid_skene_learns_who_mistakes_what_for_what() -> None:
    votes, truth, _ = votes_of([0.95, 0.9, 0.9, 0.85, 0.9, 0.8])
    # One more annotator always calls a "c" a "b" and is right otherwise.
    label = np.concatenate([votes.label, np.where(truth == 2, 1, truth)])
    item = np.concatenate([votes.item, np.arange(votes.items)])
    annotator = np.concatenate([votes.annotator, np.full(votes.items, 6)])
    more = Votes(votes.items, [*votes.annotators, "w6"], LABELS, item, annotator, label)
    _, confusions = dawid_skene_fit(more, Aggregation())
    assert confusions[6][2] == pytest.approx([0, 1, 0], abs=0.03)
    assert confusions[6][1] == pytest.approx([0, 1, 0], abs=0.03)


def test_mace_finds_the_spammers_and_the_truth() -> None:
    votes, truth, _ = votes_of([0.9, 0.85, 0.8, 0.75, 0.0, 0.0, 0.0], spam=0)
    posterior, competence = mace_fit(votes, Aggregation(method="mace", smoothing=0.1))
    assert (competence[:4] > 0.5).all()
    assert (competence[4:] < 0.1).all()
    assert np.mean(posterior.argmax(axis=1) == truth) > np.mean(shares(votes).argmax(axis=1) == truth) + 0.05


def test_mace_competence_is_accuracy_beyond_guessing() -> None:
    # Wrong answers spread evenly over two labels look like guessing over three: accuracy = competence + guessing / 3.
    votes, _, reached = votes_of(SKILLS[:6], items=3000)
    _, competence = mace_fit(votes, Aggregation(smoothing=0.1))
    assert np.abs(competence + (1 - competence) / 3 - reached).max() < 0.06


def test_rounds_end_the_fit() -> None:
    votes, _, _ = votes_of(SKILLS, items=200)
    few, many = (dawid_skene_fit(votes, Aggregation(rounds=n, tolerance=0))[0] for n in (1, 30))
    assert np.abs(few - many).max() > 0.01
    few, many = (mace_fit(votes, Aggregation(rounds=n, tolerance=0))[0] for n in (1, 30))
    assert np.abs(few - many).max() > 0.01


def test_a_coarse_tolerance_ends_the_fit_early() -> None:
    votes, _, _ = votes_of(SKILLS, items=200)
    for fit in (dawid_skene_fit, mace_fit):
        once = fit(votes, Aggregation(rounds=1))[0]
        coarse = fit(votes, Aggregation(tolerance=1))[0]
        fine = fit(votes, Aggregation(tolerance=1e-9))[0]
        assert np.abs(fine - once).max() > np.abs(coarse - once).max()


def test_smoothing_keeps_confusions_from_being_certain() -> None:
    votes = Votes.of([(i, f"w{a}", "ab"[i % 2]) for i in range(10) for a in range(3)], 10, ["a", "b"])
    _, sharp = dawid_skene_fit(votes, Aggregation(smoothing=0))
    _, smooth = dawid_skene_fit(votes, Aggregation(smoothing=1))
    # Five items of each label, one count added to each of two labels.
    assert sharp[0].tolist() == [[1, 0], [0, 1]]
    assert smooth[0] == pytest.approx(np.array([[6 / 7, 1 / 7], [1 / 7, 6 / 7]]), abs=0.01)


def test_a_dawid_skene_posterior_computed_by_hand() -> None:
    # Two annotators on three items; after one round from the majority, without smoothing.
    votes = Votes.of(
        [(0, "x", "a"), (0, "y", "a"), (1, "x", "b"), (1, "y", "b"), (2, "x", "a"), (2, "y", "b")], 3, ["a", "b"]
    )
    posterior, confusions = dawid_skene_fit(votes, Aggregation(rounds=1, smoothing=0))
    # x said "a" on item 0 (surely a) and 2 (half a), and "b" on item 1: of 1.5 true a it gave "a" 1.5 times.
    assert confusions[0] == pytest.approx(np.array([[1, 0], [1 / 3, 2 / 3]]))
    assert confusions[1] == pytest.approx(np.array([[2 / 3, 1 / 3], [0, 1]]))
    # Item 2: a has .5 * 1 * 1/3 and b has .5 * 1/3 * 1.
    assert posterior[2] == pytest.approx([0.5, 0.5])
    assert posterior[0] == pytest.approx([1, 0], abs=1e-6)


def test_a_mace_round_computed_by_hand() -> None:
    # One annotator, one item, two labels: trusted with .5, guessing "a" as always.
    votes = Votes.of([(0, "x", "a")], 1, ["a", "b"])
    posterior, knowing = mace_fit(votes, Aggregation(rounds=1, smoothing=0))
    # Prior from the majority: a. Knows .5 or guesses a with .5: known with .5 / 1.
    assert posterior[0] == pytest.approx([1, 0], abs=1e-6)
    assert knowing[0] == pytest.approx(1 / 2)
