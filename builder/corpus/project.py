"""Projection: spans in article coordinates onto any chunks of the article, and back.

Annotations survive another chunking because a span belongs to the article; a chunk is only a window on it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Interval = tuple[int, int]


class Seen(NamedTuple):
    """The part of a span that a chunk shows: `start` and `end` count within the chunk's text.

    `whole` is False when the span goes on outside the chunk.
    """

    chunk: int
    start: int
    end: int
    whole: bool


def project(span: Interval, chunks: Sequence[Interval]) -> list[Seen]:
    """The parts of a span in chunks that are in order and do not overlap; what no chunk shows is left out.

    >>> project((3, 8), [(0, 5), (6, 12)])
    [Seen(chunk=0, start=3, end=5, whole=False), Seen(chunk=1, start=0, end=2, whole=False)]
    """
    start, end = span
    out: list[Seen] = []
    first = max(0, bisect_right(chunks, start, key=lambda c: c[0]) - 1)
    for i in range(first, bisect_left(chunks, end, key=lambda c: c[0])):
        lo, hi = max(start, chunks[i][0]), min(end, chunks[i][1])
        if lo < hi:
            out.append(Seen(i, lo - chunks[i][0], hi - chunks[i][0], (lo, hi) == (start, end)))
    return out


def lift(seen: Iterable[Seen], chunks: Sequence[Interval]) -> Interval | None:
    """The span in article coordinates that its parts come from; None when there are none.

    What lies between neighbouring parts (the whitespace between chunks) belongs to the span.
    """
    parts = [(chunks[s.chunk][0] + s.start, chunks[s.chunk][0] + s.end) for s in seen]
    return (min(a for a, _ in parts), max(b for _, b in parts)) if parts else None
