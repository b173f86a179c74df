"""Which rows of two tables differ: by id, on columns that may nest."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.rows import flat, numbers
from builder.text import Ints

Mask = npt.NDArray[np.bool_]


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
    valid_old, valid_new = _mask(pc.is_valid(old)), _mask(pc.is_valid(new))
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
        out |= both & ~_mask(pc.fill_null(pc.equal(old, new), False))
    return out


def _mask(array: pa.Array) -> Mask:
    return np.array(array.to_numpy(zero_copy_only=False), dtype=np.bool_)
