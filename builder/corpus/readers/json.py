"""Reads .json and .jsonl: one record per object, its columns filled by the field mapping."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from functools import partial
from io import BufferedReader
from typing import Any

import msgspec

from builder.corpus.decoding import (
    UTF8,
    Decode,
    Encoding,
    blocks,
    decode_text,
    escaped,
    is_wide,
    line_decoder,
    text_lines,
)
from builder.corpus.records import Mapper, Record, Reject, TooLargeError, follow, refused, running_text, sha256, whole
from builder.corpus.settings import Source

#: A number of more digits than Python converts is no length of anything.
_PARSED: dict[str, Any] = {"strict": False, "parse_int": lambda digits: int(digits) if len(digits) < 4000 else digits}
#: What may come between the values of a file.
_BETWEEN = re.compile(r"[ \t\r\n,\ufeff]*")


def json_file(stream: BufferedReader, path: str, source: Source) -> Iterator[Record | Reject]:
    """One record per object: the object itself, or the objects of the list or table that it is or holds.

    A list at the top is read element by element, so the file may be of any size. Tables are those that pandas writes.
    """
    if not source.records and stream.peek().lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0").startswith(b"["):
        yield from _elements(blocks(stream, source), path, source)
        return
    data = whole(stream, source)
    if not data.strip():
        return
    text, encoding = decode_text(data, source)
    try:
        value = json.loads(text, **_PARSED)
    except (ValueError, RecursionError) as e:
        # It may hold several values, one after the other or one per line, under the name of one.
        if getattr(e, "msg", "") == "Extra data" and not source.records:
            yield from _elements([(text, encoding)], path, source)
        else:
            yield Reject(path, None, "bad-json", str(e))
        return
    items = _records_in(value, source)
    if isinstance(items, str):
        yield Reject(path, None, "no-text", items)
        return
    mapper = Mapper(path, source)
    for number, item in enumerate(items):
        for found in mapper.records(item, data if item is value else None, encoding, number):
            if isinstance(found, Record):
                found.alone = item is value
            yield found


def _records_in(value: Any, source: Source) -> list[Any] | str:
    """The records of a document, or why none were found."""
    mapper = Mapper("", source)
    if source.records:
        found = follow(value, source.records.split("."))
        rows = found if isinstance(found, list) else _rows(found, mapper)
        return f"there is no list at source.records={source.records}" if rows is None else rows
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return "no object with a text field; set source.records and source.fields"
    if isinstance(running_text(mapper.columns(value).get("text")), str):
        return [value]
    if rows := _rows(value, mapper):
        return rows
    lists = dict(_lists(value))
    if len(lists) > 1:
        return f"it has lists of objects at {', '.join(lists)}; set source.records to one of them"
    return next(iter(lists.values()), [value])


def _rows(value: Any, mapper: Mapper) -> list[dict[str, Any]] | None:
    """The rows of a table as `DataFrame.to_json` writes it: by column, by row, split into parts, or with a schema."""
    match value:
        case {"columns": list(names), "data": list(rows), **others} if others.keys() <= {"index"}:
            return [dict(zip(map(str, names), row, strict=False)) for row in rows if isinstance(row, list)]
        case {"schema": dict(), "data": list(rows), **others} if not others:
            return rows
    parts = list(value.values()) if isinstance(value, dict) else []
    if not parts or not all(isinstance(part, dict) for part in parts):
        return None
    if all("text" in dict(mapper.routes(tuple(part))) for part in parts):
        return parts
    if "text" in dict(mapper.routes(tuple(value))) and all(part.keys() == parts[0].keys() for part in parts):
        return [dict(zip(value, row, strict=True)) for row in zip(*(part.values() for part in parts), strict=True)]
    return None


def _lists(value: dict[str, Any], at: str = "", depth: int = 3) -> Iterator[tuple[str, list[Any]]]:
    """The lists of objects inside an object and where they are, not looking into those objects."""
    for name, inner in value.items():
        if isinstance(inner, list) and inner and all(isinstance(item, dict) for item in inner):
            yield at + name, inner
        elif isinstance(inner, dict) and depth:
            yield from _lists(inner, f"{at}{name}.", depth - 1)


def _elements(found: Iterable[tuple[str, Encoding]], path: str, source: Source) -> Iterator[Record | Reject]:
    """The elements of lists, and values beside lists, with a window over the file that grows to the largest of them."""
    texts, mapper = iter(found), Mapper(path, source)
    scan = json.JSONDecoder(**_PARSED).raw_decode
    limit = source.max_record_mb << 20
    window, at, number, ended, inside, encoding = "", 0, 0, False, False, UTF8

    def more(size: int) -> None:
        nonlocal window, at, ended, encoding
        parts, got = [window[at:]], 0
        while got < size and not ended:
            text, label = next(texts, ("", None))
            encoding, ended = label or encoding, label is None
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
                # A number or a name at the edge of the window may go on, as that before `.` or `e+` does.
                if end > len(window) - 3 and not ended:
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
            yield from mapper.records(item, raw, encoding, number)
            at, number = end, number + 1
    if inside:
        yield Reject(path, number, "bad-json", "the list is never closed")


def jsonl_file(stream: BufferedReader, path: str, source: Source, first: int = 0) -> Iterator[Record | Reject]:
    """One record per line, numbered from `first`; blank lines are counted and passed over."""
    mapper = Mapper(path, source)
    for number, (line, decode, plain) in enumerate(_lines(stream, source, first), first):
        if line is None:
            yield Reject(path, number, "too-large", f"a line of more than {source.max_record_mb} MB")
        if not line:
            continue
        try:
            # It is probably UTF-8, which is faster to read as bytes.
            text, encoding = ("", UTF8) if plain and not escaped(line) else decode(line)
            item = msgspec.json.decode(text or line)
        except (ValueError, RecursionError) as e:
            try:  # it may be no UTF-8, and Python's parser takes lone surrogates and NaN
                text, encoding = decode(line)
                # Some programs write a list with an element per line.
                if not (text := text.lstrip("[ ").rstrip(",] ")):
                    continue
                item = json.loads(text, **_PARSED)
            except (ValueError, RecursionError):
                yield refused(path, number, "bad-json", str(e), sha256(line))
                continue
        yield from mapper.records(item, line, encoding, number)


def _lines(stream: BufferedReader, source: Source, first: int) -> Iterator[tuple[bytes | None, Decode, bool]]:
    """The bytes of each line, None for one over the limit; how to decode it; and whether it may be UTF-8 as it is.

    The bytes of a line in UTF-16 or UTF-32 are those in UTF-8.
    """
    limit = source.max_record_mb << 20
    if first == 0 and is_wide(stream.peek()[:4]):
        for text, encoding in text_lines(stream, limit, source):
            line = None if len(text.rstrip("\r\n")) > limit else text.strip().encode("utf-8", "surrogatepass")
            yield line, partial(_decoded, encoding=encoding), False
        return
    decode = line_decoder(source, lambda: stream.peek(limit))
    while line := stream.readline(limit + 1):
        if len(line) <= limit or line.endswith(b"\n"):
            yield line.removeprefix(codecs.BOM_UTF8).strip(), decode, not source.encoding
            continue
        yield None, decode, False
        while line and not line.endswith(b"\n"):
            line = stream.readline(limit)


def _decoded(line: bytes, encoding: Encoding) -> tuple[str, Encoding]:
    return line.decode("utf-8", "surrogatepass"), encoding
