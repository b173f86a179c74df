"""Records: what a raw file holds before it is cleaned, and the row that says why one was refused."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, NamedTuple

from builder.corpus.settings import Source

#: The reason of files that could not be opened or read to their end: another run may succeed.
UNREADABLE = "unreadable"
_SURROGATE = re.compile("[\ud800-\udfff]")


class Reject(NamedTuple):
    """Something left out: the row it becomes in the rejects table (stage and chunk are set there)."""

    source_path: str
    record: int | None
    reason: str
    detail: str
    article_id: str | None = None


@dataclass(slots=True)
class Record:
    """One raw article: its decoded text and what its file says about it.

    `raw` is the text that cleaning edits: the whole file for .txt and .md, the extracted text for HTML, the value of
    the text field for records with fields. `sha256` is that of the record's own bytes.
    """

    source_path: str
    number: int
    sha256: str
    encoding: str
    raw: str
    kind: str = "text"  # "text", "markdown", "html" or "fields"
    title: str | None = None
    record_id: str | None = None
    url: str | None = None
    source: str | None = None
    authors: list[str] = field(default_factory=list)
    published: datetime | None = None
    language: str | None = None
    targets: list[str] = field(default_factory=list)
    summary: str | None = None
    problems: list[tuple[str, str]] = field(default_factory=list)  # (reason, detail) of fields that were left out

    @property
    def article_id(self) -> str:
        return self.sha256[:16]

    @property
    def record(self) -> int:
        return self.number


class TooLargeError(ValueError):
    """A record is larger than `source.max_record_mb`."""


def whole(stream: BinaryIO, source: Source) -> bytes:
    """All bytes of a stream that is one record; raises `TooLargeError` above the limit."""
    limit = source.max_record_mb << 20
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise TooLargeError(f"more than source.max_record_mb={source.max_record_mb} MB")
    return data


def sha256(data: bytes | memoryview) -> str:
    """sha256 in hex."""
    return hashlib.sha256(data).hexdigest()


def storable(text: str) -> str:
    """The text with lone surrogates, which no file or server can hold, replaced one for one by U+FFFD."""
    try:
        text.encode()  # several times faster than looking for them
    except UnicodeEncodeError:
        return _SURROGATE.sub("�", text)
    return text
