"""Text exports of news databases are cut into their documents, each with its fields."""

import io
from datetime import UTC, datetime

import pytest

from builder.corpus.readers import read_file
from builder.corpus.readers.exports import _factiva, _nexis
from builder.corpus.records import Record, Reject
from builder.corpus.settings import Source
from tests.corpus.word import docx

FIRST = "The ministers of both countries met on Monday, and they agreed on a second line."
SECOND = "Length: nobody knew it.\n\nCopyright law has not changed since 1976, said the judge."


def read(text: str | bytes, name: str = "a.txt") -> list[Record | Reject]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_file(io.BufferedReader(io.BytesIO(data)), name, Source()))


def records(text: str | bytes, name: str = "a.txt") -> list[Record]:
    found = [item for item in read(text, name) if isinstance(item, Record)]
    assert len(found) == len(read(text, name))
    return found


OLDER = f"""


                               1 of 2 DOCUMENTS


                              The Harbour Times

                       July 29, 2024 Monday
                          Late Edition - Final

Allies to build
more

BYLINE: By ANN LEE and BO LI

SECTION: Section A; Column 1;
Foreign Desk; Pg. 1

LENGTH: 845 words

DATELINE: TOKYO, July 29

BODY:

{FIRST}

{SECOND}

URL: http://www.harbour.example/1

GRAPHIC: PHOTO: A harbour.

SUBJECT: DEFENSE (90%)

LOAD-DATE: July 30, 2024

LANGUAGE: ENGLISH

              Copyright 2024 The Harbour Times Company
                       All Rights Reserved

                               2 of 2 DOCUMENTS

                              Hafenblatt

                       30. Juli 2024

Der Sturm

LENGTH: 12 Wörter

{FIRST}

              Copyright 2024 Hafenblatt

URL: http://www.hafenblatt.example/

LANGUAGE: GERMAN; DEUTSCH
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_older_export_of_nexis(end: str) -> None:
    first, second = records(OLDER.replace("\n", end))
    assert (first.title, first.source, first.authors) == (
        "Allies to build more", "The Harbour Times", ["Ann Lee", "Bo Li"],
    )  # fmt: skip
    assert (first.published, first.language) == (datetime(2024, 7, 29, tzinfo=UTC), "en")
    assert (first.url, first.raw) == ("http://www.harbour.example/1", f"{FIRST}\n\n{SECOND}")
    assert (second.title, second.source, second.authors) == ("Der Sturm", "Hafenblatt", [])
    assert (second.published, second.language, second.raw) == (datetime(2024, 7, 30, tzinfo=UTC), "de", FIRST)
    # The address of a publisher is shared by all its articles.
    assert (first.record, second.record, second.url) == (0, 1, None)
    assert first.article_id != second.article_id


def test_a_newer_export_of_nexis() -> None:
    text = f"""Page 1 of 2
Allies to build more
The Harbour Times (London)
July 29, 2024 Monday 8:02 PM GMT
Copyright 2024 Harbour Media All Rights Reserved
Section: WORLD NEWS; Version:1
Length: 634 words
Byline: Ann Lee in Tokyo
Body


{FIRST}

{SECOND}

Graphic

The harbour at night. Photo: A. Smith

Classification

Language: ENGLISH
Load-Date: July 30, 2024
End of Document

Page 2 of 2
Storm
Hafenblatt
30 July 2024
Length: 3 words
Body
Short one.
Load-Date: July 31, 2024
End of Document
"""
    first, second = records(text)
    assert (first.title, first.source, first.authors) == (
        "Allies to build more", "The Harbour Times (London)", ["Ann Lee in Tokyo"],
    )  # fmt: skip
    assert (first.published, first.language) == (datetime(2024, 7, 29, tzinfo=UTC), "en")
    assert first.raw == f"{FIRST}\n\n{SECOND}"
    assert (second.title, second.source, second.raw) == ("Storm", "Hafenblatt", "Short one.")
    assert (second.published, second.language) == (datetime(2024, 7, 30, tzinfo=UTC), None)


def test_an_export_of_factiva_with_tags() -> None:
    text = f"""HD   Allies to build
     more
