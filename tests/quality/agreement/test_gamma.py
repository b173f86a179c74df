"""Gamma against the example of its authors, alignments against all there are, and its way into the report."""

import random
from itertools import pairwise, product

import numpy as np
import pytest

from builder.quality.agreement.gamma import MarkedText, _moved, _unitary_alignments, alignment_cost, gamma
from builder.quality.agreement.spans import span_agreement
from builder.quality.settings import Quality
from builder.quality.votes import Integers
from tests.samples import Crowd

#: Alex, Paul and Suzan of the reference software: start, end and category of each unit.
PEOPLE = [
    np.array(units)
    for units in (
        [(2, 9, 1), (11, 17, 2), (24, 30, 5), (32, 36, 6), (36, 44, 6), (44, 60, 7)],
        [(2, 9, 1), (11, 17, 3), (19, 25, 5), (32, 44, 6)],
        [(2, 9, 1), (11, 17, 4), (21, 27, 5), (32, 36, 6), (36, 40, 6), (40, 44, 6)],
    )
]
NOBODY = np.zeros((0, 3), np.int64)


def test_the_example_of_the_reference_has_its_disorder_and_its_gamma() -> None:
    """Published: a disorder of 0.96, and gamma between 0.44 and 0.47 with moved annotations."""
    assert alignment_cost([PEOPLE]) / (16 / 3) == pytest.approx(0.960625)
    assert 0.44 <= gamma([MarkedText(60, PEOPLE)], 200, seed=1) <= 0.47


