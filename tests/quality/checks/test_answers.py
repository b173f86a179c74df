"""Checks of answers and evidence: each finds its fault, lets its closest twin pass, and works for any question."""

from typing import Any

import pytest

from builder.scheme import Target
from tests.quality.helpers import BOTH, Asked, again, alter, asking, checked, frames, messages, topic
from tests.samples import Crowd, scheme

#: Chunks whose sample text is TEXT: it mentions Tokyo (japan) and Ukraine.
FULL = {"stance": BOTH, "topic": {"": "war"}, "frames": {"money": "yes", "risk": "no"}}


def test_a_complete_annotation_has_no_findings() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "GPE"), (0, 16, "EVIDENCE", ["japan"])], answers=FULL)
    assert checked(crowd, asking(topic(), frames()))[0] == []


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({**FULL, "stance": {**BOTH, "japan": "hostile"}}, ["'hostile' is no answer to stance for japan."]),
        ({**FULL, "topic": {"": "favor"}}, ["'favor' is no answer to topic."]),
        ({**FULL, "frames": {"money": "yes", "risk": "war"}}, ["'war' is no answer to frames for risk."]),
        ({**FULL, "tone": {"": "war"}}, ["'war' is no answer to tone."]),
    ],
)
def test_labels_are_those_of_their_own_question(answers: Any, said: list[str]) -> None:
    crowd = Crowd().add("c", "ada", answers=answers)
    assert messages(crowd, "unknown-label", asking(topic(), frames())) == said


def test_span_labels_are_those_of_the_scheme() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "CITY"), (0, 5, "GPE"), (0, 5, "EVIDENCE", ["japan"])], BOTH)
    assert messages(crowd, "unknown-label") == ["'CITY' is no span label of the scheme."]


def test_targets_are_those_of_their_own_question() -> None:
    answers = {
        "stance": {**BOTH, "money": "favor"},
        "topic": {"japan": "war"},
        "frames": {"money": "yes", "risk": "no"},
    }
    crowd = Crowd().add("c", "ada", answers=answers)
    assert messages(crowd, "unknown-target", asking(topic(), frames())) == [
        "favor is about 'money', which stance does not ask about.",
        "war is about 'japan', which topic does not ask about.",
    ]


def test_targets_of_an_article_are_its_own() -> None:
    crowd = Crowd().window("a", targets=["mars"]).window("b", targets=["venus"]).window("unknown", targets=None)
    for chunk in ("a", "b", "unknown"):
        crowd.add(chunk, "ada", [(0, 5, "EVIDENCE", ["mars"])], {"mars": "favor"})
    made = scheme(mode="article")
    issues, _ = checked(crowd, made)
    found = [(row["chunk_id"], row["check"]) for row in issues if row["check"] in ("unknown-target", "missing-answer")]
    assert found == [("b", "unknown-target"), ("b", "unknown-target"), ("b", "missing-answer")]
    assert messages(crowd, "missing-answer", made) == ["No answer to stance for venus is given."]


def test_evidence_about_what_no_question_asks() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "EVIDENCE", ["mars", "money"])], answers=FULL)
    said = ["The evidence is about 'mars', which no question asks about."]
    assert messages(crowd, "unknown-target", asking(topic(), frames())) == said
    assert len(messages(crowd, "unknown-target")) == 2


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ({"stance": {"ukraine": "none"}}, ["No answer to stance for japan is given."]),
        ({"stance": {}}, ["No answer to stance for ukraine, japan is given."]),
        ({"topic": {}}, ["No answer to topic is given."]),
        ({"frames": {"money": "yes"}}, ["No answer to frames for risk is given."]),
        ({}, []),
    ],
)
def test_every_target_of_every_question_needs_an_answer(left_out: Any, said: list[str]) -> None:
    crowd = Crowd().add("other", "ada", answers=FULL).add("c", "ada", answers={**FULL, **left_out})
    assert messages(crowd, "missing-answer", asking(topic(), frames())) == said


@pytest.mark.parametrize(("state", "expected"), [("labelled", 1), ("labelled-empty", 1), ("skipped", 0), ("draft", 0)])
def test_only_what_was_submitted_can_miss_an_answer(state: str, expected: int) -> None:
    assert len(messages(Crowd().add("c", "ada", state=state), "missing-answer")) == expected


def test_an_answer_to_another_question_does_not_count() -> None:
    tone = Asked("tone", {"favor": None}, {"japan": None})
    crowd = Crowd().add("c", "ada", answers={"stance": BOTH})
    assert messages(crowd, "missing-answer", asking(tone)) == ["No answer to tone for japan is given."]


def test_with_mentions_every_marked_entity_needs_an_answer() -> None:
    made = scheme(mode="mention")
    spans = [(0, 5, "GPE"), (60, 67, "GPE"), (0, 16, "EVIDENCE", [])]
    crowd = Crowd().add("c", "ada", spans, {"Tokyo": "favor"})
    alter(crowd, "answers", 0, span_id="r0")
    issues = [r for r in checked(crowd, made)[0] if r["check"] == "missing-answer"]
    assert [(r["message"], r["path"]) for r in issues] == [
        ("No answer to stance for 'Ukraine' is given.", "$.result[?(@.id=='r1')]")
    ]
    assert messages(alter(crowd, "answers", 0, question="tone"), "missing-answer", made)[0].endswith(
        "'Tokyo' is given."
    )


