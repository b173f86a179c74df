"""Which rows of two tables differ: by id, on columns that may nest; and how labels in them changed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import Mask, flat, mask, numbers
from builder.release.manifest import Change
from builder.text import Ints

#: What changed where a label stays.
_VOTES = "other votes for the same label"


@dataclass(frozen=True)
class Aligned:
    """Two tables by `id`: what only one has, and the rows both have, in the order of the newer one."""

    added: pa.Table
    removed: pa.Table
    old: pa.Table
    new: pa.Table

    def changed(self, columns: list[str]) -> Ints:
        """Positions, among the rows both have, at which one of the columns differs."""
        masks = [differs(flat(self.old[name]), flat(self.new[name])) for name in columns]
        return np.flatnonzero(np.logical_or.reduce(masks)) if masks else np.zeros(0, np.int64)


def align(old: pa.Table, new: pa.Table) -> Aligned:
    """The tables brought together by their `id` columns, which hold no value twice."""
    at = pc.index_in(new["id"], value_set=flat(old["id"]))
    shared = pc.is_valid(at)
    gone = pc.invert(pc.is_in(old["id"], flat(new["id"])))
    return Aligned(
        new.filter(pc.invert(shared)), old.filter(gone), old.take(flat(at.filter(shared))), new.filter(shared)
    )


def differs(old: pa.Array, new: pa.Array) -> Mask:
    """Per row, whether the values differ; two nulls are equal.

    >>> old = pa.array([[{"a": 1}], [{"a": 1}], None])
    >>> differs(old, pa.array([[{"a": 1}], [{"a": 2}], []], old.type)).tolist()
    [False, True, True]
    """
    there = mask(pc.is_valid(old)), mask(pc.is_valid(new))
    out: Mask = there[0] != there[1]
    if pa.types.is_struct(new.type):
        # `flatten` gives the fields the nulls of their struct.
        return np.array(np.logical_or.reduce([out, *map(differs, old.flatten(), new.flatten())]))
    if not pa.types.is_list(new.type):
        return out | (there[0] & there[1] & ~mask(pc.equal(old, new)))
    sizes = [numbers(pc.fill_null(pc.list_value_length(side), 0)) for side in (old, new)]
    out |= sizes[0] != sizes[1]
    same = np.flatnonzero(~out)
    inner = differs(*(side.take(pa.array(same)).flatten() for side in (old, new)))
    out[np.repeat(same, sizes[0][same])[inner]] = True
    return out


def value_changes(both: Aligned, columns: Iterable[str]) -> Iterator[Change]:
    """Rows in which a label, or a list of labels, is another one now; `what` is such as "favor -> neutral".

    Rows with the same label follow, where their status or votes are others now.
    """
    relabelled = set()
    for name in columns:
        for row, before, after in _changed(both, name):
            relabelled.add(row)
            yield Change(row, f"{_words(before)} -> {_words(after)}", _words(before), _words(after))
    for name in ("status", "votes"):
        for row, before, after in _changed(both, name):
            if row not in relabelled:
                what = f"status {before} -> {after}" if name == "status" else _VOTES
                yield Change(row, what, _words(before), _words(after))


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" for key, count in value.items() if count)
    return ", ".join(value) or "none" if isinstance(value, list) else str(value)


def span_changes(both: Aligned, column: str) -> Iterator[Change]:
    """Spans that were added, removed, relabelled or moved in the rows that both tables have, or decided otherwise."""
    for row, *sides in _changed(both, column):
        for what, *spans in pair_spans(*sides):
            yield Change(row, what, *(f"{s[2]} {s[0]}-{s[1]} {s[3]!r}" if s else "" for s in spans))
        old, new = ({_key(span): span for span in spans} for spans in sides)
        for key in (key for key in new if key in old):
            place, pair = f"{key[2]} {key[0]}-{key[1]}", (old[key], new[key])
            a, b = (span.get("status") for span in pair)
            if a != b:
                yield Change(row, f"status {a} -> {b}", f"{place} {a}", f"{place} {b}")
            a, b = (f"{place} {span.get('votes_for')} for, {span.get('votes_against')} against" for span in pair)
            if a != b:
                yield Change(row, _VOTES, a, b)


def _changed(both: Aligned, name: str) -> Iterator[tuple[Any, ...]]:
    """Id, old and new value of the rows in which a column differs; none when one of the tables lacks it."""
    if name in both.old.column_names and name in both.new.column_names:
        at = pa.array(both.changed([name]))
        columns = (both.new["id"], both.old[name], both.new[name])
        yield from zip(*(column.take(at).to_pylist() for column in columns), strict=True)


_Span = tuple[int, int, str, str]


def _key(span: Mapping[str, Any]) -> _Span:
    return span["start"], span["end"], span["label"], span["text"]


_RELATED: dict[str, Callable[[_Span, _Span], bool]] = {
    "relabelled": lambda x, y: x[:2] == y[:2],
    "moved": lambda x, y: x[2] == y[2] and x[0] < y[1] and y[0] < x[1],
}


def pair_spans(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> Iterator[tuple[str, _Span | None, _Span | None]]:
    """How the spans of one row became those of the other: (kind of change, old span, new span), with None for no span.

    The same place with another label is "relabelled"; an overlapping place with the same label is "moved".
    """
    a, b = (Counter(map(_key, spans)) for spans in (old, new))
    gone, come = sorted((a - b).elements()), sorted((b - a).elements())
    for what, related in _RELATED.items():
        for x in list(gone):
            if y := next((y for y in come if related(x, y)), None):
                gone.remove(x)
                come.remove(y)
                yield what, x, y
    yield from (("removed", x, None) for x in gone)
    yield from (("added", None, y) for y in come)
