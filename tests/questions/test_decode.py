"""What people made is told apart, named by pseudonym, and placed in the article."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.errors import StoreError
from builder.questions.decode import UNKNOWN, decode, pseudonym
from builder.questions.reading import read_plain
from builder.questions.rows import Decoded
from builder.questions.stance import MODES
from builder.scheme import Scheme
from builder.tables import ANNOTATIONS, ANSWERS, ISSUES, SPANS, WINDOWS, rows_of

Schemes = Callable[..., Scheme]
Make = Callable[..., dict[str, Any]]
Read = Callable[..., Decoded]
#: The first six hexadecimal digits of the keyed hash of ana@example.com.
SIX = hmac.new(b"salt", b"ana@example.com", hashlib.sha256).hexdigest()[:6]
NOT_SUGGESTED = {"suggested": None, "suggestion_model": None, "suggestion_score": None}


def test_tables_have_the_schemas_of_the_contract_even_when_empty(read: Read) -> None:
    empty = read()
    found = (empty.annotations.schema, empty.spans.schema, empty.answers.schema, empty.issues.schema)
    assert found == (ANNOTATIONS, SPANS, ANSWERS, ISSUES)


def test_spans_leave_in_article_coordinates(read: Read, task: Make, region: Make) -> None:
    decoded = read(task([region(10, 15, "China", "GPE")]))
    assert decoded.spans.to_pylist() == [{
        "annotation_id": "2:1", "chunk_id": "c", "article_id": "a", "annotator": pseudonym(b"salt", "ana@example.com"),
        "span_id": "r1", "kind": "entity", "start": 1010, "end": 1015, "label": "GPE", "text": "China", "targets": [],
        **NOT_SUGGESTED,
    }]  # fmt: skip


def test_people_may_have_a_pseudonym_of_their_own(scheme: Scheme, task: Make) -> None:
    line = json.dumps(task([], completed_by=7, updated_by=8)).encode()
    users, given = {7: "Ana@example.com", 8: "ben@example.com"}, {"ana@example.com": "A-1"}
    row = decode([line], users, b"salt", scheme, "pull", {2: "ana@Example.com"}, given=given).annotations.to_pylist()[0]
    assert (row["annotator"], row["assigned_to"]) == ("A-1", "A-1")
    assert row["changed_by"] == pseudonym(b"salt", "ben@example.com")


def test_who_had_a_project_is_told_from_others_without_an_account(scheme: Scheme, task: Make) -> None:
    tasks = [{**task([], completed_by=None), "project": project, "id": project} for project in (2, 3, 4, 5, 5)]
    lines = [json.dumps(made).encode() for made in tasks]
    decoded = decode(lines, {}, b"salt", scheme, "pull", {2: "ana@example.com"}, former={2: "ana", 3: "ben", 4: "cyd"})
    names = decoded.annotations["annotator"].to_pylist()
    assert names[0] == pseudonym(b"salt", "ana@example.com")
    assert len(set(names)) == 4
    assert names[3:] == [UNKNOWN, UNKNOWN]
    messages = decoded.issues["message"].to_pylist()
    assert ["whose project it is in" in message for message in messages] == [True, True, True, False, False]
    assert "count as one annotator" in messages[3]


def test_an_annotation_row_says_who_when_and_how_long(read: Read, task: Make) -> None:
    made = task([], lead_time=3.5, updated_at="2026-03-02T11:00:00Z", ground_truth=True, parent_annotation=9)
    (row,) = read(made).annotations.to_pylist()
    assert row["created"] == datetime(2026, 3, 2, 10, 0, 0, 500_000, UTC)
    assert row["updated"] == datetime(2026, 3, 2, 11, tzinfo=UTC)
    assert (row["lead_time"], row["ground_truth"], row["parent_id"]) == (3.5, True, "2:9")
    assert (row["scheme_version"], row["pull"], row["quarantined"]) == ("2", "pull", False)


def test_states_stay_different_facts(read: Read, task: Make, choice: Make, region: Make) -> None:
    labelled = task([choice("stance__japan", "none")])
    empty = task([])
    skipped = task([region(0, 5, "Japan", "GPE"), choice("problem", "cut")], was_cancelled=True)
    draft = task([])
    draft["annotations"] = []
    draft["drafts"] = [{"id": 5, "user": "ben@example.com", "result": [region(0, 5, "Japan", "GPE")], "annotation": 4}]
    decoded = read(labelled, empty, skipped, draft)
    rows = decoded.annotations.to_pylist()
    assert [row["state"] for row in rows] == ["labelled", "labelled-empty", "skipped", "draft"]
    assert rows[2]["problems"] == ["cut"]
    assert (rows[3]["annotation_id"], rows[3]["parent_id"]) == ("2:draft:5", "2:4")
    assert rows[3]["annotator"] == pseudonym(b"salt", "ben@example.com")
    assert decoded.spans.num_rows == 0
    assert decoded.answers.num_rows == 1


def test_annotators_without_an_account_are_still_told_apart(read: Read, task: Make) -> None:
    gone, other, nobody = task([], completed_by=90), task([], completed_by={"id": 91}), task([], completed_by=None)
    decoded = read(gone, other, nobody)
    names = [row["annotator"] for row in decoded.annotations.to_pylist()]
    assert len(set(names)) == 3
    assert names[2] == UNKNOWN
    (issue,) = decoded.issues.to_pylist()
    assert (issue["check"], issue["path"]) == ("unknown-annotator", "$.annotations[0].completed_by")


def test_a_line_that_is_no_task_of_ours_is_an_issue_and_nothing_else(read: Read, task: Make) -> None:
    foreign = task([])
    del foreign["data"]["chunk_id"]
    decoded = read(foreign, task([]))
    assert decoded.annotations.num_rows == 1
    (issue,) = decoded.issues.to_pylist()
    assert (issue["check"], issue["severity"]) == ("foreign-task", "error")
    assert "line 1" in issue["message"]
    assert "chunk_id" in issue["message"]


def test_windows_have_one_row_per_chunk_in_the_order_of_chunk_id(read: Read, task: Make) -> None:
    first, second, last = task([], "Tokyo 🚀", targets=["x"]), task([]), task([], "Tokyo 🚀")
    first["data"] |= {"chunk_id": "c2", "title": "T"}
    last["data"] |= {"chunk_id": "c2", "title": "U", "scheme": None, "selection": "random"}
    second["data"]["chunk_id"] = "c1"
    windows = read(first, second, last, {"id": 1, "data": {}}).windows
    assert windows.schema == WINDOWS
    assert windows.to_pylist() == [
        {"chunk_id": "c1", "article_id": "a", "start": 1000, "end": 1015, "text": "Japan and China", "title": None,
         "scheme": "demo@2", "targets": None, "selection": None},
        {"chunk_id": "c2", "article_id": "a", "start": 1000, "end": 1007, "text": "Tokyo 🚀", "title": "U",
         "scheme": None, "targets": None, "selection": "random"},
    ]  # fmt: skip
    assert read(first).windows["targets"].to_pylist() == [["x"]]


def test_what_is_made_on_a_review_task_is_made_from_what_it_shows(read: Read, task: Make) -> None:
    review, of_nothing = task([], parent_annotation=9), task([], parent_annotation=9)
    review["data"]["review_of"], of_nothing["data"]["review_of"] = ["1:1", "1:2"], []
    review["drafts"] = [{"id": 5, "result": [], "user": 7, "annotation": 4}, {"id": 6, "result": [], "user": 7}]
    rows = read(review, task([], parent_annotation=9), of_nothing).annotations
    assert rows["parent_id"].to_pylist() == ["1:1 1:2", "2:4", None, "2:9", ""]


def test_a_file_decodes_like_its_lines(tmp_path: Path, scheme: Scheme, read: Read, task: Make, choice: Make) -> None:
    tasks = [task([choice("stance__japan", "favor")]) for _ in range(3)]
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(json.dumps(t) + "\n" for t in tasks) + "\n", encoding="utf-8")
    from_file = decode(path, {7: "ana@example.com"}, b"salt", scheme, "pull")
    assert from_file.answers.equals(read(*tasks).answers)


def test_rows_keep_their_annotation_across_batches(
    monkeypatch: pytest.MonkeyPatch, read: Read, task: Make, choice: Make
) -> None:
    monkeypatch.setattr("builder.questions.rows._BATCH", 2)
    tasks = []
    for n in range(5):
        made = task([choice("stance__japan", "favor")], id=n)
        tasks.append(made)
    assert [row["annotation_id"] for row in read(*tasks).answers.to_pylist()] == [f"2:{n}" for n in range(5)]


def test_pseudonyms_differ_by_person_and_by_salt() -> None:
    assert pseudonym(b"salt", "ana@example.com") == "annotator-" + SIX
    assert len({pseudonym(s, e) for s in (b"1", b"2") for e in ("a@x.org", "b@x.org")}) == 4


def test_two_people_never_share_a_pseudonym(monkeypatch: pytest.MonkeyPatch, scheme: Scheme) -> None:
    decode([], {1: "ana@example.com", 2: "Ana@example.com"}, b"salt", scheme, "pull")
    monkeypatch.setattr("builder.questions.decode.pseudonym", lambda salt, email, given: "annotator-000000")
    with pytest.raises(StoreError, match="same pseudonym"):
        decode([], {1: "ana@example.com", 2: "ben@example.com"}, b"salt", scheme, "pull")


NAMES = st.sampled_from(
    ["entity", "stance__japan", "stance__nippon", "evidence_target", "mention_stance", "problem", "comment", "mood"]
)
JSON = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "Japan", "favor"])
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "start": st.integers(-3, 20) | JSON,
        "end": st.integers(-3, 20) | JSON,
        "text": st.sampled_from(["Japan", "China", " and"]) | JSON,
        "labels": st.lists(st.sampled_from(["GPE", "COUNTRY", "EVIDENCE", "ANIMAL"])) | JSON,
        "choices": st.lists(st.sampled_from(["favor", "pro", "japan", "cut", "x"])) | JSON,
    },
)
ITEMS = JSON | st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["r1", "r2"]) | JSON,
        "from_name": NAMES | JSON,
        "type": st.sampled_from(["labels", "choices", "textarea", "relation", "rating"]) | JSON,
        "value": VALUES | JSON,
    },
)


@given(st.lists(ITEMS, max_size=5), st.sampled_from(MODES))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_result_stops_the_decoder_or_disappears(
    task: Make, read: Read, make: Schemes, result: list[Any], mode: str
) -> None:
    decoded = read(task(result), scheme=make(mode=mode))
    (annotation,) = decoded.annotations.to_pylist()
    issues = decoded.issues.to_pylist()
    assert annotation["quarantined"] == any(issue["severity"] == "error" for issue in issues)
    reported = " ".join(issue["path"] for issue in issues)
    spans = {span["span_id"] for span in decoded.spans.to_pylist()}
    for index, item in enumerate(result):
        sound = isinstance(item, dict) and item.get("type") in ("labels", "choices", "textarea")
        marked = sound and item["type"] == "labels" and item.get("id") in spans
        silent = sound and item["type"] != "labels" and item.get("from_name") != "mood"
        assert marked or silent or f"result[{index}]" in reported or (sound and None in spans)


def test_an_article_names_its_own_targets(read: Read, task: Make, choice: Make, region: Make, make: Schemes) -> None:
    own = make(mode="article")
    result = [
        choice("stance__2", "favor"),
        choice("stance__3", "favor"),
        region(0, 5, "Japan", "EVIDENCE"),
        choice("evidence_target", "1", name="r1"),
    ]
    decoded = read(task(result, targets=["NATO", "Hamas & <co>"]), scheme=own)
    assert [(r["target"], r["label"]) for r in decoded.answers.to_pylist()] == [("Hamas & <co>", "favor")]
    assert decoded.spans.to_pylist()[0]["targets"] == ["NATO"]
    assert [row["check"] for row in decoded.issues.to_pylist()] == ["unknown-control"]


def test_a_mention_carries_its_own_stance(read: Read, task: Make, choice: Make, region: Make, make: Schemes) -> None:
    own = make(mode="mention")
    result = [choice("mention_stance", "against", name="r1"), region(10, 15, "China", "GPE")]
    (row,) = read(task(result), scheme=own).answers.to_pylist()
    assert (row["target"], row["span_id"], row["label"]) == ("China", "r1", "against")


@given(st.lists(ITEMS, max_size=4), st.sampled_from(MODES), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_quick_way_reads_what_the_careful_way_reads(
    task: Make, read: Read, make: Schemes, region: Make, choice: Make, odd: list[Any], mode: str, data: st.DataObject
) -> None:
    sound = [
        region(0, 5, "Japan", "GPE"), region(10, 15, "China", "COUNTRY", name="r2"), choice("stance__japan", "favor"),
        choice("stance__china", "none"), choice("stance__nippon", "pro"), choice("mention_stance", "favor", name="r1"),
    ]  # fmt: skip
    made = task(data.draw(st.lists(st.sampled_from(sound), unique_by=str)) + odd)
    quick = read(made, scheme=make(mode=mode))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builder.questions.decode.read_plain", lambda *given: False)
        careful = read(made, scheme=make(mode=mode))
    for name in ("annotations", "spans", "answers", "issues"):
        assert getattr(quick, name).to_pylist() == getattr(careful, name).to_pylist()


@pytest.mark.parametrize(
    ("start", "end", "text", "labels"),
    [
        (0, 5, "Korea", ["GPE"]), (-5, 5, "Japan", ["GPE"]), (0, 0, "", ["GPE"]), (10, 16, "China", ["GPE"]),
        (0, 6, "Japan ", ["GPE"]), (5, 10, " and ", ["GPE"]), (0, 5, "Japan", ["GPE", "PERSON"]), (0, 5, "Japan", []),
        (0, 5, "Japan", ["EVIDENCE"]), (0, 5, "Japan", ["ANIMAL"]), (0, 5, None, ["GPE"]),
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_careful_way(
    monkeypatch: pytest.MonkeyPatch, read: Read, task: Make, region: Make, start: int, end: int, text: str | None,
    labels: list[str],
) -> None:  # fmt: skip
    outcomes = []

    def spied(*given: Any) -> bool:
        outcomes.append(read_plain(*given))
        return outcomes[-1]

    monkeypatch.setattr("builder.questions.decode.read_plain", spied)
    read(task([region(0, 5, "Japan", "GPE", name="sure"), region(start, end, text, *labels)]))
    read(task([region(10, 15, "China", "GPE"), region(0, 5, "Japan", "PERSON", name="r2")]))
    assert outcomes == [False, True]


def test_who_saved_it_last_and_whose_project_it_is_are_kept(scheme: Scheme, task: Make) -> None:
    users = {7: "ana@example.com", 8: "ben@example.com"}
    made = [task([], updated_by=8), task([], updated_by=7), task([]), task([], updated_by=None)]
    made[3]["project"] = 5
    lines = [json.dumps(line).encode() for line in made]
    found = decode(lines, users, b"salt", scheme, "pull", {2: "Ben@example.com"}).annotations
    ana, ben = (pseudonym(b"salt", email) for email in users.values())
    assert found["changed_by"].to_pylist() == [ben, ana, None, None]
    assert found["assigned_to"].to_pylist() == [ben, ben, ben, None]


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


@pytest.mark.parametrize("time", ["2026-03-01T00:00:00Z", None])
@pytest.mark.parametrize("made", ["2026-03-02T00:00:00Z", None])
def test_of_suggestions_of_one_time_the_one_made_last_counts(
    read: Read, task: Make, region: Make, time: str | None, made: str | None
) -> None:
    given = task([region(0, 5, "Japan", "GPE")], created_at=made)
    given["predictions"] = [
        {"id": 2, "result": [region(0, 5, "Japan", "GPE")], "created_at": time, "model_version": "two"},
        {"id": 1, "result": [region(10, 15, "China", "GPE")], "created_at": time, "model_version": "one"},
    ]
    decoded = read(given)
    assert decoded.annotations["prediction"].to_pylist() == ["accepted"]
    assert decoded.spans["suggestion_model"].to_pylist() == ["two"]


def test_a_suggestion_made_at_the_very_time_was_there(read: Read, task: Make, region: Make) -> None:
    given = task([region(0, 5, "Japan", "GPE")], created_at="2026-03-02T10:00:00Z")
    given["predictions"] = [
        {"id": 1, "result": [region(0, 5, "Japan", "GPE")], "created_at": "2026-03-02T10:00:00Z"},
        {"id": 2, "result": [region(10, 15, "China", "GPE")], "created_at": "2026-03-02T10:00:01Z"},
    ]
    assert read(given).annotations["prediction"].to_pylist() == ["accepted"]


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
