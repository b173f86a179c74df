"""Models against crowds whose truth and whose annotators' accuracy are known because we made them."""

from typing import Any

import numpy as np
import pytest

from builder.quality.aggregation import shares, winners
from builder.quality.methods import METHODS, weights_of
from builder.quality.models import dawid_skene_fit, mace_fit
from builder.quality.settings import Aggregation
from builder.quality.votes import Votes

LABELS = ["a", "b", "c"]


def crowd(
    accuracies: list[float], items: int = 1500, votes_each: int = 5, seed: int = 3, spam: int | None = None
) -> tuple[Votes, Any, Any]:
    """Votes of annotators who are right as often as given and else choose any other label; spammers choose `spam`."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, items, p=[0.5, 0.3, 0.2])
    who = np.stack([rng.choice(len(accuracies), votes_each, replace=False) for _ in range(items)])
    right = rng.random(who.shape) < np.array(accuracies)[who]
    wrong = (truth[:, None] + rng.integers(1, 3, who.shape)) % 3
    given = np.where(right, truth[:, None], wrong)
    if spam is not None:
        given = np.where(np.array(accuracies)[who] == 0, spam, given)
    item = np.repeat(np.arange(items), votes_each)
    names = [f"w{i}" for i in range(len(accuracies))]
    votes = Votes(items, names, LABELS, item, who.ravel(), given.ravel())
    reached = np.array([np.mean((given == truth[:, None])[who == i]) for i in range(len(accuracies))])
    return votes, truth, reached


SKILLS = [0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4]


def test_dawid_skene_recovers_accuracies_and_truth() -> None:
    votes, truth, reached = crowd(SKILLS)
    posterior, confusions = dawid_skene_fit(votes, Aggregation())
    prior = np.bincount(truth, minlength=3) / len(truth)
    estimated = np.einsum("k,akk->a", prior, confusions)
    assert np.abs(estimated - reached).max() < 0.03
    assert np.mean(posterior.argmax(axis=1) == truth) > np.mean(shares(votes).argmax(axis=1) == truth) + 0.02
    assert np.allclose(posterior.sum(axis=1), 1)


def test_dawid_skene_learns_who_mistakes_what_for_what() -> None:
    votes, truth, _ = crowd([0.95, 0.9, 0.9, 0.85, 0.9, 0.8])
    # One more annotator always calls a "c" a "b" and is right otherwise.
    label = np.concatenate([votes.label, np.where(truth == 2, 1, truth)])
    item = np.concatenate([votes.item, np.arange(votes.items)])
    annotator = np.concatenate([votes.annotator, np.full(votes.items, 6)])
    more = Votes(votes.items, [*votes.annotators, "w6"], LABELS, item, annotator, label)
    _, confusions = dawid_skene_fit(more, Aggregation())
    assert confusions[6][2] == pytest.approx([0, 1, 0], abs=0.03)
    assert confusions[6][1] == pytest.approx([0, 1, 0], abs=0.03)


def test_mace_finds_the_spammers_and_the_truth() -> None:
    votes, truth, _ = crowd([0.9, 0.85, 0.8, 0.75, 0.0, 0.0, 0.0], spam=0)
    posterior, competence = mace_fit(votes, Aggregation(method="mace", smoothing=0.1))
    assert (competence[:4] > 0.5).all()
    assert (competence[4:] < 0.1).all()
    assert np.mean(posterior.argmax(axis=1) == truth) > np.mean(shares(votes).argmax(axis=1) == truth) + 0.05


def test_mace_competence_is_accuracy_beyond_guessing() -> None:
    # Wrong answers spread evenly over two labels look like guessing over three: accuracy = competence + guessing / 3.
    votes, _, reached = crowd(SKILLS[:6], items=3000)
    _, competence = mace_fit(votes, Aggregation(smoothing=0.1))
    assert np.abs(competence + (1 - competence) / 3 - reached).max() < 0.06


def test_weights_follow_agreement_with_the_majority() -> None:
    votes, truth, reached = crowd(SKILLS)
    settings = Aggregation(method="weighted")
    weights = weights_of(votes, settings, {})
    assert (np.argsort(weights) == np.argsort(reached)).all()
    beliefs = METHODS["weighted"](votes, settings, weights)
    assert np.mean(beliefs.argmax(axis=1) == truth) > np.mean(shares(votes).argmax(axis=1) == truth)


def test_weights_from_questions_and_from_the_table() -> None:
    votes = Votes.of([(0, "x", "a"), (0, "y", "b"), (0, "z", "b")], 1, LABELS)
    asked = Aggregation(method="weighted", weigh_by="questions")
    assert weights_of(votes, asked, {"x": 0.9, "y": 0.3}).tolist() == pytest.approx([0.9, 0.3, 0.6])
    given = Aggregation(method="weighted", weigh_by="given", weights={"x": 3.0})
    assert weights_of(votes, given, {}).tolist() == [3, 1, 1]
    assert winners(METHODS["weighted"](votes, given, weights_of(votes, given, {})), 0.5).tolist() == [0]
    tie = Aggregation(method="weighted", weigh_by="given", weights={"x": 2.0})
    assert winners(METHODS["weighted"](votes, tie, weights_of(votes, tie, {})), 0.5).tolist() == [-1]


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_obeys_the_unanimous_and_repeats_itself(method: str) -> None:
    rows = [(i, f"w{a}", LABELS[i % 3]) for i in range(30) for a in range(3)]
    votes = Votes.of(rows, 31, LABELS)
    settings = Aggregation(method=method)
    weights = np.ones(3)
    beliefs = METHODS[method](votes, settings, weights)
    assert winners(beliefs, 0.5).tolist() == [i % 3 for i in range(30)] + [-1]
    assert (METHODS[method](votes, settings, weights) == beliefs).all()


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_leaves_a_perfect_tie_undecided(method: str) -> None:
    # Two annotators, each right or wrong exactly as often as the other: nothing speaks for either.
    rows = [(i, "x", "a" if i % 2 else "b") for i in range(4)] + [(i, "y", "b" if i % 2 else "a") for i in range(4)]
    votes = Votes.of(rows, 4, ["a", "b"])
    beliefs = METHODS[method](votes, Aggregation(method=method, restarts=1), np.ones(2))
    assert winners(beliefs, 0.5).tolist() == [-1] * 4


@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_votes_no_beliefs(method: str) -> None:
    beliefs = METHODS[method](Votes.of([], 2, LABELS), Aggregation(method=method), np.ones(0))
    assert beliefs.tolist() == [[0, 0, 0]] * 2
