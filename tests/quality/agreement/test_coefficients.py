"""Coefficients against worked examples as they were published, and against properties that always hold."""

from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.quality.agreement.coefficients import (
    bennett_s,
    cohen,
    fleiss,
    gwet_ac1,
    gwet_ac2,
    nominal_alpha,
    observed,
    ordinal_alpha,
    ordinal_weights,
    paired,
    patterns_of,
    patterns_of_votes,
    quadratic_weights,
    with_interval,
)
from builder.quality.settings import Quality
from builder.quality.votes import Votes


def patterns(rows: list[list[int | None]], labels: list[int]) -> tuple[Any, Any]:
    """Patterns of reliability data: one row per annotator, one column per item, None for a missing rating."""
    ratings = [(i, f"a{a}", str(x)) for a, row in enumerate(rows) for i, x in enumerate(row) if x is not None]
    return patterns_of(Votes.of(ratings, len(rows[0]), [str(x) for x in labels]).counts())


_ = None
# K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: 4 observers, 12 units, values 1 to 5,
# missing data. Published there: nominal .743, ordinal .815.
CANONICAL = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]
# The same paper, section A (binary, 2 observers, 10 units; alpha .095) and section B (nominal, 12 units; alpha .692).
BINARY = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
NOMINAL = [[1, 1, 2, 2, 4, 3, 3, 3, 5, 4, 4, 1], [2, 1, 2, 2, 2, 3, 3, 3, 5, 4, 4, 4]]
# J. L. Fleiss, "Measuring nominal scale agreement among many raters" (1971), table 1: 30 patients, 6 psychiatrists;
# depression, personality disorder, schizophrenia, neurosis, other. Published there: kappa .430.
DIAGNOSES = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
    "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)


def test_krippendorff_2011_canonical_data() -> None:
    table, weights = patterns(CANONICAL, [1, 2, 3, 4, 5])
    assert nominal_alpha(table, weights) == pytest.approx(0.7434, abs=5e-5)
    assert ordinal_alpha(table, weights) == pytest.approx(0.8154, abs=5e-5)
    # The coincidences that the paper prints: 40 pairable values, 9, 13, 10, 5 and 3 of the five.
    table, weights = paired(table, weights)
    assert (weights @ table).tolist() == [9, 13, 10, 5, 3]


def test_gwet_2014_four_raters_with_missing_ratings() -> None:
    # The same data are the example of K. Gwet's package irrCAC (cac.raw4raters), which prints .81818, .76117, .77544,
    # .77273 and .74342. One item has a single rating, which counts for what is expected by chance.
    found = [f(*patterns(CANONICAL, [1, 2, 3, 4, 5])) for f in (observed, fleiss, gwet_ac1, bennett_s, nominal_alpha)]
    assert found == pytest.approx([0.81818, 0.76117, 0.77544, 0.77273, 0.74342], abs=5e-6)


def test_gwet_2014_two_raters() -> None:
    # The first example of the same package (cont3x3abstractors: 100 pregnancies by two abstractors), which prints
    # .7964094, .89, .7962397, .8493305, .835 and .7972585.
    table = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
    assert cohen(np.array(table, dtype=np.float64)) == pytest.approx(0.7964094, abs=5e-8)
    pairs = [(row, column) for row in range(3) for column in range(3) for _ in range(table[row][column])]
    found = patterns([[row for row, _ in pairs], [column for _, column in pairs]], [0, 1, 2])
    values = [f(*found) for f in (observed, fleiss, gwet_ac1, bennett_s, nominal_alpha)]
    assert values == pytest.approx([0.89, 0.7962397, 0.8493305, 0.835, 0.7972585], abs=5e-8)


def test_fleiss_with_unequal_numbers_of_ratings() -> None:
    # Expected by chance: the mean shares (1 + .5 + 0) / 3 of both labels, so .5.
    assert fleiss(*patterns_of(np.array([[8, 0], [1, 1], [0, 2]]))) == pytest.approx(1 / 3)


