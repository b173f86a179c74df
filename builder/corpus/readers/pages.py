"""Reads .txt, .md and .html: the whole file is one record."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from builder.corpus.cleaning import FRONT_MATTER
from builder.corpus.decoding import decode_text
from builder.corpus.records import Record, Reject, fill, sha256, storable, whole
from builder.corpus.settings import Source


def text_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """The whole file is one record."""
    data = whole(stream, source)
    text, encoding = decode_text(data, source.encoding)
    if text.strip():
        yield Record(path, 0, sha256(data), encoding, storable(text))
    else:
        yield Reject(path, 0, "empty", f"{len(data)} bytes without text", sha256(data)[:16])


def markdown_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """The whole file is one record; YAML front matter fills its columns."""
    import yaml

    # By name, so that its words are the same in a process where the configuration was read and in a worker.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for record in text_file(stream, path, source):
        if isinstance(record, Record):
            record.kind = "markdown"
            matter = FRONT_MATTER.match(record.raw)
            if matter:
                try:
                    fields = yaml.load(matter.group(1), loader)
                    if isinstance(fields, dict):
                        fill(record, {str(k): v for k, v in fields.items()}, source)
                except (yaml.YAMLError, ValueError) as e:
                    record.problems.append(("field-front-matter", f"is not YAML: {' '.join(str(e).split())}"))
        yield record


def html_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """The text that trafilatura extracts, with title, authors, date and address from the page's metadata."""
    data = whole(stream, source)
    page, encoding = decode_text(data, source.encoding or _declared(data))
    record = Record(path, 0, sha256(data), encoding, "", kind="html")
    if extract(record, page):
        yield record
    else:
        yield Reject(path, 0, "empty", "no article text was found in the page", record.article_id)


def _declared(data: bytes) -> str:
    """The encoding a page declares, unless its bytes are UTF-8 or Python does not know it."""
    found = re.search(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", data[:2048], re.IGNORECASE)
    name = found.group(1).decode("ascii").lower() if found else ""
    # Pages in UTF-8 that say something else are common; pages in something else that happen to be UTF-8 are not.
    with suppress(UnicodeDecodeError):
        name = "" if data.decode() and not data.isascii() else name
    if not name or name.startswith(("utf", "ucs", "unicode", "raw_unicode", "punycode")):
        return ""
    try:
        "é".encode(name, "replace").decode(name)
    except (LookupError, ValueError):
        return ""
    # Pages that say Latin-1 are read as Windows-1252, as browsers do.
    return {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252"}.get(name, name)


def extract(record: Record, page: str) -> bool:
    """Fills the record from an HTML page; False when no text was found. Known columns are not overwritten."""
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
    names = Source(fields={**{name: [name] for name in fields}, "text": ["text"]})
    fill(record, {name: value for name, value in fields.items() if value}, names)
    return True