BY   By Ann Lee and Bo Li
WC   634 words
PD   29 July 2024
ET   08:02 PM
SN   Harbour Wire
LA   English
CY   (c) 2024 Harbour Wire

LP
{FIRST}

TD
TOKYO is the capital.
IN a word: yes.

NS   gdip : International Relations
AN   Document LBA0000020240729ek7t0001a

HD   Storm
PD   30 July 2024
LP   Short one.
AN   Document LBA0000020240730ek7t0002b
"""
    first, second = records(text)
    assert (first.title, first.source, first.authors) == (
        "Allies to build more", "Harbour Wire", ["Ann Lee", "Bo Li"],
    )  # fmt: skip
    assert (first.published, first.language) == (datetime(2024, 7, 29, 20, 2, tzinfo=UTC), "en")
    assert (first.record_id, first.raw) == (
        "LBA0000020240729ek7t0001a", f"{FIRST}\nTOKYO is the capital.\nIN a word: yes.",
    )  # fmt: skip
    assert (second.title, second.raw, second.record_id) == ("Storm", "Short one.", "LBA0000020240730ek7t0002b")
    assert second.published == datetime(2024, 7, 30, tzinfo=UTC)


def test_an_export_of_factiva_without_tags_and_what_is_cut_off() -> None:
    text = f"""Allies to build more
By Ann Lee
1,634 words
29 July 2024
08:02 PM
Harbour Wire
LBA
English
(c) 2024 Harbour Wire

{FIRST}

{SECOND}

Document LBA0000020240729ek7t0001a

Sturm
12 words
30 July 2024
Hafenblatt
German

{FIRST}

Document HFB0000020240730ek7t0002b