def test_ordered_labels_earn_credit_for_being_near() -> None:
    assert ordinal_weights(3) == pytest.approx(np.array([[1, 2 / 3, 0], [2 / 3, 1, 2 / 3], [0, 2 / 3, 1]]))
    assert quadratic_weights(3).tolist() == [[1, 0.75, 0], [0.75, 1, 0.75], [0, 0.75, 1]]
    assert ordinal_weights(1).tolist() == quadratic_weights(1).tolist() == [[1]]
    table, weights = np.array([[1.0, 1, 0], [0, 0, 2]]), np.array([1.0, 1.0])
    # Observed (2/3 + 1) / 2; shares .25, .25, .5; expected 17/3 * (2 * 3/16 + 1/4) / 6 (the sum of all credit is 17/3).
    expected = 17 / 3 * 0.625 / 6
    assert gwet_ac2(table, weights) == pytest.approx((5 / 6 - expected) / (1 - expected))
    # J. Cohen's weighted kappa by hand: observed (10 + 5 * .75) / 15, expected from margins of a third each.
    confusion = np.array([[5.0, 0, 0], [5, 0, 0], [0, 0, 5]])
    expected = float(np.array([1, 1, 1]) @ quadratic_weights(3) @ np.array([2, 0, 1])) / 9
    assert cohen(confusion, quadratic_weights(3)) == pytest.approx((13.75 / 15 - expected) / (1 - expected))


def test_krippendorff_2011_binary_data() -> None:
    table, weights = patterns(BINARY, [0, 1])
    # 1 - 19 * 4 / (14 * 6), as the paper computes it; it prints .095.
    assert nominal_alpha(table, weights) == pytest.approx(float(1 - Fraction(19 * 4, 14 * 6)), abs=1e-12)
    assert nominal_alpha(table, weights) == pytest.approx(0.0952, abs=5e-5)


def test_krippendorff_2011_nominal_data() -> None:
    # The paper prints .692.
    assert nominal_alpha(*patterns(NOMINAL, [1, 2, 3, 4, 5])) == pytest.approx(0.6920, abs=5e-5)


def test_fleiss_1971() -> None:
    counts = np.array([[int(n) for n in row] for row in DIAGNOSES.split()])
    assert counts.sum(axis=0).tolist() == [26, 26, 30, 55, 43]
    table, weights = patterns_of(counts)
    assert observed(table, weights) == pytest.approx(0.5556, abs=5e-5)
    assert fleiss(table, weights) == pytest.approx(0.4302, abs=5e-5)


def test_artstein_and_poesio_2008_two_coders() -> None:
    # "Inter-Coder Agreement for Computational Linguistics", the dialogue-act example with 100 utterances: observed
    # .7, expected .545 (pi) and .54 (kappa); published pi .341 and kappa .348.
    confusion = np.array([[20.0, 20.0], [10.0, 50.0]])
    assert cohen(confusion) == pytest.approx(0.3478, abs=5e-5)
    table, weights = patterns_of(np.array([[2, 0]] * 20 + [[1, 1]] * 30 + [[0, 2]] * 50))
    assert observed(table, weights) == pytest.approx(0.7)
    assert fleiss(table, weights) == pytest.approx(0.3407, abs=5e-5)


def test_perfect_agreement_is_one() -> None:
    table, weights = patterns([[1, 2, 3, 1], [1, 2, 3, 1]], [1, 2, 3])
    assert [f(table, weights) for f in (observed, fleiss, nominal_alpha, ordinal_alpha)] == [1, 1, 1, 1]


def test_without_variation_chance_corrected_agreement_is_not_defined() -> None:
    table, weights = patterns([[1, 1], [1, 1]], [1, 2])
    assert observed(table, weights) == 1
    assert np.isnan([fleiss(table, weights), nominal_alpha(table, weights), ordinal_alpha(table, weights)]).all()


def test_without_pairs_nothing_is_defined() -> None:
    table, weights = patterns([[1, 2]], [1, 2])
    assert np.isnan([f(table, weights) for f in (observed, fleiss, nominal_alpha, ordinal_alpha)]).all()
    assert np.isnan(cohen(np.zeros((2, 2))))
    assert with_interval(Quality(bootstrap=10), nominal_alpha, table, weights) == (None, None)


RATINGS = st.lists(st.lists(st.sampled_from([0, 1, 2, None]), min_size=3, max_size=3), min_size=1, max_size=12)


