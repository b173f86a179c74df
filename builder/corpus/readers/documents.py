"""Reads .docx, .rtf and .pdf: the whole file is one record, with what its properties say of it, or an export."""

import io
import logging
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, BinaryIO

from builder.corpus.decoding import UTF8
from builder.corpus.readers.exports import exported
from builder.corpus.records import Record, Reject, failure, fill, refused, sha256, storable, whole
from builder.corpus.settings import Source
from builder.corpus.trailers import ends_sentence
from builder.memory import TooSlowError

#: The parts of a Word document that are read: some programs number them or part their names by backslashes.
_PARTS = {
    "text": re.compile(r"/?word[/\\]document\d*\.xml", re.IGNORECASE),
    "footnotes": re.compile(r"/?word[/\\]footnotes\d*\.xml", re.IGNORECASE),
    "endnotes": re.compile(r"/?word[/\\]endnotes\d*\.xml", re.IGNORECASE),
    "properties": re.compile(r"/?docProps[/\\]core\d*\.xml", re.IGNORECASE),
}
_BROKEN = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, ValueError)
#: The namespace of the text, and that of documents in the strict form of the standard (ISO/IEC 29500).
_SPACE = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_WORD = f"{{{_SPACE.decode()}}}"
#: What a field of RTF does, such as the address of a link, beside what it shows.
_FIELD = re.compile(r"\{\s*\\\*\s*\\fldinst\b[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")
#: Most lines of the head or foot of a page.
_RUNNING = 3
#: Titles that programs give: names of files, and of nothing.
_NO_TITLE = re.compile(r"(?:Microsoft Word - |untitled\b).*|.*\.(?:docx?|odt|rtf|indd|qxp|pages|pdf)", re.IGNORECASE)


def docx_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """The paragraphs of a Word document, those of tables included, and its notes; what was deleted is no text."""
    from lxml import etree  # type: ignore[import-untyped]

    data = whole(stream, source)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = archive.infolist()
            parts = {name: file for file in files for name, part in _PARTS.items() if part.fullmatch(file.filename)}
            if max(part.file_size for part in parts.values()) > source.max_record_mb << 20:
                yield Reject(path, 0, "too-large", f"more than source.max_record_mb={source.max_record_mb} MB")
                return
            names = ["text", *(name for name in ("footnotes", "endnotes") if name in parts)]
            found = [etree.fromstring(archive.read(parts[name]).replace(_STRICT, _SPACE), parser) for name in names]
            about = _properties(archive, parts.get("properties"))
    # zipfile raises RuntimeError for encrypted files, and NotImplementedError for packings that it does not know.
    except (*_BROKEN, RuntimeError, NotImplementedError, etree.XMLSyntaxError) as e:
        yield refused(path, None, "bad-docx", f"it is no Word document: {e}", sha256(data))
        return
    columns = {"title": about.get("title"), "authors": about.get("creator"), "published": about.get("created")}
    # A text box is there twice, the second time for programs that know no text boxes; so is what was moved in review.
    twice = ("{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback", f"{_WORD}moveFrom")
    for tree in found:
        etree.strip_elements(tree, *twice, with_tail=False)
    paragraphs = [_paragraph(element) for tree in found for element in tree.iter(f"{_WORD}p")]
    yield from _records(path, data, source, paragraphs, columns)


def rtf_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """The paragraphs of a document in Rich Text Format; needs the extra `documents`."""
    try:
        from striprtf.striprtf import rtf_to_text
    except ImportError:
        yield Reject(path, None, "unknown-format", ".rtf is read with the extra documents; install striprtf")
        return
    data = whole(stream, source)
    try:
        if not data.lstrip().startswith(b"{\\rtf"):
            raise ValueError("it does not begin like one")
        bare = _FIELD.sub("", data.decode("latin-1"))
        text = rtf_to_text(bare, errors="replace")  # type: ignore[no-untyped-call]
    except TooSlowError:
        raise
    except Exception as e:  # noqa: BLE001 - of a damaged file it raises errors of several kinds
        yield refused(path, None, "bad-rtf", f"it is no document in Rich Text Format: {e}", sha256(data))
        return
    # Characters beyond 16 bits are written as two halves.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    yield from _records(path, data, source, text.split("\n"), {})


def _properties(archive: zipfile.ZipFile, part: zipfile.ZipInfo | None) -> dict[str, str | None]:
    """Title, creator and the like; not every program writes them, and a text without them is a text."""
    from lxml import etree

    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    with suppress(*_BROKEN, etree.XMLSyntaxError):
        root = etree.fromstring(archive.read(part), parser) if part else None
        return {etree.QName(e).localname: e.text for e in (() if root is None else root.iterchildren(etree.Element))}
    return {}


