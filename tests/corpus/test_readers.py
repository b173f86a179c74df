"""Every format is read, and every kind of damage becomes a reject that names it; what is sound is never lost."""

import bz2
import csv
import gzip
import io
import json
import lzma
import random
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builder.corpus import decoding, readers
from builder.corpus.decoding import UTF8, Encoding
from builder.corpus.readers import READERS, read_file
from builder.corpus.readers.json import _elements
from builder.corpus.readers.tables import _Lines, _values
from builder.corpus.records import Record, Reject, fill, looks_like_html, text_of
from builder.corpus.settings import Source
from builder.corpus.streams import DamagedError, open_stream
from builder.memory import TooSlowError

TEXT = "Ministers met in Kyiv — “late”, said Sinéad. They agreed."


def found(path: Path, source: Source | None = None) -> tuple[list[Record], list[Reject]]:
    with open_stream(str(path)) as stream:
        items = list(read_file(stream, path.name, source or Source()))
    return [i for i in items if isinstance(i, Record)], [i for i in items if isinstance(i, Reject)]


def put(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(sorted(READERS)))
def test_no_reader_fails_whatever_the_bytes(data: bytes, suffix: str) -> None:
    items = list(read_file(io.BufferedReader(io.BytesIO(data)), f"x{suffix}", Source()))
    assert items
    assert not any(isinstance(item, Reject) and item.reason == "reader-failed" for item in items)


def test_a_reader_that_fails_gives_what_it_read_and_a_reject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
        yield from READERS[".text"](stream, path, source)
        raise ZeroDivisionError("of the library")

    monkeypatch.setitem(READERS, ".txt", failing)
    records, rejects = found(put(tmp_path, "a.txt", TEXT))
    assert [r.raw for r in records] == [TEXT]
    assert [(r.reason, r.detail) for r in rejects] == [
        ("reader-failed", "ZeroDivisionError: of the library; 1 records were read before")
    ]


def test_a_record_on_which_a_library_fails_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(text: str) -> bool:
        if "<" not in text:
            return False
        raise TooSlowError("a minute") if "Slow" in text else ZeroDivisionError("of the library" * 100)

    monkeypatch.setattr("builder.corpus.records.looks_like_html", failing)
    lines = [json.dumps({"text": text}) for text in ("One", "<Two", "Three")]
    records, rejects = found(put(tmp_path, "a.jsonl", "\n".join(lines)))
    assert [r.raw for r in records] == ["One", "Three"]
    assert [(r.record, r.reason, len(r.detail)) for r in rejects] == [(1, "reader-failed", 200)]
    _, (slow,) = found(put(tmp_path, "b.jsonl", json.dumps({"text": "<Slow"})))
    assert slow.reason == "too-slow"


def test_pieces_of_pages_with_what_xml_cannot_hold_are_read(tmp_path: Path) -> None:
    pieces = (
        "<p>One\x08.</p>\x0b two<p>Three</p>\x01<!-- no -->\x01<script>no</script>",
        "<table><tr><td>B</td><td>C</td></tr><tr><td>D</td></tr></table>E<p>F</p><br>",
    )
    records, rejects = found(put(tmp_path, "a.jsonl", "\n".join(json.dumps({"text": piece}) for piece in pieces)))
    assert [r.raw for r in records] == ["One\x08.\ntwo\nThree\n\x01\x01", "B C\nD\nE\nF"]
    assert not rejects
    twice = "<html><body><p>One.</p></body><body><p>Two.</p></body></html>"
    assert text_of(twice) == "One.\nTwo."


def test_a_line_too_deep_for_the_parser_costs_itself_alone(tmp_path: Path) -> None:
    deep = '{"text": ' + "[" * 100_000 + "]" * 100_000 + "}"
    records, rejects = found(put(tmp_path, "a.jsonl", f"{deep}\n" + json.dumps({"text": TEXT})))
    assert [r.raw for r in records] == [TEXT]
    assert [(r.record, r.reason) for r in rejects] == [(0, "bad-json")]


