"""Gamma: how far annotators agree on where spans are and on their labels, by the best alignment of all their spans.

A unitary alignment has at most one span of each annotator. Its disorder is the mean dissimilarity of all pairs of
annotators: 1 where one has no span, else 3 times the square of how far begins and ends are apart per length of both,
and 1 more for another label. The best alignment divides all spans of a text into unitary alignments of the least
disorder. Gamma is 1 less that disorder per disorder by chance, which is that of annotators who put what somebody
marked at another place: all of it is moved by a random distance, and what leaves the text comes in at its start.

Source: Y. Mathet, A. Widlöcher and J.-P. Métivier, The unified and holistic method gamma for inter-annotator agreement
measure and alignment, Computational Linguistics 41, 2015 (doi 10.1162/COLI_a_00227), with the dissimilarity of sections
4.4 and the random annotators of section 5.2. Of several texts, each counts by the mean number of its spans.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from builder.quality.votes import Floats, Integers

#: Annotators of a text at most: the number of unitary alignments doubles with each.
MOST = 5
#: How much the place and the label count in a dissimilarity.
_PLACE, _LABEL = 3.0, 1.0


@dataclass
class MarkedText:
    """A text of `length` characters with the spans of 2 to `MOST` annotators: start, end and label, a row each."""

    length: int
    units: Sequence[Integers]


def gamma(texts: Iterable[MarkedText], draws: int, seed: int) -> float:
    """Gamma over all texts, from `draws` random annotations of each; nan without a span or a draw."""
    rng = np.random.default_rng(seed)
    observed = expected = 0.0
    for text in texts:
        size = _size(text.units)
        if not size:
            continue
        drawn = [_moved(text, rng) for _ in range(draws)]
        sizes = sum(map(_size, drawn))
        observed += alignment_cost([text.units])
        expected += size * alignment_cost(drawn) / sizes if sizes else 0.0
    return 1 - observed / expected if expected else float("nan")


def _size(units: Sequence[Integers]) -> float:
    """The mean number of spans per annotator."""
    return sum(map(len, units)) / len(units)


def alignment_cost(annotated: Sequence[Sequence[Integers]]) -> float:
    """The summed disorder of the best alignments of some texts, each with the spans of its annotators.

    That of one text is the disorder of its alignment times the mean number of spans per annotator.
    """
    # Takes a third of the start of every command, and few measure this.
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    cost: list[Floats] = []
    rows: list[Integers] = []
    columns: list[Integers] = []
    spans = 0
    for units in annotated:
        counts = [len(own) for own in units]
        chosen, costs = _unitary_alignments(units)
        rows.append((chosen + spans + np.cumsum([0, *counts[:-1]]))[chosen >= 0])
        columns.append(np.nonzero(chosen >= 0)[0] + sum(map(len, cost)))
        cost.append(costs)
        spans += sum(counts)
    if not spans:
        return 0.0
    total = np.concatenate(cost)
    cells = np.concatenate(rows), np.concatenate(columns)
    # Each span is in exactly one of the unitary alignments that are taken.
    once = LinearConstraint(csr_array((np.ones(len(cells[0])), cells), shape=(spans, len(total))), 1, 1)
    return float(milp(total, integrality=np.ones(len(total)), bounds=Bounds(0, 1), constraints=once).fun)


def _unitary_alignments(units: Sequence[Integers]) -> tuple[Integers, Floats]:
    """By unitary alignment, the number of the span of each annotator, -1 for none, and its disorder.

    Those are left out that cost more than all their spans alone, which cost 1 each.
    """
    crowd = len(units)
    pairs = crowd * (crowd - 1) / 2
    chosen: Integers = np.zeros((1, 0), np.int64)
    # The dissimilarity of all pairs of spans, and how many spans there are.
    apart: Floats = np.zeros(1)
    several: Floats = np.zeros(1)
    for n, own in enumerate(units):
        # A last row and column of zeros stand for no span: what is missing is counted in the end.
        more = np.zeros((len(chosen), len(own) + 1))
        for before in range(n):
            more += np.pad(_dissimilarity(units[before], own), (0, 1))[chosen[:, before]]
        which = np.append(np.arange(len(own)), -1)
        chosen = np.hstack([np.repeat(chosen, len(which), axis=0), np.tile(which, len(chosen))[:, None]])
        apart = (apart[:, None] + more).ravel()
        several = (several[:, None] + (which >= 0)).ravel()
        most = several + crowd - 1 - n
        kept = apart <= (most - 1) * pairs + most * (most - 1) / 2
        chosen, apart, several = chosen[kept], apart[kept], several[kept]
    cost = (apart + pairs - several * (several - 1) / 2) / pairs
    kept = cost <= several
    return chosen[kept], cost[kept]


def _dissimilarity(one: Integers, other: Integers) -> Floats:
    """The dissimilarity of each span of one annotator with each of another."""
    (start, end, label), (begin, stop, name) = one.T[:, :, None], other.T[:, None, :]
    place = (np.abs(start - begin) + np.abs(end - stop)) / np.maximum(end - start + stop - begin, 1)
    found: Floats = _PLACE * place**2 + _LABEL * (label != name)
    return found


def _moved(text: MarkedText, rng: np.random.Generator) -> list[Integers]:
    """Random annotators: each has what one of the annotators marked, moved by a distance of its own.

    Distances are at least half of a mean span apart, as long as there is room.
    """
    every = np.concatenate(list(text.units))
    near = float((every[:, 1] - every[:, 0]).mean()) / 2
    free, out = np.arange(text.length), []
    for _ in text.units:
        by = int(rng.choice(free if len(free) else text.length))
        free = free[np.abs(free - by) >= near]
        units = text.units[int(rng.integers(len(text.units)))] + [by, by, 0]
        out.append(units - np.where(units[:, :1] >= text.length, [text.length, text.length, 0], 0))
    return out
