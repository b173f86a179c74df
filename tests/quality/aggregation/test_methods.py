"""What every aggregation method promises, and where weights come from."""

import numpy as np
import pytest

from builder.quality.aggregation import METHODS, WEIGHTS
from builder.quality.aggregation.majority import (
    TIE,
    agreement_weights,
    given,
    questions,
    shares,
    winners,
)
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Votes
from builder.settings import load
from tests.quality.crowds import LABELS, SKILLS, votes_of


def beliefs(votes: Votes, settings: Aggregation, accuracy: dict[str, float] | None = None) -> Floats:
    found: Floats = load(METHODS[settings.method])(votes, settings, accuracy or {})
    return found


def test_the_settings_take_their_choices_from_the_lists() -> None:
    for name in METHODS:
        assert Aggregation(method=name).method == name
    for name in WEIGHTS:
        assert callable(load(WEIGHTS[Aggregation(weigh_by=name).weigh_by]))


@pytest.mark.parametrize("method", sorted(METHODS))
def test_the_unanimous_are_obeyed_and_a_method_repeats_itself(method: str) -> None:
    rows = [(i, f"w{a}", LABELS[i % 3]) for i in range(30) for a in range(3)]
    votes, settings = Votes.of(rows, 31, LABELS), Aggregation(method=method)
    first = beliefs(votes, settings)
    assert winners(first, 0.5).tolist() == [i % 3 for i in range(30)] + [-1]
    assert first[30].tolist() == [0, 0, 0]
    assert (beliefs(votes, settings) == first).all()
    assert ((first >= 0) & (first <= 1)).all()


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_perfect_tie_stays_undecided(method: str) -> None:
    # Two annotators, each right or wrong exactly as often as the other: nothing speaks for either.
    rows = [(i, "x", "a" if i % 2 else "b") for i in range(4)] + [(i, "y", "b" if i % 2 else "a") for i in range(4)]
    votes = Votes.of(rows, 4, ["a", "b"])
    assert winners(beliefs(votes, Aggregation(method=method)), 0.5).tolist() == [-1] * 4


@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_votes_no_beliefs(method: str) -> None:
    assert beliefs(Votes.of([], 2, LABELS), Aggregation(method=method)).tolist() == [[0, 0, 0]] * 2


def test_shares_count_annotators_and_not_labels() -> None:
    rows = [(0, "x", "a"), (0, "x", "b"), (0, "y", "a"), (1, "y", "c")]
    votes = Votes.of(rows, 3, LABELS)
    assert shares(votes).tolist() == [[1, 0.5, 0], [0, 0, 1], [0, 0, 0]]
    weights = np.array([3.0, 1.0])
    assert votes.counts(weights[votes.annotator]).tolist() == [[4, 3, 0], [0, 0, 1], [0, 0, 0]]
    assert shares(votes, weights).tolist() == [[1, 0.75, 0], [0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("belief", "min_share", "expected"),
    [([0.5, 0.3], 0.5, -1), ([0.5 + TIE / 2, 0.3], 0.5, -1), ([0.5 + 2 * TIE, 0.3], 0.5, 0), ([0.3, 0.6], 0.5, 1),
     ([0.6, 0.6], 0.5, -1), ([0.6, 0.6 - TIE / 2], 0.5, -1), ([0.6, 0.6 - 2 * TIE], 0.5, 0), ([0.7, 0.3], 0.7, -1),
     ([0.0, 0.0], 0.5, -1)],
)  # fmt: skip
def test_a_winner_needs_more_than_the_share_and_than_any_other(
    belief: list[float], min_share: float, expected: int
) -> None:
    assert winners(np.array([belief]), min_share).tolist() == [expected]


def test_without_labels_nobody_wins() -> None:
    assert winners(np.zeros((2, 0)), 0.5).tolist() == [-1, -1]


def test_weights_follow_agreement_with_the_majority() -> None:
    votes, truth, reached = votes_of(SKILLS)
    settings = Aggregation(method="weighted")
    assert (np.argsort(agreement_weights(votes, settings, {})) == np.argsort(reached)).all()
    right = np.mean(beliefs(votes, settings).argmax(axis=1) == truth)
    assert right > np.mean(shares(votes).argmax(axis=1) == truth)


def test_agreement_counts_only_items_with_a_majority() -> None:
    rows = [(0, "x", "a"), (0, "y", "a"), (0, "z", "b"), (1, "x", "a"), (1, "y", "b"), (2, "v", "a"), (2, "w", "b")]
    votes = Votes.of(rows, 3, LABELS)
    assert agreement_weights(votes, Aggregation(), {}).tolist() == [1, 1, 1, 1, 0]
    assert agreement_weights(votes, Aggregation(min_share=0.7), {}).tolist() == [1, 1, 1, 1, 1]
    assert agreement_weights(Votes.of([], 0, LABELS), Aggregation(), {}).tolist() == []


def test_weights_from_questions_and_from_the_table() -> None:
    votes = Votes.of([(0, "x", "a"), (0, "y", "b"), (0, "z", "b")], 1, LABELS)
    assert questions(votes, Aggregation(), {"x": 0.9, "y": 0.3}).tolist() == pytest.approx([0.9, 0.3, 0.6])
    assert questions(votes, Aggregation(), {}).tolist() == [1, 1, 1]
    assert given(votes, Aggregation(weights={"x": 3.0}), {}).tolist() == [3, 1, 1]


@pytest.mark.parametrize(
    ("settings", "accuracy", "winner"),
    [({"weigh_by": "given", "weights": {"x": 3.0}}, {}, 0), ({"weigh_by": "given", "weights": {"x": 2.0}}, {}, -1),
     ({"weigh_by": "given"}, {}, 1), ({"weigh_by": "questions"}, {"x": 0.9, "y": 0.3, "z": 0.3}, 0),
     ({"weigh_by": "agreement"}, {}, 1)],
)  # fmt: skip
def test_weights_reach_the_votes(settings: dict[str, object], accuracy: dict[str, float], winner: int) -> None:
    votes = Votes.of([(0, "x", "a"), (0, "y", "b"), (0, "z", "b")], 1, LABELS)
    made = Aggregation(method="weighted", **settings)  # type: ignore[arg-type]
    assert winners(beliefs(votes, made, accuracy), 0.5).tolist() == [winner]