def test_aliases_that_nest_lists_name_nobody(tmp_path: Path) -> None:
    names = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}' if i else 'x'] * 9)}]\n" for i in range(12))
    records, _ = found(put(tmp_path, "a.md", f"---\n{names}authors: *a11\n---\n{TEXT}"))
    assert records[0].authors == []


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_lines_of_json(tmp_path: Path, suffix: str) -> None:
    lines = [
        json.dumps({"headline": "T", "body": TEXT, "date": "2024-05-01", "outlet": "Post", "_id": "../../etc/x"}),
        '{"broken": ',
        "",
        "[1]",
        '{"other": 1}',
        json.dumps({"text": TEXT}),
    ]
    data = "\n".join(lines).encode()
    packed = {"": data, ".gz": gzip.compress(data), ".zst": zstd.compress(data)}[suffix]
    records, rejects = found(put(tmp_path, f"a.jsonl{suffix}", packed))
    assert [r.record for r in records] == [0, 5]
    first = records[0]
    assert (first.title, first.source, first.record_id) == ("T", "Post", "../../etc/x")
    assert first.published == datetime(2024, 5, 1, tzinfo=UTC)
    assert [(r.record, r.reason) for r in rejects] == [(1, "bad-json"), (3, "not-an-object"), (4, "no-text")]


