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
    text, annotator, start, end = _apart(text, annotator, start, end)
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
    low, high, readers = (column.astype(np.float64) for column in bounds.T)
    size = high - low
    read = (readers > 1) & (size > 0)
    pairs = np.where(read, readers * (readers - 1) * size, 1)
    expected = _expected(text, annotator, start, end, bounds) * read
    return float((2 * differ * read / pairs).sum()), float(expected.sum())


def _apart(text: Integers, annotator: Integers, start: Integers, end: Integers) -> tuple[Integers, ...]:
    """The units by text and start; of overlapping units of one annotator the first, and of these the longest."""
    order = np.lexsort((-end, start, annotator, text))
    columns = tuple(column[order] for column in (text, annotator, start, end))
    same = (columns[0][1:] == columns[0][:-1]) & (columns[1][1:] == columns[1][:-1])
    if (same & (columns[2][1:] < columns[3][:-1])).any():
        kept, reach, before = [], -1, None
        for i, (own, low, high) in enumerate(zip(zip(*columns[:2], strict=True), *columns[2:], strict=True)):
            if own != before or low >= reach:
                kept.append(i)
                before, reach = own, high
        columns = tuple(column[kept] for column in columns)
    order = np.lexsort((columns[2], columns[0]))
    return tuple(column[order] for column in columns)


def _met(text: Integers, annotator: Integers, start: Integers, end: Integers) -> Integers:
    """How many other annotators marked something that overlaps each unit."""
    pairs: list[Integers] = [np.zeros((0, 2), np.int64)]
    for left, right in overlapping_pairs(text, start, end):
        pairs += [np.stack([left, annotator[right]], axis=1), np.stack([right, annotator[left]], axis=1)]
    found = np.unique(np.concatenate(pairs), axis=0)
    return np.bincount(found[:, 0], minlength=len(text))


def _expected(text: Integers, annotator: Integers, start: Integers, end: Integers, bounds: Integers) -> Floats:
    """By text, the disagreement of units and gaps of these lengths when they are placed by chance, times its length."""
    texts, length = len(bounds), (end - start).astype(np.float64)
    size, readers = (bounds[:, 1] - bounds[:, 0]).astype(np.float64), bounds[:, 2].astype(np.float64)
    order = np.lexsort((start, annotator, text))
    own, first, last = text[order], start[order], end[order]
    begins = np.append(True, (own[1:] != own[:-1]) | (np.diff(annotator[order]) != 0))[: len(own)]
    ends = np.append(begins[1:], True)[: len(own)]
    before = np.where(begins, bounds[own, 0], np.append(0, last)[: len(own)])
    silent = readers - np.bincount(own[begins], minlength=texts)
    none = np.repeat(np.arange(texts), np.maximum(silent, 0).astype(np.int64))
    where = np.concatenate([own, own[ends], none])
    gap = np.concatenate([first - before, bounds[own[ends], 1] - last[ends], size[none]]).astype(np.float64)
    # In how many places of the gaps of its text a unit has room: the sum over gaps as long, or longer.
    reach = float(size.max(initial=0)) + 2
    key = where * reach + gap
    by_size = np.argsort(key)
    totals = np.append(0, np.cumsum(gap[by_size]))
    low = np.searchsorted(key[by_size], text * reach + length)
    high = np.searchsorted(where[by_size], text, side="right")
    room = totals[high] - totals[low] - (high - low) * (length - 1)
    units = np.bincount(text, minlength=texts)[text]
    against_units = (units - 1) / 3 * (2 * length**3 - 3 * length**2 + length)
    summed = np.bincount(text, weights=against_units + length**2 * room, minlength=texts)
    taken = np.bincount(text, weights=length * (length - 1), minlength=texts)
    places = readers * size * (readers * size - 1) - taken
    return np.divide(2 * summed, places, out=np.zeros(texts), where=places > 0)
