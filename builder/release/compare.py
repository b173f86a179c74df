"""Which rows of two tables differ: by id, on columns that may nest; and how labels in them changed."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.arrays import Mask, flat, mask, numbers
from builder.text import Ints


@dataclass(frozen=True)
class Change:
    """One change inside a row that two releases share: its kind in words, and what stood and stands there."""

    id: str
    what: str
    old: str = ""
    new: str = ""


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
    valid_old, valid_new = mask(pc.is_valid(old)), mask(pc.is_valid(new))
    out: Mask = valid_old != valid_new
    both = valid_old & valid_new
    if pa.types.is_struct(new.type):
        for i in range(new.type.num_fields):
            # The parent's own nulls are told apart above, so what lies below them does not count.
            out |= both & differs(pc.struct_field(old, i), pc.struct_field(new, i))
    elif pa.types.is_list(new.type):
        lengths_old = numbers(pc.fill_null(pc.list_value_length(old), 0))
        lengths_new = numbers(pc.fill_null(pc.list_value_length(new), 0))
        out |= both & (lengths_old != lengths_new)
        same = np.flatnonzero(both & (lengths_old == lengths_new))
        at = pa.array(same)
        inner = differs(old.take(at).flatten(), new.take(at).flatten())
        out[np.repeat(same, lengths_new[same])[inner]] = True
    else:
        out |= both & ~mask(pc.fill_null(pc.equal(old, new), False))
    return out


def value_changes(both: Aligned, columns: Iterable[str]) -> list[Change]:
    """Rows in which a label, or a list of labels, is another one now; `what` is such as "favor -> neutral"."""
    shared = [name for name in columns if name in both.old.column_names and name in both.new.column_names]
    at = pa.array(both.changed(shared))
    old, new = both.old.take(at), both.new.take(at)
    found = []
    for name in shared:
        for row, a, b in zip(*(x.to_pylist() for x in (new["id"], old[name], new[name])), strict=True):
            before, after = (", ".join(v) or "none" if isinstance(v, list) else str(v) for v in (a, b))
            if before != after:
                found.append(Change(row, f"{before} -> {after}", before, after))
    return found


def span_changes(both: Aligned, column: str) -> list[Change]:
    """Spans that were added, removed, relabelled or moved in the rows that both tables have."""
    if column not in both.old.column_names or column not in both.new.column_names:
        return []
    at = pa.array(both.changed([column]))
    old, new = both.old.take(at), both.new.take(at)
    columns = (x.to_pylist() for x in (new["id"], old[column], new[column]))
    return [
        Change(row, what, _brief(a), _brief(b))
        for row, before, after in zip(*columns, strict=True)
        for what, a, b in pair_spans(before, after)
    ]


_Span = tuple[int, int, str, str]


def pair_spans(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> Iterator[tuple[str, _Span | None, _Span | None]]:
    """How the spans of one row became those of the other: (kind of change, old span, new span), with None for no span.

    The same place with another label is "relabelled"; an overlapping place with the same label is "moved".
    """
    a = Counter((s["start"], s["end"], s["label"], s["text"]) for s in old)
    b = Counter((s["start"], s["end"], s["label"], s["text"]) for s in new)
    gone, come = sorted((a - b).elements()), sorted((b - a).elements())
    for what in ("relabelled", "moved"):
        for x in list(gone):
            y = next((y for y in come if _related(what, x, y)), None)
            if y is not None:
                gone.remove(x)
                come.remove(y)
                yield what, x, y
    for x in gone:
        yield "removed", x, None
    for y in come:
        yield "added", None, y


def _related(what: str, x: _Span, y: _Span) -> bool:
    if what == "relabelled":
        return x[:2] == y[:2]
    return x[2] == y[2] and x[0] < y[1] and y[0] < x[1]


def _brief(span: _Span | None) -> str:
    return "" if span is None else f"{span[2]} {span[0]}-{span[1]} {span[3]!r}"
