"""Feeds, news markup, mail and archives become records, and what is not read says what is."""

import base64
import io
import json
import os
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.corpus.decoding import Encoding
from builder.corpus.files import list_files
from builder.corpus.readers import READERS, read_file
from builder.corpus.records import Record, Reject, sha256
from builder.corpus.settings import FORMATS, Source
from builder.corpus.streams import forget_archive, open_raw
from tests.corpus.workspace import Workspace

TEXT = "Ministers met in Kyiv — “late”, said Sinéad. They agreed."
OTHER = "A storm closed the harbour of Genoa for three days."


def read(name: str, data: str | bytes, **settings: Any) -> list[Record | Reject]:
    raw = data.encode() if isinstance(data, str) else data
    return list(read_file(io.BufferedReader(io.BytesIO(raw)), name, Source(**settings)))


def only(name: str, data: str | bytes, **settings: Any) -> Record:
    (record,) = read(name, data, **settings)
    assert isinstance(record, Record), record
    return record


def records(name: str, data: str | bytes) -> list[Record]:
    found = read(name, data)
    assert all(isinstance(item, Record) for item in found), found
    return [item for item in found if isinstance(item, Record)]


def reject(name: str, data: str | bytes, **settings: Any) -> Reject:
    (found,) = read(name, data, **settings)
    assert isinstance(found, Reject), found
    return found


def test_a_file_that_is_not_read_names_those_that_are() -> None:
    found = reject("a.php", TEXT)
    assert found.reason == "unknown-format"
    assert found.detail.startswith(".php is not read; set source.format, or use .txt, ")
    assert all(suffix in found.detail for suffix in READERS)
    assert reject("none", TEXT).detail.startswith("files without a suffix are not read")


def test_the_format_that_is_set_overrides_the_suffix() -> None:
    assert {f".{name}" for name in FORMATS} <= set(READERS)
    page = f"<html><body><article>{f'<p>{TEXT}</p>' * 6}</article></body></html>"
    for name in ("a.php", "a.aspx", "none", "a.txt"):
        assert TEXT in only(name, page, format="html").raw
    assert only("a.html", TEXT, format="txt").raw == TEXT


RSS = f"""<?xml version="1.0" encoding="utf-8"?>
<rss xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>Harbour Wire</title><language>en-GB</language>
<item><title>Ministers meet</title><link>https://example.org/1</link><guid>hw-1</guid><dc:creator>Ann Lee</dc:creator>
<pubDate>Mon, 29 Jul 2024 20:02:13 GMT</pubDate><description>Short.</description>
<content:encoded><![CDATA[<p>{TEXT}</p><p>{OTHER}</p>]]></content:encoded></item>
<item><title>Storm</title><description>{OTHER}</description></item>
</channel></rss>"""


def test_a_feed_of_rss() -> None:
    first, second = read("a.xml", RSS)
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.raw, first.title, first.url, first.record_id) == (
        f"{TEXT}\n{OTHER}", "Ministers meet", "https://example.org/1", "hw-1",
    )  # fmt: skip
    assert (first.authors, first.source, first.language) == (["Ann Lee"], "Harbour Wire", "en")
    assert first.published == datetime(2024, 7, 29, 20, 2, 13, tzinfo=UTC)
    assert (second.record, second.raw, second.record_id) == (1, OTHER, None)


def test_numbers_of_characters_that_xml_cannot_hold_and_odd_names_cost_no_item() -> None:
    feed = RSS.replace("<item>", "<item><x:00Z>&#xD800;&#8;</x:00Z>", 1)
    assert [(item.title, item.raw) for item in records("a.xml", feed)] == [
        (item.title, item.raw) for item in records("a.xml", RSS)
    ]
    odd = (
        "<rss><channel><item><title>A&#8211;B</title><description>One&#xD800;two&#150;&#60;i&#62;</description></item>"
    )
    assert [(item.title, item.raw) for item in records("a.xml", f"{odd}</rss>")] == [("A–B", "One�two–<i>")]


def test_a_feed_of_atom() -> None:
    feed = f"""<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>Hafenblatt</title>
    <entry><id>urn:1</id><title>Titel</title><link rel="edit" href="https://example.org/edit"/>
    <link href="https://example.org/1"/><updated>2024-07-29T20:02:13Z</updated><author><name>Bo Li</name></author>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>{TEXT}</p><p>{OTHER}</p></div></content></entry></feed>"""
    found = only("a.atom", feed)
    assert (found.raw, found.title, found.url) == (f"{TEXT}\n{OTHER}", "Titel", "https://example.org/1")
    assert (found.authors, found.source, found.language, found.record_id) == (["Bo Li"], "Hafenblatt", "de", "urn:1")


