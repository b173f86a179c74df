"""Word documents, PDF files and web archives become records, and every damage of them a reject."""

import gzip
import io
import random
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from builder.corpus.readers import archives, read_file
from builder.corpus.readers.documents import _paragraphs, _running
from builder.corpus.records import Record, Reject, sha256
from builder.corpus.settings import Source
from builder.corpus.streams import open_stream
from builder.memory import TooSlowError
from tests.corpus.word import docx

TEXT = "Ministers met in Kyiv — “late”, said Sinéad. They agreed."
OTHER = "A storm closed the harbour of Genoa for three days."


def read(name: str, data: bytes, **settings: Any) -> list[Record | Reject]:
    return list(read_file(io.BufferedReader(io.BytesIO(data)), name, Source(**settings)))


def only(name: str, data: bytes, **settings: Any) -> Record:
    (record,) = read(name, data, **settings)
    assert isinstance(record, Record), record
    return record


def reject(name: str, data: bytes, **settings: Any) -> Reject:
    (found,) = read(name, data, **settings)
    assert isinstance(found, Reject), found
    return found


def run(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def test_a_word_document() -> None:
    table = f"<w:tbl><w:tr><w:tc><w:p>{run('Cell')}</w:p></w:tc></w:tr></w:tbl>"
    gone = "<w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>"
    box = f"<w:p>{run('Box')}</w:p>"
    twice = f"<mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
    first = f"<w:p>{run('One')}<w:r><w:tab/><w:br/></w:r>{gone}{run('two.')}<w:r>{twice}</w:r></w:p><w:p/>"
    found = only("a.docx", docx(f"{first}<w:p>{run(TEXT)}</w:p>{table}"))
    assert found.raw == f"One\t\ntwo.\nBox\n{TEXT}\nCell"
    assert (found.title, found.authors) == ("Talks", ["Ann Lee"])
    assert (found.published, found.alone) == (datetime(2024, 7, 29, 20, 2, 13, tzinfo=UTC), True)
    assert only("a.docx", docx(f"<w:p>{run(TEXT)}</w:p>", about=False)).title is None


def test_the_notes_of_a_word_document_follow_its_text() -> None:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    texts = {"endnotes": "Last.", "footnotes": "Minutes of May.", "document": TEXT, "header1": "DRAFT"}
    parts = {f"word__{name}": f"<w:{name} {space}><w:p>{run(text)}</w:p></w:{name}>" for name, text in texts.items()}
    assert only("a.docx", packed(**parts)).raw == f"{TEXT}\nMinutes of May.\nLast."
    assert reject("a.docx", packed(**parts | {"word__endnotes": "<w:p>"})).reason == "bad-docx"


def test_damage_of_word_documents() -> None:
    whole = docx(f"<w:p>{run(TEXT)}</w:p>")
    nothing = reject("a.docx", b"no archive")
    assert (nothing.reason, nothing.record, nothing.article_id) == ("bad-docx", None, sha256(b"no archive")[:16])
    assert reject("a.docx", packed(word__styles="<a/>")).reason == "bad-docx"
    assert reject("a.docx", whole[:-30]).reason == "bad-docx"
    assert reject("a.docx", docx("<w:p>")).reason == "bad-docx"
    assert reject("a.docx", docx("<w:p/>")).reason == "empty"
    assert reject("a.docx", docx(f"<w:p>{run('x' * (2 << 20))}</w:p>"), max_record_mb=1).reason == "too-large"
    draw = random.Random(1)
    for _ in range(60):
        broken = bytearray(whole)
        broken[draw.randrange(len(broken))] = draw.randrange(256)
        (item,) = read("a.docx", bytes(broken))
        assert isinstance(item, Record) or item.reason in ("bad-docx", "empty", "too-large"), item


def packed(**parts: str) -> bytes:
    """A Word document of these parts; __ in a name is a slash."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", text)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "space"),
    [
        ("word__document", "http://purl.oclc.org/ooxml/wordprocessingml/main"),
        ("word__document2", "http://schemas.openxmlformats.org/wordprocessingml/2006/main"),
        ("word\\document", "http://schemas.openxmlformats.org/wordprocessingml/2006/main"),
    ],
)
def test_word_documents_as_other_programs_write_them(name: str, space: str) -> None:
    moved = f"<w:moveFrom>{run('Moved.')}</w:moveFrom>"
    body = f'<w:document xmlns:w="{space}"><w:body><w:p>{moved}{run(OTHER)}</w:p></w:body></w:document>'
    assert only("a.docx", packed(**{name: body})).raw == OTHER
    for odd in ("", "<dc:title>", "<a><title>Talks</title>"):  # the properties are damaged, the text is not
        assert only("a.docx", packed(**{name: body, "docProps__core": odd})).title == (
            "Talks" if "Talks" in odd else None
        )


def pdf(*pages: list[str]) -> bytes:
    """A PDF file with these lines on its pages."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    objects.append(b"<</Title(Talks)/Author(Ann Lee)/CreationDate(D:20240729200213Z)>>")
    kids = []
    for lines in pages:
        shown = "BT /F1 10 Tf 12 TL 40 800 Td " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
        kids.append(f"{len(objects) + 1} 0 R")
        resources = f"/Resources<</Font<</F1 3 0 R>>>>/Contents {len(objects) + 2} 0 R"
        objects.append(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 840]{resources}>>".encode())
        objects.append(f"<</Length {len(shown)}>>stream\n{shown}\nendstream".encode())
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>".encode()
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    head = f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}"
    return (
        out + f"{head}trailer<</Size {len(places) + 1}/Root 1 0 R/Info 4 0 R>>\nstartxref\n{len(out)}\n%%EOF".encode()
    )