def test_with_mentions_nothing_is_a_foreign_target_or_out_of_sight() -> None:
    crowd = Crowd().window("c", "Nothing here.").add("c", "ada", [(0, 7, "GPE")], {"Mars": "favor"})
    alter(crowd, "answers", 0, span_id="r0")
    assert checked(crowd, scheme(mode="mention"))[0] == []


def test_two_answers_about_one_target_conflict() -> None:
    crowd = Crowd().add("c", "ada", answers=FULL).add("c", "ben", answers=FULL)
    again(crowd, "answers", 0, label="against")
    again(crowd, "answers", 2, label="trade")
    again(crowd, "answers", 1)
    assert messages(crowd, "conflicting-answer", asking(topic("war", "trade"), frames())) == [
        "The answer to stance for japan is both favor and against.",
        "The answer to topic is both war and trade.",
    ]


@pytest.mark.parametrize("other", [{"span_id": "r9"}, {"target": "ukraine"}, {"question": "tone"}])
def test_answers_about_something_else_do_not_conflict(other: dict[str, str]) -> None:
    crowd = Crowd().add("c", "ada", stances={"japan": "favor"})
    assert messages(again(crowd, "answers", 0, label="against", **other), "conflicting-answer") == []


def test_conflicting_answers_quarantine_only_their_annotation() -> None:
    crowd = Crowd().add("c", "ada", stances=BOTH).add("c", "ben", stances=BOTH)
    issues, annotations = checked(again(crowd, "answers", 2, label="against"))
    assert annotations["quarantined"].to_pylist() == [False, True]
    assert [row["annotation_id"] for row in issues if row["check"] == "conflicting-answer"] == ["1:2"]


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (["japan"], []),
        ([], ["The evidence does not say which target it is about."]),
        (["ukraine"], ["The evidence is about ukraine, for which the answer is none."]),
        (["mars"], ["The evidence is about mars, for which the answer is missing."]),
        (["japan", "ukraine"], ["The evidence is about ukraine, for which the answer is none."]),
        (["risk"], ["The evidence is about risk, for which the answer is no."]),
        (["money"], []),
    ],
)
def test_evidence_needs_an_answer_that_it_supports(targets: list[str], said: list[str]) -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "EVIDENCE", targets), (0, 5, "GPE")], answers=FULL)
    assert messages(crowd, "evidence-without-answer", asking(topic(), frames())) == said


def test_evidence_is_supported_by_the_answer_to_any_question() -> None:
    tone = Asked("tone", {"warm": None}, {"ukraine": Target()}, absent="cold")
    crowd = Crowd().add(
        "c", "ada", [(0, 5, "EVIDENCE", ["ukraine"])], answers={"stance": BOTH, "tone": {"ukraine": "warm"}}
    )
    assert messages(crowd, "evidence-without-answer", asking(tone)) == []


@pytest.mark.parametrize(
    ("text", "title", "sight"),
    [("Kyiv asks.", "", True), ("Boeing builds.", "Kyiv asks", True), ("Boeing builds.", "", False),
     ("Boeing builds.", None, False), ("Kyivan cuisine", "", False)],
)  # fmt: skip
def test_a_target_is_in_sight_by_any_of_its_names(text: str, title: str | None, sight: bool) -> None:
    crowd = Crowd().window("c", text, title=title).add("c", "ada", stances={"ukraine": "favor", "japan": "none"})
    said = "favor is the answer to stance for ukraine, which the chunk does not mention."
    assert messages(crowd, "answer-out-of-sight") == ([] if sight else [said])


def test_short_names_are_matched_as_they_are_written() -> None:
    made = scheme(targets={"usa": ["US"]})
    crowd = Crowd().window("no", "It helped us all.").window("yes", "The US helped.")
    crowd.add("no", "ada", stances={"usa": "favor"}).add("yes", "ada", stances={"usa": "favor"})
    assert len(messages(crowd, "answer-out-of-sight", made)) == 1


def test_a_name_with_underscores_and_a_title_are_names() -> None:
    made = Asked("tone", {"warm": None}, {"south_korea": Target(), "x1": Target("Big Bank")})
    crowd = (
        Crowd()
        .window("c", "South Korea and the Big Bank.")
        .add("c", "ada", answers={"tone": dict.fromkeys(made.targets, "warm")})
    )
    assert messages(crowd, "answer-out-of-sight", asking(made)) == []


def test_options_and_whole_chunks_need_no_mention() -> None:
    crowd = Crowd().window("c", "Tokyo and Ukraine.").add("c", "ada", answers=FULL)
    assert messages(crowd, "answer-out-of-sight", asking(topic(), frames())) == []


def test_an_answer_without_a_window_is_not_judged() -> None:
    crowd = Crowd().add("c", "ada", stances={"japan": "favor"})
    alter(crowd, "annotations", 0, chunk_id="gone")
    assert messages(crowd, "answer-out-of-sight") == []


def test_the_path_of_several_missing_answers_names_the_first() -> None:
    controls = {("stance", "ukraine"): "first", ("stance", "japan"): "last"}
    [row] = checked(Crowd().add("c", "ada"), controls=controls)[0]
    assert row["path"] == "$.result[?(@.from_name=='first')].value.choices"


def test_paths_name_the_control_of_question_and_target() -> None:
    crowd = Crowd().add("c", "ada", stances={"ukraine": "none"})
    controls = {("stance", "japan"): "stance-japan", ("topic", "japan"): "other"}
    assert [row["path"] for row in checked(crowd, controls=controls)[0]] == [
        "$.result[?(@.from_name=='stance-japan')].value.choices"
    ]
    assert [row["path"] for row in checked(crowd)[0]] == ["$.result"]