@given(RATINGS)
def test_nominal_alpha_follows_its_definition_over_pairs(units: list[list[int | None]]) -> None:
    rows = [list(row) for row in zip(*units, strict=True)]
    table, weights = patterns(rows, [0, 1, 2])
    ratings = [(i, f"a{a}", str(x)) for a, row in enumerate(rows) for i, x in enumerate(row) if x is not None]
    direct, times = patterns_of_votes(Votes.of(ratings, len(units), ["0", "1", "2"]))
    assert sorted(zip(direct.tolist(), times, strict=True)) == sorted(zip(table.tolist(), weights, strict=True))
    again = Votes.of([*ratings, *ratings], len(units), ["0", "1", "2"])
    doubled, _ = patterns_of_votes(again)
    assert sorted(doubled.tolist()) == sorted(
        patterns_of(2 * Votes.of(ratings, len(units), list("012")).counts())[0].tolist()
    )
    compared = [[x for x in unit if x is not None] for unit in units]
    compared = [unit for unit in compared if len(unit) > 1]
    values = [x for unit in compared for x in unit]
    assert paired(direct, times)[1].sum() == len(compared)
    disagreed = sum(Fraction(sum(x != y for x in u for y in u), len(u) - 1) for u in compared)
    expected = sum(x != y for x in values for y in values)
    found = nominal_alpha(table, weights)
    if expected:
        assert found == pytest.approx(float(1 - (len(values) - 1) * disagreed / expected))
    else:
        assert np.isnan(found)


def test_the_bootstrap_covers_the_truth_about_as_often_as_it_says() -> None:
    # Two annotators who agree on .8 of two equally frequent labels: alpha is .6 in the long run.
    rng, covered = np.random.default_rng(7), 0
    for run in range(100):
        first = rng.integers(0, 2, 150)
        second = np.where(rng.random(150) < 0.8, first, 1 - first)
        table, weights = patterns([first.tolist(), second.tolist()], [0, 1])
        interval = with_interval(Quality(bootstrap=200, seed=run), nominal_alpha, table, weights)[1]
        covered += interval is not None and interval[0] <= 0.6 <= interval[1]
    assert 90 <= covered <= 99


def test_the_bootstrap_is_repeatable() -> None:
    table, weights = patterns(CANONICAL, [1, 2, 3, 4, 5])
    one, same, other = (
        with_interval(Quality(bootstrap=200, seed=seed), nominal_alpha, table, weights) for seed in (1, 1, 2)
    )
    assert one == same != other


@pytest.mark.parametrize("width", [2, 8, 40])
def test_patterns_of_votes_are_those_of_the_counts_for_any_number_of_labels(width: int) -> None:
    # Two labels fit into a small table of keys, eight are sorted, and forty are more than one number can hold.
    rng = np.random.default_rng(3)
    labels = [f"{i:02}" for i in range(width)]
    rows = [(i, f"a{a}", labels[rng.integers(width)]) for i in range(200) for a in range(3) if rng.random() < 0.8]
    votes = Votes.of(rows, 200, labels)
    direct, times = patterns_of_votes(votes)
    expected, weights = patterns_of(votes.counts())
    # In the same order, because draws of the bootstrap depend on it.
    assert (direct.tolist(), times.tolist()) == (expected.tolist(), weights.tolist())
    found = {tuple(row): int(n) for row, n in zip(direct.tolist(), times, strict=True)}
    rated = [tuple(row) for row in votes.counts().tolist() if any(row)]
    assert found == Counter(rated)
    assert len(rated) < 200


def test_an_annotator_who_votes_twice_is_counted_twice() -> None:
    votes = Votes.of([(0, "x", "a"), (0, "x", "a"), (0, "y", "a"), (1, "x", "b")], 2, ["a", "b"])
    assert sorted(patterns_of_votes(votes)[0].tolist()) == [[0, 1], [3, 0]]


def test_labels_of_neighbouring_rank_disagree_less() -> None:
    # Two units of two values each: (1, 2) and (3, 3), computed by hand with the rank distances of Krippendorff 2011.
    table, weights = np.array([[1.0, 1, 0], [0, 0, 2]]), np.array([1.0, 1.0])
    # Totals 1, 1, 2: midpoints .5, 1.5, 3; distances 1 (1-2), 6.25 (1-3), 2.25 (2-3).
    # Observed 2 * 1, expected 2 * (1 * 1 * 1 + 1 * 2 * 6.25 + 1 * 2 * 2.25), times n - 1 = 3.
    assert ordinal_alpha(table, weights) == pytest.approx(1 - 2 * 3 / (2 * (1 + 12.5 + 4.5)))


def test_intervals_are_the_quantiles_of_the_draws() -> None:
    table, weights = np.array([[2.0, 0], [1, 1]]), np.array([30.0, 10])
    found, interval = with_interval(Quality(bootstrap=4000, confidence=0.9), observed, table, weights)
    assert found == 0.75
    # Of 40 items three quarters agree: the 5th and 95th percentile of a binomial share.
    assert interval == (pytest.approx(0.625, abs=0.026), pytest.approx(0.85, abs=0.026))
    assert with_interval(Quality(bootstrap=0), observed, table, weights) == (0.75, None)
