"""Reads .xml (RSS, Atom, NITF, NewsML-G2), .eml and .mbox: one record per item, article or message."""

import codecs
import email
import re
from collections.abc import Iterator
from contextlib import suppress
from email import policy
from email.message import EmailMessage
from html import escape, unescape
from typing import Any, BinaryIO

from builder.corpus.decoding import UTF8, Encoding, NotTextError, decode_text
from builder.corpus.records import Mapper, Record, Reject, author_names, failure, refused, sha256, storable, whole
from builder.corpus.settings import FIELDS, Source

#: For each element that is a record, where its columns are: paths of elements without their namespaces.
_COLUMNS = {
    "item": {  # RSS 2.0 and 1.0
        "id": "guid", "url": "link", "title": "title", "text": "encoded|description", "published": "pubDate|date",
        "authors": "creator|author", "language": "language|../language", "source": "source|../title|../channel/title",
    },
    "entry": {  # Atom, RFC 4287
        "id": "id", "url": "link[not(@rel) or @rel='alternate']/@href", "title": "title", "text": "content|summary",
        "published": "published|updated", "authors": "author/name", "language": "@lang|../@lang", "source": "../title",
    },
    "nitf": {
        "id": ".//doc-id/@id-string", "title": ".//hl1", "url": ".//pubdata/@ex-ref",
        # Some have the first paragraph as a block of its own, too, and the byline a second time for sorting.
        "text": ".//block[@class='full_text']|.//body.content",
        "authors": ".//byline/person|.//byline[not(@class='normalized_byline')]", "language": "@lang",
        "published": ".//date.issue/@norm|.//story.date/@norm|.//pubdata/@date.publication",
        "source": ".//doc.rights/@provider|.//distributor|.//pubdata/@name",
    },
    "newsItem": {  # NewsML-G2
        "id": "@guid", "title": ".//headline|.//hl1", "text": ".//body.content|.//inlineXML|.//inlineData",
        "authors": ".//by|.//creator/name",
        "published": ".//contentCreated|.//versionCreated", "source": ".//provider/name|.//provider/@literal",
        "language": ".//language/@tag|@lang",
    },
}  # fmt: skip
#: A character data section, a comment (to the end, where none ends them) or an entity that XML knows; and an ampersand
#: that XML does not know, or the number of a character, which may be none that XML can hold.
_AMPERSAND = re.compile(
    r"(<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|&(?:amp|lt|gt|quot|apos);)|&(?:#?\w+;)?",
    re.DOTALL,
)
#: The namespaces of Media RSS and of podcasts, or the prefix of one that was never declared.
_MEDIA = re.compile(r"search\.yahoo\.com/mrss|itunes|^media:")
#: An author as RSS has it: an address, and the name in brackets.
_ADDRESS = re.compile(r"^[^\s@]{1,200}@[^\s@]{1,200} \(([^()]{1,500})\)$")
#: The line before each message of a mailbox, with the day and its month or time; lines of a text that looked like one.
_FROM = re.compile(
    rb"^From .*\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b(?:.*\d:\d\d|,? +(?:\d\d? +)?"
    rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b).*\n",
    re.MULTILINE,
)
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_HEADERS = {
    "id": "Message-ID", "title": "Subject", "authors": "From", "published": "Date", "language": "Content-Language",
}  # fmt: skip


