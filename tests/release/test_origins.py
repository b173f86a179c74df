"""Bytes of every format decode to the text that they are named for."""

import csv
import html
import io
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.release.origins import Origin, find_bytes
from builder.store import COMPRESSIONS

BODY = 'The “minister” said: "No\\yes, 5 < 6 & more".\nÀ bientôt, 東京 😀 — the minister left.\nThe end of it.'
WANTED = ('"No\\yes, 5 < 6 & more"', "bientôt, 東京 😀", "minister left.\nThe end", "The “minister”", "it.")
ROWS = [{"id": 1, "title": "minister left", "body": "Another text."}, {"id": 2, "title": "x", "body": BODY}]


def cut(data: bytes, path: str, wanted: str, raw: str = BODY, record: int = 1, encoding: str = "utf-8") -> bytes:
    """The bytes that are found for a stretch of the raw text."""
    start = raw.index(wanted)
    found = find_bytes(data, path, record, encoding, raw, start, start + len(wanted))
    assert found.bytes, found
    return data[slice(*found.bytes)]


def same(a: str, b: str) -> bool:
    return re.sub(r"\s+", "", a) == re.sub(r"\s+", "", b)


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_text_in_any_encoding(wanted: str, encoding: str) -> None:
    data = BODY.encode(encoding)
    found = cut(data, "a/b.txt", wanted, record=0, encoding=encoding)
    assert found.decode({"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)) == wanted


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("path", ["x.jsonl", *("x.json" + suffix for suffix in ("", *COMPRESSIONS))])
def test_values_of_json(path: str, ascii_only: bool, wanted: str) -> None:
    if "jsonl" in path:
        text = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in ROWS) + "\n"
    else:
        text = json.dumps(ROWS, ensure_ascii=ascii_only, indent=1)
    found = cut(text.encode(), path, wanted)
    assert json.loads(b'"' + found + b'"') == wanted
    start = BODY.index(wanted)
    assert find_bytes(text.encode(), path, 1, "utf-8", BODY, start, start + len(wanted)).where == "body"


def test_blank_lines_of_json_lines_count() -> None:
    text = "\n" + json.dumps(ROWS[0]) + "\n\n" + json.dumps(ROWS[1])
    assert json.loads(b'"' + cut(text.encode(), "x.ndjson", WANTED[1], record=3) + b'"') == WANTED[1]
    assert not find_bytes(text.encode(), "x.ndjson", 1, "utf-8", BODY, 0, 3).bytes


def test_one_json_object_and_values_in_a_row() -> None:
    one = json.dumps({"data": {"body": BODY}})
    assert json.loads(b'"' + cut(one.encode(), "x.json", WANTED[0], record=0) + b'"') == WANTED[0]
    several = "\n".join(map(json.dumps, ROWS))
    assert json.loads(b'"' + cut(several.encode(), "x.json", WANTED[0]) + b'"') == WANTED[0]


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize(("path", "mark"), [("x.csv", ","), ("x.csv", ";"), ("x.tsv", "\t")])
def test_cells_of_tables(path: str, mark: str, wanted: str) -> None:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(ROWS[0]), delimiter=mark)
    writer.writeheader()
    writer.writerow(ROWS[0])
    out.write("\r\n")
    writer.writerow(ROWS[1])
    data = out.getvalue().encode()
    assert cut(data, path, wanted).decode().replace('""', '"') == wanted
    start = BODY.index(wanted)
    assert find_bytes(data, path, 1, "utf-8", BODY, start, start + len(wanted)).where == "body"


def test_cells_of_a_table_without_a_header_are_numbered() -> None:
    data = f'1,x,"{BODY.replace(chr(34), chr(34) * 2)}"\r\n2,y,"Other text, here"\r\n'.encode()
    found = find_bytes(data, "x.csv", 0, "utf-8", BODY, 4, 14)
    assert found.where == "column 3"
    assert data[slice(*found.bytes or (0, 0))].decode() == BODY[4:14]
    found = find_bytes(data, "x.csv", 1, "utf-8", "Other text, here", 6, 10)
    assert data[slice(*found.bytes or (0, 0))] == b"text"