def _paragraph(element: Any) -> str:
    """The text of a paragraph without that of paragraphs inside it, as in a text box."""
    breaks = {f"{_WORD}tab": "\t", f"{_WORD}br": "\n", f"{_WORD}cr": "\n", f"{_WORD}noBreakHyphen": "-"}
    own = (e for e in element.iter(f"{_WORD}t", *breaks) if next(e.iterancestors(f"{_WORD}p")) is element)
    return "".join(breaks.get(e.tag, e.text or "") for e in own)


def pdf_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """The text of a PDF file, its lines joined to paragraphs; needs the extra `documents`. Scans hold no text."""
    try:
        from pypdf import PdfReader
    except ImportError:
        yield Reject(path, None, "unknown-format", ".pdf is read with the extra documents; install pypdf")
        return
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it cannot read is said in a row
    data = whole(stream, source)
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            yield refused(path, None, "encrypted", "the file needs a password", sha256(data))
            return
        pages = [_page_text(page) for page in reader.pages]
    except TooSlowError:
        raise
    except Exception as e:  # noqa: BLE001 - of a damaged file it raises nearly every kind of error
        yield refused(path, None, "bad-pdf", failure(e), sha256(data))
        return
    columns: dict[str, Any] = {}
    with suppress(Exception):  # a text without properties is a text
        about: Mapping[str, Any] = reader.metadata or {}
        names = {"title": "/Title", "authors": "/Author", "published": "/CreationDate"}
        columns = {name: str(about[key]) for name, key in names.items() if about.get(key)}
        columns["published"] = getattr(about, "creation_date", None)
    text = _paragraphs([[line.strip() for line in page.strip().split("\n")] for page in pages if page.strip()])
    found = _record(path, data, text, columns)
    empty = [str(number) for number, page in enumerate(pages, 1) if not page.strip()]
    if empty and isinstance(found, Record):
        found.problems.append(
            ("field-pages", f"no text was found on {len(empty)} of {len(pages)} pages: {', '.join(empty[:20])}")
        )
    yield found


def _page_text(page: Any) -> str:
    try:
        return str(page.extract_text())
    except TooSlowError:
        raise
    except Exception:  # noqa: BLE001 - the other pages can be read
        return ""


def _paragraphs(pages: list[list[str]]) -> str:
    """The lines of pages as paragraphs: one goes on where a line is nearly as long as the longest of its page."""
    head, foot = _running(pages, 0), _running(pages, -1)
    out = ""
    for page, after in zip(pages, [*pages[1:], []], strict=False):
        full = 0.8 * max(map(len, page), default=0)
        for line, following in zip(page, [*page[1:], *after[:1], ""], strict=False):
            parted = re.search(r"\w-$", line) and following[:1].islower()
            long = len(line) >= full and line is not page[-1]
            goes_on = following and (long or not ends_sentence(line)) and len(line) > full / 2
            out += line[:-1] if parted else f"{line} " if goes_on else f"{line}\n"
    return "\n".join([*head, out.rstrip(), *foot])


def _running(pages: list[list[str]], at: int) -> list[str]:
    """Takes away the lines with which pages begin (0) or end (-1) alike but for figures, and gives those with words."""
    found: list[str] = []
    while held := [page for page in pages if page]:
        marks = [re.sub(r"\d+", "0", page[at]) for page in held]
        mark, number = Counter(marks).most_common(1)[0]
        if number < max(2, len(held) - 1) or len(found) == _RUNNING:
            break
        alike = [page.pop(at) for page, own in zip(held, marks, strict=True) if own == mark]
        found.append(alike[at])
    return [line for line in found[:: at or 1] if any(map(str.isalpha, line))]


def _records(
    path: str, data: bytes, source: Source, paragraphs: list[str], columns: dict[str, Any]
) -> Iterator[Record | Reject]:
    documents = exported("\n".join(paragraphs), path, source, UTF8)
    yield from documents or [_record(path, data, "\n".join(text for text in paragraphs if text.strip()), columns)]


def _record(path: str, data: bytes, text: str, columns: dict[str, Any]) -> Record | Reject:
    if not text.strip():
        return refused(path, 0, "empty", "there is no text in the document; a scan needs OCR first", sha256(data))
    record = Record(path, 0, sha256(data), UTF8, storable(text), alone=True)
    if _NO_TITLE.fullmatch(columns.get("title") or ""):
        del columns["title"]
    fill(record, columns, Source())
    return record
