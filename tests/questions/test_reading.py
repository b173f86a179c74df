"""Everything odd in a result becomes an issue with its path; nothing is dropped in silence."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from builder.questions.rows import Decoded
from builder.scheme import Scheme

Schemes = Callable[..., Scheme]
Make = Callable[..., dict[str, Any]]
Read = Callable[..., Decoded]


def issue(decoded: Decoded) -> dict[str, Any]:
    """The only issue; the annotation is quarantined if and only if it is an error."""
    (row,) = decoded.issues.to_pylist()
    (annotation,) = decoded.annotations.to_pylist()
    assert annotation["quarantined"] == (row["severity"] == "error")
    assert (row["annotation_id"], row["task_id"], row["chunk_id"]) == ("2:1", 3, "c")
    found: dict[str, Any] = row
    return found


def test_two_labels_of_one_region_are_two_rows(read: Read, task: Make, region: Make) -> None:
    spans = read(task([region(0, 5, "Japan", "GPE", "PERSON")])).spans.to_pylist()
    assert [(s["span_id"], s["label"]) for s in spans] == [("r1", "GPE"), ("r1", "PERSON")]


def test_evidence_names_its_targets(read: Read, task: Make, region: Make, choice: Make) -> None:
    result = [region(0, 5, "Japan", "EVIDENCE"), choice("evidence_target", "japan", "china", name="r1")]
    (span,) = read(task(result)).spans.to_pylist()
    assert (span["kind"], span["label"], span["targets"]) == ("evidence", "EVIDENCE", ["japan", "china"])


def test_names_of_earlier_versions_leave_under_the_present_ones(
    read: Read, task: Make, region: Make, choice: Make
) -> None:
    result = [
        region(0, 5, "Japan", "COUNTRY"),
        region(0, 9, "Japan and", "EVIDENCE", name="r2"),
        choice("evidence_target", "nippon", "japan", name="r2"),
        choice("stance__nippon", "pro"),
    ]
    decoded = read(task(result, version="1"))
    assert [(s["label"], s["targets"]) for s in decoded.spans.to_pylist()] == [("GPE", []), ("EVIDENCE", ["japan"])]
    assert [(s["target"], s["label"]) for s in decoded.answers.to_pylist()] == [("japan", "favor")]
    assert decoded.issues.num_rows == 0


def test_merged_targets_may_agree_but_not_differ(read: Read, task: Make, choice: Make) -> None:
    agree = read(task([choice("stance__nippon", "favor"), choice("stance__japan", "favor")]))
    assert (agree.answers.num_rows, agree.issues.num_rows) == (1, 0)
    differ = issue(read(task([choice("stance__nippon", "favor"), choice("stance__japan", "none")])))
    assert (differ["check"], differ["severity"]) == ("answered-twice", "error")


def test_utf16_offsets_are_repaired_with_the_evidence(read: Read, task: Make, region: Make) -> None:
    decoded = read(task([region(3, 8, "Japan", "GPE")], text="\U0001f680 Japan"))
    (span,) = decoded.spans.to_pylist()
    assert (span["start"], span["end"], span["text"]) == (1002, 1007, "Japan")
    row = issue(decoded)
    assert (row["check"], row["severity"], row["path"]) == ("span-offsets", "info", "$.annotations[0].result[0].value")
    assert row["message"] == "[3, 8) is not 'Japan'"
    assert row["repair"] == "[2, 7) is: UTF-16 units"


def test_edge_blanks_are_trimmed_with_the_evidence(read: Read, task: Make, region: Make) -> None:
    decoded = read(task([region(0, 6, "Japan ", "GPE")]))
    assert decoded.spans.to_pylist()[0]["end"] == 1005
    assert (issue(decoded)["check"], issue(decoded)["repair"]) == ("span-trimmed", "[0, 5) has none")


def test_a_span_without_a_certain_place_is_quarantined_as_it_came(read: Read, task: Make, region: Make) -> None:
    lost = region(1, 3, "Korea", "GPE")
    decoded = read(task([lost, region(10, 15, "China", "GPE", name="r2")]))
    row = issue(decoded)
    assert (row["check"], row["severity"]) == ("span-lost", "error")
    assert json.loads(row["message"].split(": ", 1)[1]) == lost
    assert [s["text"] for s in decoded.spans.to_pylist()] == ["China"]


def test_two_answers_where_one_is_asked(read: Read, task: Make, choice: Make) -> None:
    row = issue(read(task([choice("stance__japan", "favor", "none")])))
    assert (row["check"], row["severity"]) == ("answered-twice", "error")
    assert row["path"] == "$.annotations[0].result[0].value.choices"


@pytest.mark.parametrize(("chosen", "check"), [(("favor", "none"), "answered-twice"), (("x",), "unknown-label")])
def test_a_mention_has_one_stance(
    read: Read, task: Make, region: Make, choice: Make, make: Schemes, chosen: tuple[str, ...], check: str
) -> None:
    result = [region(0, 5, "Japan", "GPE"), choice("mention_stance", *chosen, name="r1")]
    decoded = read(task(result), scheme=make(mode="mention"))
    assert (issue(decoded)["check"], issue(decoded)["severity"]) == (check, "error")
    assert decoded.answers.num_rows == 0


def test_a_region_answered_twice(read: Read, task: Make, region: Make, choice: Make) -> None:
    result = [region(0, 5, "Japan", "EVIDENCE"), *(choice("evidence_target", t, name="r1") for t in ("japan", "china"))]
    assert (issue(read(task(result)))["check"]) == "answered-twice"


def test_a_question_answered_twice(read: Read, task: Make, choice: Make) -> None:
    row = issue(read(task([choice("stance__japan", "favor"), choice("stance__japan", "favor")])))
    assert (row["check"], row["severity"]) == ("answered-twice", "error")
    assert row["message"].startswith("a second answer for 'japan': {")


def test_an_unknown_control_is_kept_as_it_came(read: Read, task: Make, choice: Make) -> None:
    strange = {**choice("mood", "sad"), "meta": {"x": [1]}}
    row = issue(read(task([strange])))
    assert (row["check"], row["severity"]) == ("unknown-control", "warning")
    assert json.loads(row["message"].split(": ", 1)[1]) == strange


def test_an_unknown_kind_of_result_is_kept_as_it_came(read: Read, task: Make, region: Make) -> None:
    strange = {"id": "p", "from_name": "pairs", "to_name": "text", "type": "pairwise", "value": {"left": 1}}
    decoded = read(task([strange, region(0, 5, "Japan", "GPE")]))
    row = issue(decoded)
    assert (row["check"], row["severity"], row["path"]) == (
        "unknown-control", "warning", "$.annotations[0].result[0].type",
    )  # fmt: skip
    assert json.loads(row["message"].split(": ", 1)[1]) == strange
    assert decoded.spans.num_rows == 1


def test_an_answer_of_the_wrong_kind_is_quarantined(read: Read, task: Make, choice: Make) -> None:
    wrong = {**choice("stance__japan", "favor"), "type": "textarea", "value": {"text": ["favor"]}}
    row = issue(read(task([wrong])))
    assert (row["check"], row["severity"]) == ("malformed", "error")
    assert json.loads(row["message"].split(": ", 1)[1]) == wrong


@pytest.mark.parametrize("result", ["marked", 5, {"labels": ["GPE"]}, [None]])
def test_a_result_that_is_no_list_of_objects_is_quarantined_as_it_came(read: Read, task: Make, result: object) -> None:
    made = task([])
    made["annotations"][0]["result"] = result
    row = issue(read(made))
    assert (row["check"], row["severity"]) == ("malformed", "error")
    assert json.loads(row["message"].split(": ", 1)[1]) == (None if result == [None] else result)


def test_relations_are_kept_as_they_came(read: Read, task: Make, region: Make) -> None:
    relation = {"type": "relation", "from_id": "r1", "to_id": "r2", "direction": "right", "labels": ["of"]}
    row = issue(read(task([region(0, 5, "Japan", "GPE"), relation])))
    assert (row["check"], row["severity"]) == ("relation", "warning")
    assert json.loads(row["message"].split(": ", 1)[1]) == relation


@pytest.mark.parametrize("start", [0.5, "0", None])
def test_a_span_of_an_odd_shape_costs_its_annotation_only(read: Read, task: Make, region: Make, start: object) -> None:
    odd, sound = task([region(start, 5, "Japan", "GPE")]), task([region(0, 5, "Japan", "GPE")], id=8)
    odd["annotations"] += sound["annotations"]
    decoded = read(odd)
    assert [row["quarantined"] for row in decoded.annotations.to_pylist()] == [True, False]
    (row,) = decoded.issues.to_pylist()
    assert (row["check"], row["severity"], row["annotation_id"]) == ("malformed", "error", "2:1")
    assert row["path"].startswith("$.annotations[0].result[0]")
    assert [span["annotation_id"] for span in decoded.spans.to_pylist()] == ["2:8"]


@pytest.mark.parametrize(
    ("labels", "check"), [(["ANIMAL"], "unknown-label"), ([], "unlabelled-region"), (["EVIDENCE"], "unknown-label")]
)
def test_what_cannot_be_named_is_quarantined(
    read: Read, task: Make, region: Make, choice: Make, labels: list[str], check: str
) -> None:
    about = [choice("evidence_target", "mars", name="r1")] if labels == ["EVIDENCE"] else []
    row = issue(read(task([region(0, 5, "Japan", *labels), *about])))
    assert (row["check"], row["severity"]) == (check, "error")


def test_an_unknown_stance_label_is_quarantined(read: Read, task: Make, choice: Make) -> None:
    row = issue(read(task([choice("stance__japan", "hostile")])))
    assert (row["check"], row["path"]) == ("unknown-label", "$.annotations[0].result[0].value.choices[0]")


@pytest.mark.parametrize(("name", "severity"), [("gone", "error"), ("r1", "warning")])
def test_an_answer_that_no_region_was_asked_for(
    read: Read, task: Make, region: Make, choice: Make, name: str, severity: str
) -> None:
    row = issue(read(task([region(0, 5, "Japan", "GPE"), choice("evidence_target", "japan", name=name)])))
    assert (row["check"], row["severity"]) == ("stray-answer", severity)


def test_what_the_scheme_does_not_ask_is_unknown(
    read: Read, task: Make, region: Make, choice: Make, make: Schemes
) -> None:
    plain = make(evidence=False)
    label = issue(read(task([region(0, 5, "Japan", "EVIDENCE")]), scheme=plain))
    assert (label["check"], label["severity"]) == ("unknown-label", "error")
    control = issue(read(task([choice("mention_stance", "favor")])))
    assert (control["check"], control["severity"]) == ("unknown-control", "warning")


def test_labels_merged_into_one_are_one_row(read: Read, task: Make, region: Make) -> None:
    assert read(task([region(0, 5, "Japan", "COUNTRY", "GPE")])).spans.num_rows == 1


def test_an_unknown_problem_is_reported(read: Read, task: Make, choice: Make) -> None:
    decoded = read(task([choice("problem", "cut", "boring")]))
    assert decoded.annotations.to_pylist()[0]["problems"] == ["cut"]
    assert (issue(decoded)["check"], issue(decoded)["severity"]) == ("unknown-label", "warning")


def test_a_comment_of_several_parts_is_one(read: Read, task: Make) -> None:
    said = {"from_name": "comment", "to_name": "text", "type": "textarea", "value": {"text": ["one", "two"]}}
    assert read(task([said, said])).annotations.to_pylist()[0]["comment"] == "one\ntwo\none\ntwo"


def test_a_span_without_text_is_taken_as_code_points_but_reported_where_units_differ(
    read: Read, task: Make, region: Make
) -> None:
    assert read(task([region(0, 5, None, "GPE")])).issues.num_rows == 0
    decoded = read(task([region(2, 7, None, "GPE")], text="\U0001f680 Japan"))
    assert decoded.spans.to_pylist()[0]["text"] == "Japan"
    assert (issue(decoded)["check"], issue(decoded)["severity"]) == ("span-unverified", "warning")


def test_that_all_was_decided_is_no_answer(read: Read, task: Make, choice: Make) -> None:
    decoded = read(task([choice("decided", "yes"), choice("stance__japan", "favor")]))
    assert (decoded.issues.num_rows, decoded.answers["target"].to_pylist()) == (0, ["japan"])


def test_problems_merged_into_one_are_there_once(read: Read, task: Make, choice: Make, make: Schemes) -> None:
    merged = make(migrations={"1": {"problems": {"broken": "garbled"}}})
    decoded = read(task([choice("problem", "broken", "garbled", "cut")], version="1"), scheme=merged)
    assert decoded.annotations["problems"].to_pylist() == [["garbled", "cut"]]
    assert decoded.issues.num_rows == 0


def test_what_is_not_known_is_named_and_the_rest_is_kept(read: Read, task: Make, region: Make, choice: Make) -> None:
    result = [
        region(0, 5, "Japan", "GPE", "ANIMAL"),
        region(10, 15, "China", "EVIDENCE", name="r2"),
        choice("evidence_target", "mars", "china", name="r2"),
    ]
    decoded = read(task(result))
    assert [(s["label"], s["targets"]) for s in decoded.spans.to_pylist()] == [("GPE", []), ("EVIDENCE", ["china"])]
    assert [(row["path"], row["message"].partition(":")[0]) for row in decoded.issues.to_pylist()] == [
        ("$.annotations[0].result[0].value.labels[1]", "'ANIMAL' is no entity label"),
        ("$.annotations[0].result[2].value.choices[0]", "'mars' is no target"),
    ]