def test_nitf_and_newsml() -> None:
    nitf = f"""<nitf><head><docdata><doc-id id-string="x-7"/><date.issue norm="20240729T200213Z"/></docdata></head>
    <body><body.head><hedline><hl1>Ministers meet</hl1></hedline><byline>By Ann Lee</byline></body.head>
    <body.content><p>{TEXT}</p><p>{OTHER}</p></body.content></body></nitf>"""
    found = only("a.xml", nitf)
    assert (found.raw, found.title, found.authors) == (f"{TEXT}\n{OTHER}", "Ministers meet", ["Ann Lee"])
    assert (found.record_id, found.published) == ("x-7", datetime(2024, 7, 29, 20, 2, 13, tzinfo=UTC))
    item = f"""<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="tag:1" xml:lang="fr"><contentMeta>
    <contentCreated>2024-07-29T20:02:13Z</contentCreated><headline>Les ministres</headline></contentMeta><contentSet>
    <inlineXML><html xmlns="http://www.w3.org/1999/xhtml"><body><p>{TEXT}</p><p>{OTHER}</p></body></html></inlineXML>
    </contentSet></newsItem>"""
    found = only("a.xml", item)
    assert (found.raw, found.title, found.language) == (f"{TEXT}\n{OTHER}", "Les ministres", "fr")
    assert (found.record_id, found.published) == ("tag:1", datetime(2024, 7, 29, 20, 2, 13, tzinfo=UTC))
    assert reject("a.xml", "<svg><g/></svg>").detail == "<svg> holds no item of RSS, Atom, NITF or NewsML-G2"
    assert reject("a.xml", "no markup").reason == "bad-xml"


FEED = "<rss><channel><title>Wire</title>{}</channel></rss>"


@pytest.mark.parametrize(
    "item",
    [
        f"<title>Caf&eacute; & R&D</title><description>{OTHER} Roy&rsquo;s.</description>",
        f"<title>Café &amp; R&#38;D</title><description><![CDATA[{OTHER} Roy’s.]]></description>",
        f"<title>Café & R&D</title><description>-</description><content:encoded>{OTHER} Roy’s.</content:encoded>",
    ],
)
@pytest.mark.parametrize("before", ["", "Warning: a.php\n<?xml version='1.0'?>", "\n\n", "<!-- a & b -->"])
def test_feeds_as_other_programs_write_them(before: str, item: str) -> None:
    author = "<author>a@x.org (Ann Lee)</author><link>http://x.org/?a=1&b=2</link>"
    found = only("a.rss", before + FEED.format(f"<item>{item}{author}</item>"))
    assert (found.title, found.raw, found.authors) == ("Café & R&D", f"{OTHER} Roy’s.", ["Ann Lee"])
    assert found.url == "http://x.org/?a=1&b=2"


def test_words_around_marked_ones_stay_in_a_feed() -> None:
    entry = "<entry><content>They <b>agreed</b> on <i>Monday</i> in Kyiv.</content></entry>"
    assert only("a.atom", f"<feed>{entry}</feed>").raw == "They agreed on Monday in Kyiv."


def test_a_feed_that_is_cut_off_says_so() -> None:
    feed = f"<rss><channel><item><title>A</title><description>{TEXT}</description></item></channel></rss>"
    for end in range(len(feed) - 60, len(feed)):
        *_, last = read("a.xml", feed[:end])
        assert isinstance(last, Reject), end
        assert last.detail == "the file ends before </rss>; 1 records were read before"
    assert only("a.xml", feed.replace("rss>", "x:rss >")).raw == TEXT


def test_ampersands_in_character_data_stay() -> None:
    found = only("a.rss", FEED.format(f"<item><description><![CDATA[R&D & &eacute; {OTHER}]]></description></item>"))
    assert found.raw == f"R&D & &eacute; {OTHER}"


def test_titles_and_texts_of_pictures_in_a_feed_are_not_those_of_the_article() -> None:
    space = 'xmlns:media="http://search.yahoo.com/mrss/"'
    media = "<media:title>Photo</media:title><media:description>A pier.</media:description>"
    for declared in (space, ""):
        item = f"<item>{media}<title>News</title><description>{TEXT}</description></item>"
        record = only("a.rss", f"<rss {declared}><channel>{item}</channel></rss>")
        assert (record.title, record.raw) == ("News", TEXT)


def test_columns_of_a_feed_are_plain_text_and_name_all_authors() -> None:
    entry = "<title type='html'>A &amp;amp; &lt;b&gt; B&amp;#8217;s</title><author><name>Ann Lee</name></author>"
    entry += "<author><name>Bo Li</name></author><link href='http://x/?a=1&amp;copy=2'/>"
    record = only("a.atom", f"<feed><entry>{entry}<summary>{TEXT}</summary></entry></feed>")
    assert (record.title, record.url) == ("A & <b> B’s", "http://x/?a=1&copy=2")
    assert record.authors == ["Ann Lee", "Bo Li"]
    body = f"<hl1>News <em>of</em> today</hl1><byline>By <person>Ann Lee</person></byline><body.content>{TEXT}"
    record = only("a.xml", f"<nitf>{body}</body.content></nitf>")
    assert (record.title, record.authors) == ("News of today", ["Ann Lee"])
    rdf = f"<RDF><channel><title>Daily</title></channel><item><description>{TEXT}</description></item></RDF>"
    assert only("a.rss", rdf).source == "Daily"


