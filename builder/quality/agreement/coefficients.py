"""Agreement coefficients from counts: how many annotators gave each item each label.

Every coefficient depends on the items only through the rows of counts, so items with the same row are one pattern with
a weight. A function takes `patterns` (patterns by labels) and `weights` (items per pattern) and returns the
coefficient, or nan where it is not defined. Items with one rating have no pair; they count where the expected
agreement is that of all ratings (kappa and AC). Resampling items with replacement is one multinomial draw over
patterns.

Sources: E. M. Bennett, R. Alpert and A. C. Goldstein 1954 (doi 10.1086/266520); J. Cohen 1960 and 1968 (doi
10.1177/001316446002000104, 10.1037/h0026256); J. L. Fleiss 1971 (doi 10.1037/h0031619); R. J. Light 1971 (doi
10.1037/h0031643); K. Gwet 2008 (doi 10.1348/000711006X126600) and, for unequal numbers of ratings, Handbook of
Inter-Rater Reliability, 2014; K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011; R. Artstein and M.
Poesio 2008 (doi 10.1162/coli.07-034-R2).
"""

import math
from collections.abc import Callable

import numpy as np

from builder.quality.settings import Quality
from builder.quality.votes import Floats, Integers, Votes, overlapping_pairs

Interval = tuple[float, float]
Coefficient = Callable[[Floats, Floats], float]


def patterns_of(counts: Floats) -> tuple[Floats, Floats]:
    """The distinct rows of the counts with a rating, and how many items have each."""
    base, width = int(counts.max(initial=0)) + 1, counts.shape[1]
    if base**width > 2**53:
        rows, times = np.unique(counts[counts.any(axis=1)], axis=0, return_counts=True)
        return rows.astype(np.float64), times.astype(np.float64)
    return _of_digits((counts @ float(base) ** np.arange(width)).astype(np.int64), base, width)


def patterns_of_votes(votes: Votes) -> tuple[Floats, Floats]:
    """The same patterns straight from the votes, without the table of counts."""
    width, base = len(votes.labels), len(votes.annotators) + 1
    if base**width > 2**53:
        return patterns_of(votes.counts())
    digits = float(base) ** np.arange(width)
    rows, times = _of_digits(votes.per_item(digits.take(votes.label)).astype(np.int64), base, width)
    # Where a digit overflowed, somebody voted twice on an item.
    whole = int(rows.sum(axis=1) @ times) == len(votes.item)
    return (rows, times) if whole else patterns_of(votes.counts())


def _of_digits(keys: Integers, base: int, width: int) -> tuple[Floats, Floats]:
    """The patterns of items whose counts are the digits of one number: numbers are compared faster than rows."""
    if base**width <= 4 * len(keys) + 1024:
        every = np.bincount(keys)
        found = np.flatnonzero(every)
        times = every[found]
    else:
        found, times = np.unique(keys, return_counts=True)
    rated = found > 0
    rows = found[rated, None] // base ** np.arange(width) % base
    return rows.astype(np.float64), times[rated].astype(np.float64)


def paired(patterns: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The patterns with two ratings or more."""
    kept = patterns.sum(axis=1) > 1
    return (patterns, weights) if kept.all() else (patterns[kept], weights[kept])


def observed(patterns: Floats, weights: Floats, credit: Floats | None = None) -> float:
    """The mean share of pairs of annotators of an item who agree, or the mean of their `credit`."""
    patterns, weights = paired(patterns, weights)
    n = patterns.sum(axis=1)
    credited = patterns if credit is None else patterns @ credit
    agreeing = (patterns * (credited - 1)).sum(axis=1) / (n * (n - 1))
    return _ratio(float(weights @ agreeing), float(weights.sum()))


def fleiss(patterns: Floats, weights: Floats) -> float:
    """Fleiss' kappa (multi-pi); for two annotators it is Scott's pi.

    With different numbers of ratings, the expected agreement is that of the mean shares of the labels per item.
    """
    expected = float((_spread(patterns, weights) ** 2).sum())
    return _ratio(observed(patterns, weights) - expected, 1 - expected)


def bennett_s(patterns: Floats, weights: Floats) -> float:
    """Bennett, Alpert and Goldstein's S (Brennan and Prediger's kappa): all labels are equally likely by chance."""
    expected = 1 / max(patterns.shape[1], 1)
    return _ratio(observed(patterns, weights) - expected, 1 - expected)


def gwet_ac1(patterns: Floats, weights: Floats) -> float:
    """Gwet's AC1, which stays near the observed agreement when one label is far more frequent than the others."""
    return gwet_ac2(patterns, weights, np.eye(patterns.shape[1]))


def gwet_ac2(patterns: Floats, weights: Floats, credit: Floats | None = None) -> float:
    """Gwet's AC2 for labels in the order of the columns: with ordinal weights, unless others are given."""
    width, spread = patterns.shape[1], _spread(patterns, weights)
    credit = ordinal_weights(width) if credit is None else credit
    expected = float(credit.sum() * (spread * (1 - spread)).sum()) / max(width * (width - 1), 1)
    return _ratio(observed(patterns, weights, credit) - expected, 1 - expected)


