"""Soft labels: smoothing, temperature, and how well they predict votes that were held out."""

import numpy as np
import pytest

from builder.quality.aggregation.majority import shares
from builder.quality.aggregation.soft import (
    FEWEST,
    Calibration,
    SoftLabels,
    _first_half,
    _score,
    calibrations,
    measure_calibration,
    smoothed_shares,
    tempered,
)
from builder.quality.settings import Aggregation
from builder.quality.votes import Votes
from tests.quality.crowds import SKILLS, votes_of


def test_smoothing_adds_votes_as_they_are_spread_over_all_items() -> None:
    votes = Votes.of([(0, "x", "a"), (0, "y", "a"), (1, "x", "a"), (1, "y", "b")], 3, ["a", "b"])
    # Of four votes three are "a": half a vote adds .375 and .125.
    assert smoothed_shares(votes, 0.5).tolist() == pytest.approx(
        np.array([[2.375 / 2.5, 0.125 / 2.5], [1.375 / 2.5, 1.125 / 2.5], [0, 0]])
    )


def test_temperature_flattens_and_keeps_the_order() -> None:
    assert tempered(np.array([[0.8, 0.2], [0, 0]]), 1.0).tolist() == [[0.8, 0.2], [0, 0]]
    assert tempered(np.array([[0.8, 0.2]]), 2.0)[0] == pytest.approx([2 / 3, 1 / 3])


def test_soft_labels_are_a_mixture() -> None:
    votes = Votes.of([(0, "x", "a"), (0, "y", "b")], 1, ["a", "b"])
    posterior = np.array([[0.8, 0.2]])
    assert SoftLabels(0.0).of(votes, posterior)[0] == pytest.approx([0.5, 0.5])
    assert SoftLabels(0.5, 2.0).of(votes, posterior)[0] == pytest.approx([0.5 * 2 / 3 + 0.25, 0.5 / 3 + 0.25])


def test_halves_take_turns_within_each_item() -> None:
    votes = Votes.of([(0, "c", "a"), (0, "a", "a"), (0, "b", "a"), (1, "b", "a"), (1, "c", "a")], 2, ["a"])
    assert _first_half(votes).tolist() == [True, True, False, True, False]


def test_scores_by_hand() -> None:
    found = _score(np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0, 1]))
    entropy = -(np.log(0.8) + np.log(0.4)) / 2
    # .8 was right and .6 was wrong: they miss by .2 and .6.
    assert found == Calibration(2, round(entropy, 6), round((2 * 0.04 + 2 * 0.36) / 2, 6), 0.4)


@pytest.mark.parametrize("method", ["majority", "dawid_skene", "mace", "sequence"])
def test_what_is_released_predicts_at_least_as_well_as_smoothed_shares(method: str) -> None:
    votes, _, _ = votes_of(SKILLS, items=300)
    found = measure_calibration(votes, Aggregation(method=method), {})
    assert found is not None
    assert found.shares.votes == len(votes.item)
    assert found.released.cross_entropy <= found.shares.cross_entropy
    assert found.released.cross_entropy <= found.model.cross_entropy


def test_what_is_released_is_scored_on_items_that_it_was_not_learned_on() -> None:
    # Items 4, 9, 14, ... are coin flips and all others are unanimous: what predicts the ones fails for the others.
    rng = np.random.default_rng(3)
    rows = [(i, f"w{n}", "a" if i % 5 < 4 else "ab"[rng.integers(2)]) for i in range(200) for n in range(4)]
    found = measure_calibration(Votes.of(rows, 200, ["a", "b"]), Aggregation(), {})
    assert found is not None
    fitted = {made: loss(rows, made) for made in (found.made, SoftLabels())}
    assert fitted[found.made] <= fitted[SoftLabels()]
    assert found.shares.cross_entropy == pytest.approx(fitted[SoftLabels()], abs=1e-6)
    # Scored where it was learned, it would look better than it is.
    assert found.released.cross_entropy > fitted[found.made] + 0.01


def loss(rows: list[tuple[int, str, str]], made: SoftLabels) -> float:
    """Mean cross-entropy when w0 and w2 predict w1 and w3 and the other way round, on all items."""
    total = []
    for half in ({"w0", "w2"}, {"w1", "w3"}):
        seen = Votes.of([row for row in rows if row[1] in half], 200, ["a", "b"])
        given = made.of(seen, shares(seen))
        total += [-np.log(max(given[i, "ab".index(x)], 1e-10)) for i, who, x in rows if who not in half]
    return float(np.mean(total))


def test_few_votes_are_not_measured() -> None:
    for items, measured in ((FEWEST // 2 - 1, False), (FEWEST // 2, True)):
        rows = [(i, who, "ab"[i % 2]) for i in range(items) for who in "xy"]
        votes = Votes.of([*rows, (items, "x", "a")], items + 1, ["a", "b"])
        assert (measure_calibration(votes, Aggregation(), {}) is not None) is measured
        assert sorted(calibrations(votes)) == (["dawid_skene", "mace", "majority"] if measured else [])


@pytest.mark.parametrize("method", ["majority", "dawid_skene", "mace", "sequence", "weighted"])
def test_what_few_votes_show_by_chance_changes_nothing(method: str) -> None:
    """Two annotators agree as often as half a vote of smoothing expects; what was learned would predict worse."""
    rows = [(i, who, "ab"[(i + (who == "y" and i % 6 == 0)) % 2]) for i in range(180) for who in "xy"]
    found = measure_calibration(Votes.of(rows, 180, ["a", "b"]), Aggregation(method=method), {})
    assert found is not None
    assert found.released.cross_entropy <= found.shares.cross_entropy
    if method == "majority":
        assert found.made == SoftLabels()
        assert found.released == found.shares