def test_a_piece_of_a_page_without_paragraphs_is_its_text() -> None:
    assert only("a.html", f"<div class=x>{TEXT}<br>{OTHER}</div>").raw == f"{TEXT}\n{OTHER}"
    assert only("a.html", f"{TEXT}\n{OTHER}").raw == f"{TEXT}\n{OTHER}"
    assert reject("a.html", "<script>var a = 1</script>").reason == "empty"


def test_nitf_says_some_things_twice() -> None:
    """The archive of a paper has the first paragraph as a block of its own, and a second byline for sorting."""
    found = only(
        "a.xml",
        '<nitf><head><pubdata name="Example Times" ex-ref="https://example.com/a"/></head><body><body.head>'
        '<byline class="print_byline">By ANN LEE</byline><byline class="normalized_byline">Lee, Ann</byline>'
        f'</body.head><body.content><block class="lead_paragraph"><p>{TEXT}</p></block>'
        f'<block class="full_text"><p>{TEXT}</p><p>{OTHER}</p></block></body.content></body></nitf>',
    )
    assert (found.raw, found.authors) == (f"{TEXT}\n{OTHER}", ["Ann Lee"])
    assert (found.source, found.url) == ("Example Times", "https://example.com/a")
    byline = "<byline>By <person>Ann Lee</person><byttl>Staff</byttl></byline>"
    named = only("a.xml", f"<nitf><body>{byline}<body.content><p>{TEXT}</p></body.content></body></nitf>")
    assert named.authors == ["Ann Lee"]


def test_nitf_inside_newsml() -> None:
    nitf = f"<nitf><body><body.head><hl1>Talks</hl1></body.head><body.content><p>{TEXT}</p><p>{OTHER}</p>"
    item = f"<newsItem guid='1'><inlineXML>{nitf}</body.content></body></nitf></inlineXML></newsItem>"
    found = only("a.xml", f"<newsMessage>{item}</newsMessage>")
    assert (found.title, found.raw) == ("Talks", f"{TEXT}\n{OTHER}")


def mail(text: str, subject: str = "News") -> bytes:
    head = f"From: Ann Lee <ann@example.org>\nSubject: {subject}\nMessage-ID: <{subject}@x>\n"
    date = "Date: Mon, 29 Jul 2024 20:02:13 +0000\n"
    return (
        f"{head}{date}Content-Type: text/plain; charset=iso-8859-2\nContent-Transfer-Encoding: 8bit\n\n{text}\n".encode(
            "iso8859-2"
        )
    )


def test_mail_and_mailboxes() -> None:
    found = only("a.eml", mail("Ministrowie uzgodnili, że zbudują."))
    assert (found.raw, found.title, found.authors) == ("Ministrowie uzgodnili, że zbudują.\n", "News", ["Ann Lee"])
    assert (found.record_id, found.published) == ("<News@x>", datetime(2024, 7, 29, 20, 2, 13, tzinfo=UTC))
    box = b"".join(b"From ann Mon Jul 29 20:02:13 2024\n" + mail(f"Text {n}.", f"N{n}") for n in range(3))
    records = [r for r in read("a.mbox", box) if isinstance(r, Record)]
    assert [(r.record, r.raw.strip(), r.title) for r in records] == [(n, f"Text {n}.", f"N{n}") for n in range(3)]
    html = mail(f"<html><body><p>{OTHER}</p><p>Second.</p></body></html>").replace(b"text/plain", b"text/html")
    assert only("a.eml", html).raw == f"{OTHER}\nSecond."
    odd = mail("Plain text.").replace(b"iso-8859-2", b"x-nobody-knows")
    assert "Plain text." in only("a.eml", odd).raw
    assert reject("a.eml", b"Subject: nothing\n\n").reason == "no-text"


FRENCH = "Les élèves étaient là où le maître les avait laissés."


@pytest.mark.parametrize(
    ("header", "codec"),
    [("", "utf-8"), ("", "cp1252"), ("us-ascii", "utf-8"), ("iso-8859-1", "cp1252"), ("x-unknown", "utf-8")],
)
def test_mail_whose_charset_is_missing_or_wrong(header: str, codec: str) -> None:
    kind = f"Content-Type: text/plain; charset={header}\n" if header else ""
    found = only("a.eml", f"Subject: Élèves\nFrom: Zoë <z@x.fr>\n{kind}\n{FRENCH}\n".encode(codec))
    assert (found.raw, found.title, found.authors) == (f"{FRENCH}\n", "Élèves", ["Zoë"])
    assert found.encoding.name == codec


