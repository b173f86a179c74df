"""Rows of one annotation stay together, and columns are those of the contract."""

import pytest

from builder.questions.rows import Rows
from builder.tables import ANNOTATIONS, ANSWERS, SPANS


def annotation(name: str) -> tuple[object, ...]:
    given = {
        "annotation_id": name,
        "chunk_id": f"chunk {name}",
        "article_id": f"article {name}",
        "annotator": f"who {name}",
        "state": "labelled",
    }
    return tuple(given.get(column) for column in ANNOTATIONS.names)


def mark(rows: Rows, *names: str) -> None:
    """Appends a span and an answer per name."""
    for name in names:
        for column, value in zip(rows.spans.lists, (name, "entity", 1, 2, "GPE", "x", ["t"]), strict=True):
            column.append(value)
        for column, value in zip(rows.answers.lists, ("stance", name, None, "favor"), strict=True):
            column.append(value)


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_what_is_shared_is_repeated_for_each_row(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr("builder.questions.rows._BATCH", batch)
    rows = Rows()
    for name, spans in (("a", 2), ("b", 0), ("c", 3)):
        mark(rows, *(f"{name}{n}" for n in range(spans)))
        rows.annotation(annotation(name), keep=True)
    found = rows.tables()
    expected = ["a0", "a1", "c0", "c1", "c2"]
    assert found.spans["span_id"].to_pylist() == found.answers["target"].to_pylist() == expected
    for table in (found.spans, found.answers):
        assert table["annotation_id"].to_pylist() == [name[0] for name in expected]
        assert table["chunk_id"].to_pylist() == [f"chunk {name[0]}" for name in expected]
        assert table["article_id"].to_pylist() == [f"article {name[0]}" for name in expected]
        assert table["annotator"].to_pylist() == [f"who {name[0]}" for name in expected]
    assert found.annotations["annotation_id"].to_pylist() == ["a", "b", "c"]
    assert [c.num_chunks for c in found.spans.columns] == [1] * len(SPANS)


@pytest.mark.parametrize("batch", [1, 100])
def test_rows_that_do_not_count_are_dropped_and_no_others(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr("builder.questions.rows._BATCH", batch)
    rows = Rows()
    for name, keep in (("a", True), ("b", False), ("c", True)):
        mark(rows, name, name)
        rows.annotation(annotation(name), keep)
    found = rows.tables()
    assert found.spans["annotation_id"].to_pylist() == ["a", "a", "c", "c"]
    assert found.answers["target"].to_pylist() == ["a", "a", "c", "c"]
    assert found.annotations.num_rows == 3


def test_tables_have_their_schemas_and_issues_their_columns() -> None:
    rows = Rows()
    rows.issue(check="x", message="y")
    found = rows.tables()
    assert (found.annotations.schema, found.spans.schema, found.answers.schema) == (ANNOTATIONS, SPANS, ANSWERS)
    assert found.issues.select(["check", "message"]).to_pylist() == [{"check": "x", "message": "y"}]


def test_an_unknown_column_of_an_issue_is_an_error() -> None:
    rows = Rows()
    rows.issue(check="x", colour="red")
    with pytest.raises(KeyError, match="colour"):
        rows.tables()


def test_answers_about_mentions_have_the_place_of_their_span() -> None:
    rows = Rows()
    for name in ("a", "b"):
        for column, value in zip(rows.spans.lists, ("r1", "entity", 3, 8, "GPE", "Japan", []), strict=True):
            column.append(value)
        rows.answer("stance", "Japan", "favor", "r1")
        rows.answer("stance", "Japan", "against", "gone")
        rows.answer("topic", "", "war")
        rows.annotation(annotation(name), keep=True)
    found = rows.tables().answers
    assert found.select(["annotation_id", "start", "end"]).to_pylist() == [
        {"annotation_id": name, "start": start, "end": end}
        for name in ("a", "b")
        for start, end in ((3, 8), (None, None), (None, None))
    ]
