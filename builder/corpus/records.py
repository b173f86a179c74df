"""Records, the rejects beside them, and the mapping from the fields of an object to the columns of a record."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple

from builder.corpus.dates import instant
from builder.corpus.decoding import Encoding
from builder.corpus.settings import Source
from builder.languages import language_code
from builder.memory import TooSlowError
from builder.store import digest

#: The reason of files that could not be opened or read to their end: another run may succeed.
UNREADABLE = "unreadable"
#: More is read in another step: room for a large record, made for every small file, takes longer than to read it.
_BLOCK = 1 << 16
_SURROGATE = re.compile("[\ud800-\udfff]")
#: Objects that hold a record beside what a server or a search engine says of it.
_WRAPPERS = (
    "_source", "response", "data", "content", "article", "item", "document", "doc", "result", "row", "node",
)  # fmt: skip
#: Ids that number the records of a file: those of another file are of other records.
_ROW = re.compile(r"\d{1,5}")


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
    the text field for records with fields. `sha256` is that of the record's own bytes. `alone` says that it is all of
    its file.
    """

    source_path: str
    record: int
    sha256: str
    encoding: Encoding
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
    alone: bool = False

    @property
    def article_id(self) -> str:
        """16 hex digits of its source's id, else its address, else the path of a file of its own, else its text.

        An id that may number the records of a file, of up to five digits alone, counts within its file.
        """
        if self.record_id and _ROW.fullmatch(self.record_id):
            return digest("id", self.source_path, self.record_id)[:16]
        path = self.source_path if self.alone else None
        known = {"id": self.record_id, "url": self.url, "path": path, "text": self.raw}
        return digest(*next((kind, value) for kind, value in known.items() if value))[:16]


def refused(path: str, record: int | None, reason: str, detail: str, digest: str) -> Reject:
    """The reject of bytes that are no article; it is known by the first digits of their sha256."""
    return Reject(path, record, reason, detail, digest[:16])


class TooLargeError(ValueError):
    """A record is larger than `source.max_record_mb`."""


def unreadable(path: str, error: OSError) -> Reject:
    """The reject of a file that could not be opened or read; libraries raise errors without a number and its words."""
    return Reject(path, None, UNREADABLE, error.strerror or str(error))


def whole(stream: BinaryIO, source: Source) -> bytes:
    """All bytes of a stream that is one record; raises `TooLargeError` above the limit."""
    limit = source.max_record_mb << 20
    data = stream.read(_BLOCK)
    if len(data) == _BLOCK:
        data += stream.read(limit + 1 - _BLOCK)
    if len(data) > limit:
        raise TooLargeError(f"more than source.max_record_mb={source.max_record_mb} MB")
    return data


def failure(error: Exception) -> str:
    """What went wrong in a library, without all of what it was given."""
    return f"{type(error).__name__}: {error}"[:200]


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


_TAG = re.compile(r"<(?:p|br|div|span|a|strong|em|b|i|ul|li|h[1-6]|img|figure|blockquote)\b[^<>]*>", re.IGNORECASE)
#: What parts the text of an element from what is before and after it.
_BLOCKS = dict.fromkeys(("p", "br", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "tr"), "\n")
_BLOCKS |= {"td": " ", "th": " "}
_TITLES = r"(?!(?:Jr|Sr|II|III|IV|MD|M\.D|PhD|Ph\.D)\b)"