def test_a_line_that_begins_like_a_separator_parts_no_message() -> None:
    text = f"{TEXT}\n\nFrom what we heard on Mon it is late.\n{OTHER}\n"
    box = f"From ann@example.com Mon Mar  4 09:00:00 2024\nSubject: News\n\n{text}"
    assert only("a.mbox", box).raw == text


@pytest.mark.parametrize("day", ["Mon Jan  1", "Mon, 1 Jan 2024", "Mon Jan 01 00:00:00 2024 +0100", "Mon, 09:30"])
def test_a_separator_has_a_day_with_its_month_or_time(day: str) -> None:
    box = "".join(f"From ann {day}\nSubject: {n}\n\n{TEXT}\n" for n in range(2))
    assert [r.title for r in read("a.mbox", box) if isinstance(r, Record)] == ["0", "1"]


def test_mail_as_other_programs_write_it() -> None:
    parts = "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n \n--b\n"
    page = f"Content-Type: text/html; charset=utf-8\n\n<html><p>{FRENCH}</p><p>{OTHER}</p></html>\n--b--\n"
    assert only("a.eml", f"Subject: x\nMIME-Version: 1.0\n{parts}{page}").raw == f"{FRENCH}\n{OTHER}"
    assert only("a.eml", f"\ufeffFrom: <@>,,;:\nMessage-ID: <[x\nSubject: Odd\n\n{TEXT}\n").title == "Odd"
    day = "Mon Jul 29 20:02:13 2024"
    box = f"From a@b {day}\nSubject: 1\n\nOne.\n\nFrom here on.\n\nFrom - {day}\nSubject: 2\n\n>From there.\n"
    assert [r.raw.strip() for r in read("a.mbox", box) if isinstance(r, Record)] == [
        "One.\n\nFrom here on.",
        "From there.",
    ]


def test_a_csv_without_header_is_said_and_not_eaten() -> None:
    data = f'1,Title,"{TEXT}"\n2,Other,"{OTHER}"\n'
    found = reject("a.csv", data)
    assert (found.reason, found.record) == ("no-header", None)
    assert found.detail.startswith("the first row (1, Title, Ministers met in Kyiv — “late”) names no column")
    records = read("a.csv", data, columns=["id", "title", "text"])
    assert [(r.record_id, r.title, r.raw) for r in records if isinstance(r, Record)] == [
        ("1", "Title", TEXT), ("2", "Other", OTHER),
    ]  # fmt: skip


def test_two_lists_in_json_name_the_setting() -> None:
    whole = {"data": {"articles": [{"text": TEXT}], "related": [{"text": OTHER}]}}
    found = reject("a.json", json.dumps(whole))
    assert found.detail == "it has lists of objects at data.articles, data.related; set source.records to one of them"
    assert only("a.json", json.dumps(whole), records="data.related").raw == OTHER
    # Lists are looked for in objects three deep.
    assert only("a.json", json.dumps({"a": {"b": {"c": {"d": [{"text": TEXT}]}}}})).raw == TEXT
    assert reject("a.json", json.dumps({"a": {"b": {"c": {"d": {"e": [{"text": TEXT}]}}}}})).reason == "no-text"
    assert "source.records=none" in reject("a.json", json.dumps(whole), records="none").detail


@pytest.mark.parametrize("orient", ["records", "columns", "index", "split", "table"])
@pytest.mark.parametrize("inside", ["", "data.news"])
def test_tables_that_pandas_writes_are_read_in_every_orientation_that_names_their_columns(
    orient: str, inside: str
) -> None:
    rows = [{"id": "a", "n": 1, "body": TEXT}, {"id": "b", "n": None, "body": OTHER}, {"id": "c", "n": 3, "body": None}]
    columns = {name: {str(i): row[name] for i, row in enumerate(rows)} for name in rows[0]}
    table: Any = {
        "records": rows,
        "columns": columns,
        "index": {str(i): row for i, row in enumerate(rows)},
        "split": {"columns": list(columns), "index": [0, 1, 2], "data": [list(row.values()) for row in rows]},
        "table": {"schema": {"fields": [{"name": "id"}], "pandas_version": "1.4.0"}, "data": rows},
    }[orient]
    whole = {"data": {"news": table, "related": [{"text": OTHER}]}} if inside else table
    found = read("a.json", json.dumps(whole), records=inside)
    assert [(r.record, r.record_id, r.raw) for r in found if isinstance(r, Record)] == [(0, "a", TEXT), (1, "b", OTHER)]
    assert [(r.reason, r.record) for r in found if isinstance(r, Reject)] == [("no-text", 2)]
    assert not any(r.alone for r in found if isinstance(r, Record))


def test_tables_have_nothing_beside_them_and_rows_that_are_none_are_left_out() -> None:
    related = [{"text": OTHER}]
    table = {"columns": ["text"], "data": [[TEXT], 5]}
    assert only("a.json", json.dumps(table)).raw == TEXT
    assert only("a.json", json.dumps(table | {"related": related})).raw == OTHER
    table = {"schema": {}, "data": [{"text": TEXT}]}
    found = reject("a.json", json.dumps(table | {"related": related}))
    assert found.detail == "it has lists of objects at data, related; set source.records to one of them"


