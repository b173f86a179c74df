"""One record becomes one row of articles and its chunks, with every column from where it belongs."""

from datetime import UTC, datetime

import pytest

from builder.corpus.articles import Article, ArticleMaker, article_table, chunk_ids, chunk_table
from builder.corpus.decoding import Encoding
from builder.corpus.records import Record, Reject
from builder.corpus.settings import Chunking, Cleaning
from builder.store import digest

BODY = "The ministers agreed on Monday. They signed in Tokyo. Work begins in May. It ends in June. Nobody objected."


def maker(cleaning: Cleaning | None = None, **chunking: int) -> ArticleMaker:
    return ArticleMaker(cleaning or Cleaning(), Chunking(**chunking), "en")  # type: ignore[arg-type]


def record(raw: str, **columns: object) -> Record:
    return Record("news/a.txt", 3, "ab" * 32, Encoding("cp1252", "detected", 0.5), raw, **columns)  # type: ignore[arg-type]


def article(raw: str, made: ArticleMaker | None = None, **columns: object) -> Article:
    found = (made or maker()).article(record(raw, **columns))
    assert isinstance(found, Article), found
    return found


def test_a_row_has_every_column_from_where_it_belongs() -> None:
    raw = f"Allies to build more\nBy Ann Lee\nJuly 29, 2024\n{BODY}\n© 2024 Harbour Wire"
    found = article(raw, record_id="x-1", url="https://a.example/?by=ann@a.example", targets=["japan"])
    (row,) = article_table([found]).to_pylist()
    text_at = raw.index(BODY)
    assert [(p.pop("kind"), p.pop("rule"), p.pop("text"), p) for p in row.pop("parts")] == [
        ("title", "first-line", "Allies to build more", {}),
        ("byline", "byline", "By Ann Lee", {}),
        ("date", "date", "July 29, 2024", {}),
        ("trailer", "copyright", "© 2024 Harbour Wire", {}),
    ]
    kept = (0, len(BODY), text_at, text_at + len(BODY))
    assert [tuple(s.values()) for s in row.pop("map")] == [
        (0, 0, 0, text_at), kept, (len(BODY), len(BODY), kept[3], len(raw)),
    ]  # fmt: skip
    assert row == {
        "article_id": digest("id", "x-1")[:16],
        "source_path": "news/a.txt",
        "record": 3,
        "record_id": "x-1",
        "raw_sha256": "ab" * 32,
        "encoding": "cp1252",
        "encoding_found": "detected",
        "encoding_sure": 0.5,
        "title": "Allies to build more",
        "text": BODY,
        "sections": [{"kind": "body", "start": 0, "end": len(BODY)}],
        "trailer": "© 2024 Harbour Wire",
        "raw": raw,
        "url": "https://a.example/?by=[e-mail]",
        "source": None,
        "authors": ["Ann Lee"],
        "published": datetime(2024, 7, 29, tzinfo=UTC),
        "place": None,
        "language": "en",
        "cluster_id": digest("id", "x-1")[:16],
        "kept": True,
        "targets": ["japan"],
    }


def test_what_the_record_says_comes_before_what_the_text_says() -> None:
    raw = f"Allies to build more\nBy Ann Lee\nJuly 29, 2024\n{BODY}\nSource: Harbour Wire"
    day = datetime(2020, 1, 2, tzinfo=UTC)
    found = article(raw, authors=["Bo Li bo@a.example"], published=day, source="Paper p@a.example", language="fr")
    (row,) = article_table([found]).to_pylist()
    said = (row["authors"], row["published"], row["source"], row["language"])
    assert said == (["Bo Li [e-mail]"], day, "Paper [e-mail]", "fr")


def test_a_title_is_cleaned_to_one_line() -> None:
    assert article(BODY, title=" Allies \n build&nbsp;more ").layout.title == "Allies build more"
    assert article(BODY, title=" \n ").layout.title is None


def test_a_summary_is_a_section_before_the_body() -> None:
    found = article(f"Ministers met.\n\n{BODY}", summary="Ministers met.")
    assert found.sections == [("summary", 0, 14), ("body", 16, 16 + len(BODY))]
    assert article(BODY).sections == [("body", 0, len(BODY))]


@pytest.mark.parametrize(
    ("raw", "least", "said"),
    [
        (" \n ", 1, ("empty", "0 characters")),
        ("Ten chars.", 11, ("short", "10 characters")),
        ("Ten chars.", 10, None),
        ("x", 1, None),
    ],
)
def test_texts_of_too_few_characters_are_rejects(raw: str, least: int, said: tuple[str, str] | None) -> None:
    found = maker(Cleaning(min_chars=least)).article(record(raw, record_id="x-1"))
    if said is None:
        assert isinstance(found, Article)
    else:
        assert found == Reject("news/a.txt", 3, *said, digest("id", "x-1")[:16])


def test_marks_of_markdown_are_cut_from_markdown_alone() -> None:
    assert article(f"**Bold** words. {BODY}", kind="markdown").text.startswith("Bold words. The")
    assert article(f"**Bold** words. {BODY}").text.startswith("**Bold** words. The")


@pytest.mark.parametrize(
    ("context", "around"),
    [
        (0, [("", ""), ("", ""), ("", "")]),
        (1, [("", "Work"), ("They", "It"), ("Work", "")]),
        (2, [("", "Work It"), ("The They", "It Nobody"), ("They Work", "")]),
        (3, [("", "Work It Nobody"), ("The They", "It Nobody"), ("The They Work", "")]),
        (9, [("", "Work It Nobody"), ("The They", "It Nobody"), ("The They Work", "")]),
    ],
)
def test_a_chunk_has_as_many_sentences_around_it_as_there_are(context: int, around: list[tuple[str, str]]) -> None:
    made = maker(max_tokens=9, context=context)
    begin = {s.split()[0]: f"{s}." for s in BODY[:-1].split(". ")}
    cut = chunk_table([article(BODY, made)], made).to_pylist()
    assert [(row["start"], row["end"]) for row in cut] == [(0, 53), (54, 73), (74, 107)]
    expected = [tuple(" ".join(begin[word] for word in side.split()) for side in sides) for sides in around]
    assert [(row["context_before"], row["context_after"]) for row in cut] == expected


def test_a_row_of_chunks_is_where_it_says() -> None:
    made = maker(max_tokens=9, context=0)
    first, second = article(BODY, made, record_id="x-1"), article("One line. One line.", made, record_id="x-2")
    rows = chunk_table([first, second], made).to_pylist()
    assert [(r["article_id"], r["ordinal"], r["section"], r["tokens"], r["sentences"]) for r in rows] == [
        (first.id, 0, "body", 9, 2), (first.id, 1, "body", 4, 1), (first.id, 2, "body", 6, 2),
        (second.id, 0, "body", 4, 2),
    ]  # fmt: skip
    assert [r["text"] for r in rows[:3]] == [BODY[r["start"] : r["end"]] for r in rows[:3]]
    assert rows[0]["chunk_id"] == digest(first.id, BODY[:53], "0")[:16]


def test_the_same_text_again_in_an_article_is_another_chunk() -> None:
    assert chunk_ids("a", ["x", "y", "x"]) == [digest("a", *s)[:16] for s in (("x", "0"), ("y", "0"), ("x", "1"))]