Cut off here
"""
    first, second, rest = read(text)
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.title, first.source, first.authors) == ("Allies to build more", "Harbour Wire", ["Ann Lee"])
    assert (first.published, first.language) == (datetime(2024, 7, 29, 20, 2, tzinfo=UTC), "en")
    assert first.raw == f"{FIRST}\n\n{SECOND}"
    assert (second.title, second.source, second.authors) == ("Sturm", "Hafenblatt", [])
    assert (second.language, second.raw) == ("de", FIRST)
    assert (rest.record, isinstance(rest, Reject) and rest.reason) == (2, "no-text")


@pytest.mark.parametrize("last", ["End of Document", "Document 7", "1 of 2 documents", "Length: 5"])
def test_a_text_that_ends_alike_is_one_article(last: str) -> None:
    (found,) = records(f"{FIRST}\n\n{last}\n")
    assert found.raw == f"{FIRST}\n\n{last}\n"


def test_a_document_without_text_is_a_reject() -> None:
    first, second = read(OLDER.replace(FIRST, "", 1).replace(SECOND, "", 1))
    assert (isinstance(first, Reject) and first.reason, isinstance(second, Record)) == ("no-text", True)


@pytest.mark.parametrize(
    ("day", "labels"),
    [
        ("July 1, 2024 Monday", ("Section", "Length: 120 words", "Byline", "Load-Date", "End of Document")),
        ("1. Juli 2024 Montag", ("Rubrik", "Länge: 120 Wörter", "Autor", "Ladedatum", "End of Document")),
        ("lundi 1 juillet 2024", ("Rubrique", "Longueur : 120 mots", "Auteur ", "Date-Chargement", "Fin du document")),
    ],
)
def test_documents_of_nexis_with_blank_lines_and_in_other_languages(day: str, labels: tuple[str, ...]) -> None:
    section, length, byline, loaded, end = labels
    head = f"Council votes\n\nThe Harbour Times\n\n{day}\n\nCopyright 2024 Harbour Press\n\n"
    head += f"{section}: NEWS; Pg. 4\n{length}"
    document = f"{head}\n{byline}: Ann Lee\n\nBody\n\n{FIRST}\n\n{SECOND}\n\n{loaded}: July 2, 2024\n\n{end}\n"
    one, two = records(document * 2)
    assert (one.title, one.source, one.authors) == ("Council votes", "The Harbour Times", ["Ann Lee"])
    assert one.published == two.published == datetime(2024, 7, 1, tzinfo=UTC)
    assert one.raw == two.raw == f"{FIRST}\n\n{SECOND}"


@pytest.mark.parametrize(
    ("lines", "last", "code"),
    [
        ("Von Ann Lee\n120 Wörter\n1 Juli 2024\n10:00\nHandelsblatt\nHB\nDeutsch\n(c) 2024", "Dokument", "de"),
        ("Par Ann Lee\n120 mots\n1 juillet 2024\n10:00\nHandelsblatt\nHB\nFrançais\n© 2024", "Document", "fr"),
    ],
)
def test_documents_of_factiva_in_other_languages(lines: str, last: str, code: str) -> None:
    (one,) = records(f"Council votes\n{lines}\n\n{FIRST}\n\n{last} HANDEL0020240701ek710000x\n")
    assert (one.title, one.source, one.authors) == ("Council votes", "Handelsblatt", ["Ann Lee"])
    assert (one.published, one.language) == (datetime(2024, 7, 1, 10, tzinfo=UTC), code)
    assert one.raw == FIRST


def test_a_field_of_nexis_ends_with_a_blank_line_or_where_the_next_begins() -> None:
    head = "                  1 of 1 DOCUMENT\n\nThe Times\n\nJuly 29, 2024\n\nStorm\n\n"
    fields = (
        "HIGHLIGHT: A storm\nof two days\nclosed it.\nBYLINE: Ann Lee\nSECTION: World;\nPg. 1\n\nLENGTH: 12 words\n\n"
    )
    (found,) = records(f"{head}{fields}\n\n{FIRST}\n\n{SECOND}\n\nLOAD-DATE: July 30, 2024\n")
    assert (found.raw, found.authors, found.title) == (f"{FIRST}\n\n{SECOND}", ["Ann Lee"], "Storm")


@pytest.mark.parametrize("after", ["", "  ", "\t"])
def test_blanks_at_the_ends_of_tagged_lines_are_no_text(after: str) -> None:
    text = "HD   Storm\nSN   The Times\nLP\n  One line.\nTwo lines.\n\nTD\nThree.\n\n"
    (found,) = records(f"{text}AN   Document LBA0000020240730ek7t0002b\n".replace("\n", f"{after}\n"))
    assert (found.title, found.source, found.raw) == ("Storm", "The Times", "One line.\nTwo lines.\nThree.")


def test_a_document_of_factiva_with_a_date_alone() -> None:
    (found,) = records(f"Storm\n12 words\n30 July 2024\n\n{FIRST}\n\nDocument HFB0000020240730ek7t0002b\n")
    assert (found.title, found.published, found.source) == ("Storm", datetime(2024, 7, 30, tzinfo=UTC), None)
    assert found.raw == FIRST


@pytest.mark.parametrize("first", ["1 of 1 DOCUMENT", "1 von 1 DOKUMENT", "1 de 1 DOCUMENTO", "1 sur 1 DOCUMENT"])
def test_an_export_of_one_document_of_nexis(first: str) -> None:
    (found,) = records(f"{first}\n\nThe Times\n\nJuly 29, 2024\n\nStorm\n\nLENGTH: 12 words\n\n{FIRST}\n")
    assert (found.title, found.source, found.raw) == ("Storm", "The Times", FIRST)


@pytest.mark.parametrize(
    ("lines", "title", "authors"),
    [
        ("Allies to build\nmore", "Allies to build more", []),
        ("By the sea", "By the sea", []),
        ("Storm\nBy Ann Lee", "Storm", ["Ann Lee"]),
        ("Allies to build\nmore\n\nPor Ana Paz", "Allies to build more", ["Ana Paz"]),
    ],
)
def test_a_title_of_factiva_may_have_several_lines_and_a_byline_below(
    lines: str, title: str, authors: list[str]
) -> None:
    end = f"12 words\n30 July 2024\nHarbour Wire\n\n{FIRST}\n\nDocument HFB0000020240730ek7t0002b\n"
    (found,) = records(f"{lines}\n{end}")
    assert (found.title, found.authors, found.source, found.raw) == (title, authors, "Harbour Wire", FIRST)


@pytest.mark.parametrize(
    ("said", "code"),
    [("ENGLISH; SPANISH", "en"), ("SPANISH; ENGLISH", "es"), ("GERMAN", "de"), ("KLINGON; GERMAN", None)],
)
def test_the_first_language_of_an_export_counts(said: str, code: str | None) -> None:
    head = "1 of 1 DOCUMENT\n\nThe Times\n\nJuly 29, 2024\n\nStorm\n\nLENGTH: 12 words\n\n"
    (found,) = records(f"{head}{FIRST}\n\nLANGUAGE: {said}\n")
    assert (found.language, found.raw) == (code, FIRST)


def columns(**given: str) -> dict[str, str]:
    """Columns of a document, empty where they are not given."""
    return {**dict.fromkeys(("title", "authors", "source", "language", "published", "text"), ""), **given}


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (  # without a number of words, a title is not told from a date
            "29 July 2024\n10:15 AM GMT\nReuters News\nEnglish\n\nThe text.\nMore.",
            {"published": "2024-07-29T10:15:00+00:00", "source": "Reuters News", "language": "en"},
        ),
        (
            "A title\n300 words\n29 July 2024\n10:15\nHarbour\nWire\n(c) 2024 Wire\nThe text.\nMore.",
            {"title": "A title", "published": "2024-07-29T10:15:00+00:00", "source": "Harbour"},
        ),
        (
            "A title\n300 words\n29 July 2024",
            {"title": "A title", "published": "2024-07-29T00:00:00+00:00", "text": ""},
        ),
        ("300 words", {"text": ""}),
    ],
)
def test_lines_of_factiva_are_fields_by_their_order(lines: str, found: dict[str, str]) -> None:
    assert _factiva(lines.split("\n")) == columns(**{"text": "The text.\nMore.", **found})


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (  # without a date of its own
            "Storm\n\nThe Times\n\nLENGTH: 12 words\n\nThe text.\n\nLOAD-DATE: July 30, 2024",
            {"title": "Storm", "published": "2024-07-30T00:00:00+00:00"},
        ),
        (
            "The Times\n\n(c) 2024 Press\nJuly 29, 2024 Monday\n\nCopyright 2024\nStorm\nagain\n\nBYLINE: Ann\n"
            "URL: https://a.example/1\nBody\n\nThe text.\n\nGraphic\n\na map\nClassification\n\nLanguage: GERMAN",
            {
                "title": "Storm again",
                "authors": "Ann",
                "url": "https://a.example/1",
                "language": "de",
                "published": "2024-07-29T00:00:00+00:00",
            },
        ),
        (
            "Storm\nThe Times\nLENGTH: 1\nBody\nThe text.\nURL: https://a.example/",  # of a publisher, not of a page
            {"title": "Storm"},
        ),
        (
            "Storm\nThe Times\nBYLINE: Ann\nBODY:\nHIGHLIGHT: h\nmore of it\n\nThe text.\nCopyright 2024 Press\nx",
            {"title": "Storm", "authors": "Ann"},
        ),
        ("The Times", {"text": ""}),
    ],
)
def test_lines_of_nexis_are_fields_by_their_names_and_their_order(lines: str, found: dict[str, str]) -> None:
    named = {"source": "The Times", "text": "The text.", "url": "", **found}
    assert _nexis(lines.split("\n")) == columns(**named)


NEWER = f"""Allies to build more

