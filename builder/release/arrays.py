"""Small operations on Arrow columns and numpy arrays that every configuration uses."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.text import Ints

Mask = npt.NDArray[np.bool_]


def flat(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    flat = column.combine_chunks()
    return flat if isinstance(flat, pa.Array) else (flat.chunk(0) if flat.num_chunks else pa.array([], column.type))


def numbers(column: pa.ChunkedArray | pa.Array) -> Ints:
    """The column as 64-bit integers; it holds no null."""
    return np.asarray(column.to_numpy(), np.int64)


def mask(column: pa.ChunkedArray | pa.Array) -> Mask:
    """A column of booleans without nulls as numpy has them."""
    return np.array(column.to_numpy(zero_copy_only=False), dtype=np.bool_)


def positions(values: pa.Array | pa.ChunkedArray, among: pa.Array) -> Ints:
    """Where each value stands in `among`; -1 for values that are not there."""
    return numbers(pc.fill_null(pc.index_in(values, value_set=among), -1))


def strings(values: list[str]) -> pa.Array:
    """A string column; typed even when it is empty."""
    return pa.array(values, pa.string())


def spread(lo: Ints, hi: Ints) -> tuple[Ints, Ints]:
    """Every number of the half-open intervals in turn: the interval each is in, and the number.

    >>> [part.tolist() for part in spread(np.array([0, 5]), np.array([2, 6]))]
    [[0, 0, 1], [0, 1, 5]]
    """
    counts = hi - lo
    owner = np.repeat(np.arange(len(counts)), counts)
    shift = np.repeat(lo - (np.cumsum(counts) - counts), counts)
    return owner, shift + np.arange(int(counts.sum()))


def matching(owners: Ints, wanted: Ints) -> tuple[Ints, Ints]:
    """For each wanted number the places at which ascending `owners` hold it, as `spread` gives them."""
    return spread(np.searchsorted(owners, wanted), np.searchsorted(owners, wanted + 1))


def list_of(owners: Ints, count: int, values: pa.Array) -> pa.Array:
    """A list array of `count` rows; value i belongs to row `owners[i]`, and owners ascend."""
    return lists(np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=count))]), values)


def lists(offsets: Ints, values: pa.Array) -> pa.Array:
    """A list array; row i holds `values[offsets[i]:offsets[i + 1]]`."""
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)


def records(**columns: pa.Array) -> pa.StructArray:
    """One struct per row, with these fields in this order."""
    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))


def codes(labels: pa.ChunkedArray | pa.Array, names: Mapping[str, str], ids: list[str]) -> Ints:
    """The id of each label's released name, -1 for labels that are left out. `names` maps labels to released names."""
    known = list(names)
    to_id = np.array([ids.index(names[label]) for label in known] + [-1], np.int64)
    found = numbers(pc.fill_null(pc.index_in(labels, value_set=strings(known)), len(known)))
    return to_id[found]