def ordinal_weights(labels: int) -> Floats:
    """The credit for each pair of labels: 1 for the same label, 0 for the first and the last.

    Of the labels from one to the other (m of them), the pairs are counted: 1 - m (m - 1) / (q (q - 1)) for q labels.
    """
    apart = np.abs(np.subtract.outer(np.arange(labels), np.arange(labels)))
    found: Floats = 1 - (apart + 1) * apart / max(labels * (labels - 1), 1)
    return found


def _spread(patterns: Floats, weights: Floats) -> Floats:
    """The mean share of each label among the ratings of an item."""
    shares: Floats = weights @ (patterns / patterns.sum(axis=1, keepdims=True)) / max(float(weights.sum()), 1)
    return shares


def nominal_alpha(patterns: Floats, weights: Floats) -> float:
    """Krippendorff's alpha for labels without an order. Missing ratings are simply not counted."""
    patterns, weights = paired(patterns, weights)
    n = patterns.sum(axis=1)
    disagreeing = (n**2 - (patterns**2).sum(axis=1)) / (n - 1)
    totals = weights @ patterns
    values = float(totals.sum())
    expected = values**2 - float((totals**2).sum())
    return 1 - _ratio(float(weights @ disagreeing) * (values - 1), expected)


def ordinal_alpha(patterns: Floats, weights: Floats) -> float:
    """Krippendorff's alpha for labels in the order of the columns."""
    patterns, weights = paired(patterns, weights)
    n = patterns.sum(axis=1)
    totals = weights @ patterns
    upto = np.cumsum(totals) - totals / 2
    distance = (upto[:, None] - upto[None, :]) ** 2
    # Ordered pairs of ratings within items, each item weighing as many values as it has. Pairs of equal labels
    # have no distance, so the diagonal needs no correction.
    together = patterns.T @ (patterns * (weights / (n - 1))[:, None])
    expected = float((np.outer(totals, totals) * distance).sum())
    return 1 - _ratio(float((together * distance).sum()) * (float(totals.sum()) - 1), expected)


def cohen(confusion: Floats, credit: Floats | None = None) -> float:
    """Cohen's kappa of a confusion matrix of two annotators: rows the labels of one, columns of the other.

    With `credit` per pair of labels, as of `quadratic_weights`, it is the weighted kappa.
    """
    n = float(confusion.sum())
    if not n:
        return float("nan")
    given = np.eye(len(confusion)) if credit is None else credit
    expected = float(confusion.sum(axis=1) @ given @ confusion.sum(axis=0)) / n**2
    return _ratio(float((confusion * given).sum()) / n - expected, 1 - expected)


def confusion(votes: Votes, one: int, other: int) -> Floats:
    """How often one annotator gave a label (row) where the other gave another (column)."""
    width = len(votes.labels)
    given = []
    for annotator in (one, other):
        label = np.full(votes.items, -1, dtype=np.int64)
        mine = votes.annotator == annotator
        label[votes.item[mine]] = votes.label[mine]
        given.append(label)
    both = (given[0] >= 0) & (given[1] >= 0)
    cells = np.bincount(given[0][both] * width + given[1][both], minlength=width * width)
    return cells.reshape(width, width).astype(np.float64)


def quadratic_weights(labels: int) -> Floats:
    """The credit for each pair of labels in an order: 1 minus the squared distance, as a share of the largest."""
    found: Floats = 1 - (np.subtract.outer(np.arange(labels), np.arange(labels)) / max(labels - 1, 1)) ** 2
    return found


def with_interval(
    settings: Quality, coefficient: Coefficient, patterns: Floats, weights: Floats
) -> tuple[float | None, Interval | None]:
    """A coefficient and its percentile bootstrap interval over items as JSON can hold them: rounded, None for nan.

    There is no interval without draws or items. Draws in which the coefficient is not defined (one label only) are left
    out.
    """
    found, total = rounded(coefficient(patterns, weights)), int(weights.sum())
    if not total:
        return found, None
    draws = np.random.default_rng(settings.seed).multinomial(total, weights / total, size=settings.bootstrap)
    values = np.array([coefficient(patterns, draw) for draw in draws.astype(np.float64)])
    values = values[~np.isnan(values)]
    if not len(values):
        return found, None
    low, high = np.quantile(values, [(1 - settings.confidence) / 2, (1 + settings.confidence) / 2])
    return found, (round(float(low), 6), round(float(high), 6))


def rounded(value: float) -> float | None:
    """A number with 6 decimals; None for nan."""
    return None if math.isnan(value) else round(value, 6)


def _ratio(part: float, whole: float) -> float:
    return part / whole if abs(whole) > 1e-12 else float("nan")


def disagreements(
    text: Integers, annotator: Integers, start: Integers, end: Integers, bounds: Integers
) -> tuple[float, float]:
    """How much the units of one label differ, and how much they would by chance.

    This is Krippendorff's alpha for unitizing; that of several labels is 1 less the ratio of their sums. Each text is a
    continuum of its own; the disagreements of texts are added up by their length. Unit i is `[start[i], end[i])` of
    text `text[i]`, marked by `annotator[i]`. `bounds` has a row per text: where it starts and ends, and how many
    annotators read it. Of overlapping units of one annotator the first counts.

    Source: K. Krippendorff, On the reliability of unitizing contiguous data, Sociological Methodology 25, 1995 (doi
    10.2307/271061), and Content Analysis, 2nd edition, 2004, section 11.6.
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
