"""The corpus is right before any annotation, and in the form for the public holds nothing beyond a release."""

from datetime import UTC, datetime
from typing import Any

from builder.reporting.corpus import COLUMNS, CorpusSection, corpus_section
from builder.tables import ARTICLES, CHUNKS, REJECTS, build
from tests.reporting.facts import facts_of

SUMMARY = {"files": 2, "records": 9, "articles": 5, "kept": 4, "chunks": 5, "selected": 2, "unmatched": ["moon"]}


def corpus(**more: Any) -> CorpusSection:
    """Five articles: two nearly the same; of two sources, three months, two languages; one without anything known."""
    days = [datetime(2026, 3, 31, 23, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)]
    articles = build(
        [
            {
                "article_id": f"a{n}",
                "source": ["Post", "Post", "Gazette", "Post", None][n],
                "published": [*days, days[0], None][n],
                "language": ["en", "en", "ar", "en", None][n],
                "title": [f"Title {n}", None][n == 4],
                "cluster_id": "a0" if n in (0, 3) else f"a{n}",
                "kept": n != 3,
                "sections": [{"kind": "summary", "start": 0, "end": 9}, {"kind": "body", "start": 10, "end": end}]
                if (end := [499, 500, 50_000, 600, 0][n])
                else None,
            }
            for n in range(5)
        ],
        ARTICLES,
    ).select(COLUMNS["articles"])
    chunks = build(
        [
            {"chunk_id": f"c{n}", "article_id": article, "tokens": tokens}
            for n, (article, tokens) in enumerate([("a0", 24), ("a1", 25), ("a1", 49), ("a2", 50), ("a2", 7000)])
        ],
        CHUNKS,
    ).select(COLUMNS["chunks"])
    rejects = build(
        [
            {"source_path": "x.json", "reason": "no-text", "detail": "first"},
            {"source_path": "y.txt", "reason": "empty", "detail": None},
            {"source_path": "z.json", "reason": "no-text", "detail": "second"},
        ],
        REJECTS,
    )
    tables = {"articles": articles, "chunks": chunks, "selected": chunks.slice(1, 2), "rejects": rejects}
    facts = facts_of(tables=tables, summaries={"prepare": SUMMARY}, public="released" in more)
    return corpus_section(facts, "keywords", **more)


def test_nothing_is_known_before_articles_are_read() -> None:
    assert corpus_section(facts_of()) == CorpusSection("No article is read yet: run `builder prepare`.")


def test_articles_are_counted_with_their_chunks() -> None:
    found = corpus()
    assert found.totals == (
        ("files", 2), ("records", 9), ("articles", 5), ("kept", 4), ("chunks", 5), ("selected", 2),
    )  # fmt: skip
    assert found.parts == {
        "source": [("Post", 3, 2, 3, 2), ("Gazette", 1, 1, 2, 0), ("not known", 1, 1, 0, 0)],
        "month": [("2025-12", 1, 1, 2, 0), ("2026-03", 2, 1, 1, 0), ("2026-04", 1, 1, 2, 2), ("not known", 1, 1, 0, 0)],
        "language": [("en", 3, 2, 3, 2), ("ar", 1, 1, 2, 0), ("not known", 1, 1, 0, 0)],
        "length": [
            ("0 to 499", 2, 2, 1, 0),
            ("500 to 999", 2, 1, 2, 2),
            ("1,000 to 1,999", 0, 0, 0, 0),
            ("2,000 to 4,999", 0, 0, 0, 0),
            ("5,000 to 9,999", 0, 0, 0, 0),
            ("10,000 to 19,999", 0, 0, 0, 0),
            ("20,000 to 49,999", 0, 0, 0, 0),
            ("50,000 or more", 1, 1, 2, 0),
        ],
    }
    assert found.sizes == (
        ("0 to 24", 1), ("25 to 49", 2), ("50 to 99", 1), ("100 to 199", 0), ("200 to 399", 0), ("400 to 799", 0),
        ("800 to 1,599", 0), ("1,600 or more", 1),
    )  # fmt: skip
    assert (found.selection, found.unmatched) == ("keywords", ("moon",))


def test_rejects_name_the_first_and_clusters_their_articles() -> None:
    found = corpus()
    assert found.rejects == (("no-text", 2, "x.json: first"), ("empty", 1, "y.txt"))
    assert (found.clustered, found.in_clusters) == (1, 2)
    assert found.clusters == (("Title 0 · Title 3", 2, "Post", "a0"),)


def test_the_public_form_is_about_released_articles_and_what_the_release_says_of_them() -> None:
    found = corpus(released=["a1", "a2", "gone"], metadata=["language"])
    assert list(found.parts) == ["language", "length"]
    assert found.parts["language"] == [("ar", 1, 1, 2, 0), ("en", 1, 1, 2, 2)]
    assert found.rejects == (("no-text", 2, ""), ("empty", 1, ""))
    assert (found.clustered, found.clusters, sum(n for _, n in found.sizes)) == (0, (), 4)
    assert found.sizes[:2] == (("25 to 49", 2), ("50 to 99", 1))
    with_dates = corpus(released=["a1"], metadata=["published", "source"])
    assert list(with_dates.parts) == ["source", "month", "length"]


def test_many_sources_are_counted_together() -> None:
    articles = build(
        [
            {
                "article_id": f"a{n}",
                "source": f"s{n:02}",
                "cluster_id": "a0" if n < 7 else f"a{n}",
                "kept": n % 2 == 0,
                "sections": [],
                "title": f"T{n}" if n else None,
            }
            for n in range(30)
        ],
        ARTICLES,
    ).select(COLUMNS["articles"])
    chunks = build([], CHUNKS).select(COLUMNS["chunks"])
    tables = {"articles": articles, "chunks": chunks, "selected": chunks, "rejects": build([], REJECTS)}
    found = corpus_section(facts_of(tables=tables, summaries={"prepare": SUMMARY}))
    assert len(found.parts["source"]) == 26
    assert found.parts["source"][0] == ("s00", 1, 1, 0, 0)
    assert found.parts["source"][-1] == ("5 others", 5, 2, 0, 0)
    assert found.sizes == (("0 to 24", 0),)
    assert found.clusters == (("T1 · T2 · T3 · T4 · T5", 7, "s00, s01, s02, s03, s04, s05, s06", "a0"),)