def test_an_object_is_known_by_the_bytes_of_its_file_and_one_inside_it_by_its_own_json() -> None:
    one = b'{"text": "%b",  "id": "b"}' % TEXT.encode()
    assert only("a.json", one).sha256 == sha256(one)
    items = [{"text": TEXT, "id": "b"}, {"text": OTHER, "id": "a"}]
    found = read("a.json", json.dumps({"articles": items}))
    assert [r.sha256 for r in found if isinstance(r, Record)] == [
        sha256(json.dumps(item, sort_keys=True).encode()) for item in items
    ]


def test_several_values_hold_no_list_that_is_set() -> None:
    values = json.dumps({"articles": [{"text": TEXT}]})
    assert only("a.json", values, records="articles").raw == TEXT
    assert reject("a.json", f"{values}\n{values}", records="articles").reason == "bad-json"


def test_lines_of_wide_characters_are_said_to_be_wide() -> None:
    found = only("a.jsonl", json.dumps({"text": TEXT}).encode("utf-16"))
    assert (found.raw, found.encoding.name) == (TEXT, "utf-16")


def test_objects_that_are_no_table_are_refused_with_what_is_missing() -> None:
    for whole in ({"a": {"x": 1}, "b": {"y": 2}}, {"text": {"0": TEXT}, "id": {"1": "a"}}, {"data": [], "columns": 3}):
        found = reject("a.json", json.dumps(whole))
        assert found.reason == "no-text"
        assert "set source.fields.text" in found.detail
    (first, second) = read("a.json", json.dumps([["a", TEXT], ["b", OTHER]]))
    assert isinstance(first, Reject)
    assert isinstance(second, Reject)
    assert first.detail == second.detail == "the record is a list, no object with named fields"


@pytest.mark.parametrize(
    ("item", "columns"),
    [
        (
            {"webTitle": "T", "webUrl": "https://x.org/1", "webPublicationDate": "2024-05-01T00:00:00Z",
             "fields": {"bodyText": TEXT, "byline": "Ann Lee"}},
            ("T", "https://x.org/1", ["Ann Lee"]),
        ),
        (
            {"title": "T", "maintext": TEXT, "url": "https://x.org/1", "date_publish": "2024-05-01 00:00:00",
             "authors": ["Ann Lee"], "source_domain": "x.org"},
            ("T", "https://x.org/1", ["Ann Lee"]),
        ),
        (
            {"title": "T", "plain_text": TEXT, "requested_url": "https://x.org/1", "published_date": "2024-05-01",
             "author": "Ann Lee"},
            ("T", "https://x.org/1", ["Ann Lee"]),
        ),
    ],
)  # fmt: skip
def test_fields_of_known_dumps_are_mapped(item: dict[str, Any], columns: tuple[str, str, list[str]]) -> None:
    found = only("a.jsonl", json.dumps(item))
    assert (found.title, found.url, found.authors) == columns
    assert (found.raw, found.published) == (TEXT, datetime(2024, 5, 1, tzinfo=UTC))


def test_records_inside_what_a_server_or_a_database_says_of_them() -> None:
    answer = {"response": {"status": "ok", "content": {"webTitle": "News", "fields": {"bodyText": TEXT}}}}
    assert (only("a.json", json.dumps(answer)).title, only("a.json", json.dumps(answer)).raw) == ("News", TEXT)
    hit = {"_index": "n", "_id": "e1", "_source": {"title": "News", "body": TEXT}}
    assert (only("a.jsonl", json.dumps(hit)).record_id, only("a.jsonl", json.dumps(hit)).raw) == ("e1", TEXT)
    kept = {"_id": {"$oid": "6"}, "text": TEXT, "date": {"$date": {"$numberLong": "1719792000000"}}}
    record = only("a.jsonl", json.dumps(kept))
    assert (record.record_id, record.published) == ("6", datetime(2024, 7, 1, tzinfo=UTC))
    assert reject("a.json", json.dumps({"id": 1, "user": {"text": TEXT}})).reason == "no-text"
    assert reject("a.json", json.dumps({"id": 1, "content": {"kind": "x"}})).reason == "no-text"


def test_records_as_other_programs_write_them() -> None:
    blocks = [{"type": "p", "text": TEXT}, {"type": "image", "src": "a.jpg"}, {"type": "p", "text": OTHER}]
    for name in ("a.json", "a.jsonl"):
        assert only(name, json.dumps({"title": "Talks", "body": blocks})).raw == f"{TEXT}\n{OTHER}"
    page = {"title": {"rendered": "Talks"}, "content": {"rendered": f"<p>{TEXT}</p><p>{OTHER}</p>"}}
    found = only("a.json", json.dumps([page]))
    assert (found.title, found.raw) == ("Talks", f"{TEXT}\n{OTHER}")
    for wrapper in ("row", "node", "doc"):
        assert only("a.json", json.dumps({"list": [{"number": 1, wrapper: {"text": TEXT}}]})).raw == TEXT


