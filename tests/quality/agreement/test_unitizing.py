"""Alpha for unitizing against the published examples."""

import numpy as np
import pytest

from builder.quality.agreement.coefficients import disagreements


def of(units: list[tuple[int, int, int]], bounds: tuple[int, int, int] = (150, 450, 2)) -> tuple[float, float]:
    """Disagreements of units (annotator, start, length) in one text."""
    who, start, length = np.array(units, dtype=np.int64).reshape(-1, 3).T
    return disagreements(np.zeros(len(who), np.int64), who, start, start + length, np.array([bounds]))


C = [(0, 225, 70), (0, 370, 30), (1, 220, 80), (1, 355, 20), (1, 400, 20)]
K = [(0, 180, 60), (0, 300, 50), (1, 180, 60), (1, 300, 50)]


def test_krippendorff_2004() -> None:
    # Content Analysis, page 254: a text of 300 units; printed: .0144 / .0532 for c, 0 / .0490 for k; .7286; and .8591,
    # which is computed from the rounded figures.
    c, k = of(C), of(K)
    assert [x / 300 for x in c] == pytest.approx([0.0144, 0.0532], abs=5e-5)
    assert [x / 300 for x in k] == pytest.approx([0.0, 0.0490], abs=5e-5)
    assert 1 - c[0] / c[1] == pytest.approx(0.7286, abs=5e-5)
    assert 1 - (c[0] + k[0]) / (c[1] + k[1]) == pytest.approx(0.8591, abs=5e-4)


def test_krippendorff_1995() -> None:
    # Page 57, example C: 24 units, or 12 of half the length; printed for the latter: .02777 and .05494.
    gerret, gill = [(2, 6), (10, 2), (14, 4), (20, 2)], [(0, 2), (4, 4), (10, 4), (16, 2), (20, 2)]
    units = [(who, at // 2, size // 2) for who, made in enumerate((gerret, gill)) for at, size in made]
    observed, expected = of(units, (0, 12, 2))
    assert [observed / 12, expected / 12] == pytest.approx([0.02777, 0.05494], abs=1e-5)


def test_texts_are_added_by_their_length() -> None:
    who, start, length = np.array(C, dtype=np.int64).T
    text = np.concatenate([np.zeros(len(who), np.int64), np.ones(len(who), np.int64)])
    both = disagreements(
        text, np.tile(who, 2), np.tile(start, 2), np.tile(start + length, 2), np.array([[150, 450, 2]] * 2)
    )
    assert both == pytest.approx([2 * x for x in of(C)])


def test_who_marks_nothing_differs_from_who_does() -> None:
    assert of([(0, 200, 10)])[0] == pytest.approx(300 * 2 * 100 / (2 * 300**2))
    assert of([(0, 200, 10)], (150, 450, 3))[0] == pytest.approx(300 * 2 * 2 * 100 / (6 * 300**2))
    assert of([(0, 200, 10)], (150, 450, 1)) == (0, 0)
    assert of([]) == (0, 0)


def test_of_overlapping_units_of_one_annotator_the_first_counts() -> None:
    # Inside the first, to its end, and across it.
    for length in (5, 20, 40):
        assert of([(0, 200, 30), (0, 210, length), (1, 200, 30)]) == of([(0, 200, 30), (1, 200, 30)])


def test_units_that_meet_stay_two_and_of_units_with_one_start_the_longest_counts() -> None:
    other = [(1, 200, 10), (1, 210, 20)]
    assert of([(0, 200, 10), (0, 210, 20), *other])[0] == 0
    assert of([(0, 200, 4), (0, 200, 10), (0, 209, 9), (0, 210, 20), *other]) == of(
        [(0, 200, 10), (0, 210, 20), *other]
    )


def kept(units: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of overlapping units of one annotator the first, and of these the longest."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(units, key=lambda u: (u[0], -u[1])):
        if not out or start >= out[-1][1]:
            out.append((start, end))
    return out


def by_loops(marked: dict[int, list[tuple[int, int]]], low: int, high: int, readers: int) -> tuple[float, float]:
    """Observed and expected disagreement of one text, times its length, unit by unit."""
    made = {who: kept(marked.get(who, [])) for who in range(readers)}
    observed = 0.0
    for who, units in made.items():
        for other, others in made.items():
            for start, end in units if who != other else ():
                met = [(s, e) for s, e in others if s < end and start < e]
                # Both directions are counted, so what two marked is halved, and what one marked is not.
                observed += sum((start - s) ** 2 + (end - e) ** 2 for s, e in met) / 2 if met else (end - start) ** 2
    size = high - low
    gaps = []
    for units in made.values():
        edges = [low, *(edge for unit in units for edge in unit), high]
        gaps += [b - a for a, b in zip(edges[::2], edges[1::2], strict=True)]
    lengths = [end - start for units in made.values() for start, end in units]
    expected = 0.0
    for one in lengths:
        expected += (len(lengths) - 1) / 3 * (2 * one**3 - 3 * one**2 + one)
        expected += one**2 * sum(gap - one + 1 for gap in gaps if gap >= one)
    places = readers * size * (readers * size - 1) - sum(one * (one - 1) for one in lengths)
    return 2 * observed / (readers * (readers - 1) * size), 2 * expected / places


@pytest.mark.parametrize("seed", range(6))
def test_disagreements_are_those_of_loops_over_all_units_and_gaps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bounds = [(10, 40, 3), (0, 25, 2), (100, 160, 4), (5, 9, 1)]
    rows, expected = [], np.zeros(2)
    for text, (low, high, readers) in enumerate(bounds):
        marked: dict[int, list[tuple[int, int]]] = {}
        for who in range(readers):
            for _ in range(int(rng.integers(0, 5))):
                start = int(rng.integers(low, high - 1))
                marked.setdefault(who, []).append((start, int(rng.integers(start + 1, min(start + 9, high) + 1))))
        rows += [(text, 10 * text + who, *unit) for who, units in marked.items() for unit in units]
        expected += by_loops(marked, low, high, readers) if readers > 1 else 0
    rng.shuffle(rows)
    text_of, who_of, start_of, end_of = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    found = disagreements(text_of, who_of, start_of, end_of, np.array(bounds))
    assert found == pytest.approx(expected.tolist())
