"""Reads .docx and .pdf: the whole file is one record, with title, author and date from its properties."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from builder.corpus.decoding import UTF8
from builder.corpus.formulas import SENTENCE_END
from builder.corpus.records import Record, Reject, fill, sha256, storable, whole
from builder.corpus.settings import Source
from builder.memory import TooSlowError

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def docx_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """The paragraphs of a Word document, those of tables included; what was deleted in review is no text."""
    from lxml import etree  # type: ignore[import-untyped]

    data = whole(stream, source)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.getinfo(name) for name in archive.namelist()}
            main, properties = parts["word/document.xml"], parts.get("docProps/core.xml")
            if max(part.file_size for part in (main, properties) if part) > source.max_record_mb << 20:
                yield Reject(path, 0, "too-large", f"more than source.max_record_mb={source.max_record_mb} MB")
                return
            body = etree.fromstring(archive.read(main), parser)
            # Not every program writes properties.
            about = etree.fromstring(archive.read(properties), parser) if properties else ()
    # zipfile raises RuntimeError for encrypted files, and NotImplementedError for packings that it does not know.
    except (
        *(zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError, NotImplementedError),
        etree.XMLSyntaxError,
    ) as e:
        yield Reject(path, None, "bad-docx", f"it is no Word document: {e}", sha256(data)[:16])
        return
    named = {etree.QName(element).localname: element.text for element in about}
    columns = {"title": named.get("title"), "authors": named.get("creator"), "published": named.get("created")}
    # A text box is there twice, the second time for programs that know no text boxes.
    etree.strip_elements(body, "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback", with_tail=False)
    paragraphs = (_paragraph(element) for element in body.iter(f"{_WORD}p"))
    yield _record(path, data, "\n".join(text for text in paragraphs if text.strip()), columns)


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
    data = whole(stream, source)
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            yield Reject(path, None, "encrypted", "the file needs a password", sha256(data)[:16])
            return
        pages = [page.extract_text() for page in reader.pages]
        about: Mapping[str, Any] = reader.metadata or {}
        columns = {"title": about.get("/Title"), "authors": about.get("/Author")}
        date = getattr(reader.metadata, "creation_date", None)
    except TooSlowError:
        raise
    except Exception as e:  # noqa: BLE001 - of a damaged file it raises nearly every kind of error
        yield Reject(path, None, "bad-pdf", f"{type(e).__name__}: {e}", sha256(data)[:16])
        return
    columns = {name: str(value) for name, value in columns.items() if value}
    yield _record(path, data, "\n".join(map(_joined, pages)), columns | {"published": date})


def _joined(page: str) -> str:
    """The lines of a page as paragraphs: one goes on where a line is nearly as long as the longest."""
    lines = [line.strip() for line in page.split("\n")]
    full = 0.8 * max(map(len, lines))
    out = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        parted = re.search(r"\w-$", line) and following[:1].islower()
        goes_on = following and (len(line) >= full or not SENTENCE_END.search(line)) and len(line) > full / 2
        out += line[:-1] if parted else f"{line} " if goes_on else f"{line}\n"
    return out.rstrip()


def _record(path: str, data: bytes, text: str, columns: dict[str, Any]) -> Record | Reject:
    if not text.strip():
        return Reject(path, 0, "empty", "there is no text in the document; a scan needs OCR first", sha256(data)[:16])
    record = Record(path, 0, sha256(data), UTF8, storable(text), alone=True)
    fill(record, columns, Source())
    return record
