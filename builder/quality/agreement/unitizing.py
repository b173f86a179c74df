"""Krippendorff's alpha for unitizing: how far annotators mark the same stretches of text, near misses counted as such.

Source: K. Krippendorff, On the reliability of unitizing contiguous data, Sociological Methodology 25, 1995 (doi
10.2307/271061), and Content Analysis, 2nd edition, 2004, section 11.6. Each text is a continuum of its own; the
disagreements of texts are added up by their length.
"""

import numpy as np

from builder.quality.votes import Floats, Integers, overlapping_pairs


def disagreements(
    text: Integers, annotator: Integers, start: Integers, end: Integers, bounds: Integers
) -> tuple[float, float]:
    """How much the units of one label differ, and how much they would by chance: alpha is 1 less their ratio.

    Alpha of several labels is 1 less the ratio of their sums. Unit i is `[start[i], end[i])` of text `text[i]`, marked
    by `annotator[i]`. `bounds` has a row per text: where it starts and ends, and how many annotators read it. Of
    overlapping units of one annotator the first counts.
    """
    order = np.lexsort((-end, start, text))
    text, annotator, start, end = (column[order] for column in (text, annotator, start, end))
    own = annotator * (len(bounds) + 1) + text
    kept = np.ones(len(text), dtype=np.bool_)
    reach: dict[int, int] = {}
    for i, (key, low, high) in enumerate(zip(own.tolist(), start.tolist(), end.tolist(), strict=True)):
        kept[i] = low >= reach.get(key, -1)
        if kept[i]:
            reach[key] = high
    text, annotator, start, end = (column[kept] for column in (text, annotator, start, end))
    length = end - start
    # What two annotators mark differs by the squares of how far begins and ends are apart; what one marks in a gap of
    # the other, by the square of its length.
    differ = np.zeros(len(bounds))
    others = bounds[text, 2] - 1
    for left, right in overlapping_pairs(text, start, end):
        apart = (start[left] - start[right]) ** 2 + (end[left] - end[right]) ** 2
        differ += np.bincount(text[left], weights=apart, minlength=len(bounds))
    met = _met(text, annotator, start, end)
    differ += np.bincount(text, weights=length**2 * (others - met), minlength=len(bounds))
    observed = expected = 0.0
    for number, (low, high, readers) in enumerate(bounds.tolist()):
        size = high - low
        if readers < 2 or size < 1:
            continue
        mine = slice(*np.searchsorted(text, (number, number + 1)).tolist())
        observed += size * 2 * differ[number] / (readers * (readers - 1) * size**2)
        expected += size * _expected(annotator[mine], start[mine], end[mine], low, high, readers)
    return observed, expected


def _met(text: Integers, annotator: Integers, start: Integers, end: Integers) -> Integers:
    """How many other annotators marked something that overlaps each unit."""
    pairs: list[Integers] = [np.zeros((0, 2), np.int64)]
    for left, right in overlapping_pairs(text, start, end):
        pairs += [np.stack([left, annotator[right]], axis=1), np.stack([right, annotator[left]], axis=1)]
    found = np.unique(np.concatenate(pairs), axis=0)
    return np.bincount(found[:, 0], minlength=len(text))


def _expected(annotator: Integers, start: Integers, end: Integers, low: int, high: int, readers: int) -> float:
    """The disagreement of units and gaps of these lengths when they are placed by chance."""
    length, size = (end - start).astype(np.float64), float(high - low)
    gaps: list[Floats] = [np.full(readers - len(np.unique(annotator)), size)]
    for name in np.unique(annotator).tolist():
        mine = annotator == name
        edges = np.sort(np.concatenate([[low, high], start[mine], end[mine]]))
        gaps.append((edges[1::2] - edges[::2]).astype(np.float64))
    gap = np.concatenate(gaps)
    room = np.maximum(gap[gap > 0] - length[:, None] + 1, 0).sum(axis=1)
    against_units = (len(length) - 1) / 3 * (2 * length**3 - 3 * length**2 + length)
    places = readers * size * (readers * size - 1) - float((length * (length - 1)).sum())
    return float(2 / size * (against_units + length**2 * room).sum() / places)
