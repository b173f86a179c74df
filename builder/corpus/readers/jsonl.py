"""Reads .jsonl: one record per line, its columns filled by the field mapping."""

import json
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from builder.corpus.decoding import decode, is_wide, lines
from builder.corpus.fields import mapped
from builder.corpus.records import Record, Reject, sha256
from builder.corpus.settings import Source


def jsonl_file(stream: BinaryIO, path: str, source: Source, first: int = 0) -> Iterator[Record | Reject]:
    """One record a line, numbered from `first`; blank lines are counted and passed over."""
    limit = source.max_record_mb << 20
    number = first
    if first == 0 and is_wide(stream.peek(4)[:4] if hasattr(stream, "peek") else b""):
        yield from _wide_lines(stream, path, source, limit)
        return
    while line := stream.readline(limit + 1):
        if len(line) > limit and not line.endswith(b"\n"):
            yield Reject(path, number, "too-large", f"a line of more than {source.max_record_mb} MB")
            while line and not line.endswith(b"\n"):
                line = stream.readline(limit)
            number += 1
            continue
        line = line.strip(b"\r\n \t\xef\xbb\xbf") if number == 0 else line.strip()
        if line:
            yield from _line(line, "utf-8", path, number, source)
        number += 1


def _wide_lines(stream: BinaryIO, path: str, source: Source, limit: int) -> Iterator[Record | Reject]:
    """Those of a file in UTF-16 or UTF-32; a record's bytes are its line in UTF-8."""
    for number, (text, encoding) in enumerate(lines(stream, limit, source.encoding)):
        if len(text) > limit:
            yield Reject(path, number, "too-large", f"a line of more than {source.max_record_mb} MB")
        elif text.strip():
            line = text.strip().encode("utf-8", "surrogatepass")
            yield from _line(line, encoding, path, number, source)


def _line(line: bytes, used: str, path: str, number: int, source: Source) -> Iterator[Record | Reject]:
    try:
        item = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        # Python's parser takes lone surrogates and NaN; another encoding may have been used.
        try:
            text, used = decode(line, source.encoding) if used == "utf-8" else (line.decode(), used)
            item = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            yield Reject(path, number, "bad-json", str(e), sha256(line)[:16])
            return
    yield from mapped(item, line, used, path, number, source)
