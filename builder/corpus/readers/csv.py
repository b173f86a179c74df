"""Reads .csv and .tsv: one record per row below the header."""

import csv
from collections.abc import Iterator
from typing import BinaryIO

from builder.corpus.decoding import lines
from builder.corpus.fields import mapped, record_bytes
from builder.corpus.records import Record, Reject
from builder.corpus.settings import Source


def csv_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """A row under the header a record; the delimiter is the most frequent of , ; | and tab in the header."""
    return _rows(stream, path, source, "")


def tsv_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """A tab-separated row under the header a record."""
    return _rows(stream, path, source, "\t")


class _TooLongError(csv.Error):
    """A line is longer than a record may be."""


class _Lines:
    """The lines of a file, with those of the row being read kept so that they can be read again."""

    def __init__(self, found: Iterator[tuple[str, str]], limit: int) -> None:
        self.found = found
        self.limit = limit
        self.again: list[str] = []
        self.row: list[str] = []
        self.size = 0
        self.seen = 0
        self.encoding = ""

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
        if len(line) > self.limit:
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

    def skip_first(self) -> None:
        """The row was only its first line; the lines it swallowed are rows of their own."""
        self.again += reversed(self.row[1:])


def _rows(stream: BinaryIO, path: str, source: Source, delimiter: str) -> Iterator[Record | Reject]:
    limit = source.max_record_mb << 20
    csv.field_size_limit(limit + 1)
    found = _Lines(lines(stream, limit, source.encoding), limit)
    header: list[str] = []
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
                found.again.append(found.row.pop())
                delimiter = delimiter or max(",;|\t", key=first.count)
                reader = csv.reader(found, delimiter=delimiter, strict=True)
                found.begin()
            row = next(reader, None)
        except csv.Error as e:
            reason = "too-large" if isinstance(e, _TooLongError) and len(found.row) == 1 else "bad-csv"
            again = f"; {len(found.row) - 1} lines read again" if len(found.row) > 1 else ""
            yield Reject(path, number, reason, f"line {found.first}: {e}{again}")
            found.skip_first()
            reader = None
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
            yield Reject(
                path, number, "bad-csv", f"line {found.first}: {len(row)} cells, but {len(header)} in the header"
            )
        else:
            item = dict(zip(header, row, strict=False))
            yield from mapped(item, record_bytes(item), found.encoding, path, number, source)
        number += 1
