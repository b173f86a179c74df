"""Checks of single spans and of spans of one annotation against each other.

All of them are columnar: texts are one array of code points, so that a million spans cost about a second.
"""

from collections.abc import Iterator
from unicodedata import category

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.checks.view import Finding, Ints, Mask, View, code_points

_BLANK = np.zeros(0x110000, dtype=np.bool_)
_BLANK[[i for i in range(0x3001) if chr(i).isspace()]] = True


def bounds(view: View) -> Iterator[Finding]:
    """The span leaves the chunk that its annotator saw."""
    wrong = ~view.inside & (view.start < view.end)
    return view.flag_spans(wrong, "{label} [{start}, {end}) lies outside the chunk.")


def zero_length(view: View) -> Iterator[Finding]:
    """The span ends where it starts, or before."""
    return view.flag_spans(view.start >= view.end, "{label} [{start}, {end}) is empty.")


def text_mismatch(view: View) -> Iterator[Finding]:
    """The text kept with the span is not what stands at its bounds."""
    lengths = pc.fill_null(pc.utf8_length(view.spans["text"]), -1).to_numpy().astype(np.int64)
    wrong = view.inside & (lengths != view.end - view.start)
    rows = np.flatnonzero(view.inside & ~wrong)
    kept = view.spans["text"] if len(rows) == len(lengths) else view.spans["text"].take(pa.array(rows))
    mine, size = code_points(kept), lengths[rows]
    ahead = np.cumsum(size) - size
    small = np.int32 if max(len(mine), len(view.characters)) < 2**31 else np.int64
    shown = np.repeat(((view.start + view.base)[rows] - ahead).astype(small), size)
    shown += np.arange(len(mine), dtype=small)
    differs = np.flatnonzero(mine != view.characters[shown])
    wrong[rows[np.searchsorted(ahead, differs, side="right") - 1]] = True
    return view.flag_spans(wrong, "{label} [{start}, {end}) is kept as {text!r}, which does not stand there.")


def edge_whitespace(view: View) -> Iterator[Finding]:
    """The span starts or ends with blanks."""
    rows = np.flatnonzero(view.inside)
    first, last = (view.start + view.base)[rows], (view.end + view.base)[rows] - 1
    wrong = _BLANK[view.characters[first]] | _BLANK[view.characters[last]]
    return view.flag_spans(rows[wrong], "{label} {text!r} has blanks at its edge.")


def mid_word(view: View) -> Iterator[Finding]:
    """The span starts or ends inside a word. Scripts without blanks between words are not judged."""
    rows = np.flatnonzero(view.inside)
    first, last = (view.start + view.base)[rows], (view.end + view.base)[rows] - 1
    word = _words()
    c = view.characters
    wrong = (word[c[first]] & word[c[first - 1]]) | (word[c[last]] & word[c[last + 1]])
    return view.flag_spans(rows[wrong], "{label} {text!r} starts or ends inside a word.")


def duplicate_span(view: View) -> Iterator[Finding]:
    """The annotation holds the same span with the same label twice."""
    order, place = view.order
    meets = np.flatnonzero(place[1:] == place[:-1])
    rows = np.unique(np.concatenate([order[meets], order[meets + 1]]))
    taken = view.spans.select(["kind", "label"]).take(pa.array(rows)).to_pylist()
    seen: set[tuple[int, int, int, str, str]] = set()
    again = []
    for row, span in zip(rows.tolist(), taken, strict=True):
        where = int(view.annotation_of_span[row]), int(view.start[row]), int(view.end[row])
        key = (*where, span["kind"], span["label"])
        if key in seen:
            again.append(row)
        seen.add(key)
    return view.flag_spans(np.array(again, dtype=np.int64), "{label} {text!r} [{start}, {end}) is marked twice.")


def overlap(view: View) -> Iterator[Finding]:
    """Two entity spans cross, and the scheme says that spans do not."""
    if view.scheme.overlap:
        return iter(())
    inner, _ = _pairs(view, crossing=True)
    return view.flag_spans(inner, "{label} {text!r} [{start}, {end}) crosses another span.")


def nesting(view: View) -> Iterator[Finding]:
    """An entity span lies inside another, and the scheme says that spans do not."""
    if view.scheme.nesting:
        return iter(())
    inner, _ = _pairs(view, crossing=False)
    return view.flag_spans(inner, "{label} {text!r} [{start}, {end}) lies inside another span.")


def unknown_span_label(view: View) -> Iterator[Finding]:
    """The span's label is not one of the scheme."""
    known = pa.array([*view.scheme.entities, "EVIDENCE"], pa.string())
    wrong = ~pc.is_in(view.spans["label"], known).to_numpy()
    return view.flag_spans(wrong, "{label!r} is no entity label of the scheme.")


_word_table: list[Mask] = []


def _words() -> Mask:
    """Which code points continue a word: letters and digits of scripts that put blanks between words."""
    if not _word_table:
        table = np.zeros(0x110000, dtype=np.bool_)
        # Left out: Thai, Lao, Tibetan, Burmese, Khmer and all from CJK on, which set words without blanks or (Korean)
        # join particles to names.
        for low, high in ((0x30, 0x0E00), (0x10A0, 0x1100), (0x1200, 0x1780), (0x1E00, 0x2E80)):
            table[low:high] = [chr(i).isalnum() or category(chr(i))[0] == "M" for i in range(low, high)]
        _word_table.append(table)
    return _word_table[0]


def _pairs(view: View, crossing: bool) -> tuple[Ints, Ints]:
    """Pairs of entity spans of one annotation of which the later crosses the earlier, or lies inside it.

    Sorted by start, a span can only meet its neighbours up to the first that begins after its end, so comparing at
    distance 1, 2, ... ends after as many rounds as spans lie over one another. Spans of equal bounds do not count:
    they are two labels of one place.
    """
    order, _ = view.order
    rows = order[(view.inside & pc.equal(view.spans["kind"], "entity").to_numpy())[order]]
    a, start, end = view.annotation_of_span[rows], view.start[rows], view.end[rows]
    found: list[tuple[Ints, Ints]] = []
    left: Ints = np.arange(len(rows))
    for distance in range(1, len(rows)):
        left = left[left + distance < len(rows)]
        right = left + distance
        meets = (a[left] == a[right]) & (start[right] < end[left])
        left, right = left[meets], right[meets]
        if not len(left):
            break
        crosses = (end[right] > end[left]) & (start[right] > start[left])
        equal = (start[left] == start[right]) & (end[left] == end[right])
        hit = crosses if crossing else ~crosses & ~equal
        found.append((rows[right[hit]], rows[left[hit]]))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    inner, outer = np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])
    inner, first = np.unique(inner, return_index=True)
    return inner, outer[first]