def test_lines_that_are_elements_of_a_list() -> None:
    lines = f'[\n{{"text": "{TEXT}", "tags": [1]}},\n{{"text": "{OTHER}"}}\n]\n'
    found = read("a.jsonl", lines)
    assert [(r.record, r.raw) for r in found if isinstance(r, Record)] == [(1, TEXT), (2, OTHER)]
    assert len(found) == 2


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_number_of_thousands_of_digits_costs_no_record(name: str) -> None:
    items = [f'{{"text": "{TEXT}", "n": {"9" * digits}}}' for digits in (3, 3999, 4000, 9000)]
    found = read(name, f"[{','.join(items)}]" if name == "a.json" else "\n".join(items))
    assert [r.raw for r in found if isinstance(r, Record)] == [TEXT] * 4


def test_blanks_after_a_delimiter_belong_to_no_cell() -> None:
    record = only("a.csv", 'id, text\n7, "One, two, three."\n')
    assert (record.record_id, record.raw) == ("7", "One, two, three.")


@pytest.mark.parametrize("blank", ["\n", ",\n", " , \n", '" ",\n'])
def test_rows_of_blank_cells_are_none_and_have_no_number(blank: str) -> None:
    found = read("a.csv", f"{blank}id,text\n{blank}1,{TEXT[:9]}\n{blank}2,{OTHER[:9]}\n{blank}")
    assert [(r.record, r.record_id) for r in found if isinstance(r, Record)] == [(0, "1"), (1, "2")]
    assert len(found) == 2


def test_a_text_full_of_tags_is_read_as_markup_and_one_with_few_is_not() -> None:
    assert only("a.txt", f"<div><p>{TEXT}</p><p>{OTHER}</p></div>").raw == f"{TEXT}\n{OTHER}"
    assert only("a.txt", f"<p>{TEXT}</p><p>{OTHER}</p>").raw == f"{TEXT}\n{OTHER}"
    assert only("a.txt", f"<p>{TEXT}</p>").raw == f"<p>{TEXT}</p>"
    plain = "If a < b and b > c, then <b>nobody</b> knows."
    assert only("a.txt", plain).raw == plain
    assert only("a.html", f"<p>{TEXT}</p><p>{OTHER}</p>").raw.count("\n") == 1


def test_recall_keeps_lists_outside_the_article() -> None:
    items = "".join(f"<li>Point {n} of the ministers is about the harbour and its bridges.</li>" for n in range(6))
    body = "".join(f"<p>Paragraph {n}: {TEXT} {OTHER}</p>" for n in range(8))
    page = f"<html><body><article>{body}</article><ul>{items}</ul></body></html>"
    assert [only("a.html", page).raw.count(word) for word in ("Paragraph", "Point")] == [8, 0]
    assert [only("a.html", page, recall=True).raw.count(word) for word in ("Paragraph", "Point")] == [8, 6]


@pytest.mark.parametrize(
    "said",
    [
        '<html lang="de-AT">', '<meta http-equiv="Content-Language" content="de, en">',
        '<meta property="og:locale" content="de_DE">', '<meta content="de_DE" property="og:locale">',
    ],
)  # fmt: skip
def test_a_page_says_its_language(said: str) -> None:
    assert only("a.html", f"{said}<body><article><p>{TEXT}</p><p>{OTHER}</p></article></body>").language == "de"


def test_a_date_of_which_a_page_speaks_is_not_when_it_was_published() -> None:
    page = f"<html><head>{{}}</head><body><article>{{}}<p>{TEXT}</p><p>{OTHER}</p></article>{{}}</body></html>"
    for spoken in ("<p>On 3 May 2019 the council met.</p>", "<p>The vote of 2019-05-03 stands.</p>"):
        assert only("a.html", page.format("", spoken, "<footer>&copy; 2024 Example</footer>")).published is None
    meta = '<meta property="article:published_time" content="2024-03-04T09:00:00Z">'
    for head, first in ((meta, ""), ("", '<time datetime="2024-03-04">Monday</time>')):
        assert str(only("a.html", page.format(head, first, "")).published)[:10] == "2024-03-04"


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.bz2", "tar.zst", "tgz", "TXZ", "tbz2"])
def test_archives_are_folders(tmp_path: Path, kind: str) -> None:
    work = Workspace(str(tmp_path / "raw"), tmp_path / "work")
    work.put("plain.txt", TEXT)
    files = {"one.txt": TEXT + " In Kyiv.", "in/two.jsonl": json.dumps({"text": OTHER}), ".hidden.txt": "no"}
    path = Path(work.raw) / f"news.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
    else:
        packing = {"tgz": "gz", "TXZ": "xz", "tbz2": "bz2", "tar.zst": ""}.get(kind, kind[4:])
        with tarfile.open(path, f"w:{packing}") as tar:
            for name, text in files.items():
                about = tarfile.TarInfo(name)
                about.size = len(text.encode())
                tar.addfile(about, io.BytesIO(text.encode()))
    if kind == "tar.zst":
        plain = path.read_bytes()
        with fsspec.open(str(path), "wb", compression="zstd") as packed:
            packed.write(plain)
    work.prepare()
    assert [(a["source_path"], a["text"]) for a in work.rows("articles")] == [
        (f"news.{kind}/one.txt", f"{TEXT} In Kyiv."), (f"news.{kind}/in/two.jsonl", OTHER), ("plain.txt", TEXT),
    ]  # fmt: skip
    only_here, _ = list_files(work.raw, Source(include=[f"*.{kind}"]))
    assert len(only_here) == 2
    path.write_bytes(path.read_bytes()[:40])
    work.prepare()
    assert [(r["source_path"], r["reason"]) for r in work.rows("rejects")] == [(f"news.{kind}", "damaged")]