def test_a_pdf_file_and_its_paragraphs() -> None:
    first = ["The ministers of both coun-", "tries met on Monday and", "they agreed.", "Talks go on."]
    found = only("a.pdf", pdf(first, ["Nobody knows."]))
    assert found.raw == "The ministers of both countries met on Monday and they agreed.\nTalks go on.\nNobody knows."
    assert (found.title, found.authors) == ("Talks", ["Ann Lee"])
    assert found.published == datetime(2024, 7, 29, 20, 2, 13, tzinfo=UTC)
    assert reject("a.pdf", pdf([])).detail == "there is no text in the document; a scan needs OCR first"


def test_lines_with_which_pages_begin_and_end_part_no_sentence_and_are_there_once() -> None:
    body = [
        ["The ministers of both countries met on", "Monday. They agreed. The talks of the com-"],
        ["mittee go on in June, when both of them", "meet in Oslo. Nobody knows how long it"],
        ["will take, as each has its own reasons."],
    ]
    text = (
        "The ministers of both countries met on Monday. They agreed. The talks of the committee go on in June, when "
        "both of them meet in Oslo. Nobody knows how long it will take, as each has its own reasons."
    )
    assert only("a.pdf", pdf(*body)).raw == text
    pages = [["The Example Times, 3 May", *page, "Desk copy", f"- {i} -"] for i, page in enumerate(body, 1)]
    assert only("a.pdf", pdf(*pages)).raw == f"The Example Times, 3 May\n{text}\nDesk copy"
    assert only("a.pdf", pdf(body[0], *pages[1:])).raw == f"The Example Times, 3 May\n{text}\nDesk copy"
    lists = [[f"{place} {number}", "counted in all."] for number, place in enumerate(("Oslo", "Rome", "Bern"))]
    assert only("a.pdf", pdf(*lists)).raw.replace("\n", " ") == "Oslo 0 Rome 1 Bern 2 counted in all."


