"""Reads .json: one record per object, its columns filled by the field mapping."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from builder.corpus.decoding import blocks, decode
from builder.corpus.fields import lookup, mapped, record_bytes
from builder.corpus.records import Record, Reject, TooLargeError, whole
from builder.corpus.settings import Source

#: What may stand between the values of a file.
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
    text, encoding = decode(data, source.encoding)
    try:
        value = json.loads(text, strict=False)
    except json.JSONDecodeError as e:
        # Not one value but several, one after the other or one a line, under the name of one.
        if e.msg == "Extra data" and not source.records:
            yield from _elements([(text, encoding)], path, source)
        else:
            yield Reject(path, None, "bad-json", str(e))
        return
    except (ValueError, RecursionError) as e:
        yield Reject(path, None, "bad-json", str(e))
        return
    items = _records_in(value, source)
    if items is None:
        yield Reject(path, None, "no-text", "no object with a text field; set source.records and source.fields")
    elif len(items) == 1 and items[0] is value:
        yield from mapped(value, data, encoding, path, 0, source)
    else:
        for number, item in enumerate(items):
            yield from mapped(item, record_bytes(item), encoding, path, number, source)


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
        at = _skip(window, at)
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


def _skip(window: str, at: int) -> int:
    between = _BETWEEN.match(window, at)
    return between.end() if between else at
