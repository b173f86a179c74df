"""Checks of single spans and of spans of one annotation against each other.

All are columnar: texts are one array of code points, so that a million spans cost about a second.
"""

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import mask, numbers
from builder.quality.checks.inputs import CheckInputs, Finding
from builder.quality.votes import Integers, Mask, overlapping_pairs
from builder.scheme import Question
from builder.text import MARK, SPACE, WORD, Texts, class_of

#: First code points of ranges of scripts that put spaces between words, each followed by the end of its range.
_SPACED = np.array([0x30, 0x0E00, 0x10A0, 0x1100, 0x1200, 0x1780, 0x1E00, 0x2E80])


def bounds(inputs: CheckInputs) -> Iterator[Finding]:
    """The span leaves the chunk that its annotator saw."""
    wrong = ~inputs.inside & (inputs.start < inputs.end)
    return inputs.flag_spans(wrong, "{label} [{start}, {end}) is outside the chunk.")


def zero_length(inputs: CheckInputs) -> Iterator[Finding]:
    """The span ends where it starts, or before."""
    return inputs.flag_spans(inputs.start >= inputs.end, "{label} [{start}, {end}) is empty.")


def text_mismatch(inputs: CheckInputs) -> Iterator[Finding]:
    """The text stored with the span is not the text at its bounds."""
    lengths = numbers(pc.fill_null(pc.utf8_length(inputs.spans["text"]), -1))
    wrong = inputs.inside & (lengths != inputs.end - inputs.start)
    rows = np.flatnonzero(inputs.inside & ~wrong)
    mine = Texts.of(inputs.spans["text"].take(pa.array(rows)).combine_chunks())
    first = mine.starts[:-1]
    place = np.repeat((inputs.start + inputs.shift)[rows] - first, lengths[rows]) + np.arange(len(mine.points))
    differs = np.flatnonzero(mine.points != inputs.shown.points[place])
    wrong[rows[np.searchsorted(first, differs, side="right") - 1]] = True
    return inputs.flag_spans(wrong, "{label} [{start}, {end}) is stored as {text!r}, which is not the text there.")


def edge_whitespace(inputs: CheckInputs) -> Iterator[Finding]:
    """The span starts or ends with whitespace."""
    rows, first, last = _edges(inputs)
    points = inputs.shown.points
    wrong = (class_of(points[first]) == SPACE) | (class_of(points[last]) == SPACE)
    return inputs.flag_spans(rows[wrong], "{label} {text!r} has whitespace at its edge.")


def mid_word(inputs: CheckInputs) -> Iterator[Finding]:
    """The span starts or ends inside a word. Scripts without spaces between words are not judged."""
    rows, first, last = _edges(inputs)
    shown = inputs.shown
    window = inputs.window_of_span[rows]
    before, after = np.maximum(first - 1, 0), np.minimum(last + 1, max(len(shown.points) - 1, 0))
    cut_before = (first > shown.starts[window]) & _in_word(shown.points[first]) & _in_word(shown.points[before])
    cut_after = (last + 1 < shown.starts[window + 1]) & _in_word(shown.points[last]) & _in_word(shown.points[after])
    return inputs.flag_spans(rows[cut_before | cut_after], "{label} {text!r} starts or ends inside a word.")


def _edges(inputs: CheckInputs) -> tuple[Integers, Integers, Integers]:
    """Rows of the spans inside their window, and the positions of their first and last characters."""
    rows = np.flatnonzero(inputs.inside)
    return rows, (inputs.start + inputs.shift)[rows], (inputs.end + inputs.shift)[rows] - 1


def _in_word(points: npt.NDArray[np.uint32] | npt.NDArray[np.uint8]) -> Mask:
    """Which code points are part of a word, in scripts that put spaces between words.

    Left out are Thai, Lao, Tibetan, Burmese, Khmer and all from CJK on: they have no spaces between words, or (Korean)
    join particles to names.
    """
    kinds = class_of(points)
    spaced = np.searchsorted(_SPACED, points, side="right") % 2 == 1
    found: Mask = spaced & ((kinds == WORD) | (kinds == MARK))
    return found


def duplicate_span(inputs: CheckInputs) -> Iterator[Finding]:
    """The annotation holds the same span with the same label twice."""
    order = inputs.order
    places = np.stack([inputs.annotation_of_span, inputs.start, inputs.end])[:, order]
    meets = np.flatnonzero((places[:, 1:] == places[:, :-1]).all(axis=0))
    rows = np.unique(np.concatenate([order[meets], order[meets + 1]]))
    taken = inputs.spans.select(["kind", "label"]).take(pa.array(rows)).to_pylist()
    seen: set[tuple[int, int, int, str, str]] = set()
    again = []
    for row, span in zip(rows.tolist(), taken, strict=True):
        where = int(inputs.annotation_of_span[row]), int(inputs.start[row]), int(inputs.end[row])
        key = (*where, span["kind"], span["label"])
        if key in seen:
            again.append(row)
        seen.add(key)
    return inputs.flag_spans(np.array(again, dtype=np.int64), "{label} {text!r} [{start}, {end}) is marked twice.")


def crossing(inputs: CheckInputs) -> Iterator[Finding]:
    """Two spans of a question cross, and the question forbids it."""
    rows = _meeting(inputs, [q for q in inputs.span_questions if not q.overlap], crosses=True)
    return inputs.flag_spans(rows, "{label} {text!r} [{start}, {end}) crosses another span.")


def nested(inputs: CheckInputs) -> Iterator[Finding]:
    """A span is inside another of its question, and the question forbids it."""
    rows = _meeting(inputs, [q for q in inputs.span_questions if not q.nesting], crosses=False)
    return inputs.flag_spans(rows, "{label} {text!r} [{start}, {end}) is inside another span.")


def unknown_span_label(inputs: CheckInputs) -> Iterator[Finding]:
    """The label is not one of a question that gives spans of this kind."""
    known = np.zeros(inputs.spans.num_rows, dtype=np.bool_)
    for question in inputs.span_questions:
        known |= _of(inputs, question)
    return inputs.flag_spans(~known, "{label!r} is no span label of the scheme.")


def _of(inputs: CheckInputs, question: Question) -> Mask:
    """Which spans are answers to the question."""
    labels = pa.array(list(question.labels), pa.string())
    kind = pc.equal(inputs.spans["kind"], question.span_kind)
    return mask(pc.and_(kind, pc.is_in(inputs.spans["label"], labels)))


def _meeting(inputs: CheckInputs, questions: Collection[Question], crosses: bool) -> Integers:
    """Rows of the spans that cross an earlier span of their annotation and question, or are inside one.

    Spans of equal bounds do not count: they are two labels of one place.
    """
    found: list[Integers] = [np.zeros(0, np.int64)]
    for question in questions:
        rows = inputs.order[_of(inputs, question)[inputs.order]]
        a, start, end = inputs.annotation_of_span[rows], inputs.start[rows], inputs.end[rows]
        for left, right in overlapping_pairs(a, start, end):
            over = (end[right] > end[left]) & (start[right] > start[left])
            equal = (start[left] == start[right]) & (end[left] == end[right])
            found.append(rows[right[over if crosses else ~over & ~equal]])
    return np.unique(np.concatenate(found))
