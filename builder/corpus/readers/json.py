"""Reads .json and .jsonl: one record per object, its columns filled by the field mapping."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import msgspec

from builder.corpus.decoding import blocks, decode_text, is_wide, text_lines
from builder.corpus.records import Record, Reject, TooLargeError, lookup, mapped, sha256, whole
from builder.corpus.settings import Source

#: What may come between the values of a file.
_BETWEEN = re.compile(r"[ \t\r\n,\ufeff]*")


def json_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """One record per object: the object itself, or the objects of the list that it is or holds.

    A list at the top is read element by element, so the file may be of any size.
    """
    head = stream.peek(64)[:64] if hasattr(stream, "peek") else b""
    if not source.records and head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0").startswith(b"["):
        yield from _elements(blocks(stream, source.encoding), path, source)
        return
    data = whole(stream, source)
    if not data.strip():
        return
    text, encoding = decode_text(data, source.encoding)
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError) as e:
        # It may hold several values, one after the other or one per line, under the name of one.
        if getattr(e, "msg", "") == "Extra data" and not source.records:
            yield from _elements([(text, encoding)], path, source)
        else:
            yield Reject(path, None, "bad-json", str(e))
        return
    items = _records_in(value, source)
    if items is None:
        yield Reject(path, None, "no-text", "no object with a text field; set source.records and source.fields")
    for number, item in enumerate(items or ()):
        yield from mapped(item, data if item is value else None, encoding, path, number, source)


def _records_in(value: Any, source: Source) -> list[Any] | None:
    if source.records:
        value = lookup(value, [source.records]) if isinstance(value, dict) else None
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    if isinstance(lookup(value, source.fields["text"]), str):
        return [value]
    lists = list(_lists(value))
    return lists[0] if len(lists) == 1 else [value]


def _lists(value: dict[str, Any], depth: int = 3) -> Iterator[list[Any]]:
    """The lists of objects inside an object, not looking into those objects."""
    for inner in value.values():
        if isinstance(inner, list) and inner and all(isinstance(item, dict) for item in inner):
            yield inner
        elif isinstance(inner, dict) and depth:
            yield from _lists(inner, depth - 1)


def _elements(found: Iterable[tuple[str, str]], path: str, source: Source) -> Iterator[Record | Reject]:
    """The elements of lists, and values beside lists, with a window over the file that grows to the largest of them."""
    texts = iter(found)
    scan = json.JSONDecoder(strict=False).raw_decode
    limit = source.max_record_mb << 20
    window, at, number, ended, inside, encoding = "", 0, 0, False, False, ""

    def more(size: int) -> None:
        nonlocal window, at, ended, encoding
        parts, got = [window[at:]], 0
        while got < size and not ended:
            text, label = next(texts, ("", ""))
            encoding, ended = label or encoding, not label
            parts.append(text)
            got += len(text)
        window, at = "".join(parts), 0

    while True:
        at = between.end() if (between := _BETWEEN.match(window, at)) else at
        if at == len(window):
            if ended:
                break
            more(1)
        elif window[at] == ("]" if inside else "["):
            at, inside = at + 1, not inside
        else:
            try:
                item, end = scan(window, at)
                # A number or a name at the edge of the window may go on.
                if end == len(window) and not ended:
                    raise ValueError("more")
            except (ValueError, RecursionError) as e:
                if ended or isinstance(e, RecursionError):
                    yield Reject(path, number, "bad-json", f"{e}; the records from here on could not be read")
                    return
                if len(window) - at > limit:
                    raise TooLargeError(f"an element of more than {source.max_record_mb} MB, or broken JSON") from e
                more(len(window) - at)
                continue
            raw = window[at:end].encode("utf-8", "surrogatepass")
            yield from mapped(item, raw, encoding, path, number, source)
            at, number = end, number + 1
    if inside:
        yield Reject(path, number, "bad-json", "the list is never closed")


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
    for number, (text, encoding) in enumerate(text_lines(stream, limit, source.encoding)):
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
            text, used = decode_text(line, source.encoding) if used == "utf-8" else (line.decode(), used)
            item = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            yield Reject(path, number, "bad-json", str(e), sha256(line)[:16])
            return
    yield from mapped(item, line, used, path, number, source)