def test_members_whose_names_begin_with_a_dot_and_a_slash_or_are_no_text_are_read(tmp_path: Path) -> None:
    work = Workspace(str(tmp_path / "raw"), tmp_path / "work")
    work.put("plain.txt", TEXT)
    third = "Farmers in the north began to harvest their apples two weeks early this year."
    with tarfile.open(Path(work.raw) / "news.tgz", "w:gz") as tar:
        for name, text in (("./in/one.txt", OTHER), (os.fsdecode(b"\xfc.txt"), third), ("./.hidden.txt", "no")):
            about = tarfile.TarInfo(name)
            about.size = len(text.encode())
            tar.addfile(about, io.BytesIO(text.encode()))
    with zipfile.ZipFile(Path(work.raw) / "none.zip", "w"):
        pass
    work.prepare()
    assert [(a["source_path"], a["text"]) for a in work.rows("articles")] == [
        ("news.tgz/in/one.txt", OTHER), ("news.tgz/\\xfc.txt", third), ("plain.txt", TEXT),
    ]  # fmt: skip
    assert [(r["source_path"], r["reason"]) for r in work.rows("rejects")] == [("none.zip", "empty")]


def test_a_page_is_of_the_day_of_its_publication_not_of_its_last_change() -> None:
    said = [f'<meta property="article:{what}_time" content="{day}">' for what, day in (
        ("modified", "2024-05-06"), ("published", "2024-03-04"),
    )]  # fmt: skip
    for head in ("".join(said), "".join(reversed(said))):
        page = f"<html><head>{head}</head><body><article>{f'<p>{TEXT}</p>' * 5}</article></body></html>"
        assert str(only("a.html", page).published)[:10] == "2024-03-04"


def test_tables_of_a_page_are_read_with_recall_alone() -> None:
    text = "".join(f"<p>{TEXT} They said so {n} times, and everybody heard it.</p>" for n in range(5))
    rows = "".join(f"<tr><td>Interceptors in stock, by year</td><td>{n} hundred</td></tr>" for n in range(5))
    page = f"<html><body><article>{text}<table>{rows}</table></article></body></html>"
    assert ["Interceptors in stock" in only("a.html", page, recall=recall).raw for recall in (False, True)] == [
        False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["news.zip/more.zip", "news.tar.gz/in/MORE.tgz"])
def test_an_archive_inside_an_archive_is_named(name: str) -> None:
    found = read(name, b"")
    assert found == [Reject(name, None, "unknown-format", "an archive inside an archive is not read; unpack it")]


def test_an_archive_is_opened_once_while_it_stays_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pack(text: str) -> None:
        with tarfile.open(tmp_path / "new", "w:gz") as archive:
            for name in ("a.txt", "b.txt"):
                (tmp_path / name).write_text(f"{text} {name}.")
                archive.add(tmp_path / name, name)
        (tmp_path / "new").replace(tmp_path / "news.tar.gz")

    def texts() -> list[bytes]:
        out = []
        for name in ("a.txt", "b.txt"):
            forget_archive()
            with open_raw(f"tar://{name}::{tmp_path / 'news.tar.gz'}") as stream:
                out.append(stream.read())
        return out

    opened: list[str] = []
    given = fsspec.core.url_to_fs
    monkeypatch.setattr(fsspec.core, "url_to_fs", lambda url, **o: opened.append(url) or given(url, **o))
    pack("Old")
    assert texts() == texts() == [b"Old a.txt.", b"Old b.txt."]
    assert len(opened) == 1
    pack("New")
    assert texts() == [b"New a.txt.", b"New b.txt."]
    assert len(opened) == 2


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_column_that_is_there_twice_is_not_chosen_from(name: str) -> None:
    """Columns that nothing is read from may share a name."""

    def written(*names: str) -> bytes:
        rows = [[f"{column} {n} of an article." for n, column in enumerate(names)]]
        if name == "a.csv":
            return "".join(f"{','.join(line)}\n" for line in (names, *rows)).encode()
        sink = io.BytesIO()
        pq.write_table(pa.table([[cell] for cell in rows[0]], names), sink)
        return sink.getvalue()

    found = reject(name, written("title", "text", "title", "text"))
    assert (found.reason, found.record) == (f"bad-{name[2:]}", None)
    assert found.detail == "several columns are named text, title; rename all but one of each"
    assert only(name, written("tag", "text", "tag")).raw.strip() == "text 1 of an article."


