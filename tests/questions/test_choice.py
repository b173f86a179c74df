"""A question about the whole chunk, through the page, results and back."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from label_studio_sdk.label_interface import LabelInterface

from builder.errors import SchemeError
from builder.questions import controls, plain, scheme_from
from builder.questions.decode import decode
from builder.questions.encode import results, stated
from builder.questions.interface import dates_of, interface, scheme_of
from builder.questions.migrate import changes, dated, renamed, transition
from builder.questions.rows import Decoded
from builder.scheme import Label, Renames, Scheme, Target

Make = Callable[..., dict[str, Any]]
OPTIONS = {"war": {"title": "War & peace", "description": "Armed conflict"}, "money": "Money", "other": None}


def asking(topic: Mapping[str, Any] | None = None, frame: Mapping[str, Any] | None = None, **more: Any) -> Scheme:
    """A topic (one answer, required) and a frame (many answers, not required), with changes."""
    one = {"kind": "choice", "title": "Topic?", "labels": OPTIONS, **(topic or {})}
    several = {"kind": "choice", "labels": OPTIONS, "many": True, "required": False, **(frame or {})}
    return scheme_from({"name": "demo", "version": "2", "questions": {"topic": one, "frame": several}, **more})


def read(task: dict[str, Any], scheme: Scheme) -> Decoded:
    return decode([json.dumps(task).encode()], {7: "ana@example.com"}, b"salt", scheme, "pull")


def answers(decoded: Decoded) -> dict[tuple[str, str], str]:
    return {(row["question"], row["target"]): row["label"] for row in decoded.answers.to_pylist()}


def checks(decoded: Decoded) -> list[tuple[str, str, str]]:
    return [(row["check"], row["severity"], row["path"]) for row in decoded.issues.to_pylist()]


NO = {("frame", option): "no" for option in OPTIONS}


def test_one_answer_is_about_the_chunk_and_many_are_about_their_options() -> None:
    topic, frame = asking().questions.values()
    assert (topic.asked(None), topic.many, topic.absent, topic.required) == ([""], False, "", True)
    assert topic.labels == {"war": Label("War & peace", "Armed conflict"), "money": Label("Money"), "other": Label()}
    assert (topic.title(""), topic.label_title("war"), topic.targets) == ("Topic?", "War & peace", {})
    assert (frame.asked(["x"]), frame.many, frame.absent, frame.required) == (list(OPTIONS), True, "no", False)
    assert frame.targets == {"war": Target("War & peace"), "money": Target("Money"), "other": Target()}
    assert list(frame.labels) == ["yes", "no"]
    assert (frame.title(""), frame.title("war"), frame.title("other")) == ("frame", "War & peace", "other")


def test_it_becomes_plain_data_and_back() -> None:
    assert scheme_from(plain(asking())) == asking()
    assert plain(asking())["questions"]["topic"]["title"] == "Topic?"


@pytest.mark.parametrize(
    ("topic", "fault"),
    [
        ({"labels": {"war": None}}, "topic.labels: 1 options are too few"),
        ({"labels": {}, "many": True}, "topic.labels: 0 options are too few"),
        ({"labels": {**OPTIONS, "b c": None}}, "topic.labels.b c: option 'b c' is not a plain name."),
        ({"labels": {**OPTIONS, "gold": "Money"}}, "topic.labels.gold: money is shown as 'Money', too."),
        ({"many": True, "labels": {"war": {"color": "red"}}}, "topic.labels.war.color: 'red' is not a colour."),
        ({"labels": {**OPTIONS, "war": {"hotkey": "1"}}}, "topic.labels.war.hotkey: there is no such setting."),
        ({"options": OPTIONS}, "topic.options: there is no such setting."),
    ],
)
def test_faults_are_reported(topic: dict[str, Any], fault: str) -> None:
    with pytest.raises(SchemeError) as caught:
        asking(topic)
    assert fault in str(caught.value)


def test_one_option_is_enough_to_tick() -> None:
    assert list(asking(frame={"labels": {"war": None}}).questions["frame"].targets) == ["war"]


def test_the_page_asks_with_buttons_keys_and_hints() -> None:
    xml = interface(asking({"labels": {**OPTIONS, "war": {"title": "$5", "color": "#112233"}}}))
    LabelInterface(xml).validate()
    shown = {e.get("name"): e for e in ET.fromstring(xml).iter("Choices")}
    topic, frame = shown["choice__topic"], shown["choice__frame"]
    assert [topic.get(key) for key in ("choice", "required", "requiredMessage")] == [
        "single-radio", "true", "Answer: Topic?.",
    ]  # fmt: skip
    assert [frame.get(key) for key in ("choice", "required", "requiredMessage")] == ["multiple", None, None]
    assert [(c.get("alias"), c.get("hotkey")) for c in topic] == [("war", "q"), ("money", "w"), ("other", "e")]
    assert [(c.get("alias"), c.get("hotkey")) for c in frame] == [("war", "a"), ("money", "s"), ("other", "d")]
    assert (frame[0].get("value"), frame[0].get("hint")) == ("War & peace", "Armed conflict")
    assert topic[0].get("value") == "$\N{WORD JOINER}5"
    style = next(e for e in ET.fromstring(xml).iter("Style")).text or ""
    assert ".bd .bd-choice__topic .lsf-choice:nth-child(1) { --bd-tint: #112233; }" in style
    marked = [e.get("className") for e in ET.fromstring(xml).iter("View") if "bd-asked" in e.get("className", "")]
    assert marked == ["bd-choice bd-asked bd-choice__topic"]


def test_an_interface_tells_its_scheme() -> None:
    asked = asking()
    found = scheme_of(interface(asked))
    assert changes(found, asked).none
    assert changes(asked, found).none
    assert [(q.name, q.many, q.required) for q in found.questions.values()] == [
        ("topic", False, True), ("frame", True, False),
    ]  # fmt: skip


def test_every_option_is_answered(task: Make, choice: Make) -> None:
    result = [choice("choice__topic", "money"), choice("choice__frame", "war", "other")]
    decoded = read(task(result), asking())
    assert answers(decoded) == {
        ("topic", ""): "money", ("frame", "war"): "yes", ("frame", "money"): "no", ("frame", "other"): "yes",
    }  # fmt: skip
    assert decoded.issues.num_rows == 0


def test_nothing_ticked_is_no_to_each_unless_an_answer_is_required(task: Make, choice: Make) -> None:
    result = [choice("choice__topic", "money")]
    assert answers(read(task(result), asking())) == {("topic", ""): "money", **NO}
    assert answers(read(task([]), asking())) == NO
    assert answers(read(task([choice("choice__frame")]), asking())) == NO
    required = asking(frame={"required": True})
    assert answers(read(task(result), required)) == {("topic", ""): "money"}
    ticked = read(task([choice("choice__frame", "war")]), required)
    assert answers(ticked) == {**NO, ("frame", "war"): "yes"}


NOON = "2026-03-02T12:00:00+00:00"


def frames_of(
    made: dict[str, Any], scheme: Scheme, asked: Mapping[str, str] | None
) -> tuple[dict[str, str], list[str]]:
    """What the annotation of a task says to each frame, where its page shows the `asked` ones; and the notices."""
    known = {} if asked is None else {2: {"frame": asked}}
    decoded = decode([json.dumps(made).encode()], {7: "ana@example.com"}, b"salt", scheme, "pull", asked=known)
    issues = decoded.issues.to_pylist()
    assert {(issue["check"], issue["severity"], issue["annotation_id"]) for issue in issues} <= {
        ("not-asked", "info", None)
    }
    said = {option: label for (question, option), label in answers(decoded).items() if question == "frame"}
    return said, [issue["message"] for issue in issues]


@pytest.mark.parametrize(
    ("made", "later", "said"),
    [
        ("11:59:59", {"war": NOON, "money": NOON, "other": NOON}, {}),
        ("12:00:00", {"war": NOON, "money": NOON, "other": NOON}, {"war": "no", "money": "no", "other": "no"}),
        ("11:59:59", {"other": NOON}, {"war": "no", "money": "no"}),
        ("12:00:01", {"other": NOON}, {"war": "no", "money": "no", "other": "no"}),
    ],
)
def test_an_option_that_was_added_later_is_not_asked_of_earlier_annotations(
    task: Make, choice: Make, made: str, later: dict[str, str], said: dict[str, str]
) -> None:
    asked = {**dict.fromkeys(OPTIONS, ""), **later}
    time = f"2026-03-02T{made}Z"
    # Also where the annotation was saved again, as when the builder renames a label in it.
    unticked = task([choice("choice__topic", "money")], created_at=time, updated_at="2026-03-03T00:00:00Z")
    found, notices = frames_of(unticked, asking(), asked)
    assert found == said
    assert notices == [
        f"frame did not ask about {option} before {NOON}: annotations made there do not say no." for option in later
    ]
    # What was ticked was asked, whatever is known.
    ticked, _ = frames_of(task([choice("choice__frame", "other")], created_at=time), asking(), asked)
    assert ticked == {**said, **{o: "no" for o in OPTIONS if o not in later}, "other": "yes"}


def test_a_question_that_the_page_does_not_show_yet_is_not_asked(task: Make) -> None:
    found, notices = frames_of(task([]), asking(), {"war": "", "money": ""})
    assert found == {"war": "no", "money": "no"}
    assert notices == ["frame did not ask about other in project 2: annotations made there do not say no."]
    assert frames_of(task([]), asking(frame={"required": True}), {"war": ""})[0] == {}


def test_options_are_known_by_their_earlier_names(task: Make) -> None:
    renamed_since = asking(version="3", migrations={"2": {"frame": {"labels": {"conflict": "war"}}}})
    found, _ = frames_of(task([], version="2"), renamed_since, {"conflict": "", "money": "", "other": ""})
    assert found == {"war": "no", "money": "no", "other": "no"}


def test_where_nothing_is_known_of_the_page_the_version_decides(task: Make, choice: Make) -> None:
    for version, said in (("1", {}), ("2", {"war": "no", "money": "no", "other": "no"})):
        assert frames_of(task([], version=version), asking(), None) == (said, [])
    ticked, _ = frames_of(task([choice("choice__frame", "war")], version="1"), asking(), None)
    assert ticked == {"war": "yes", "money": "no", "other": "no"}


def test_a_page_says_since_when_it_shows_what_was_added() -> None:
    few = {"labels": {"conflict": None, "money": None}}
    old = asking(frame=few, version="1")
    more = asking(version="2", migrations={"1": {"frame": {"labels": {"conflict": "war"}}}})
    first = interface(dated(old, more, NOON))
    LabelInterface(first).validate()
    assert dates_of(scheme_of(interface(old))) == {"frame": {"conflict": "", "money": ""}}
    assert dates_of(scheme_of(first)) == {"frame": {"war": "", "money": "", "other": NOON}}
    # Also through the page that has both names, and when it is set up again later.
    both = dates_of(scheme_of(interface(dated(old, transition(old, more), NOON))))["frame"]
    assert both == {"conflict": "", "money": "", "war": NOON, "other": NOON}
    for page in (first, interface(dated(old, transition(old, more), NOON))):
        again = dated(scheme_of(page), more, "2026-04-01T00:00:00+00:00")
        assert dates_of(scheme_of(interface(again))) == {"frame": {"war": "", "money": "", "other": NOON}}
    none = asking(frame={"many": False})
    assert dates_of(scheme_of(interface(dated(none, more, NOON)))) == {"frame": dict.fromkeys(OPTIONS, NOON)}
    assert interface(dated(more, more, NOON)) == interface(more)


def test_skips_and_drafts_answer_nothing(task: Make, choice: Make) -> None:
    made = task([choice("choice__frame", "war")], was_cancelled=True)
    made["drafts"] = [{"id": 5, "user": 7, "result": [choice("choice__frame", "war")]}]
    assert read(made, asking()).answers.num_rows == 0


@pytest.mark.parametrize(
    ("result", "check", "field"),
    [
        ([("choice__topic", "money", "war")], "answered-twice", "[0].value.choices"),
        ([("choice__topic", "money"), ("choice__topic", "money")], "answered-twice", "[1].value.choices"),
        ([("choice__topic", "mars")], "unknown-label", "[0].value.choices[0]"),
        ([("choice__frame", "war", "mars")], "unknown-label", "[0].value.choices[1]"),
        ([("choice__frame", "war"), ("choice__frame", "money")], "answered-twice", "[1].value.choices"),
    ],
)
def test_odd_answers_are_quarantined(
    task: Make, choice: Make, result: list[tuple[str, ...]], check: str, field: str
) -> None:
    decoded = read(task([choice(*one) for one in result]), asking())
    assert checks(decoded) == [(check, "error", f"$.annotations[0].result{field}")]
    assert decoded.annotations["quarantined"].to_pylist() == [True]


def test_rows_become_results_and_back(task: Make) -> None:
    given = [{"question": "topic", "target": "", "span_id": None, "label": "war"}] + [
        {"question": "frame", "target": option, "span_id": None, "label": label}
        for option, label in zip(OPTIONS, ("no", "yes", "yes"), strict=True)
    ]
    result = results([], given, [], None, 0, "x", asking())
    assert [(item["from_name"], item["type"], item["value"]) for item in result] == [
        ("choice__topic", "choices", {"choices": ["war"]}),
        ("choice__frame", "choices", {"choices": ["money", "other"]}),
    ]
    decoded = read(task(result), asking())
    assert answers(decoded) == {(row["question"], row["target"]): row["label"] for row in given}
    with pytest.raises(SchemeError, match="frame does not ask about mars"):
        results([], [{**given[1], "target": "mars"}], [], None, 0, "x", asking())


def test_plain_data_is_an_option_or_a_list() -> None:
    said = {"topic": "war", "frame": ["other", "war"]}
    assert [item["value"]["choices"] for item in stated(said, "x", 0, asking())] == [["war"], ["war", "other"]]
    assert stated({"topic": "", "frame": []}, "x", 0, asking()) == []
    for wrong, why in (
        ({"topic": ["war"]}, "topic: .* is not one option"),
        ({"frame": "war"}, "frame: 'war' is not a list of options"),
        ({"topic": "mars"}, "topic: unknown options 'mars'"),
        ({"frame": ["war", "mars"]}, "frame: unknown options 'mars'"),
    ):
        with pytest.raises(ValueError, match=why):
            stated(wrong, "x", 0, asking())


def test_a_suggestion_is_judged(task: Make, choice: Make) -> None:
    suggested = [choice("choice__topic", "war"), choice("choice__frame", "war", "money")]
    for result, became in (
        (suggested, "accepted"),
        ([choice("choice__topic", "war"), choice("choice__frame", "war")], "edited"),
        ([choice("choice__topic", "money"), choice("choice__frame", "other")], "rejected"),
    ):
        made = task(result, parent_prediction=5)
        made["predictions"] = [{"id": 5, "result": suggested, "model_version": "m1", "score": 0.7}]
        decoded = read(made, asking())
        assert decoded.annotations["prediction"].to_pylist() == [became]
        beside = {
            (a["question"], a["target"]): (a["suggested"], a["suggestion_model"]) for a in decoded.answers.to_pylist()
        }
        said = {("topic", ""): "war", **NO, ("frame", "war"): "yes", ("frame", "money"): "yes"}
        assert beside == {about: (label, "m1") for about, label in said.items()}
        assert set(decoded.answers["suggestion_score"].to_pylist()) == {0.7}


EARLIER = {"labels": {"conflict": None, "money": "Money", "other": None}}
MIGRATIONS = {"1": {q: {"labels": {"conflict": "war"}} for q in ("topic", "frame")}}


def test_renames_rewrite_results_and_reach_the_tables(task: Make, choice: Make) -> None:
    old, new = asking(EARLIER, EARLIER, version="1"), asking(version="2", migrations=MIGRATIONS)
    assert changes(old, new).renames == {"topic option": {"conflict": "war"}, "frame option": {"conflict": "war"}}
    assert not changes(old, new).removals
    result = [choice("choice__topic", "conflict"), choice("choice__frame", "conflict", "money")]
    made = [choice("choice__topic", "war"), choice("choice__frame", "war", "money")]
    assert renamed(result, old, new) == made
    told = read(task(result, version="1"), new)
    assert answers(told) == answers(read(task(made), new))
    assert told.issues.num_rows == 0
    assert new.renames("topic") == Renames(labels={"conflict": "war"})
    assert new.renames("frame") == Renames(targets={"conflict": "war"})
    both = {e.get("alias") for e in ET.fromstring(interface(transition(old, new))).iter("Choice")}
    assert both == {"conflict", "war", "money", "other"}


def test_one_answer_does_not_become_many() -> None:
    assert changes(asking(), asking(frame={"many": False})).removals == ["several answers to frame"]
    assert changes(asking(), asking({"many": True})).additions == ["several answers to topic"]
    fewer = asking({"labels": {"war": None, "money": None}})
    assert changes(asking(), fewer).removals == ["topic option other"]


def test_checks_know_the_control_of_each_answer() -> None:
    found = controls(asking())
    assert found["topic", ""] == "choice__topic"
    assert [found["frame", option] for option in OPTIONS] == ["choice__frame"] * 3
