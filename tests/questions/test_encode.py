"""Task data and result items say what the rows say."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from builder.errors import SchemeError
from builder.questions.encode import as_shown, results, task
from builder.scheme import Scheme

Schemes = Callable[..., Scheme]

CHUNK = {
    "chunk_id": "c", "article_id": "a", "start": 7, "text": "Japan", "ordinal": 0, "context_before": None,
    "context_after": "after",
}  # fmt: skip
ARTICLE = {"title": "A <b>", "published": datetime(2026, 3, 2, tzinfo=UTC), "source": None}


ABOUT = {"question": "stance", "span_id": None, "label": "favor"}


def span(start: int, end: int, label: str = "GPE", **more: Any) -> dict[str, Any]:
    return {"span_id": None, "kind": "entity", "start": start, "end": end, "label": label, "targets": [], **more}


def test_task_data(scheme: Scheme) -> None:
    assert task(CHUNK, ARTICLE, scheme) == {
        "chunk_id": "c", "article_id": "a", "start": 7, "text": "Japan", "title": "A <b>",
        "byline": "2026-03-02 · chunk 1", "context_before": "", "context_after": "after", "scheme": "demo@2",
        "selection": "",
    }  # fmt: skip


def test_a_chunk_is_one_of_its_articles(scheme: Scheme) -> None:
    assert task({**CHUNK, "ordinal": 2}, {**ARTICLE, "chunks": 12}, scheme)["byline"] == "2026-03-02 · chunk 3 of 12"


def test_an_article_shows_its_targets_in_numbered_slots(make: Schemes) -> None:
    own = make(mode="article", targets={"japan": []}, max_targets=3)
    data = task(CHUNK, ARTICLE, own, targets=["japan", "NATO"])
    assert data["targets"] == ["japan", "NATO"]
    assert [data[f"target_{n}"] for n in (1, 2, 3)] == ["1 · Japan", "2 · NATO", ""]


@pytest.mark.parametrize("targets", [None, [], ["a", "a"], ["a", "b", "c", "d"]])
def test_missing_repeated_and_too_many_targets_are_refused(make: Schemes, targets: list[str] | None) -> None:
    own = make(mode="article", max_targets=3)
    with pytest.raises(SchemeError, match="lists"):
        task(CHUNK, ARTICLE, own, targets=targets)


def test_regions_without_an_id_get_a_stable_one(scheme: Scheme) -> None:
    first, again = (results([span(7, 9)], [], [], None, 7, "Japan", scheme)[0]["id"] for _ in range(2))
    assert first == again == hashlib.sha256(b"entity 7 9 GPE").hexdigest()[:10]
    assert first != results([span(7, 10)], [], [], None, 7, "Japan", scheme)[0]["id"]


@pytest.mark.parametrize(("start", "end"), [(6, 9), (7, 13), (8, 8)])
def test_a_span_outside_the_chunk_is_refused(scheme: Scheme, start: int, end: int) -> None:
    with pytest.raises(ValueError, match="outside its chunk"):
        results([span(start, end)], [], [], None, 7, "Japan", scheme)


def test_one_id_names_one_interval(scheme: Scheme) -> None:
    with pytest.raises(ValueError, match="two intervals"):
        results([span(7, 9, span_id="x"), span(7, 8, span_id="x")], [], [], None, 7, "Japan", scheme)


def test_a_stance_toward_something_else_is_refused(scheme: Scheme) -> None:
    with pytest.raises(SchemeError, match="mars"):
        results([], [{**ABOUT, "target": "mars"}], [], None, 0, "x", scheme)


def test_text_is_written_as_the_page_writes_it() -> None:
    assert as_shown("a \t b\r\nc\u00a0 d") == "a b\\n\\nc\u00a0 d"
