"""Reads .txt: the whole file is one record."""

from collections.abc import Iterator
from typing import BinaryIO

from builder.corpus.decoding import decode
from builder.corpus.records import Record, Reject, sha256, storable, whole
from builder.corpus.settings import Source


def text_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """The whole file is one record."""
    data = whole(stream, source)
    text, encoding = decode(data, source.encoding)
    if text.strip():
        yield Record(path, 0, sha256(data), encoding, storable(text))
    else:
        yield Reject(path, 0, "empty", f"{len(data)} bytes without text", sha256(data)[:16])