def test_pdf_files_as_other_programs_write_them() -> None:
    whole = pdf(["The ministers met."], ["They agreed."])
    dated = only("a.pdf", whole.replace(b"D:20240729200213Z", b"Mon Jul 29 2024  "))
    assert (dated.published, dated.title) == (datetime(2024, 7, 29, tzinfo=UTC), "Talks")
    odd = only("a.pdf", whole.replace(b"D:20240729200213Z", b"D:20249929200213Z"))
    assert (odd.published, [reason for reason, _ in odd.problems]) == (None, ["field-published"])
    assert only("a.pdf", whole.replace(b"/Info 4 0 R", b"/Info 9 0 R")).title is None
    for name in (b"Microsoft Word - talks", b"Untitled", b"talks.indd"):
        assert only("a.pdf", whole.replace(b"(Talks)", b"(%s)" % name)).title is None
    lost = only("a.pdf", whole.replace(b"/Contents 6 0 R", b"/Contents (none)"))
    assert (lost.raw, lost.problems) == (
        "They agreed.",
        [("field-pages", "no text was found on 1 of 2 pages: 1")],
    )
    assert not only("a.pdf", whole).problems


def test_damage_of_pdf_files(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pdf(["The ministers met."])
    assert reject("a.pdf", b"no document").reason == "bad-pdf"
    draw = random.Random(2)
    for _ in range(40):
        broken = bytearray(whole)
        broken[draw.randrange(len(broken))] = draw.randrange(256)
        (item,) = read("a.pdf", bytes(broken))
        assert isinstance(item, Record) or item.reason in ("bad-pdf", "empty"), item
    from pypdf import PdfWriter

    locked, out = PdfWriter(io.BytesIO(whole)), io.BytesIO()
    locked.encrypt("secret", algorithm="RC4-128")
    locked.write(out)
    assert reject("a.pdf", out.getvalue()).reason == "encrypted"
    monkeypatch.setitem(sys.modules, "pypdf", None)
    assert "install pypdf" in reject("a.pdf", whole).detail


def warc(*held: tuple[str, str, str, bytes]) -> bytes:
    """A web archive of answers: address, status, content type, body."""

    def entry(kind: str, address: str, content: str, block: bytes) -> bytes:
        names = f"WARC-Type: {kind}\r\nWARC-Target-URI: {address}\r\nWARC-Date: 2024-07-29T20:02:13Z\r\n"
        names += f"WARC-Record-ID: <urn:uuid:{address}>\r\nContent-Type: {content}\r\nContent-Length: {len(block)}"
        return f"WARC/1.0\r\n{names}\r\n\r\n".encode() + block + b"\r\n\r\n"

    out = entry("warcinfo", "about", "application/warc-fields", b"software: test\r\n")
    for address, status, kind, body in held:
        answer = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n\r\n".encode() + body
        out += entry("request", address, "application/http; msgtype=request", b"GET / HTTP/1.1\r\n\r\n")
        out += entry("response", address, "application/http; msgtype=response", answer)
    return out + entry("conversion", "https://x.org/wet", "text/plain", OTHER.encode())


PAGE = "<html lang=pl><head><title>Rozmowy</title></head><body><article>" + "".join(
    f"<p>Ministrowie uzgodnili {n}, że zbudują drugą linię produkcyjną w ciągu trzech lat.</p>" for n in range(6)
)


def test_a_web_archive() -> None:
    items = read(
        "a.warc",
        warc(
            ("https://x.org/1", "200 OK", "text/html; charset=iso-8859-2", PAGE.encode("iso8859-2")),
            ("https://x.org/2", "404 Not Found", "text/html", b"<p>gone</p>"),
            ("https://x.org/3", "200 OK", "image/png", b"\x89PNG"),
            ("https://x.org/4", "200 OK", "text/html", b"<html></html>"),
        ),
    )
    first, *rejects, last = items
    assert isinstance(first, Record)
    assert isinstance(last, Record)
    assert (first.url, first.title, first.language, first.kind) == ("https://x.org/1", "Rozmowy", "pl", "html")
    assert "zbudują drugą linię" in first.raw
    assert (first.encoding.name, first.encoding.found, first.record) == ("iso8859-2", "declared", 0)
    assert [(r.record, r.reason) for r in rejects] == [(1, "not-an-article"), (2, "not-an-article"), (3, "empty")]
    assert [r.detail for r in rejects[:2] if isinstance(r, Reject)] == ["the server answered 404", "it is image/png"]
    assert (last.record, last.url, last.raw, last.kind) == (4, "https://x.org/wet", OTHER, "text")


@pytest.mark.parametrize("kind", ["response", "conversion"])
def test_a_web_archive_that_ends_inside_a_record_says_so(kind: str) -> None:
    whole = warc(("https://x.org/1", "200 OK", "text/html", b"<p>Hello.</p>"))
    start = whole.index(b"WARC/1.0\r\nWARC-Type: " + kind.encode())
    end = whole.index(b"\r\n\r\nWARC/1.0", start) if kind == "response" else len(whole) - 4
    for cut in range(start + 10, end, 3):
        found = read("a.warc", whole[:cut])[-1]
        assert isinstance(found, Reject), cut
        assert found.reason in ("damaged", "bad-warc"), cut
        assert found.record == (None if found.reason == "bad-warc" else int(kind == "conversion")), cut


def test_a_page_of_a_web_archive_has_the_address_it_was_found_at() -> None:
    page = PAGE.replace("<head>", '<head><link rel="canonical" href="https://y.org/2">')
    assert only("a.html", page.encode()).url == "https://y.org/2"
    held = warc(("https://x.org/1", "200 OK", "text/html; charset=utf-8", page.encode()))
    assert only("a.warc", held.rpartition(b"WARC/1.0")[0]).url == "https://x.org/1"


def test_web_archives_as_other_programs_write_them(tmp_path: Path) -> None:
    page = ("https://x.org/1", "200 OK", "\r\nServer: x", PAGE.encode())  # no type is named
    assert only("a.warc", warc(page).rpartition(b"WARC/1.0")[0]).kind == "html"
    for packing in ("br", "zstd"):
        header = f"text/html\r\nContent-Encoding: {packing}"
        packed = warc(("https://x.org/1", "200 OK", header, b"\x8b\x03\x80abc\x03")).rpartition(b"WARC/1.0")[0]
        found = reject("a.warc", packed)
        assert (found.reason, found.detail) == (
            "unread-packing",
            f"it is packed as {packing}; install brotli to read br",
        )
        # Some crawlers unpack a page and keep the header.
        unpacked = warc(("https://x.org/1", "200 OK", header, b"\n" + PAGE.encode())).rpartition(b"WARC/1.0")[0]
        assert only("a.warc", unpacked).kind == "html"
    pieces = [b"WARC/1.0" + piece for piece in warc(page, page).split(b"WARC/1.0")[1:]]
    (tmp_path / "a.warc.gz").write_bytes(b"".join(map(gzip.compress, pieces))[:-40])
    with open_stream(str(tmp_path / "a.warc.gz")) as stream:
        *records, last = read_file(stream, "a.warc.gz", Source())
    assert [isinstance(item, Record) for item in records] == [True, True]
    assert isinstance(last, Reject)
    assert last.reason == "damaged"
    assert last.detail.endswith("; 2 records were read before")


def test_damage_of_web_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = warc(("https://x.org/1", "200 OK", "text/html", PAGE.encode()))
    assert reject("a.warc", b"no archive\r\n").reason == "bad-warc"
    assert reject("a.warc", b"").reason == "empty"
    assert [i.reason for i in read("a.warc", whole, max_record_mb=1) if isinstance(i, Reject)] == []
    draw = random.Random(3)
    for _ in range(60):
        broken = bytearray(whole)
        broken[draw.randrange(len(broken))] = draw.randrange(256)
        items = read("a.warc", bytes(broken))
        assert items
        assert not any(isinstance(item, Reject) and item.reason == "reader-failed" for item in items), items
    assert [i.reason for i in read("a.warc", whole[:-60]) if isinstance(i, Reject)] == ["damaged"]
    big = warc(("https://x.org/1", "200 OK", "text/html", PAGE.encode() * 5000))
    assert [i.reason for i in read("a.warc", big, max_record_mb=1) if isinstance(i, Reject)] == ["too-large"]
    monkeypatch.setitem(sys.modules, "warcio.archiveiterator", None)
    assert "install warcio" in reject("a.warc", whole).detail


def test_lines_with_which_pages_begin_or_end_alike_are_taken_away_once() -> None:
    pages = [["The Times 1", "a", "Page 1", "7"], [], ["The Times 2", "b", "Page 2", "8"]]
    assert (_running(pages, 0), _running(pages, -1)) == (["The Times 1"], ["Page 2"])
    assert pages == [["a"], [], ["b"]]
    assert (_running(pages, 0), _running([], 0), pages[0]) == ([], [], ["a"])


W = "w" * 20
X = "x" * 15


@pytest.mark.parametrize(
    ("pages", "text"),
    [
        # A line of four fifths of the longest one goes on although it ends a sentence; one that is shorter does not.
        ([[W, f"{X}.", "Next."]], f"{W} {X}. Next."),
        ([[W, f"{X[:14]}.", "Next."]], f"{W} {X[:14]}.\nNext."),
        # One that ends none goes on from two fifths of the longest one on.
        ([[W, X[:9], "Next."]], f"{W} {X[:9]} Next."),
        ([[W, X[:8], "Next."]], f"{W} {X[:8]}\nNext."),
        # The last line of a page goes on unless it ends a sentence, however long it is.
        ([[W, X], ["next."]], f"{W} {X} next."),
        ([[W, f"{X}."], ["Next."]], f"{W} {X}.\nNext."),
        # A word goes on where the next line begins small.
        ([["The coun-", "tries met."]], "The countries met."),
        ([["The coun-", "Tries met."]], "The coun- Tries met."),
        ([["The coun -", "tries met."]], "The coun - tries met."),
        ([["a-", "b and so on."]], "ab and so on."),
        # The longest line is that of the own page.
        ([["Short", "lines."], [W * 9, f"{W}.", "Next."]], f"Short lines.\n{W * 9} {W}.\nNext."),
        ([], ""),
    ],
)
def test_lines_of_pages_go_on_where_they_are_long_or_end_no_sentence(pages: list[list[str]], text: str) -> None:
    assert _paragraphs(pages) == text


def test_three_lines_at_most_are_those_with_which_pages_begin() -> None:
    pages = [["One", "Two", "Three", "Four", own] for own in ("a", "b")]
    assert (_running(pages, 0), pages) == (["One", "Two", "Three"], [["Four", "a"], ["Four", "b"]])
    # All pages but one are enough, and two at least.
    for count, found in ((1, []), (2, ["One"]), (3, ["One"])):
        own = [["One", str(i)] for i in range(count)]
        assert _running([*own, ["Else", "z"]] if count == 3 else own, 0) == found
    assert _running([["One", "a"], ["One", "b"], ["Else", "c"], ["More", "d"]], 0) == []
    assert _running([["End", "7"], ["End", "8"]], -1) == ["End"]


def test_a_word_document_may_be_of_any_depth_and_says_what_its_entities_are_not() -> None:
    deep = f"{'<w:x>' * 300}<w:p>{run(TEXT)}</w:p>{'</w:x>' * 300}"
    assert only("a.docx", docx(deep)).raw == TEXT
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    entity = '<!DOCTYPE d [<!ENTITY a "expanded">]>'
    body = f"{entity}<w:document {space}><w:p>{run(f'{TEXT}')}{run('&a;')}</w:p></w:document>"
    about = f"{entity}<d><!-- of a program --><title>Talks&a;</title></d>"
    found = only("a.docx", packed(word__document=body, docProps__core=about))
    assert (found.raw, found.title) == (TEXT, "Talks")


def test_breaks_and_hyphens_of_a_word_document_are_characters() -> None:
    inside = f"{run('One')}<w:r><w:cr/></w:r>{run('well')}<w:r><w:noBreakHyphen/></w:r>{run('known')}<w:r><w:t/></w:r>"
    assert only("a.docx", docx(f"<w:p>{inside}</w:p>")).raw == "One\nwell-known"


@pytest.mark.parametrize(("more", "read_whole"), [(0, True), (1, False)])
def test_every_part_of_a_word_document_is_within_the_limit(more: int, read_whole: bool) -> None:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = f"<w:document {space}><w:p>{run(TEXT)}</w:p></w:document>"
    body += " " * ((1 << 20) - len(body.encode()) + more)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", body)
    (found,) = read("a.docx", out.getvalue(), max_record_mb=1)
    if read_whole:
        assert isinstance(found, Record)
    else:
        assert found == Reject("a.docx", 0, "too-large", "more than source.max_record_mb=1 MB")


def test_a_pdf_file_that_needs_no_password_is_read() -> None:
    from pypdf import PdfWriter

    locked, out = PdfWriter(io.BytesIO(pdf(["The ministers met."]))), io.BytesIO()
    locked.encrypt("", owner_password="secret", algorithm="RC4-128")
    locked.write(out)
    assert only("a.pdf", out.getvalue()).raw == "The ministers met."


def test_pages_without_text_are_named_up_to_twenty() -> None:
    found = only("a.pdf", pdf(*[[]] * 21, ["The ministers met."]))
    shown = ", ".join(map(str, range(1, 21)))
    assert found.problems == [("field-pages", f"no text was found on 21 of 22 pages: {shown}")]


def held(kind: str, content: str, block: bytes, address: str = "https://x.org/1") -> bytes:
    """One record of a web archive."""
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {address}\r\nWARC-Date: 2024-07-29T20:02:13Z\r\n"
    head += f"WARC-Record-ID: <urn:uuid:1>\r\n{content}Content-Length: {len(block)}\r\n\r\n"
    return head.encode() + block + b"\r\n\r\n"


@pytest.mark.parametrize(("size", "reasons"), [(1 << 20, []), ((1 << 20) + 1, ["too-large"])])
def test_a_text_of_a_web_archive_is_as_large_as_is_allowed_and_the_next_is_read(size: int, reasons: list[str]) -> None:
    text = "Content-Type: text/plain\r\n"
    found = read("a.warc", held("conversion", text, b"x" * size) + held("conversion", text, b"Two."), max_record_mb=1)
    assert [r.detail for r in found if isinstance(r, Reject)] == ["more than source.max_record_mb=1 MB"] * len(reasons)
    assert [r.reason for r in found if isinstance(r, Reject)] == reasons
    assert [(r.record, r.raw[:4]) for r in found if isinstance(r, Record)][-1] == (1, "Two.")


@pytest.mark.parametrize(
    ("kind", "content", "block", "said"),
    [
        ("resource", "text/html", PAGE.encode(), "html"),
        ("resource", "application/xhtml+xml", PAGE.encode(), "html"),
        ("conversion", "text/plain; charset=cp1250", TEXT[:20].encode("cp1250"), "text"),
        ("conversion", "", b"\n <p>" + PAGE.encode(), "html"),
        ("conversion", "", OTHER.encode(), "not-an-article: it is of no known type"),
        ("resource", "image/png", b"<svg>", "not-an-article: it is image/png"),
        ("conversion", "text/plain", bytes(range(256)) * 8, "binary"),
        ("conversion", "text/plain", b" \n", "empty: no article text was found in the page"),
        ("metadata", "text/plain", OTHER.encode(), "empty: there is no record in the file"),
    ],
)
def test_what_a_web_archive_holds_without_the_answer_of_a_server(
    kind: str, content: str, block: bytes, said: str
) -> None:
    (found,) = read("a.warc", held(kind, f"Content-Type: {content}\r\n" if content else "", block))
    if isinstance(found, Record):
        assert (found.kind, found.url, found.record, found.sha256) == (said, "https://x.org/1", 0, sha256(block))
    else:
        assert f"{found.reason}: {found.detail}".startswith(said)
        known = {"binary": sha256(block)[:16]}.get(found.reason)
        assert known is None or found.article_id == known


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (TooSlowError("it took too long"), "too-slow", "it took too long"),
        (ZeroDivisionError("of the library"), "reader-failed", "ZeroDivisionError: of the library"),
    ],
)
def test_a_page_of_a_web_archive_that_takes_too_long_costs_itself_alone(
    error: Exception, reason: str, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(record: Record, page: str, recall: bool) -> bool:
        raise error

    monkeypatch.setattr(archives, "extract", slow)
    page, text = held("resource", "Content-Type: text/html\r\n", PAGE.encode()), "Content-Type: text/plain\r\n"
    first, second = read("a.warc", page + held("conversion", text, OTHER.encode()))
    assert isinstance(first, Reject)
    assert first[:4] == ("a.warc", 0, reason, detail)
    assert (first.article_id or "") != ""
    assert isinstance(second, Record)
    assert second.raw == OTHER


def test_a_web_archive_that_is_cut_off_says_where() -> None:
    whole = held("conversion", "Content-Type: text/plain\r\n", OTHER.encode())
    end = whole.index(OTHER.encode()) + 10
    first, second = read("a.warc", whole + whole[:end])
    assert isinstance(first, Record)
    block = OTHER.encode()[:10]
    assert second == Reject("a.warc", 1, "damaged", "the file ends inside the record", sha256(block)[:16])
    for cut in (b"WARC/1.0", b"WARC/1.0\r\n", b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Type: text/plain\r\n"):
        assert read("a.warc", whole + cut)[-1] == Reject("a.warc", 1, "damaged", "the file ends inside the record")
    assert isinstance(broken := read("a.warc", whole + b"what is this\r\n")[-1], Reject)
    assert (broken.reason, broken.record) == ("bad-warc", None)
    assert broken.detail.endswith("; 1 records were read before")


def test_archives_of_an_older_form_are_read() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGE.encode()
    about = b"1 0 Example\nURL IP-address Archive-date Content-type Archive-length\n"
    head = f"filedesc://a.arc 0.0.0.0 20240729200213 text/plain {len(about)}\n".encode()
    entry = f"https://x.org/1 1.2.3.4 20240729200213 text/html {len(answer)}\n".encode()
    found = only("a.warc", head + about + b"\n" + entry + answer + b"\n")
    assert (found.url, found.title) == ("https://x.org/1", "Rozmowy")


def test_rich_text_is_read_and_what_is_none_is_a_reject(monkeypatch: pytest.MonkeyPatch) -> None:
    data = rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2 to all.\par\par \'93Second\'94 line.\par}"
    record = only("a.rtf", data)
    assert (record.raw, record.kind, record.alone) == ("Привет to all.\n“Second” line.", "text", True)
    assert reject("a.rtf", b"Ministers met.").reason == "bad-rtf"
    assert reject("a.rtf", rb"{\rtf1 {\u99999999 x}").reason == "bad-rtf"
    assert reject("a.rtf", rb"{\rtf1 }").reason == "empty"
    assert only("a.rtf", rb" {\rtf1 Broken \'ff\'zz off").raw.strip().startswith("Broken")
    monkeypatch.setitem(sys.modules, "striprtf.striprtf", None)
    assert "install striprtf" in reject("a.rtf", data).detail
