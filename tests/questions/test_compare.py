"""What became of a suggestion is told by what the results say."""

from collections.abc import Callable
from typing import Any

import pytest

from builder.questions.rows import Decoded
from builder.tables import rows_of

Make = Callable[..., dict[str, Any]]
Read = Callable[..., Decoded]


@pytest.fixture
def judged(read: Read, task: Make) -> Callable[..., str]:
    """The outcome of a result made from a suggestion."""

    def run(result: list[Any], suggested: list[Any], **fields: Any) -> str:
        made = task(result, **{"parent_prediction": 5, **fields})
        made["predictions"] = [{"id": 5, "result": suggested, "created_at": "2026-03-01T00:00:00Z"}]
        found: str = read(made).annotations.to_pylist()[0]["prediction"]
        return found

    return run


def test_the_same_spans_under_other_ids_are_accepted(judged: Callable[..., str], region: Make, choice: Make) -> None:
    suggested = [region(0, 5, "Japan", "GPE"), region(10, 15, "China", "GPE", name="r2")]
    result = [region(10, 15, "China", "GPE", name="z"), region(0, 5, "Japan", "GPE"), choice("stance__japan", "none")]
    assert judged(result, suggested) == "accepted"


def test_added_evidence_is_no_edit_of_suggested_entities(judged: Callable[..., str], region: Make) -> None:
    suggested = [region(0, 5, "Japan", "GPE")]
    assert judged([*suggested, region(0, 9, "Japan and", "EVIDENCE", name="e")], suggested) == "accepted"


@pytest.mark.parametrize(
    ("kept", "added", "outcome"), [(1, 0, "edited"), (2, 1, "edited"), (0, 0, "rejected"), (0, 1, "rejected")]
)
def test_edited_and_rejected(judged: Callable[..., str], region: Make, kept: int, added: int, outcome: str) -> None:
    suggested = [region(0, 5, "Japan", "GPE"), region(10, 15, "China", "GPE", name="r2")]
    more = [region(6, 9, "and", "PERSON", name="r3")]
    assert judged(suggested[:kept] + more[:added], suggested) == outcome


def test_a_changed_label_is_a_rejection_whatever_the_origin_says(judged: Callable[..., str], region: Make) -> None:
    changed = {**region(0, 5, "Japan", "PERSON"), "origin": "prediction"}
    assert judged([changed], [region(0, 5, "Japan", "GPE")]) == "rejected"


def test_a_suggested_answer_is_compared_with_the_answer(judged: Callable[..., str], choice: Make) -> None:
    assert judged([choice("stance__japan", "favor", name="q")], [choice("stance__japan", "favor")]) == "accepted"
    assert judged([choice("stance__japan", "none")], [choice("stance__japan", "favor")]) == "rejected"


def test_an_answer_about_a_span_follows_the_span(judged: Callable[..., str], region: Make, choice: Make) -> None:
    suggested = [region(0, 5, "Japan", "GPE"), choice("mention_stance", "favor", name="r1")]
    moved = [region(0, 5, "Japan", "GPE", name="n"), choice("mention_stance", "favor", name="n")]
    assert judged(moved, suggested) == "accepted"


def test_nothing_suggested_and_skips_are_none(judged: Callable[..., str], region: Make) -> None:
    suggested = [region(0, 5, "Japan", "GPE")]
    assert judged(suggested, []) == "none"
    assert judged([], suggested, was_cancelled=True) == "none"


def test_the_newest_suggestion_before_the_annotation_counts(read: Read, task: Make, region: Make) -> None:
    made = task([region(0, 5, "Japan", "GPE")])
    made["predictions"] = [
        {"id": 1, "result": [region(10, 15, "China", "GPE")], "created_at": "2026-03-01T00:00:00Z"},
        {"id": 2, "result": [region(0, 5, "Japan", "GPE")], "created_at": "2026-03-02T09:00:00Z"},
        {"id": 3, "result": [region(10, 15, "China", "GPE")], "created_at": "2026-03-02T10:30:00Z"},
    ]
    assert read(made).annotations.to_pylist()[0]["prediction"] == "accepted"


def suggested(table: Any, *columns: str) -> list[tuple[Any, ...]]:
    return list(rows_of(table, *columns, "suggested", "suggestion_model", "suggestion_score"))


def test_spans_and_answers_say_what_was_suggested_in_their_place(
    read: Read, task: Make, region: Make, choice: Make
) -> None:
    given = [region(0, 5, "Japan", "GPE"), region(10, 15, "China", "PERSON", name="r2")]
    given += [choice("stance__japan", "favor"), choice("stance__china", "none")]
    said = [
        region(0, 5, "Japan", "GPE", name="z"),
        region(10, 15, "China", "GPE"),
        region(6, 9, "and", "GPE", name="y"),
    ]
    said += [choice("stance__japan", "favor"), choice("stance__china", "against")]
    made = task(said, parent_prediction=5)
    made["predictions"] = [
        {"id": 4, "result": [], "model_version": "old", "score": 0.1},
        {"id": 5, "result": [*given, {"odd": 1}], "model_version": "m7", "score": 0.25},
    ]
    decoded = read(made)
    assert suggested(decoded.spans, "start", "label") == [
        (1000, "GPE", "GPE", "m7", 0.25), (1010, "GPE", "PERSON", "m7", 0.25), (1006, "GPE", None, None, None)
    ]  # fmt: skip
    assert suggested(decoded.answers, "target", "label") == [
        ("japan", "favor", "favor", "m7", 0.25), ("china", "against", "none", "m7", 0.25)
    ]  # fmt: skip
    assert decoded.issues.num_rows == 0, "what is odd in a suggestion is no finding about the annotator"


def test_each_annotation_has_its_own_suggestion_and_a_skip_none(read: Read, task: Make, choice: Make) -> None:
    made = task([choice("stance__japan", "favor")], parent_prediction=5)
    made["annotations"] += [
        {**made["annotations"][0], "id": 2, "completed_by": 8, "parent_prediction": 6},
        {**made["annotations"][0], "id": 3, "completed_by": 8, "was_cancelled": True},
    ]
    made["predictions"] = [
        {"id": 5, "result": [choice("stance__japan", "none")], "model_version": "a", "score": None},
        {"id": 6, "result": [choice("stance__japan", "favor")], "model_version": "b", "score": 1.0},
    ]
    decoded = read(made)
    assert suggested(decoded.answers, "annotation_id") == [("2:1", "none", "a", None), ("2:2", "favor", "b", 1.0)]
    assert suggested(decoded.spans) == []


def test_an_answer_about_a_mention_is_found_at_its_place(
    make: Any, read: Read, task: Make, region: Make, choice: Make
) -> None:
    scheme = make(mode="mention")
    marks = [region(0, 5, "Japan", "GPE"), region(10, 15, "China", "GPE", name="r2")]
    given = [*marks, choice("mention_stance", "favor", name="r1"), choice("mention_stance", "none", name="r2")]
    made = task([*marks, choice("mention_stance", "favor", name="r1"), choice("mention_stance", "favor", name="r2")])
    made["predictions"] = [{"id": 5, "result": given, "model_version": "m", "score": 0.5}]
    decoded = read(made, scheme=scheme)
    assert suggested(decoded.answers, "start", "label") == [
        (1000, "favor", "favor", "m", 0.5), (1010, "favor", "none", "m", 0.5)
    ]  # fmt: skip