@pytest.mark.parametrize(
    "whole",
    [
        [{"text": TEXT}, {"text": "Two."}],
        {"articles": [{"text": TEXT}, {"text": "Two."}]},
        {"meta": {}, "data": {"items": [{"text": TEXT}, {"text": "Two."}]}},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_lists_in_json_are_found(tmp_path: Path, whole: object, indent: int | None) -> None:
    records, rejects = found(put(tmp_path, "a.json", json.dumps(whole, indent=indent)))
    assert [r.raw for r in records] == [TEXT, "Two."]
    assert rejects == []


def test_a_long_list_is_read_in_windows(tmp_path: Path) -> None:
    items = [{"text": f"{i} " + "word " * 3000} for i in range(200)]
    for source in (Source(), Source(max_record_mb=1)):  # of each, not of all
        records, rejects = found(put(tmp_path, "a.json", json.dumps(items)), source)
        assert [r.raw.split()[0] for r in records] == [str(i) for i in range(200)]
        assert rejects == []


def test_nothing_is_read_after_a_value_too_deep_for_the_parser() -> None:
    def texts() -> Iterator[tuple[str, Encoding]]:
        yield '[{"text": "One."}, ' + "[" * 100_000, UTF8
        raise AssertionError("no more is asked for")

    record, reject = _elements(texts(), "a.json", Source())
    assert isinstance(record, Record)
    assert isinstance(reject, Reject)
    assert (record.raw, reject.record, reject.reason) == ("One.", 1, "bad-json")


def test_a_list_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    records, rejects = found(put(tmp_path, "a.json", '[{"text": "One."}, {"text": "Tw'))
    assert [r.raw for r in records] == ["One."]
    assert [(r.record, r.reason) for r in rejects] == [(1, "bad-json")]


def test_a_lone_surrogate_is_made_storable(tmp_path: Path) -> None:
    lines = '{"text": "bad \\ud800 half"}\n{"\\udc00": 1}'
    (record,), (reject,) = found(put(tmp_path, "a.jsonl", lines))
    assert record.raw == "bad � half"
    assert "(�)" in reject.detail


@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_an_encoding_is_told_by_the_first_accent_however_late_it_comes(tmp_path: Path, name: str) -> None:
    texts = ["plain words " * 100] * 2000 + [TEXT]
    data = {
        "a.csv": "\n".join(["text", *(f'"{t}"' for t in texts)]),
        "a.json": json.dumps([{"text": t} for t in texts], ensure_ascii=False),
    }
    records, _ = found(put(tmp_path, name, data[name].encode("cp1252")))
    assert (records[-1].raw, records[-1].encoding.name) == (TEXT, "cp1252")
    records, _ = found(put(tmp_path, name, data[name].encode()))
    assert (records[-1].raw, records[-1].encoding) == (TEXT, UTF8)


@settings(deadline=None)
@given(
    st.text("aé—😀\r\n", max_size=60),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.integers(4, 12),
    st.integers(3, 90),
)
@example(text="a" * 20 + "\raaaaa\n", encoding="utf-8", block=4, limit=3)
@example(text="a" * 9, encoding="utf-8", block=12, limit=3)
def test_lines_are_those_of_the_whole_text(text: str, encoding: str, block: int, limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "_BLOCK", block)
        got = [
            line for line, _ in decoding.text_lines(io.BytesIO(text.encode(encoding)), limit, Source(encoding=encoding))
        ]
    whole = [line[: limit + 1] for line in io.StringIO(text, newline="").readlines()]
    assert [line.rstrip("\r\n") for line in got if line.strip()] == [
        line.rstrip("\r\n") for line in whole if line.strip()
    ]


@pytest.mark.parametrize("between", ["\n", "", ", "])
def test_several_values_under_the_name_of_one_are_records(tmp_path: Path, between: str) -> None:
    values = [json.dumps({"text": TEXT}), json.dumps({"text": "Two."})]
    assert [r.raw for r in found(put(tmp_path, "a.json", between.join(values)))[0]] == [TEXT, "Two."]
    lists = found(put(tmp_path, "b.json", between.join(f"[{v}]" for v in values)))[0]
    assert [r.raw for r in lists] == [TEXT, "Two."]


def test_what_stands_behind_a_list_is_a_reject(tmp_path: Path) -> None:
    records, rejects = found(put(tmp_path, "a.json", json.dumps([{"text": TEXT}]) + " and so on"))
    assert [r.raw for r in records] == [TEXT]
    assert [(r.record, r.reason) for r in rejects] == [(1, "bad-json")]


def test_a_blank_field_is_passed_over_for_the_next(tmp_path: Path) -> None:
    (record,), _ = found(put(tmp_path, "a.json", json.dumps({"text": " \n", "body": TEXT})))
    assert record.raw == TEXT


def test_html_in_a_field_becomes_text(tmp_path: Path) -> None:
    (record,), _ = found(put(tmp_path, "a.json", json.dumps({"text": "<p>One &amp; two.</p><p>Three.<br>Four.</p>"})))
    assert record.raw == "One & two.\nThree.\nFour."


def test_rows_of_csv(tmp_path: Path) -> None:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerows([["id", "title", "text"], ["1", "A", 'He said "no",\nand left.'], ["2", "B", TEXT]])
    records, rejects = found(put(tmp_path, "a.csv", out.getvalue()))
    assert [(r.record_id, r.raw) for r in records] == [("1", 'He said "no",\nand left.'), ("2", TEXT)]
    assert rejects == []


@pytest.mark.parametrize(("name", "mark"), [("a.csv", ";"), ("a.csv", "|"), ("a.tsv", "\t")])
def test_other_delimiters(tmp_path: Path, name: str, mark: str) -> None:
    (record,), _ = found(put(tmp_path, name, f"title{mark}text\nA{mark}Some text, here.\n"))
    assert record.raw == "Some text, here."


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    lines = ["id,text", '1,"First."', '2,"never closed', '3,"Third."', "4,Fourth.", "5,too,many"]
    records, rejects = found(put(tmp_path, "a.csv", "\n".join(lines)))
    assert [r.raw for r in records] == ["First.", "Third.", "Fourth."]
    assert [(r.record, r.reason) for r in rejects] == [(1, "bad-csv"), (4, "bad-csv")]


def test_a_line_over_the_limit_is_passed_over_without_being_held(tmp_path: Path) -> None:
    big = "x" * (3 << 20)
    data = f'{big}\nid,text\n1,One.\n{big}\n2,Two.\n3,"open\n{big}\n4,Four.\n'
    records, rejects = found(put(tmp_path, "a.csv", data), Source(max_record_mb=1))
    assert [r.raw for r in records] == ["One.", "Two.", "Four."]
    assert [(r.reason, r.detail.split(":")[0]) for r in rejects] == [
        ("too-large", "line 1"),
        ("too-large", "line 4"),
        ("bad-csv", "line 6"),
        ("too-large", "line 7"),
    ]


def test_the_line_of_a_bad_row_is_its_line_in_the_file(tmp_path: Path) -> None:
    _, rejects = found(put(tmp_path, "a.csv", '\n\nid;text\n1;"two\nlines"\n2;too;many\n'))
    assert [r.detail.split(":")[0] for r in rejects] == ["line 6"]


def test_times_that_python_cannot_hold_cost_no_record(tmp_path: Path) -> None:
    nanoseconds = pa.array([1722283333123456789, None], pa.timestamp("ns", "UTC"))
    table = pa.table(
        {
            "text": [TEXT, "Two."],
            "published": nanoseconds,
            "seen": pa.StructArray.from_arrays([nanoseconds], ["at"]),
            "far": pa.array([2**60, 0], pa.timestamp("s")),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    records, rejects = found(tmp_path / "a.parquet")
    assert [(r.raw, r.published) for r in records] == [
        (TEXT, datetime(2024, 7, 29, 20, 2, 13, 123456, tzinfo=UTC)),
        ("Two.", None),
    ]
    assert rejects == []


def test_a_text_of_parquet_that_is_not_utf8_costs_itself_alone(tmp_path: Path) -> None:
    texts = pa.array([b"One.", b"\xff\xfe", b"Three."], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    records, rejects = found(tmp_path / "a.parquet")
    assert [r.raw for r in records] == ["One.", "Three."]
    assert [(r.record, r.reason) for r in rejects] == [(1, "no-text")]


def test_times_inside_lists_and_objects_of_parquet_lose_their_nanoseconds_alone() -> None:
    kind = pa.struct([("when", pa.list_(pa.timestamp("ns", "UTC"))), ("n", pa.int64())])
    column = pa.array([{"when": [1722283333123456789], "n": 7}], kind)
    assert _values(column) == [{"when": [datetime(2024, 7, 29, 20, 2, 13, 123456, tzinfo=UTC)], "n": 7}]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["123456789\n"], ""),
        (["1234567890\r\n"], ""),  # the end of a line counts for nothing
        (["12345678901\n"], "a line of more than 0 MB"),
        (["1234\n", "5678\n"], ""),
        (["1234\n", "56789\n"], "a quote is never closed"),
        (["1\n", "2\n", "345678\n"], "a quote is never closed"),
    ],
)
def test_a_row_has_as_many_characters_as_a_line(lines: list[str], said: str) -> None:
    held = _Lines(((line, UTF8) for line in lines), 10)
    with pytest.raises(csv.Error, match=f"^{said}$") if said else nullcontext():
        assert list(held) == lines


def test_a_cell_may_be_all_of_the_longest_line(tmp_path: Path) -> None:
    records, rejects = found(put(tmp_path, "a.csv", "text\n" + "x" * (1 << 20) + "\n"), Source(max_record_mb=1))
    assert ([len(r.raw) for r in records], rejects) == ([1 << 20], [])


def test_rows_of_parquet(tmp_path: Path) -> None:
    table = pa.table({"text": [TEXT, None], "published": [datetime(2024, 1, 2, tzinfo=UTC), None]})
    pq.write_table(table, tmp_path / "a.parquet")
    (record,), (reject,) = found(tmp_path / "a.parquet")
    assert (record.raw, record.published) == (TEXT, datetime(2024, 1, 2, tzinfo=UTC))
    assert (reject.record, reject.reason) == (1, "no-text")
    put(tmp_path, "cut.parquet", (tmp_path / "a.parquet").read_bytes()[:-20])
    assert [r.reason for r in found(tmp_path / "cut.parquet")[1]] == ["bad-parquet"]


def test_texts_that_parquet_holds_as_bytes(tmp_path: Path) -> None:
    column = pa.array([TEXT.encode(), TEXT.encode("cp1252")], pa.binary())
    pq.write_table(pa.table({"text": column, "url": [b"http://x/1", None]}), tmp_path / "a.parquet")
    records, rejects = found(tmp_path / "a.parquet")
    assert [(r.raw, r.encoding.name) for r in records] == [(TEXT, "utf-8"), (TEXT, "cp1252")]
    assert (records[0].url, rejects) == ("http://x/1", [])


def test_markdown_front_matter(tmp_path: Path) -> None:
    matter = "---\ntitle: A title\ndate: 2024-02-03\nauthors: [Ann Lee, Bo Li]\n---\nBody."
    (record,), _ = found(put(tmp_path, "a.md", matter))
    assert (record.title, record.authors) == ("A title", ["Ann Lee", "Bo Li"])
    assert record.published == datetime(2024, 2, 3, tzinfo=UTC)
    (broken,), _ = found(put(tmp_path, "b.md", "---\ntitle: [open\n---\nBody."))
    assert broken.problems[0][0] == "field-front-matter"


def test_a_page(tmp_path: Path) -> None:
    paragraphs = "".join(f"<p>Paragraph {i} says that something happened in Kyiv on day {i}.</p>" for i in range(8))
    head = '<title>Page</title><meta name="author" content="Jane Doe">'
    meta = '<meta property="article:published_time" content="2024-03-02T10:00:00Z">'
    page = f"<html><head>{head}{meta}</head><body><nav>Home</nav><article>{paragraphs}</article></body></html>"
    (record,), _ = found(put(tmp_path, "a.html", page))
    assert (record.title, record.authors, record.kind) == ("Page", ["Jane Doe"], "html")
    assert "Paragraph 7" in record.raw
    assert "Home" not in record.raw
    assert [r.reason for r in found(put(tmp_path, "b.html", "<html></html>"))[1]] == ["empty"]


def test_the_paragraphs_of_a_short_page_stay_apart(tmp_path: Path) -> None:
    """As in a brief, or in Chinese, whose characters are few."""
    for paragraphs in (
        ["The mayor of the harbour town resigned on Monday evening.", "She gave no reason, and left by the back door."],
        ["市政府周四宣布从明年一月起提高最低工资标准。" * 4, "专家认为这有助于扩大消费。" * 4],
    ):
        body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
        page = f"<html><head><title>News</title></head><body><article>{body}</article></body></html>"
        (record,), _ = found(put(tmp_path, "a.html", page))
        assert record.raw == "\n".join(paragraphs)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("iso-8859-1", "utf-8"), ("utf-16", "utf-8"), ("nonsense", "utf-8"), ("undefined", "utf-8"), ("utf-8", "cp1252")],
)
def test_a_page_that_lies_about_its_encoding(tmp_path: Path, declared: str, encoding: str) -> None:
    page = f"<html><head><meta charset={declared}></head><body><article>{f'<p>{TEXT}</p>' * 6}</article></body></html>"
    (record,), _ = found(put(tmp_path, "a.html", page.encode(encoding)))
    assert TEXT in record.raw
    assert record.encoding.name == encoding


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.txt", b"", "empty"),
        ("blank.txt", b" \n\n", "empty"),
        ("empty.jsonl", b"", "empty"),
        ("header.csv", b"id,text\n", "empty"),
        ("noise.txt", random.Random(0).randbytes(4000), "binary"),
        ("picture.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "binary"),
        ("cut.txt.gz", gzip.compress(TEXT.encode() * 50, mtime=0)[:-12], "damaged"),
        ("cut.txt.zst", zstd.compress(TEXT.encode() * 50)[:-8], "damaged"),
        ("fake.txt.gz", b"not gzip", "damaged"),
        ("fake.txt.zst", b"not zstd", "damaged"),
        ("deep.json", b"[" * 100_000, "bad-json"),
        ("cut.json", b'{"text": ', "bad-json"),
        ("odd.xyz", b"?", "unknown-format"),
        ("none", b"?", "unknown-format"),
    ],
)
def test_what_cannot_be_read_is_one_reject(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    records, rejects = found(put(tmp_path, name, data))
    assert records == []
    assert [r.reason for r in rejects] == [reason]
    assert rejects[0].source_path == name
    assert rejects[0].detail


def test_a_cut_archive_gives_the_lines_before_the_cut(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": f"Article {i}."}) + "\n" for i in range(20))
    noise = random.Random(1).randbytes(40_000).hex()
    records, rejects = found(put(tmp_path, "a.jsonl.gz", gzip.compress((lines + noise).encode(), mtime=0)[:-3000]))
    assert [r.record for r in records] == list(range(20))
    assert [r.reason for r in rejects] == ["damaged"]


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.json"])
def test_a_record_over_the_limit_is_rejected_and_the_next_is_read(tmp_path: Path, name: str) -> None:
    big = json.dumps({"text": "x" * (2 << 20)})
    data = {"a.txt": big, "a.jsonl": f'{big}\n{{"text": "Next."}}\n', "a.json": f"[{big}"}[name]
    records, rejects = found(put(tmp_path, name, data), Source(max_record_mb=1))
    assert [r.reason for r in rejects][:1] == ["too-large"]
    assert [r.raw for r in records] == (["Next."] if name == "a.jsonl" else [])


def test_the_field_mapping_is_configurable(tmp_path: Path) -> None:
    source = Source(fields={"text": ["content.plain"], "title": ["meta.head"]}, records="result.hits")
    whole = {"result": {"hits": [{"content": {"plain": TEXT}, "meta": {"head": "H"}}]}}
    (record,), _ = found(put(tmp_path, "a.json", json.dumps(whole)), source)
    assert (record.raw, record.title) == (TEXT, "H")


@pytest.mark.parametrize(("size", "reasons"), [(1 << 20, []), ((1 << 20) + 1, ["too-large"])])
def test_the_limit_of_a_record_is_its_last_byte(tmp_path: Path, size: int, reasons: list[str]) -> None:
    source = Source(max_record_mb=1)
    assert [r.reason for r in found(put(tmp_path, "a.txt", "x" * size), source)[1]] == reasons
    line = '{"text": "' + "x" * (size - 12) + '"}'
    records, rejects = found(put(tmp_path, "a.jsonl", line), source)
    assert [r.reason for r in rejects] == reasons
    assert len(records) == 1 - len(reasons)


def test_a_file_that_fails_is_read_up_to_there_and_counted(tmp_path: Path) -> None:
    class Failing(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            raise OSError(5, "Input/output error")

    items = list(read_file(io.BufferedReader(Failing()), "a.txt", Source()))
    assert [(r.record, r.reason, r.detail) for r in items] == [(None, "unreadable", "Input/output error")]  # type: ignore[union-attr]


@pytest.mark.parametrize("suffix", ["gz", "zst", "xz", "bz2"])
def test_every_compression_is_read_and_its_damage_noticed(tmp_path: Path, suffix: str) -> None:
    pack = {"gz": gzip.compress, "zst": zstd.compress, "xz": lzma.compress, "bz2": bz2.compress}[suffix]
    lines = "".join(json.dumps({"text": f"Article {i}."}) + "\n" for i in range(50)).encode()
    records, rejects = found(put(tmp_path, f"a.JSONL.{suffix}", pack(lines) + pack(lines)))
    assert ([r.record for r in records], rejects) == (list(range(100)), [])
    _, (reject,) = found(put(tmp_path, f"b.jsonl.{suffix}", pack(lines)[:-6]))
    assert reject.reason == "damaged"
    assert reject.detail.endswith("records were read before")


def test_rejects_say_how_many_records_were_read_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(stream: BinaryIO, path: str, source: Source, first: int = 0) -> Iterator[Record | Reject]:
        yield Reject(path, first, "bad-json", "x")
        yield Reject(path, first + 1, "bad-json", "x")
        raise DamagedError("cut off")

    monkeypatch.setattr(readers, "jsonl_file", damaged)
    monkeypatch.setitem(READERS, ".jsonl", damaged)
    *_, last = read_file(io.BufferedReader(io.BytesIO(b"")), "a.jsonl", Source(), 7)
    assert isinstance(last, Reject)
    assert (last.record, last.detail) == (None, "cut off; 2 records were read before")


@pytest.mark.parametrize(
    ("text", "html"),
    [("<p>a<p>b", True), ("<p>a", False), ("<b>a</b>", True), ("a</b>", False), ("a <br> b </i>", True), ("", False)],
)
def test_two_tags_make_a_page(text: str, html: bool) -> None:
    assert looks_like_html(text) is html


def test_names_of_authors_are_told_apart() -> None:
    def authors(value: object) -> list[str]:
        record = Record("a", 0, "", UTF8, "")
        fill(record, {"authors": value}, Source())
        return record.authors

    assert authors("By Ann Lee and Bo Li") == ["Ann Lee", "Bo Li"]
    assert authors("Lee, Ann") == ["Lee, Ann"]
    assert authors("Ann Lee, Bo Li; Cy Ho | Di Wu") == ["Ann Lee", "Bo Li", "Cy Ho", "Di Wu"]
    assert authors([{"name": "Ann and Bo"}, "Cy", 7, ["nested"]]) == ["Ann and Bo", "Cy", "7"]
    assert authors({"name": "Ann"}) == ["Ann"]


def test_fields_that_are_no_text_are_noted() -> None:
    record = Record("a", 0, "", UTF8, "")
    fill(record, {"title": ["x"], "url": 7, "source": " The  Post ", "published": "soon", "id": 0}, Source())
    assert record.problems == [("field-title", "is a list, not a text"), ("field-published", "'soon' is not a date")]
    assert (record.title, record.url, record.source, record.record_id) == (None, "7", "The Post", "0")


def test_a_summary_field_comes_before_the_text_when_it_is_asked_for(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", json.dumps({"text": TEXT, "summary": "Short."}))
    (plain,), _ = found(path)
    (record,), _ = found(path, Source(summary_field=True))
    assert (plain.raw, plain.summary) == (TEXT, None)
    assert (record.raw, record.summary) == (f"Short.\n{TEXT}", "Short.")
    (same,), _ = found(
        put(tmp_path, "b.json", json.dumps({"text": TEXT, "summary": TEXT[:20]})), Source(summary_field=True)
    )
    assert (same.raw, same.summary) == (TEXT, None)


@pytest.mark.parametrize("first", ["sep=;\n", "sep=;\r\n"])
def test_a_line_that_names_the_delimiter_is_no_row(tmp_path: Path, first: str) -> None:
    records, rejects = found(put(tmp_path, "a.csv", f'{first}id;text\n7;"One, two."\n'))
    assert ([(r.record_id, r.raw, r.record) for r in records], rejects) == ([("7", "One, two.", 0)], [])


def test_the_case_of_field_names_matters_only_between_alike(tmp_path: Path) -> None:
    records, rejects = found(put(tmp_path, "a.csv", "ID,TITLE,Text,Byline\n7,Head,One.,Ann Lee\n"))
    (record,) = records
    assert (record.record_id, record.title, record.raw, record.authors, rejects) == (
        "7",
        "Head",
        "One.",
        ["Ann Lee"],
        [],
    )
    (record,), _ = found(
        put(tmp_path, "b.jsonl", json.dumps({"Text": "No.", "text": "Yes.", "Fields": {"lang": "de"}}))
    )
    assert (record.raw, record.language) == ("Yes.", "de")


@pytest.mark.parametrize("suffix", ["txt", "md", "html", "json", "jsonl", "ndjson", "csv", "tsv", "mbox"])
@pytest.mark.parametrize("data", ["", " \n \n"])
def test_a_file_of_nothing_but_blanks_is_empty_in_every_format(tmp_path: Path, suffix: str, data: str) -> None:
    records, (reject,) = found(put(tmp_path, f"a.{suffix}", data))
    assert (records, reject.reason) == ([], "empty")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['1,"a"b', "2,Two."], "line 2: ',' expected after '\"'"),
        (['1,"a', 'b"c', "2,Two."], "line 2: ',' expected after '\"'; 1 lines read again"),
        (["1,One,more", "2,Two."], "line 2: 3 cells, but 2 in the header"),
        (["x" * (1 << 20) + "y", "2,Two."], "line 2: a line of more than 1 MB"),
    ],
)
def test_a_row_that_cannot_be_read_says_what_is_read_again(tmp_path: Path, lines: list[str], said: str) -> None:
    records, rejects = found(put(tmp_path, "a.csv", "\n".join(["id,text", *lines])), Source(max_record_mb=1))
    assert records[-1].raw == "Two."
    assert [r.detail for r in rejects if r.record == 0] == [said]


@pytest.mark.parametrize(("more", "reasons"), [(0, []), (1, ["too-large"])])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_the_end_of_a_line_counts_for_nothing_and_the_line_after_one_too_long_is_read(
    tmp_path: Path, name: str, codec: str, more: int, reasons: list[str]
) -> None:
    size = (1 << 20) + more
    first = '{"text": "' + "x" * (size - 12) + '"}' if name == "a.jsonl" else f"1,{'x' * (size - 2)}"
    head, last = ("", '{"text": "Two."}') if name == "a.jsonl" else ("id,text\n", "2,Two.")
    data = f"{head}{first}\n{last}\n".encode(codec)
    records, rejects = found(put(tmp_path, name, data), Source(max_record_mb=1))
    assert [(r.record, r.reason) for r in rejects] == [(0, reason) for reason in reasons]
    assert [(r.record, r.raw[:4]) for r in records] == [*[(0, "xxxx")][more:], (1, "Two.")]


@pytest.mark.parametrize("block", range(1, 9))
def test_a_number_that_goes_on_in_the_next_block_is_one_value(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_BLOCK", block)
    data = f'[12345, 1.5, 1e+5, true, {{"text": "{TEXT}"}}, 678]'.encode()
    items = list(read_file(io.BufferedReader(io.BytesIO(data)), "a.json", Source()))
    assert [item.record for item in items] == [0, 1, 2, 3, 4, 5]
    assert [item.raw for item in items if isinstance(item, Record)] == [TEXT]
