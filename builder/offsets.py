"""Code-point intervals, and the map from a cleaned text back to its raw characters.

Every interval in this project is half-open and counts Unicode code points, so `text[start:end]` is the
text it names. This is said here once and holds for spans, chunks, sections and maps alike.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple


class Edit(NamedTuple):
    """Replace `text[start:end]` by `new`; an insertion has `start == end`, a deletion an empty `new`."""

    start: int
    end: int
    new: str


class Segment(NamedTuple):
    """`text[start:end]` comes from `raw[raw_start:raw_end]`.

    Segments of equal length map character by character; any other segment maps as a whole.
    """

    start: int
    end: int
    raw_start: int
    raw_end: int


@dataclass(frozen=True)
class OffsetMap:
    """Segments that tile both the text and the raw text, in order."""

    segments: tuple[Segment, ...]

    @classmethod
    def identity(cls, length: int) -> "OffsetMap":
        """The map of a text that was not edited."""
        return cls((Segment(0, length, 0, length),) if length else ())

    @property
    def is_identity(self) -> bool:
        return all(s.start == s.raw_start and s.end == s.raw_end for s in self.segments)

    def to_raw(self, start: int, end: int) -> tuple[int, int]:
        """The smallest raw interval that explains the non-empty `text[start:end]`.

        Raises `ValueError` when the interval is empty or outside the text.
        """
        length = self.segments[-1].end if self.segments else 0
        if not 0 <= start < end <= length:
            raise ValueError(f"interval [{start}, {end}) is empty or outside a text of {length} code points")
        return self._raw_of(start)[0], self._raw_of(end - 1)[1]

    def _raw_of(self, index: int) -> tuple[int, int]:
        # Zero-length segments (deletions) share their start with the segment that follows; the last one wins.
        s = self.segments[bisect_right(self.segments, index, key=itemgetter(0)) - 1]
        if s.end - s.start == s.raw_end - s.raw_start:
            return s.raw_start + index - s.start, s.raw_start + index - s.start + 1
        return s.raw_start, s.raw_end

    def then(self, later: "OffsetMap") -> "OffsetMap":
        """The map of two cleanings in a row: this one first, `later` on its result.

        Where both change the same characters, the result maps them as a whole. If it is exactly as long as its raw
        characters, the last of these counts as deleted. A character that neither changes maps to itself alone.
        """
        return later if self.is_identity else OffsetMap(tuple(_merge(_compose(self.segments, later.segments))))


def edit(text: str, edits: Iterable[Edit]) -> tuple[str, OffsetMap]:
    """The edited text and its map back to `text`. Edits are in order and do not overlap."""
    parts: list[str] = []
    segments: list[Segment] = []
    at = new_at = 0
    for e in edits:
        if e.start < at or e.end < e.start or e.end > len(text):
            raise ValueError(f"edit {e!r} overlaps the one before it or leaves the text")
        before = new_at + e.start - at
        after = before + len(e.new)
        parts += [text[at : e.start], e.new]
        segments += [Segment(new_at, before, at, e.start), Segment(before, after, e.start, e.end)]
        at, new_at = e.end, after
    parts.append(text[at:])
    segments.append(Segment(new_at, new_at + len(text) - at, at, len(text)))
    return "".join(parts), OffsetMap(tuple(_merge(segments)))


def _compose(first: Sequence[Segment], later: Sequence[Segment]) -> list[Segment]:
    """Cut both tilings at every border of the text between them that neither maps as a whole across."""
    to_raw = _Side([(s.start, s.end, s.raw_start, s.raw_end) for s in first])
    to_text = _Side([(s.raw_start, s.raw_end, s.start, s.end) for s in later])
    cuts = sorted(c for c in to_raw.borders | to_text.borders if to_raw.can_cut(c) and to_text.can_cut(c))
    out: list[Segment] = []
    for a, b in zip(cuts, [*cuts[1:], None], strict=True):
        # What was deleted before or inserted after sits at the cut itself, with no width in between.
        out.append(Segment(to_text.right(a), to_text.left(a), to_raw.right(a), to_raw.left(a)))
        if b is not None:
            s = Segment(to_text.left(a), to_text.right(b), to_raw.left(a), to_raw.right(b))
            if s.end - s.start > 1 and _even(s) and not (to_raw.even(a, b) and to_text.even(a, b)):
                # It maps as a whole but would pass for one that maps character by character.
                out.append(s._replace(raw_end=s.raw_end - 1))
                s = Segment(s.end, s.end, s.raw_end - 1, s.raw_end)
            out.append(s)
    return out


class _Side:
    """One tiling seen from the text between two cleanings: where each of its positions lands."""

    def __init__(self, quads: list[tuple[int, int, int, int]]) -> None:
        self.wide = [q for q in quads if q[0] < q[1]]
        self.starts = [q[0] for q in self.wide]
        self.length = self.wide[-1][1] if self.wide else 0
        self.total = quads[-1][3] if quads else 0
        self.borders = {0, self.length} | set(self.starts)

    def can_cut(self, at: int) -> bool:
        if at in (0, self.length):
            return True
        a, b, c, d = self.wide[bisect_right(self.starts, at) - 1]
        return at == a or b - a == d - c

    def even(self, start: int, end: int) -> bool:
        """Whether the interval is within one segment that maps character by character."""
        a, b, c, d = self.wide[bisect_right(self.starts, start) - 1]
        return end <= b and b - a == d - c

    def left(self, at: int) -> int:
        """Where the interval that begins at `at` begins on the other side."""
        if at == self.length:
            return self.total
        a, _, c, _ = self.wide[bisect_right(self.starts, at) - 1]
        return c + at - a

    def right(self, at: int) -> int:
        """Where the interval that ends at `at` ends on the other side."""
        if at == 0:
            return 0
        a, b, c, d = self.wide[bisect_right(self.starts, at - 1) - 1]
        return d if at == b else c + at - a


def _merge(segments: Iterable[Segment]) -> list[Segment]:
    """Join neighbours that map character by character, and leave out what is nothing on both sides."""
    out: list[Segment] = []
    for s in segments:
        if s.start == s.end and s.raw_start == s.raw_end:
            continue
        if out and _even(s) and _even(out[-1]):
            out[-1] = Segment(out[-1].start, s.end, out[-1].raw_start, s.raw_end)
        else:
            out.append(s)
    return out


def _even(s: Segment) -> bool:
    return s.end - s.start == s.raw_end - s.raw_start