def xml_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """One record per item of a feed, or per article of a NITF or NewsML-G2 document."""
    from lxml import etree  # type: ignore[import-untyped]

    text, encoding = decode_text(whole(stream, source), source)
    parser = etree.XMLParser(encoding="utf-8", recover=True, resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(_mended(storable(text)).encode(), parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        yield Reject(path, None, "bad-xml", "there is no element in the file")
        return
    for element in root.iter(etree.Element):
        with suppress(ValueError):  # in damaged files, names are found that no element may have
            # The titles and descriptions of pictures are those of no article.
            element.tag = "media" if _MEDIA.search(element.tag) else _local(element.tag)
            for name, value in element.attrib.items():
                element.attrib[_local(name)] = value
    kind = next((kind for kind in ("newsItem", "nitf", "entry", "item") if next(root.iter(kind), None) is not None), "")
    if not kind:
        yield Reject(path, None, "unknown-format", f"<{root.tag}> holds no item of RSS, Atom, NITF or NewsML-G2")
        return
    mapper = _mapper(path, source)
    for number, element in enumerate(root.iter(kind)):
        found = {name: _values(element, where, name == "text") for name, where in _COLUMNS[kind].items()}
        item: dict[str, Any] = {name: next(iter(values), "") for name, values in found.items()}
        item |= {name: unescape(item[name]) for name in ("title", "source") if name in item}
        item["authors"] = [name for value in found["authors"] for name in author_names(_ADDRESS.sub(r"\1", value))]
        yield from mapper.records(item, etree.tostring(element), encoding, number)
    if not re.search(rf"</(?:[^<>:]+:)?{re.escape(root.tag)}\s*>", text):
        yield Reject(
            path, None, "damaged", f"the file ends before </{root.tag}>; {number + 1} records were read before"
        )


def _local(name: str) -> str:
    """A name without its namespace or prefix, which some feeds never declare."""
    return name.rpartition("}")[2].rpartition(":")[2]


def _mended(text: str) -> str:
    """The document from its first element on, with the entities of HTML and lone ampersands as XML has them."""
    start = text.find("<?xml")
    text = text[text.find(">", start) + 1 :] if start >= 0 else text[max(0, text.find("<")) :]
    return _AMPERSAND.sub(lambda m: m[1] or escape(unescape(m[0])), text)


def _values(element: Any, where: str, markup: bool) -> list[str]:
    """The values that are not blank at the first path that has one: attributes, and elements with or without markup."""
    from lxml import etree

    for path in where.split("|"):
        found = element.xpath(path)
        if markup:
            pieces = ([one.text or "", *(etree.tostring(e, encoding="unicode") for e in one)] for one in found)
        else:
            pieces = ([one] if isinstance(one, str) else one.xpath(".//text()") for one in found)
        if values := list(filter(None, ("".join(piece).strip() for piece in pieces))):
            return values
    return []


def _mapper(path: str, source: Source) -> Mapper:
    return Mapper(path, source, {name: [name] for name in FIELDS})


def mail_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """One message: a newsletter."""
    yield from _message(whole(stream, source), path, 0, source)


def mbox_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """One record per message of a mailbox."""
    messages = [message for message in _FROM.split(whole(stream, source)) if message.strip()]
    for number, message in enumerate(messages):
        yield from _message(_QUOTED.sub(rb"\1", message), path, number, source)


def _message(raw: bytes, path: str, number: int, source: Source) -> Iterator[Record | Reject]:
    try:
        message = email.message_from_bytes(raw.removeprefix(codecs.BOM_UTF8), EmailMessage, policy=policy.default)
        text, encoding = _body(message, source)
        item = {name: _header(message, header, source, encoding.name) for name, header in _HEADERS.items()}
    except NotTextError as e:
        yield refused(path, number, e.reason, str(e), sha256(raw))
        return
    except (LookupError, ValueError, AttributeError, TypeError) as e:  # the parser's own, on headers out of order
        yield refused(path, number, "bad-mail", failure(e), sha256(raw))
        return
    item["authors"] = re.sub(r"(?:(?<!\s)\s++)?+<[^<>]*+>|\"", "", item["authors"])
    yield from _mapper(path, source).records(item | {"text": text}, raw, encoding, number)


def _body(message: EmailMessage, source: Source) -> tuple[str, Encoding]:
    """The text of a message, else its page; what their charset says may be missing or wrong."""
    for part in filter(None, (message.get_body(("plain",)), message.get_body(("html",)))):
        data: Any = part.get_payload(decode=True)  # bytes, whatever its type says
        text, encoding = decode_text(data or b"", source, part.get_content_charset() or "")
        if text.strip():
            return text, encoding
    return "", UTF8


def _header(message: EmailMessage, name: str, source: Source, encoding: str) -> str:
    """The value of a header as it is meant, or as it is where that cannot be found out; `encoding` is the text's."""
    raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    data = str(raw).encode("utf-8", "surrogateescape")
    if not data.isascii():  # some programs write their own encoding
        return decode_text(data, source, encoding)[0]
    try:
        return str(message[name] or "")
    except Exception:  # noqa: BLE001 - the parser fails in ways of its own
        return str(raw)