PAGE = """<html><head><title>minister left.</title><script>The end of it.</script></head><body>
<h1>News</h1><p>The &ldquo;<b>minister</b>&rdquo; said: &quot;No\\yes, 5 &lt; 6 &amp; more&#34;.</p><!-- The end. -->
<div>Advertisement</div><p>À bient&ocirc;t, 東京 &#x1F600; — the <a href="x">minister</a> left.<br>The end of it.</p>"""


@pytest.mark.parametrize("wanted", WANTED)
def test_pages_are_followed_to_the_text_between_their_tags(wanted: str) -> None:
    found = cut(PAGE.encode(), "page.html", wanted, record=0).decode()
    assert same(html.unescape(re.sub(r"<!--.*?-->|<div.*?</div>|<[^>]*>", "", found)), wanted)


def test_pieces_of_pages_in_json_are_followed_through_both() -> None:
    row = json.dumps({"body": PAGE})
    found = json.loads(b'"' + cut(row.encode(), "x.jsonl", WANTED[0], record=0) + b'"')
    assert html.unescape(re.sub(r"<[^>]*>", "", found)) == WANTED[0]


def test_rows_of_parquet_are_named() -> None:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), out)
    found = find_bytes(out.getvalue(), "x.parquet", 1, "utf-8", BODY, 0, 5)
    assert found == Origin(None, "row 1, column body", "Parquet encodes and compresses its values")
    assert "does not hold" in find_bytes(out.getvalue(), "x.parquet", 0, "utf-8", BODY, 0, 5).why


def test_what_cannot_be_named_says_why() -> None:
    assert find_bytes(None, "x.txt", 0, "utf-8", BODY, 0, 5).why == "the file is gone"
    assert "no utf-8 any more" in find_bytes(b"\xff\xfe\xff", "x.txt", 0, "utf-8", BODY, 0, 5).why
    assert "differs" in find_bytes(b"otherwise", "x.txt", 0, "utf-8", BODY, 0, 5).why
    assert "packed" in find_bytes(b"PK\x03\x04", "x.docx", 0, "utf-8", BODY, 0, 5).why
    damaged = "A caf\ufffd in Kyiv"
    assert "replaced" in find_bytes(b"A caf\xff in Kyiv", "x.txt", 0, "utf-8+replace", damaged, 9, 13).why


def test_of_equal_stretches_the_one_in_its_surroundings_is_meant() -> None:
    raw = "Kyiv is one. Kyiv is two."
    found = find_bytes(raw.encode(), "x.txt", 0, "utf-8", raw, 13, 17)
    assert found.bytes == (13, 17)
    # All that surrounds it counts, to the first and the last character.
    for told, place in (("aKb", (1, 2)), ("cKb", (4, 5)), ("cKd", (7, 8))):
        assert find_bytes(b"aKbcKbcKd", "x.txt", 0, "utf-8", told, 1, 2).bytes == place
    other = "<p>Kyiv is one.</p><p>Menu</p><p>Kyiv is one.</p>"
    assert (
        find_bytes(other.encode(), "x.html", 0, "utf-8", "Kyiv is one.", 0, 4).why == "the text is there more than once"
    )


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_mail_that_names_no_charset(encoding: str) -> None:
    data = "Subject: x\n\nÀ bientôt — the minister left.\n".encode(encoding)
    raw = "À bientôt — the minister left.\n"
    assert cut(data, "a.eml", "bientôt —", raw, 0, encoding).decode(encoding) == "bientôt —"


def test_cells_below_a_line_that_names_the_delimiter() -> None:
    data = f'sep=;\r\nid;text\r\n1;"{BODY.replace(chr(34), chr(34) * 2)}"\r\n'.encode()
    assert cut(data, "a.csv", "bientôt, 東京", record=0).decode() == "bientôt, 東京"


def test_rows_with_an_empty_cell_count_and_empty_rows_do_not() -> None:
    data = b"title,text\n,First one\n , \nB,Second two\nC,\n,,Third\n"
    for record, raw, where in ((0, "First one", "text"), (1, "Second two", "text"), (3, "Third", "column 3")):
        at = data.index(raw.encode())
        assert find_bytes(data, "x.csv", record, "utf-8", raw, 0, 5) == Origin((at, at + 5), where)
