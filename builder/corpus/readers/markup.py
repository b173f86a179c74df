"""Reads .xml (RSS, Atom, NITF, NewsML-G2), .eml and .mbox: one record per item, article or message."""

import email
import re
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from typing import Any, BinaryIO

from builder.corpus.decoding import UTF8, decode_text
from builder.corpus.records import Mapper, Record, Reject, storable, whole
from builder.corpus.settings import FIELDS, Source

#: For each element that is a record, where its columns are: paths of elements without their namespaces.
_COLUMNS = {
    "item": {  # RSS 2.0 and 1.0
        "id": "guid", "url": "link", "title": "title", "text": "encoded|description", "published": "pubDate|date",
        "authors": "creator|author", "language": "language|../language", "source": "source|../title",
    },
    "entry": {  # Atom, RFC 4287
        "id": "id", "url": "link[not(@rel) or @rel='alternate']/@href", "title": "title", "text": "content|summary",
        "published": "published|updated", "authors": "author/name", "language": "@lang|../@lang", "source": "../title",
    },
    "nitf": {
        "id": ".//doc-id/@id-string", "title": ".//hl1", "text": ".//body.content", "authors": ".//byline",
        "published": ".//date.issue/@norm|.//story.date/@norm|.//pubdata/@date.publication", "language": "@lang",
        "source": ".//doc.rights/@provider|.//distributor",
    },
    "newsItem": {  # NewsML-G2
        "id": "@guid", "title": ".//headline", "text": ".//inlineXML|.//inlineData", "authors": ".//by|.//creator/name",
        "published": ".//contentCreated|.//versionCreated", "source": ".//provider/name|.//provider/@literal",
        "language": ".//language/@tag|@lang",
    },
}  # fmt: skip
_FROM = re.compile(rb"^From .*\n", re.MULTILINE)


def xml_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """One record per item of a feed, or per article of a NITF or NewsML-G2 document."""
    from lxml import etree  # type: ignore[import-untyped]

    text, encoding = decode_text(whole(stream, source), source)
    parser = etree.XMLParser(encoding="utf-8", recover=True, resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(re.sub(r"\A\s*<\?xml[^>]*>", "", storable(text)).encode(), parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        yield Reject(path, None, "bad-xml", "there is no element in the file")
        return
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
        for name, value in element.attrib.items():
            element.attrib[etree.QName(name).localname] = value
    kind = next((kind for kind in ("newsItem", "nitf", "entry", "item") if next(root.iter(kind), None) is not None), "")
    if not kind:
        yield Reject(path, None, "unknown-format", f"<{root.tag}> is neither RSS, Atom, NITF nor NewsML-G2")
        return
    mapper = _mapper(path, source)
    for number, element in enumerate(root.iter(kind)):
        item = {name: _value(element, where) for name, where in _COLUMNS[kind].items()}
        yield from mapper.records(item, etree.tostring(element), encoding, number)


def _value(element: Any, where: str) -> str:
    """The first value at one of the paths that is not blank: an attribute, a text, or the markup inside an element."""
    from lxml import etree

    for path in where.split("|"):
        for found in element.xpath(path):
            if isinstance(found, str):
                text = found
            else:
                inside = "".join(etree.tostring(child, encoding="unicode") for child in found)
                text = (found.text or "") + inside
            if text.strip():
                return text.strip()
    return ""


def _mapper(path: str, source: Source) -> Mapper:
    return Mapper(path, source, {name: [name] for name in FIELDS})


def mail_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """One message: a newsletter."""
    yield from _message(whole(stream, source), path, 0, source)


def mbox_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """One record per message of a mailbox."""
    messages = [message for message in _FROM.split(whole(stream, source)) if message.strip()]
    for number, message in enumerate(messages):
        yield from _message(message, path, number, source)


def _message(raw: bytes, path: str, number: int, source: Source) -> Iterator[Record | Reject]:
    message = email.message_from_bytes(raw, EmailMessage, policy=policy.default)
    body = message.get_body(("plain", "html"))
    try:
        text = body.get_content() if body else ""
    except LookupError:  # an encoding that Python does not know
        text = decode_text(bytes(body.get_payload(decode=True)), source)[0] if body else ""
    columns = {
        "id": "Message-ID",
        "title": "Subject",
        "authors": "From",
        "published": "Date",
        "language": "Content-Language",
    }
    item = {name: str(message[header] or "") for name, header in columns.items()}
    item["authors"] = re.sub(r"(?:(?<!\s)\s++)?+<[^<>]*+>|\"", "", item["authors"])
    yield from _mapper(path, source).records(item | {"text": text}, raw, UTF8, number)