The Harbour Times (London)

July 29, 2024 Monday 8:02 PM GMT

Copyright 2024 Harbour Media All Rights Reserved

Section: WORLD; Pg. 3
Length: 845 words
Byline: Ann Lee and Bo Li

Body


{FIRST}

{SECOND}

Classification

Language: ENGLISH
Load-Date: July 30, 2024

End of Document
The storm
Hafenblatt
July 31, 2024 Wednesday
Copyright 2024 Hafenblatt
Length: 9 words
Body
It came by night.
Load-Date: July 31, 2024
End of Document
"""
COVER = """User Name: Eva Reader
Date and Time: Monday, July 29, 2024 10:02:00 AM CEST
Job Number: 123456

Documents (2)

1. Allies to build more
Client/Matter: -None-
Search Terms: allies
2. The storm
Client/Matter: -None-

"""


@pytest.mark.parametrize("cover", ["", COVER])
def test_an_export_of_nexis_as_a_word_document(cover: str) -> None:
    body = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in (cover + NEWER).split("\n"))
    first, second = records(docx(body), "a.docx")
    assert (first.title, first.source, first.authors) == (
        "Allies to build more", "The Harbour Times (London)", ["Ann Lee", "Bo Li"],
    )  # fmt: skip
    assert (first.published, first.raw) == (datetime(2024, 7, 29, tzinfo=UTC), f"{FIRST}\n\n{SECOND}")
    assert (second.record, second.title, second.source, second.raw) == (
        1,
        "The storm",
        "Hafenblatt",
        "It came by night.",
    )


def test_a_cover_without_the_title_that_it_lists_stays() -> None:
    first, _ = records(COVER.replace("1. Allies", "1. Others") + NEWER)
    assert "Others to build more" in str(first.title)
    first, _ = records(COVER.replace("Job Number: ", "Number: ") + NEWER)
    assert "Client/Matter" in str(first.title)


_PARTS = """<div class="article"><p><div><span>Allies to build\n more</span></div><div>By Ann Lee and Bo Li</div>
<div>512 words</div><div>29 July 2024</div><div>10:02</div><div>Harbour News</div><div>HBN</div><div>English</div>
<div>(c) 2024 Harbour Limited</div></p><p>The ministers met, and <b>they</b> agreed.</p><p>IN all, nobody left.</p>
<p>Document HBN0000020240729ek7t000xx</p></div>"""
_CELLS = "<table>{}</table>".format(
    "".join(
        f'<tr><td class="x"><b>{tag}</b>&nbsp;</td><td>{value}</td></tr>\n'
        for tag, value in (
            ("HD", "Allies to build more"),
            ("BY", "By Ann Lee and Bo Li"),
            ("PD", "29 July 2024"),
            ("ET", "10:02"),
            ("SN", "Harbour News"),
            ("LA", "English"),
            ("TD", "<p>The ministers met, and they agreed.</p><p>IN all, nobody left.</p>"),
            ("AN", "Document HBN0000020240729ek7t000xx"),
        )
    )
)


@pytest.mark.parametrize("page", [_PARTS, _CELLS])
def test_an_export_of_factiva_as_a_page(page: str) -> None:
    found = records(f"<html><body>{page}<hr/>{page.replace('29ek', '30ek')}</body></html>", "a.html")
    assert [item.record_id for item in found] == ["HBN0000020240729ek7t000xx", "HBN0000020240730ek7t000xx"]
    for item in found:
        assert (item.title, item.source, item.authors) == (
            "Allies to build more", "Harbour News", ["Ann Lee", "Bo Li"],
        )  # fmt: skip
        assert (item.published, item.language) == (datetime(2024, 7, 29, 10, 2, tzinfo=UTC), "en")
        assert item.raw == "The ministers met, and they agreed.\nIN all, nobody left."


def test_a_page_that_speaks_of_a_document_is_one_article() -> None:
    text = "<p>The ministers met, and they signed Document HBN0000020240729ek7t000xx in the harbour.</p>"
    (found,) = records(f"<html><body><article>{text * 3}</article></body></html>", "a.html")
    assert found.kind == "html"


RTF = r"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}}{\info{\title x}}{\footer Page 1}
\pard\b {\field{\*\fldinst{HYPERLINK "http://a.example/b"}}{\fldrslt{Allies to build more}}}\b0\par
By Ann Lee\par 512 words\par 29 July 2024\par 10:02\par Harbour News\par HBN\par English\par (c) 2024 Harbour\par\par
The ministers \ldblquote met\rdblquote  in a caf\'e9 {\f1\'cf\'f0\'e8\'e2\'e5\'f2} \u-10179?\u-8704? \u8364?5.\par
Document HBN0000020240729ek7t000xx\par}"""


def test_an_export_of_factiva_in_rich_text() -> None:
    (found,) = records(RTF, "a.rtf")
    assert (found.title, found.source, found.authors) == ("Allies to build more", "Harbour News", ["Ann Lee"])
    assert found.raw == "The ministers “met” in a café Привет 😀 €5."
