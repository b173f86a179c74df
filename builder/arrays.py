"""Small operations on Arrow columns and numpy arrays that several rooms use."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.text import Ints

Mask = npt.NDArray[np.bool_]


def flat(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    return column.combine_chunks()


def numbers(column: pa.ChunkedArray | pa.Array) -> Ints:
    """The column as 64-bit integers; it holds no null."""
    return np.asarray(column.to_numpy(), np.int64)


def mask(column: pa.ChunkedArray | pa.Array) -> Mask:
    """A column of booleans as numpy has them; null is false."""
    return np.array(pc.fill_null(column, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def small(values: Ints) -> pa.Array:
    """A column of 32-bit integers."""
    return pa.array(np.ascontiguousarray(values, np.int32))


def places(table: pa.Table, begin: Ints, names: tuple[str, str] = ("start", "end")) -> dict[str, pa.Array]:
    """The columns `start` and `end` under these names, counted from where each row's text begins; nulls stay null."""
    edges = zip(names, ("start", "end"), strict=True)
    return {name: pc.subtract(flat(table[edge]), small(begin)) for name, edge in edges}


def text_array(values: list[str]) -> pa.Array:
    """A string column; typed even when it is empty."""
    return pa.array(values, pa.string())


def ordered(table: pa.Table, *columns: str) -> pa.Table:
    """The rows in the order of these columns, each in one piece."""
    return table.sort_by([(name, "ascending") for name in columns]).combine_chunks()


def positions_in(values: pa.Array | pa.ChunkedArray, among: pa.Array) -> Ints:
    """Where each value is in `among`; -1 for values that are not there."""
    return numbers(pc.fill_null(pc.index_in(values, value_set=among), -1))


def spread(lo: Ints, hi: Ints) -> tuple[Ints, Ints]:
    """Every number of the half-open intervals in turn: the interval each is in, and the number.

    >>> [part.tolist() for part in spread(np.array([0, 5]), np.array([2, 6]))]
    [[0, 0, 1], [0, 1, 5]]
    """
    counts = hi - lo
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.repeat(lo - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))


def matching(owners: Ints, wanted: Ints) -> tuple[Ints, Ints]:
    """For each wanted number the places at which ascending `owners` hold it, as `spread` gives them."""
    return spread(np.searchsorted(owners, wanted), np.searchsorted(owners, wanted + 1))


def touching(keys: Ints, sizes: Ints, begins: Ints, lengths: Ints) -> tuple[Ints, Ints]:
    """Which intervals, in the order of their `keys`, share a character with each text: number of text, of interval."""
    reach = np.maximum.accumulate(keys + sizes)
    owner, at = spread(np.searchsorted(reach, begins, "right"), np.searchsorted(keys, begins + lengths))
    hit = keys[at] + sizes[at] > begins[owner]
    return owner[hit], at[hit]


def list_of(owners: Ints, count: int, values: pa.Array) -> pa.Array:
    """A list array of `count` rows; value i belongs to row `owners[i]`, and owners ascend."""
    return lists(np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=count))]), values)


def lists(offsets: Ints, values: pa.Array) -> pa.Array:
    """A list array; row i holds `values[offsets[i]:offsets[i + 1]]`."""
    return pa.ListArray.from_arrays(small(offsets), values)


def records(**columns: pa.Array) -> pa.StructArray:
    """One struct per row, with these fields in this order."""
    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
