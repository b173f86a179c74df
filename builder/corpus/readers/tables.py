"""Reads .csv, .tsv and .parquet: one record per row."""

import contextlib
import csv
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from builder.corpus.decoding import UTF8, Encoding, NotTextError, decode_text, text_lines
from builder.corpus.records import Mapper, Record, Reject
from builder.corpus.settings import Source

if TYPE_CHECKING:
    import pyarrow as pa


class _TooLongError(csv.Error):
    """A line is longer than a record may be."""


class _Lines:
    """The lines of a file, with those of the row being read kept so that they can be read again."""

    def __init__(self, found: Iterator[tuple[str, Encoding]], limit: int) -> None:
        self.found = found
        self.limit = limit
        self.again: list[str] = []
        self.row: list[str] = []
        self.size = 0
        self.seen = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.again:
            line = self.again.pop()
        else:
            line, self.encoding = next(self.found)
            self.seen += 1
        self.row.append(line)
        self.size += len(line)
        if len(line.rstrip("\r\n")) > self.limit:
            raise _TooLongError(f"a line of more than {self.limit >> 20} MB")
        if self.size > self.limit and len(self.row) > 1:
            raise csv.Error("a quote is never closed")
        return line.replace("\0", "")

    @property
    def first(self) -> int:
        """The number of the row's first line in the file, from 1."""
        return self.seen - len(self.again) - len(self.row) + 1

    def begin(self) -> None:
        self.row, self.size = [], 0


def csv_file(stream: BinaryIO, path: str, source: Source, delimiter: str = "") -> Iterator[Record | Reject]:
    """One record per row below the header; the delimiter is the most frequent of , ; | and tab in the header."""
    limit = source.max_record_mb << 20
    csv.field_size_limit(limit + 1)
    mapper = Mapper(path, source)
    found = _Lines(text_lines(stream, limit, source), limit)
    header: list[str] = list(source.columns)
    number = 0
    reader = None
    while True:
        found.begin()
        try:
            if reader is None:
                first = next(found, None)
                if first is None:
                    return
                if not first.strip():
                    continue
                if named := re.fullmatch(r"sep=(.)\s*", first):  # of spreadsheet programs
                    delimiter = named[1]
                    continue
                found.again.append(found.row.pop())
                delimiter = delimiter or max(",;|\t", key=first.count)
                reader = csv.reader(found, delimiter=delimiter, strict=True, skipinitialspace=True)
                found.begin()
            row = next(reader, None)
        except csv.Error as e:
            reason = "too-large" if isinstance(e, _TooLongError) and len(found.row) == 1 else "bad-csv"
            again = f"; {len(found.row) - 1} lines read again" if len(found.row) > 1 else ""
            yield Reject(path, number, reason, f"line {found.first}: {e}{again}")
            # The row was only its first line; the lines it swallowed are rows of their own.
            found.again += reversed(found.row[1:])
            reader = None
            number += 1
            continue
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if not header:
            header = [cell.strip() for cell in row]
            if "text" not in dict(mapper.routes(tuple(header))):
                names = ", ".join(cell[:30] for cell in header[:8])
                advice = "set source.fields.text, or source.columns when the file has no header"
                yield Reject(
                    path, None, "no-header", f"the first row ({names}) names no column with the text; {advice}"
                )
                return
            if twice := _named_twice(mapper, header):
                yield Reject(path, None, "bad-csv", twice)
                return
            continue
        if len(row) > len(header):
            yield Reject(
                path, number, "bad-csv", f"line {found.first}: {len(row)} cells, but {len(header)} in the header"
            )
        else:
            item = dict(zip(header, row, strict=False))
            yield from mapper.records(item, None, found.encoding, number)
        number += 1


def _used(mapper: Mapper, names: list[str]) -> set[str]:
    """The columns that something is read from."""
    return {route[0] for _, routes in mapper.routes(tuple(names)) for route in routes}


def _named_twice(mapper: Mapper, names: list[str]) -> str:
    """What is wrong where a column that is read shares its name with another one; empty where none does."""
    twice = sorted(name for name in _used(mapper, names) if names.count(name) > 1)
    return f"several columns are named {', '.join(twice)}; rename all but one of each" if twice else ""


def parquet_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """One row per record."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    mapper, number = Mapper(path, source), 0
    if not stream.seekable():
        stream = io.BytesIO(stream.read())
    try:
        opened = pq.ParquetFile(stream)
        names = opened.schema_arrow.names
        if twice := _named_twice(mapper, names):
            yield Reject(path, None, "bad-parquet", twice)
            return
        for batch in opened.iter_batches(batch_size=256):
            columns = [_values(column) for column in batch.columns]
            used = _used(mapper, names)
            for row in zip(*columns, strict=True):
                item = dict(zip(names, row, strict=True))
                encoding = UTF8
                for name in used:
                    if isinstance(value := item[name], bytes):
                        with contextlib.suppress(NotTextError):
                            item[name], found = decode_text(value, source)
                            encoding = min(encoding, found, key=lambda one: one.sure)
                yield from mapper.records(item, None, encoding, number)
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
