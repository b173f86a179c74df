"""A logical hash of table contents: the same for the same values, however they are encoded, batched or compressed.

Bytes of a Parquet file change with the version of the library that wrote it; this hash does not. Every column is hashed
on its own, as places of nulls, lengths and values, in row order.
"""

import hashlib
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class LogicalHash:
    """Fed with batches of one schema in row order; where the batches are cut makes no difference."""

    def __init__(self, schema: pa.Schema) -> None:
        self._fields = list(schema.names)
        self._described = "\n".join(f"{field.name}: {field.type}" for field in schema)
        self._leaves: dict[str, hashlib._Hash] = {}
        self._fed: Counter[str] = Counter()
        self.rows = 0
        #: Size of the hashed contents, the same wherever batches are cut.
        self.bytes = 0

    def update(self, table: pa.Table) -> None:
        """Adds the rows of a table."""
        self.rows += table.num_rows
        for name in self._fields:
            for chunk in table[name].chunks:
                self._feed(name, chunk)

    def hexdigest(self) -> str:
        """sha256 over the schema, the number of rows and every leaf, in hex."""
        whole = hashlib.sha256(f"{self._described}\n{self.rows}\n".encode())
        for path in sorted(self._leaves):
            whole.update(f"{path} {self._leaves[path].hexdigest()}\n".encode())
        return whole.hexdigest()

    def _add(self, path: str, data: "pa.Buffer | bytes") -> None:
        self.bytes += len(data)
        self._leaves.setdefault(path, hashlib.sha256()).update(data)

    def _feed(self, path: str, array: pa.Array) -> None:
        if array.null_count:
            where = np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)) + self._fed[path]
            self._add(f"{path}?", where.astype("<i8", copy=False).tobytes())
        self._fed[path] += len(array)
        kind = array.type
        if pa.types.is_struct(kind):
            for i in range(kind.num_fields):
                self._feed(f"{path}.{kind.field(i).name}", pc.struct_field(array, i))
        elif pa.types.is_list(kind):
            self._add(f"{path}#", _lengths(array))
            self._feed(f"{path}[]", array.flatten())
        elif pa.types.is_string(kind):
            self._add(f"{path}#", _lengths(array))
            self._add(path, _string_bytes(array))
        elif pa.types.is_boolean(kind):
            self._add(path, np.ascontiguousarray(pc.fill_null(array, False).to_numpy(zero_copy_only=False)).tobytes())
        else:
            zero = pa.scalar(0, pa.int64()).cast(kind)
            filled = pc.fill_null(array, zero) if array.null_count else array
            width = kind.bit_width // 8
            self._add(path, filled.buffers()[1][filled.offset * width : (filled.offset + len(filled)) * width])


def _lengths(array: pa.Array) -> bytes:
    lengths = pc.list_value_length(array) if pa.types.is_list(array.type) else pc.binary_length(array)
    if lengths.null_count:
        lengths = pc.fill_null(lengths, 0)
    return np.ascontiguousarray(lengths.to_numpy()).astype("<i4", copy=False).tobytes()


def _string_bytes(array: pa.Array) -> "pa.Buffer | bytes":
    if array.null_count:
        array = pc.fill_null(array, "")
    _, offsets, data = array.buffers()
    if data is None or not len(array):
        return b""
    edges = np.frombuffer(offsets, np.int32)
    first, last = int(edges[array.offset]), int(edges[array.offset + len(array)])
    return data[first:last]