def test_a_header_without_text_is_shown_by_its_first_eight_names() -> None:
    names = ["x" * 31, *"bcdefghi"]
    shown = ", ".join(["x" * 30, *"bcdefgh"])
    found = reject("a.csv", f"{','.join(names)}\n{','.join('123456789')}\n")
    assert found.detail.startswith(f"the first row ({shown}) names no column with the text;")
    assert (found.reason, found.record) == ("no-header", None)


def test_a_page_names_its_source_or_its_host_and_has_no_comments() -> None:
    body = f"<body><article><p>{TEXT}</p><p>{OTHER}</p></article><div id='comments'><p>Nonsense, all of it.</p></div>"
    address = "<link rel='canonical' href='https://www.example.org/news/1'>"
    named = only("a.html", f"<html><head>{address}<meta property='og:site_name' content='Daily'></head>{body}</html>")
    assert (named.source, named.url, named.alone, named.record) == ("Daily", "https://www.example.org/news/1", True, 0)
    assert "Nonsense" not in named.raw
    assert only("a.html", f"<html><head>{address}</head>{body}</html>").source == "example.org"
    assert only("a.html", f"<html lang=fr><head><meta property='og:locale' content='de'></head>{body}").language == "fr"


def test_a_text_without_words_says_how_many_bytes_it_has() -> None:
    found = reject("a.txt", " \n ")
    assert (found.record, found.detail, found.article_id) == (0, "3 bytes without text", sha256(b" \n ")[:16])


def test_rows_of_parquet_are_numbered_through_and_need_no_stream_that_seeks() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    texts = pa.array([f"Article {n}." for n in range(600)])
    nanoseconds = pa.array([[1722283333123456789]] * 600, pa.list_(pa.timestamp("ns")))
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": texts, "seen": nanoseconds}), sink)
    found = list(read_file(io.BufferedReader(Pipe(sink.getvalue())), "a.parquet", Source()))
    assert [(r.record, r.raw) for r in found if isinstance(r, Record)] == [(n, f"Article {n}.") for n in range(600)]
    assert not any(r.alone for r in found if isinstance(r, Record))


def test_the_least_sure_column_of_a_row_of_parquet_is_its_encoding() -> None:
    title, text = FRENCH.encode("cp1252"), TEXT.encode()
    for columns in ({"title": [title], "text": [text]}, {"text": [text], "title": [title]}):
        sink = io.BytesIO()
        pq.write_table(pa.table(columns), sink)
        (record,) = read("a.parquet", sink.getvalue())
        assert isinstance(record, Record)
        assert (record.raw, record.title, record.encoding.name) == (TEXT, FRENCH, "cp1252")
    sink = io.BytesIO()
    pq.write_table(pa.table({"title": ["Élan".encode() * 9 + b"\xff"], "text": [text]}), sink)
    (record,) = read("a.parquet", sink.getvalue())
    assert isinstance(record, Record)
    assert record.encoding == Encoding("utf-8+replace", "detected", 0.9)


def test_items_of_a_feed_may_be_at_any_depth() -> None:
    item = f"<item><description>{TEXT}</description></item>"
    assert only("a.rss", f"<rss>{'<x>' * 300}{item}{'</x>' * 300}</rss>").raw == TEXT


def test_a_message_that_is_no_text_is_known_by_its_bytes_and_costs_itself_alone() -> None:
    head = b"Subject: x\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"
    message = head + base64.encodebytes(bytes(range(256)) * 8)
    separator = b"From ann Mon Jul 29 20:02:13 2024\n"
    second = f"Subject: y\n\n>>From {TEXT}\n".encode()
    first, last = read("a.mbox", b"\n" + separator + message + separator + second)
    assert isinstance(first, Reject)
    assert (first.record, first.reason, first.article_id) == (0, "binary", sha256(message)[:16])
    assert isinstance(last, Record)
    assert (last.record, last.title, last.raw) == (1, "y", f">From {TEXT}\n")


def test_headers_of_a_message_are_found_in_any_case_and_may_be_missing() -> None:
    found = only("a.eml", f'SUBJECT: Talks\nfrom: "Ann Lee" <ann@example.org>\ncontent-language: de\n\n{TEXT}')
    assert (found.title, found.authors, found.language, found.record_id) == ("Talks", ["Ann Lee"], "de", None)
    assert (found.published, found.problems, found.encoding.name) == (None, [], "utf-8")
