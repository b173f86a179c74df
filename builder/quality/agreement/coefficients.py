"""Agreement coefficients from counts: how many annotators gave each item each label.

Every coefficient depends on the items only through the rows of counts, so items with the same row are one pattern with
a weight. A function takes `patterns` (patterns by labels) and `weights` (items per pattern) and returns the
coefficient, or nan where it is not defined. Resampling items with replacement is one multinomial draw over patterns.

Sources: J. Cohen 1960 (doi 10.1177/001316446002000104); J. L. Fleiss 1971 (doi 10.1037/h0031619); R. J. Light 1971
(doi 10.1037/h0031643); K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011; R. Artstein and M. Poesio
2008 (doi 10.1162/coli.07-034-R2).
"""

import math
from collections.abc import Callable

import numpy as np

from builder.quality.settings import Quality
from builder.quality.votes import Floats, Integers, Votes

Interval = tuple[float, float]
Coefficient = Callable[[Floats, Floats], float]


def counts_of(votes: Votes) -> Integers:
    """How many annotators gave each item each label: items by labels."""
    width = len(votes.labels)
    cells = np.bincount(votes.item * width + votes.label, minlength=votes.items * width)
    return cells.reshape(votes.items, width)


def patterns_of(counts: Integers) -> tuple[Floats, Floats]:
    """The distinct rows of the counts with two ratings or more, and how many items have each."""
    paired = counts[counts.sum(axis=1) >= 2]
    rows, times = np.unique(paired, axis=0, return_counts=True) if len(paired) else (paired, np.zeros(0))
    return rows.astype(np.float64), times.astype(np.float64)


def patterns_of_votes(votes: Votes) -> tuple[Floats, Floats, int]:
    """The same patterns straight from the votes, and the number of items with one rating.

    The counts of an item are read as the digits of one number, so that items are compared without the table of counts.
    """
    width, base = len(votes.labels), len(votes.annotators) + 1
    if base**width > 2**53:
        return _patterns_by_counting(votes)
    digits = float(base) ** np.arange(width)
    keys = np.bincount(votes.item, weights=digits.take(votes.label), minlength=votes.items).astype(np.int64)
    if base**width <= 4 * len(keys) + 1024:
        every = np.bincount(keys)
        found = np.flatnonzero(every)
        times = every[found]
    else:
        found, times = np.unique(keys, return_counts=True)
    rows = found[:, None] // digits.astype(np.int64) % base
    ratings = rows.sum(axis=1)
    if int(ratings @ times) != len(votes.item):
        # A digit overflowed: somebody voted twice on an item.
        return _patterns_by_counting(votes)
    kept = ratings >= 2
    single = int(times[ratings == 1].sum())
    return rows[kept].astype(np.float64), times[kept].astype(np.float64), single


def _patterns_by_counting(votes: Votes) -> tuple[Floats, Floats, int]:
    counts = counts_of(votes)
    return *patterns_of(counts), int((counts.sum(axis=1) == 1).sum())


def observed(patterns: Floats, weights: Floats) -> float:
    """The mean share of pairs of annotators of an item who agree; an item with one rating has no pair."""
    n = patterns.sum(axis=1)
    agreeing = (patterns * (patterns - 1)).sum(axis=1) / (n * (n - 1))
    return _ratio(float(weights @ agreeing), float(weights.sum()))


def fleiss(patterns: Floats, weights: Floats) -> float:
    """Fleiss' kappa (multi-pi); for two annotators it is Scott's pi. Items may have different numbers of ratings."""
    totals = weights @ patterns
    expected = float(((totals / max(totals.sum(), 1)) ** 2).sum())
    return _ratio(observed(patterns, weights) - expected, 1 - expected)


def nominal_alpha(patterns: Floats, weights: Floats) -> float:
    """Krippendorff's alpha for labels without an order. Missing ratings are simply not counted."""
    n = patterns.sum(axis=1)
    disagreeing = (n**2 - (patterns**2).sum(axis=1)) / (n - 1)
    totals = weights @ patterns
    values = float(totals.sum())
    expected = values**2 - float((totals**2).sum())
    return 1 - _ratio(float(weights @ disagreeing) * (values - 1), expected)


def ordinal_alpha(patterns: Floats, weights: Floats) -> float:
    """Krippendorff's alpha for labels in the order of the columns."""
    n = patterns.sum(axis=1)
    totals = weights @ patterns
    upto = np.cumsum(totals) - totals / 2
    distance = (upto[:, None] - upto[None, :]) ** 2
    # Ordered pairs of ratings within items, each item weighing as many values as it has. Pairs of equal labels
    # have no distance, so the diagonal needs no correction.
    together = patterns.T @ (patterns * (weights / (n - 1))[:, None])
    expected = float((np.outer(totals, totals) * distance).sum())
    return 1 - _ratio(float((together * distance).sum()) * (float(totals.sum()) - 1), expected)


def cohen(confusion: Floats) -> float:
    """Cohen's kappa of a confusion matrix of two annotators: rows the labels of one, columns of the other."""
    n = float(confusion.sum())
    if not n:
        return float("nan")
    expected = float(confusion.sum(axis=1) @ confusion.sum(axis=0)) / n**2
    return _ratio(float(np.trace(confusion)) / n - expected, 1 - expected)


def bootstrap_interval(
    coefficient: Coefficient, patterns: Floats, weights: Floats, draws: int, confidence: float, seed: int
) -> tuple[float, float]:
    """The percentile bootstrap interval over items; nan without draws or without items.

    Draws in which the coefficient is not defined (one label only) are left out.
    """
    total = int(weights.sum())
    if not draws or not total:
        return float("nan"), float("nan")
    samples = np.random.default_rng(seed).multinomial(total, weights / total, size=draws).astype(np.float64)
    values = np.array([coefficient(patterns, sample) for sample in samples])
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def with_interval(
    settings: Quality, coefficient: Coefficient, patterns: Floats, weights: Floats
) -> tuple[float | None, Interval | None]:
    """A coefficient and its bootstrap interval as JSON can hold them: rounded, and None for nan."""
    drawn = bootstrap_interval(coefficient, patterns, weights, settings.bootstrap, settings.confidence, settings.seed)
    low, high = map(rounded, drawn)
    return rounded(coefficient(patterns, weights)), None if low is None or high is None else (low, high)


def rounded(value: float) -> float | None:
    """A number with 6 decimals; None for nan."""
    return None if math.isnan(value) else round(value, 6)


def _ratio(part: float, whole: float) -> float:
    return part / whole if abs(whole) > 1e-12 else float("nan")
