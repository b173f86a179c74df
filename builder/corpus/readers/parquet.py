"""Reads .parquet: one record per row."""

import contextlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from builder.corpus.fields import mapped, record_bytes
from builder.corpus.records import Record, Reject
from builder.corpus.settings import Source

if TYPE_CHECKING:
    import pyarrow as pa


def parquet_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """A row a record."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    if not stream.seekable():
        stream = io.BytesIO(stream.read())
    try:
        for batch in pq.ParquetFile(stream).iter_batches(batch_size=256):
            columns = [_values(column) for column in batch.columns]
            for row in zip(*columns, strict=True):
                item = dict(zip(batch.schema.names, row, strict=True))
                yield from mapped(item, record_bytes(item), "utf-8", path, number, source)
                number += 1
    except (pa.ArrowException, OSError, UnicodeDecodeError) as e:
        yield Reject(path, None, "bad-parquet", f"{' '.join(str(e).split())[:300]}; {number} records were read before")


def _values(column: "pa.Array") -> list[Any]:
    """The values of a column; one that Python cannot hold is None, and costs its record no other field."""
    import pyarrow as pa

    with contextlib.suppress(pa.ArrowException):
        column = column.cast(_in_microseconds(column.type), safe=False)
    try:
        values: list[Any] = column.to_pylist()
    except (ValueError, OverflowError):
        values = [_value(scalar) for scalar in column]
    return values


def _value(scalar: "pa.Scalar[Any]") -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return None


def _in_microseconds(kind: "pa.DataType") -> "pa.DataType":
    """The type with the nanoseconds that Python's times lack cut off."""
    import pyarrow as pa

    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_list(kind):
        return pa.list_(_in_microseconds(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([f.with_type(_in_microseconds(f.type)) for f in kind])
    return kind
