"""Readers of .csv, .tsv and .parquet: a record a row, its columns filled by the field mapping."""

import contextlib
import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from builder.corpus.decoding import decode
from builder.corpus.json_records import canonical, mapped
from builder.corpus.records import Record, Reject
from builder.corpus.settings import Source

_SNIFF = 1 << 20


def csv_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """A row under the header a record; the delimiter is the most frequent of , ; | and tab in the header."""
    return _rows(stream, path, source, "")


def tsv_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """A tab-separated row under the header a record."""
    return _rows(stream, path, source, "\t")


class _Lines:
    """The lines of a file, with those of the row being read kept so that they can be read again."""

    def __init__(self, lines: Iterator[str], limit: int) -> None:
        self.lines = lines
        self.limit = limit
        self.again: list[str] = []
        self.row: list[str] = []
        self.size = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.again.pop() if self.again else next(self.lines)
        self.row.append(line)
        self.size += len(line)
        if self.size > self.limit and len(self.row) > 1:
            raise csv.Error("a quote is never closed")
        return line.replace("\0", "")

    def begin(self) -> None:
        self.row, self.size = [], 0

    def skip_first(self) -> None:
        """The row was only its first line; the lines it swallowed are rows of their own."""
        self.again += reversed(self.row[1:])


def _rows(stream: BinaryIO, path: str, source: Source, delimiter: str) -> Iterator[Record | Reject]:
    head = stream.peek(_SNIFF)[:_SNIFF] if hasattr(stream, "peek") else b""
    # Cut at a line end, so that no character is judged by half of its bytes.
    encoding = decode(head[: head.rfind(b"\n") + 1] or head, source.encoding)[1]
    name = encoding.removesuffix("+replace")
    csv.field_size_limit((source.max_record_mb << 20) + 1)
    text = io.TextIOWrapper(stream, name, errors="replace", newline="")
    try:
        yield from _parse(_Lines(iter(text), source.max_record_mb << 20), encoding, path, source, delimiter)
    finally:
        # Else the wrapper would close the stream, which is its opener's to close.
        with contextlib.suppress(ValueError):
            text.detach()


def _parse(lines: _Lines, encoding: str, path: str, source: Source, delimiter: str) -> Iterator[Record | Reject]:
    header: list[str] = []
    number = 0
    reader = None
    while True:
        lines.begin()
        try:
            if reader is None:
                first = next(lines, None)
                if first is None:
                    return
                lines.again.append(lines.row.pop())
                delimiter = delimiter or max(",;|\t", key=first.count)
                reader = csv.reader(lines, delimiter=delimiter, strict=True)
                lines.begin()
            row = next(reader, None)
        except csv.Error as e:
            what = f"line {number + 2}: {e}" if len(lines.row) < 2 else f"{e}; {len(lines.row) - 1} lines read again"
            yield Reject(path, number, "bad-csv", what)
            lines.skip_first()
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            number += 1
            continue
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if not header:
            header = [cell.strip() for cell in row]
            continue
        if len(row) > len(header):
            yield Reject(path, number, "bad-csv", f"{len(row)} cells under a header of {len(header)}")
        else:
            item = dict(zip(header, row, strict=False))
            yield from mapped(item, canonical(item), encoding, path, number, source)
        number += 1


def parquet_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """A row a record."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    if not stream.seekable():
        stream = io.BytesIO(stream.read())
    try:
        for batch in pq.ParquetFile(stream).iter_batches(batch_size=256):
            for item in batch.to_pylist():
                yield from mapped(item, canonical(item), "utf-8", path, number, source)
                number += 1
    except (pa.ArrowException, OSError, UnicodeDecodeError) as e:
        yield Reject(path, None, "bad-parquet", f"{' '.join(str(e).split())[:300]}; {number} records were read before")