def test_costs_of_single_pairs_are_those_of_the_paper() -> None:
    def cost(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
        return alignment_cost([[np.array([one]), np.array([other])]])

    assert cost((0, 10, 0), (0, 10, 0)) == 0
    assert cost((0, 10, 0), (0, 10, 1)) == 1
    assert cost((0, 10, 0), (5, 15, 0)) == pytest.approx(3 * 0.25)
    assert cost((0, 10, 0), (4, 10, 1)) == pytest.approx(3 / 16 + 1)
    # Apart they cost 1 each, which is less than 3.
    assert cost((0, 10, 0), (10, 20, 0)) == 2
    # Of three annotators, one who marks nothing differs in two of three pairs.
    assert alignment_cost([[np.array([(0, 9, 0)]), np.array([(0, 9, 0)]), NOBODY]]) == pytest.approx(2 / 3)
    assert alignment_cost([[NOBODY, NOBODY]]) == 0


def every_cost(units: list[Integers]) -> float:
    """The least cost of all ways to divide the units, by trying them one after the other."""
    crowd = len(units)
    left = [(n, i) for n, own in enumerate(units) for i in range(len(own))]

    def apart(one: Integers, other: Integers) -> float:
        off = abs(one[0] - other[0]) + abs(one[1] - other[1])
        return float(3 * (off / (one[1] - one[0] + other[1] - other[0])) ** 2 + (one[2] != other[2]))

    def least(open_: list[tuple[int, int]]) -> float:
        if not open_:
            return 0.0
        first, *others = open_
        found = []
        choices = [[None, *(i for n, i in others if n == name)] for name in range(crowd) if name != first[0]]
        names = [name for name in range(crowd) if name != first[0]]
        for picked in product(*choices):
            taken = [first, *((name, i) for name, i in zip(names, picked, strict=True) if i is not None)]
            known = [units[n][i] for n, i in taken]
            pairs = sum(apart(a, b) for k, a in enumerate(known) for b in known[:k])
            missing = crowd * (crowd - 1) / 2 - len(known) * (len(known) - 1) / 2
            rest = [one for one in others if one not in taken]
            found.append((pairs + missing) / (crowd * (crowd - 1) / 2) + least(rest))
        return min(found)

    return least(left)


@pytest.mark.parametrize("seed", range(12))
def test_no_division_of_the_spans_is_better_than_the_best_alignment(seed: int) -> None:
    rng = random.Random(seed)
    units = [
        np.array([(s := rng.randrange(20), s + rng.randint(1, 9), rng.randrange(2)) for _ in range(rng.randint(1, 3))])
        for _ in range(rng.randint(2, 3))
    ]
    assert alignment_cost([units]) == pytest.approx(every_cost(units))
    assert alignment_cost([units, PEOPLE]) == pytest.approx(every_cost(units) + alignment_cost([PEOPLE]))


def test_alignments_that_cost_more_than_their_spans_alone_are_left_out() -> None:
    chosen, costs = _unitary_alignments([np.array([(0, 9, 0)]), np.array([(0, 9, 1), (50, 59, 0)])])
    found = {tuple(one): cost for one, cost in zip(chosen.tolist(), costs.tolist(), strict=True)}
    assert found == {(0, 0): 1.0, (0, -1): 1.0, (-1, 0): 1.0, (-1, 1): 1.0}


def test_random_annotators_have_what_somebody_marked_at_another_place() -> None:
    rng = np.random.default_rng(3)
    text = MarkedText(60, PEOPLE)
    for _ in range(20):
        moved = _moved(text, rng)
        assert len(moved) == 3
        for units in moved:
            [original] = [p for p in PEOPLE if len(p) == len(units) and (p[:, 2] == units[:, 2]).all()]
            by = (units[:, 0] - original[:, 0]) % 60
            assert len(set(by.tolist())) == 1
            assert ((units[:, 1] - units[:, 0]) == (original[:, 1] - original[:, 0])).all()
            assert ((units[:, 0] >= 0) & (units[:, 0] < 60)).all()
    # Distances are half of a mean span apart, 3.5 here.
    distances = [sorted((u[0, 0] - 2) % 60 for u in _moved(text, rng)) for _ in range(50)]
    assert min(b - a for d in distances for a, b in pairwise(d)) >= 4


def test_gamma_is_1_for_the_same_marks_near_0_by_chance_and_not_known_without_any() -> None:
    same = MarkedText(60, [PEOPLE[0]] * 3)
    assert gamma([same], 10, seed=0) == 1
    rng = np.random.default_rng(0)
    by_chance = [MarkedText(60, _moved(same, rng)) for _ in range(12)]
    assert abs(gamma(by_chance, 10, seed=0)) < 0.2
    assert np.isnan(gamma([MarkedText(60, [NOBODY, NOBODY])], 10, seed=0))
    assert np.isnan(gamma([], 10, seed=0))
    assert gamma([same, MarkedText(60, [NOBODY, NOBODY])], 10, seed=0) == 1
    assert gamma([MarkedText(60, PEOPLE)], 10, seed=1) == gamma([MarkedText(60, PEOPLE)], 10, seed=1)


def test_the_report_has_gamma_where_it_is_asked_for() -> None:
    crowd = Crowd().window("c", "x" * 60, start=100).window("d", "y" * 60, article_id="d")
    for name, units in zip(("ada", "ben", "cyd"), PEOPLE, strict=True):
        crowd.add("c", name, [(100 + s, 100 + e, f"L{label}") for s, e, label in units.tolist()])
    crowd.add("d", "ada", [(0, 5, "L1")])  # nobody to compare with
    asked = {"dan": ["L1"]}
    crowd.add("c", "dan", [(100, 160, "L1")])  # not asked for all labels

    def measured(**settings: int) -> float | None:
        tables = (crowd.annotations, crowd.spans, crowd.windows)
        found = span_agreement(*tables, "entity", Quality(bootstrap=0, asked=asked, **settings))
        assert found
        return found.gamma

    assert measured() is None
    two = Crowd().add("c", "ada", [(0, 5, "L1")]).add("c", "ben", [(0, 5, "L1")])
    of_two = span_agreement(two.annotations, two.spans, two.windows, "entity", Quality(bootstrap=0, gamma=1))
    assert of_two
    assert of_two.gamma == 1
    assert measured(gamma=9, seed=5) == pytest.approx(gamma([MarkedText(60, PEOPLE)], 9, seed=5), abs=1e-6)
    for n in range(2):
        crowd.add("c", f"more-{n}", [(102, 109, "L1")])
    assert measured(gamma=2) is not None
    crowd.add("c", "the sixth", [(102, 109, "L1")])
    assert measured(gamma=2) is None
