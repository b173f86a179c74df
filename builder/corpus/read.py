"""Reading raw files: each becomes records, or rejects that say what was wrong with it."""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

import msgspec

from builder.corpus.decoding import NotTextError, decode
from builder.corpus.records import Record, Reject, describe, lookup, sha256, storable
from builder.corpus.settings import Source

Found = Iterator[Record | Reject]
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*$(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)


def text_file(data: bytes, path: str, source: Source) -> Found:
    """The whole file is one record."""
    text, encoding = decode(data, source.encoding)
    yield Record(path, 0, sha256(data), encoding, storable(text))


def markdown_file(data: bytes, path: str, source: Source) -> Found:
    """The whole file is one record; YAML front matter fills its columns."""
    import yaml

    text, encoding = decode(data, source.encoding)
    record = Record(path, 0, sha256(data), encoding, storable(text), kind="markdown")
    matter = _FRONT_MATTER.match(record.raw)
    if matter:
        try:
            fields = yaml.safe_load(matter.group(1))
            if isinstance(fields, dict):
                describe(record, {str(k): v for k, v in fields.items()}, source)
        except yaml.YAMLError as e:
            record.problems.append(("field-front-matter", f"is not YAML: {e}"))
    yield record


def html_file(data: bytes, path: str, source: Source) -> Found:
    """The text that trafilatura extracts, with title, authors, date and address from the page's metadata."""
    text, encoding = decode(data, source.encoding)
    record = Record(path, 0, sha256(data), encoding, "", kind="html")
    if not extract(record, text, source):
        yield Reject(path, 0, "empty", "no article text was found in the page", record.article_id)
        return
    yield record


def extract(record: Record, page: str, source: Source) -> bool:
    """Fills the record from an HTML page; False when no text was found."""
    import trafilatura
    from trafilatura.settings import Document

    found = trafilatura.bare_extraction(page, with_metadata=True, include_comments=False, include_tables=False)
    if not isinstance(found, Document) or not found.text or not found.text.strip():
        return False
    record.raw = storable(found.text)
    fields = {
        "title": found.title,
        "url": found.url,
        "source": found.sitename or found.hostname,
        "authors": found.author,
        "published": found.date,
        "language": found.language,
    }
    plain = Source(fields={**{k: [k] for k in fields}, "text": ["text"]})
    describe(record, {k: v for k, v in fields.items() if v}, plain)
    return True


def json_file(data: bytes, path: str, source: Source) -> Found:
    """One record an object: the object itself, or those of the list it is or holds."""
    text, encoding = decode(data, source.encoding)
    try:
        whole = msgspec.json.decode(text)
    except msgspec.DecodeError as e:
        yield Reject(path, None, "bad-json", str(e))
        return
    items = records_in(whole, source)
    if items is None:
        yield Reject(
            path, None, "no-text", "no object with a text field was found; set source.records and source.fields"
        )
        return
    for number, item in enumerate(items):
        raw = msgspec.json.encode(item) if items != [whole] else data
        yield from mapped(item, raw, encoding, path, number, source)


def records_in(whole: Any, source: Source) -> list[Any] | None:
    """The records of a decoded .json file, or None when there are none."""
    if source.records:
        whole = lookup(whole, [source.records]) if isinstance(whole, dict) else None
    if isinstance(whole, list):
        return whole
    if not isinstance(whole, dict):
        return None
    if lookup(whole, source.fields["text"]) is not None:
        return [whole]
    lists = [v for v in whole.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
    return lists[0] if len(lists) == 1 else [whole]


def jsonl_file(data: bytes, path: str, source: Source) -> Found:
    """One record a line."""
    for number, line in enumerate(data.splitlines()):
        if not line.strip():
            continue
        try:
            item = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            yield Reject(path, number, "bad-json", str(e), sha256(line)[:16])
            continue
        yield from mapped(item, line, "utf-8", path, number, source)


def mapped(item: Any, raw: bytes, encoding: str, path: str, number: int, source: Source) -> Found:
    """The record of one object, its columns filled by the field mapping."""
    digest = sha256(raw)
    if not isinstance(item, dict):
        yield Reject(path, number, "not-an-object", f"the record is a {type(item).__name__}", digest[:16])
        return
    text = lookup(item, source.fields["text"])
    if not isinstance(text, str) or not text.strip():
        keys = ", ".join(sorted(map(str, item))[:12])
        yield Reject(path, number, "no-text", f"no text in its fields ({keys}); set source.fields.text", digest[:16])
        return
    record = Record(path, number, digest, encoding, storable(text), kind="fields")
    describe(record, item, source)
    yield record


#: Reader by suffix.
READERS: dict[str, Callable[[bytes, str, Source], Found]] = {
    ".txt": text_file,
    ".text": text_file,
    ".md": markdown_file,
    ".markdown": markdown_file,
    ".html": html_file,
    ".htm": html_file,
    ".json": json_file,
    ".jsonl": jsonl_file,
    ".ndjson": jsonl_file,
}


def read(data: bytes, path: str, source: Source) -> Found:
    """The records of one file's bytes; whatever is wrong with it becomes a reject."""
    suffix = PurePosixPath(path).suffix.lower()
    reader = READERS.get(suffix)
    if reader is None:
        yield Reject(path, None, "unknown-format", f"no reader for {suffix or 'a file without suffix'}")
        return
    if not data.strip():
        yield Reject(path, None, "empty", f"{len(data)} bytes")
        return
    try:
        yield from reader(data, path, source)
    except NotTextError as e:
        yield Reject(path, None, e.reason, str(e), sha256(data)[:16])
