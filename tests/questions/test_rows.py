"""Rows of one annotation stay together, and columns are those of the contract."""

import pytest

from builder.questions.rows import Rows
from builder.tables import ANNOTATIONS


def annotation(name: str) -> tuple[object, ...]:
    given = {
        "annotation_id": name,
        "chunk_id": f"chunk {name}",
        "article_id": "a",
        "annotator": "x",
        "state": "labelled",
    }
    return tuple(given.get(column) for column in ANNOTATIONS.names)


def test_what_is_shared_is_repeated_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.questions.rows._BATCH", 2)
    rows = Rows()
    for name in "abc":
        owner = rows.owner
        spans = [(owner, f"s{n}", "entity", n, n + 1, "GPE", "x", ["t"]) for n in range(2)]
        rows.annotation(annotation(name), spans, [(owner, "stance", "japan", None, "favor")])
    found = rows.tables()
    assert [(r["annotation_id"], r["span_id"]) for r in found.spans.to_pylist()] == [
        (name, f"s{n}") for name in "abc" for n in range(2)
    ]
    assert [r["chunk_id"] for r in found.answers.to_pylist()] == ["chunk a", "chunk b", "chunk c"]
    assert found.annotations["annotation_id"].to_pylist() == ["a", "b", "c"]


def test_an_unknown_column_of_an_issue_is_an_error() -> None:
    rows = Rows()
    rows.issue(check="x", colour="red")
    with pytest.raises(KeyError, match="colour"):
        rows.tables()