class Mapper:
    """Makes records of the objects of one file, their columns filled by the field mapping."""

    def __init__(self, path: str, source: Source, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        self.path = path
        self.source = source
        self.fields = source.fields if fields is None else fields
        self.routes = lru_cache(maxsize=1024)(self._routes)  # objects of one file have the same few lists of keys

    def _routes(self, keys: tuple[str, ...]) -> list[tuple[str, list[list[str]]]]:
        """For each column, the paths that may lead somewhere in an object with these keys.

        A key may hold a dot, and may be in capitals where no other one fits.
        """
        known = {key.lower(): key for key in reversed(keys)} | {key: key for key in keys}
        every = {
            column: [
                [key, *route[1:]]
                for path in paths
                for route in ([path], path.split("."))
                if (key := known.get(route[0]) or known.get(route[0].lower()))
            ]
            for column, paths in self.fields.items()
        }
        return [(column, routes) for column, routes in every.items() if routes]

    def columns(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """For each column, the first value at one of its paths that is neither null nor blank."""
        out: dict[str, Any] = {}
        for column, routes in self.routes(tuple(item)):
            for route in routes:
                value = follow(item, route)
                if value.strip() if isinstance(value, str) else value is not None and value != []:
                    out[column] = value
                    break
        return out

    def records(self, item: Any, raw: bytes | None, encoding: Encoding, number: int) -> Iterator[Record | Reject]:
        """The record of one object. Without bytes of its own it is known by its JSON with sorted keys."""
        own = sha256(json.dumps(item, sort_keys=True, default=str).encode() if raw is None else raw)
        try:
            yield from self._record(item, own, encoding, number)
        except TooSlowError:
            raise
        except Exception as e:  # noqa: BLE001 - a library that fails on one record must not hide those after it
            yield refused(self.path, number, "reader-failed", failure(e), own)

    def _record(self, item: Any, own: str, encoding: Encoding, number: int) -> Iterator[Record | Reject]:
        if not isinstance(item, dict):
            detail = f"the record is a {type(item).__name__}, no object with named fields"
            yield refused(self.path, number, "not-an-object", detail, own)
            return
        columns = self.columns(item)
        inner = item
        while inner and isinstance(columns.get("text", {}), dict):
            inner = next((inner[key] for key in _WRAPPERS if isinstance(inner.get(key), dict)), {})
            columns |= self.columns(inner)
        text = running_text(columns.get("text"))
        if not isinstance(text, str) or not text.strip():
            keys = storable(", ".join(sorted(map(str, item))[:12]))
            detail = f"no text in its fields ({keys}); set source.fields.text"
            yield refused(self.path, number, "no-text", detail, own)
            return
        kind = "fields"
        if looks_like_html(text):
            text, kind = text_of(text) or text, "html"
        record = Record(self.path, number, own, encoding, storable(text), kind=kind)
        fill(record, columns, self.source)
        if self.source.summary_field and record.summary and not record.raw.startswith(record.summary):
            record.raw = f"{record.summary}\n{record.raw}"
        else:
            record.summary = None
        yield record


def running_text(value: Any) -> Any:
    """The text of a list of paragraphs, or of blocks with a type that hold one; any other value as it is."""
    blocks = value if isinstance(value, list) else [None]
    if not all(isinstance(block, str) or (isinstance(block, dict) and "type" in block) for block in blocks):
        return value
    parts = [block.get("text") if isinstance(block, dict) else block for block in value]
    return "\n".join(part for part in parts if isinstance(part, str))


def follow(item: Any, route: Iterable[str]) -> Any:
    """What the keys lead to in nested objects; None where one is missing."""
    for key in route:
        item = item.get(key) if isinstance(item, dict) else None
    while isinstance(item, dict) and len(item) == 1 and next(iter(item))[:1] == "$":  # a value of MongoDB with its type
        item = next(iter(item.values()))
    return item


def fill(record: Record, columns: Mapping[str, Any], source: Source) -> None:
    """Fills the record's columns from values of any kind; what cannot be used is noted in `problems`."""
    for column in ("title", "url", "source", "language", "summary"):
        value = columns.get(column)
        if value is None:
            continue
        if isinstance(value, (str, int, float)):
            setattr(record, column, storable(" ".join(str(value).split())) or None)
        else:
            record.problems.append((f"field-{column}", f"is a {type(value).__name__}, not a text"))
    if record.language:
        try:
            record.language = language_code(record.language)
        except ValueError as e:
            record.problems.append(("field-language", str(e)))
            record.language = None
    if (value := columns.get("id")) is not None:
        record.record_id = storable(str(value))
    if value := columns.get("authors"):
        record.authors = _names(value)
    if value := columns.get("targets"):
        record.targets = _names(value, split=False)
    if (value := columns.get("published")) is not None:
        record.published = instant(value, record.language or (source.languages or [""])[0])
        if record.published is None:
            record.problems.append(("field-published", f"{str(value)[:80]!r} is not a date"))


def author_names(line: str) -> list[str]:
    """The names in a line such as "By Ann Lee and Bo Li"; "Lee, Ann; Li, Bo" are two, and capitals become a name's.

    >>> author_names("By ANN LEE and Bo Li, Jr."), author_names("Lee, Ann; Li, Bo")
    (['Ann Lee', 'Bo Li, Jr.'], ['Lee, Ann', 'Li, Bo'])
    """
    line = re.sub(r"^by:?\s+", "", line.strip(), flags=re.IGNORECASE)
    out: list[str] = []
    for part in re.split(r"(?:(?<!\s)\s++)?+[;|]\s*+|(?:,|(?<!\s))\s++(?:(?i:and|und|et)|&)\s++", line):
        names = re.split(rf"(?:(?<!\s)\s++)?+,\s*+{_TITLES}", part)
        out += [part] if len(names) == 2 and any(" " not in name for name in names) else names
    return [_cased(name) for part in out if (name := storable(part).strip(" ,"))]


def _cased(name: str) -> str:
    own, comma, suffix = name.partition(",")
    return own.title() + comma + suffix if own.isupper() and " " in own else name


def _names(value: Any, split: bool = True) -> list[str]:
    if isinstance(value, str):
        return author_names(value) if split else [storable(value).strip()] if value.strip() else []
    if isinstance(value, Mapping):
        return _names(value.get("name"), split=False)
    if isinstance(value, int | float):
        return [str(value)]
    # A list in a list names nobody, and aliases of YAML nest lists without end.
    items = value if isinstance(value, Iterable) else ()
    return [n for item in items if isinstance(item, str | int | float | Mapping) for n in _names(item, split=False)]


def looks_like_html(text: str) -> bool:
    """Whether a field holds a piece of a page rather than plain text: two tags or more."""
    first = _TAG.search(text)
    return first is not None and (_TAG.search(text, first.end()) is not None or "</" in text)


def text_of(fragment: str) -> str | None:
    """The text of a piece of HTML, a paragraph a line; None when it holds none."""
    from lxml import etree, html  # type: ignore[import-untyped]

    try:
        try:
            tree = html.fragment_fromstring(fragment, create_parent="div")
        except AssertionError:  # a page with no body, or with two
            tree = html.document_fromstring(fragment)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
    etree.strip_elements(tree, "script", "style", etree.Comment, etree.ProcessingInstruction, with_tail=False)
    parts: list[str] = []
    for event, element in etree.iterwalk(tree, ("start", "end")):
        parts += [_BLOCKS.get(element.tag, ""), (element.text if event == "start" else element.tail) or ""]
    text = "\n".join(" ".join(line.split()) for line in "".join(parts).split("\n"))
    return re.sub(r"\n{2,}", "\n", text).strip() or None
