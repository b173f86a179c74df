"""Records have the id and the columns that their objects say, and what cannot be used is noted."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from builder.corpus.decoding import UTF8
from builder.corpus.records import (
    Mapper,
    Record,
    Reject,
    TooLargeError,
    author_names,
    fill,
    follow,
    refused,
    sha256,
    storable,
    text_of,
    unreadable,
    whole,
)
from builder.corpus.settings import Source
from builder.store import digest

TEXT = "Ministers met in Kyiv."


def record(**columns: Any) -> Record:
    return Record("a/b.jsonl", 0, "ab" * 32, UTF8, TEXT, **columns)


def mapped(item: Any, raw: bytes | None = b"raw", **settings: Any) -> Record | Reject:
    (found,) = Mapper("a.json", Source(**settings)).records(item, raw, UTF8, 4)
    return found


@pytest.mark.parametrize(
    ("columns", "known"),
    [
        ({"record_id": "x-1", "url": "https://a.example/1", "alone": True}, ("id", "x-1")),
        ({"record_id": "123456"}, ("id", "123456")),
        ({"record_id": "12345"}, ("id", "a/b.jsonl", "12345")),
        ({"record_id": "", "url": "https://a.example/1", "alone": True}, ("url", "https://a.example/1")),
        ({"alone": True}, ("path", "a/b.jsonl")),
        ({}, ("text", TEXT)),
    ],
)
def test_an_article_is_known_by_its_id_else_its_address_its_path_or_its_text(
    columns: dict[str, Any], known: tuple[str, ...]
) -> None:
    assert record(**columns).article_id == digest(*known)[:16]


@pytest.mark.parametrize("size", [(1 << 16) - 1, 1 << 16, (1 << 16) + 1, 1 << 20])
def test_a_whole_record_has_as_many_bytes_as_are_allowed(size: int) -> None:
    data = bytes(size)
    assert whole(io.BytesIO(data), Source(max_record_mb=1)) == data
    with pytest.raises(TooLargeError, match=r"more than source\.max_record_mb=1 MB"):
        whole(io.BytesIO(bytes((1 << 20) + 1)), Source(max_record_mb=1))


def test_a_refused_record_is_known_by_its_bytes() -> None:
    found = refused("a.txt", 3, "bad", "why", sha256(b"x"))
    assert found == Reject("a.txt", 3, "bad", "why", "2d711642b726b044")


def test_what_cannot_be_read_says_why_in_words_where_it_has_words() -> None:
    assert unreadable("a.txt", OSError(5, "Input/output error")) == Reject(
        "a.txt", None, "unreadable", "Input/output error"
    )
    assert unreadable("a.txt", OSError("no such bucket")).detail == "no such bucket"


@pytest.mark.parametrize(
    ("text", "raw", "kind"),
    [
        ("<p>One &amp; two.</p><p>Three.</p>", "One & two.\nThree.", "html"),
        ("<b></b><i></i>", "<b></b><i></i>", "html"),
        ("Of those under 5 < 6 &amp; over.", "Of those under 5 < 6 &amp; over.", "fields"),
        ("No sign.\n\n\nAnd &amp; more.", "No sign.\n\n\nAnd &amp; more.", "fields"),
    ],
)
def test_a_field_that_holds_a_piece_of_a_page_becomes_its_text(text: str, raw: str, kind: str) -> None:
    found = mapped({"text": text})
    assert isinstance(found, Record)
    assert (found.raw, found.kind) == (raw, kind)


def test_only_lone_surrogates_are_replaced() -> None:
    assert storable("a\ud83d🚀\udfffb") == "a\ufffd🚀\ufffdb"


@pytest.mark.parametrize(
    ("item", "route", "value"),
    [
        ({"a": {"b": 1}}, ["a", "b"], 1),
        ({"a": {"b": 1}}, ["a", "c"], None),
        ({"a": [1]}, ["a", "b"], None),
        ({"a": {"$date": {"$numberLong": "5"}}}, ["a"], "5"),
        ({"a": {"$date": 5, "b": 6}}, ["a"], {"$date": 5, "b": 6}),
        ({"a": {"date": 5}}, ["a"], {"date": 5}),
        ({"a": {}}, ["a"], {}),
        ({"a": {"": 5}}, ["a"], {"": 5}),
    ],
)
def test_a_route_leads_to_a_value_without_the_type_that_mongodb_writes(item: Any, route: list[str], value: Any) -> None:
    assert follow(item, route) == value


def test_an_object_without_text_names_its_first_twelve_fields_and_other_values_their_kind() -> None:
    found = mapped(dict.fromkeys("nmlkjihgfedcba", 1))
    names = "a, b, c, d, e, f, g, h, i, j, k, l"
    said = f"no text in its fields ({names}); set source.fields.text"
    assert found == Reject("a.json", 4, "no-text", said, sha256(b"raw")[:16])
    said = "the record is a list, no object with named fields"
    assert mapped([1]) == Reject("a.json", 4, "not-an-object", said, sha256(b"raw")[:16])
    # Without bytes of its own it is known by its JSON, whatever the order of its fields.
    assert mapped({"b": 1, "a": 2}, None) == mapped({"a": 2, "b": 1}, None)
    assert mapped({"a": 2}, None).article_id == sha256(b'{"a": 2}')[:16]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"text": TEXT}, TEXT),
        ({"text": ["One.", "Two."]}, "One.\nTwo."),
        ({"text": " ", "body": TEXT}, TEXT),
        ({"text": [], "body": TEXT}, TEXT),
        ({"text": None, "body": TEXT}, TEXT),
        ({"TEXT": TEXT}, TEXT),
        ({"TEXT": "No.", "text": TEXT}, TEXT),
        ({"TEXT": TEXT, "Text": "No."}, TEXT),
        ({"ARTICLEBODY": TEXT}, TEXT),
        ({"articlebody": TEXT}, TEXT),
        ({"articlebody": "No.", "articleBody": TEXT}, TEXT),
        ({"Fields": {"bodyText": TEXT}}, TEXT),
        ({"Fields.BodyText": TEXT}, TEXT),
        ({"fields.body": TEXT}, TEXT),
        ({"fields": {"body": TEXT}}, TEXT),
        ({"data": {"article": {"body": TEXT}}}, TEXT),
        ({"content": {"body": TEXT}}, TEXT),
        ({"text": "<p>One.</p><p>Two.</p>"}, "One.\nTwo."),
        ({"text": "<p></p>"}, "<p></p>"),
        ({"text": ["One.", 2]}, None),
        ({"text": " "}, None),
        ({"data": {"more": {"body": TEXT}}}, None),
    ],
)
def test_the_text_of_an_object_is_found(item: dict[str, Any], text: str | None) -> None:
    found = mapped(item)
    assert (found.raw if isinstance(found, Record) else None) == text
    if isinstance(found, Record):
        assert (found.record, found.sha256, found.alone) == (4, sha256(b"raw"), False)
        assert found.kind == ("html" if item.get("text") in ("<p>One.</p><p>Two.</p>", "<p></p>") else "fields")


def test_columns_of_what_holds_a_record_stay_where_it_says_nothing() -> None:
    found = mapped({"title": "Outer", "url": "u", "data": {"text": TEXT, "title": "Inner"}})
    assert isinstance(found, Record)
    assert (found.title, found.url, found.raw) == ("Inner", "u", TEXT)


@pytest.mark.parametrize(
    ("summary", "wanted", "raw", "kept"),
    [
        ("They met.", True, f"They met.\n{TEXT}", "They met."),
        ("They met.", False, TEXT, None),
        ("Ministers", True, TEXT, None),
        (None, True, TEXT, None),
    ],
)
def test_a_summary_is_put_before_a_text_that_does_not_begin_with_it(
    summary: str | None, wanted: bool, raw: str, kept: str | None
) -> None:
    found = mapped({"text": TEXT, "summary": summary}, summary_field=wanted)
    assert isinstance(found, Record)
    assert (found.raw, found.summary) == (raw, kept)


def test_columns_are_filled_from_values_of_any_kind() -> None:
    found = record()
    columns = {"title": " A \n b ", "url": 5, "source": 1.5, "language": "de_AT", "summary": " ", "id": 7}
    fill(found, columns | {"authors": "By Ann Lee and Bo Li", "targets": ["japan", 3], "published": 0}, Source())
    assert (found.title, found.url, found.source, found.language, found.summary) == ("A b", "5", "1.5", "de", None)
    assert (found.record_id, found.authors, found.targets) == ("7", ["Ann Lee", "Bo Li"], ["japan", "3"])
    assert (found.published, found.problems) == (None, [("field-published", "'0' is not a date")])


def test_what_cannot_be_used_is_noted_by_its_field() -> None:
    found = record()
    columns: dict[str, Any] = {"title": ["A"], "url": {}, "language": "German", "published": "x" * 90, "authors": ""}
    fill(found, columns, Source())
    assert found.problems == [
        ("field-title", "is a list, not a text"),
        ("field-url", "is a dict, not a text"),
        ("field-language", "'German' is not a language code; 'de' is"),
        ("field-published", f"'{'x' * 80}' is not a date"),
    ]
    assert (found.title, found.url, found.language, found.authors) == (None, None, None, [])


@pytest.mark.parametrize(
    ("columns", "languages", "month"),
    [({}, [], 5), ({}, ["fr", "en"], 7), ({"language": "fr"}, ["en"], 7), ({"language": "en"}, ["fr"], 5)],
)
def test_a_date_is_read_in_the_language_of_the_record_else_the_first_expected(
    columns: dict[str, str], languages: list[str], month: int
) -> None:
    found = record()
    fill(found, columns | {"published": "05/07/2024"}, Source(languages=languages))
    assert found.published == datetime(2024, month, 12 - month, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("Ann Lee; Bo Li", ["Ann Lee", "Bo Li"]),
        (["Lee, Ann", "Bo Li"], ["Lee, Ann", "Bo Li"]),
        ({"name": "Ann Lee"}, ["Ann Lee"]),
        ([{"name": "Ann Lee"}, {"nick": "bo"}, "", " Bo Li ", None, ["Cy"]], ["Ann Lee", "Bo Li"]),
        (5, ["5"]),
        ([5, 1.5], ["5", "1.5"]),
        (True, ["True"]),
        (object(), []),
    ],
)
def test_authors_are_a_line_a_list_or_objects_with_names(value: Any, names: list[str]) -> None:
    found = record()
    fill(found, {"authors": value}, Source())
    assert found.authors == names


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("by: Ann Lee", ["Ann Lee"]),
        ("Byron Lee", ["Byron Lee"]),
        ("Lee, Ann", ["Lee, Ann"]),
        ("Ann Lee, Bo Li", ["Ann Lee", "Bo Li"]),
        ("Ann Lee, Bo Li, Cy Doe", ["Ann Lee", "Bo Li", "Cy Doe"]),
        ("Ann, Bo, Cy", ["Ann", "Bo", "Cy"]),
        ("Ann Lee | Bo Li", ["Ann Lee", "Bo Li"]),
        ("Ann Lee und Bo Li", ["Ann Lee", "Bo Li"]),
        ("REUTERS", ["REUTERS"]),
        ("ANN LEE, MD", ["Ann Lee, MD"]),
        (" , ; ", []),
    ],
)
def test_a_line_of_names_is_parted(line: str, names: list[str]) -> None:
    assert author_names(line) == names


@pytest.mark.parametrize(
    ("fragment", "text"),
    [
        ("<p>One  two.</p>\n\n<p>Three.</p>", "One two.\nThree."),
        ("a<br>b<script>x</script><style>y</style><!-- z -->c", "a\nbc"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("<p></p>", None),
        ("", None),
    ],
)
def test_the_text_of_a_piece_of_a_page_has_a_paragraph_a_line(fragment: str, text: str | None) -> None:
    assert text_of(fragment) == text
