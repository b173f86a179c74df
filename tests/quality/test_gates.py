"""Gates: each holds just at its threshold and fails just beyond, and says what it found."""

from types import MappingProxyType
from typing import Any

import pytest

from builder.quality.checks.inputs import CheckInputs
from builder.quality.gates import Verdict, check_unresolved, failed
from builder.quality.known_answers import KnownAnswers
from builder.quality.settings import Gates, Quality
from builder.quality.validate import validate
from builder.tables import ISSUES
from tests.quality.helpers import BOTH, asking, topic
from tests.samples import Crowd, scheme

NO_ISSUES = ISSUES.empty_table()


def verdicts(
    crowd: Crowd,
    made: Any = None,
    known: Any = None,
    overlap: int = 1,
    overlaps: Any = MappingProxyType({}),
    **gates: Any,
) -> list[Verdict]:
    off = {"min_annotators": None, "max_quarantined": None}
    used = Quality(bootstrap=0, gates=Gates(**{**off, **gates}))
    tables = (crowd.annotations, crowd.spans, crowd.answers, crowd.windows)
    return validate(
        CheckInputs(*tables, made or scheme(), used), NO_ISSUES, known or {}, overlap, overlaps
    ).summary.gates


def held(crowd: Crowd, made: Any = None, known: Any = None, **gates: Any) -> dict[str, bool]:
    return {f"{v.gate} {v.about}".strip(): v.holds for v in verdicts(crowd, made, known, **gates)}


def test_no_gates_no_verdicts() -> None:
    assert held(Crowd().add("c", "ada", stances=BOTH)) == {}


@pytest.mark.parametrize(("needed", "holds"), [(1, True), (2, False)])
def test_annotators_per_chunk(needed: int, holds: bool) -> None:
    crowd = Crowd().add("c", "ada").add("c", "ben").add("d", "ada").add("d", "ben", state="skipped")
    [verdict] = verdicts(crowd, min_annotators=needed)
    few = "1" if needed == 2 else "0"
    message = f"{few} of 2 chunks have fewer than {needed} annotators"
    assert verdict == Verdict("min_annotators", "", 1, needed, holds, message)


def test_chunks_with_fewer_annotators_than_planned_are_counted() -> None:
    crowd = Crowd().add("c", "ada").add("c", "ben").add("d", "ada").add("d", "ben", state="skipped").add("e", "ada")
    short = "2 of 3 chunks have fewer than 2 annotators (annotators.overlap); 1 of these were skipped"
    [verdict] = verdicts(crowd, overlap=2, min_annotators=1)
    assert (verdict.holds, verdict.message) == (True, f"0 of 3 chunks have fewer than 1 annotators; {short}")
    for share, holds in ((0.66, False), (0.67, True)):
        [verdict] = verdicts(crowd, overlap=2, max_short=share)
        assert verdict == Verdict("max_short", "", 2 / 3, share, holds, short)
    assert [v.message for v in verdicts(crowd, overlap=2, min_annotators=2)] == [
        "2 of 3 chunks have fewer than 2 annotators"
    ]
    assert verdicts(crowd, overlap=1, max_short=0.0)[0].holds
    [verdict] = verdicts(crowd, overlap=1, overlaps={"c": 3, "x": 9}, max_short=0.0)
    assert not verdict.holds
    assert verdict.message.startswith("1 of 3 chunks have fewer than annotators.overlaps asks for")
    assert (
        "fewer than annotators.overlaps" in verdicts(crowd, overlap=1, overlaps={"c": 3}, min_annotators=1)[0].message
    )
    assert verdicts(crowd, overlap=9, overlaps=dict.fromkeys("cde", 1), max_short=0.0)[0].holds


def test_a_chunk_whose_annotations_are_all_in_quarantine_has_nobody() -> None:
    crowd = Crowd().add("c", "ada", quarantined=True).add("d", "ada").add("e", "ada", state="skipped")
    [verdict] = verdicts(crowd, min_annotators=1)
    assert (verdict.found, verdict.holds) == (0, False)


def test_without_annotations_no_chunk_has_too_few() -> None:
    assert held(Crowd(), min_annotators=1) == {"min_annotators": True}


def four() -> Crowd:
    crowd = Crowd()
    for n, (first, second) in enumerate([("favor", "favor"), ("none", "none"), ("favor", "none"), ("none", "none")]):
        for name, japan in (("ada", first), ("ben", second)):
            crowd.add(f"c{n}", name, stances={"japan": japan, "ukraine": "none"})
    return crowd


def test_alpha_of_a_target() -> None:
    # Japan: 1 - 7 * 2 / (64 - (3*3 + 5*5)) = .533; for Ukraine everyone always chose "none".
    assert held(four(), min_alpha=0.533) == {"min_alpha japan": True, "min_alpha ukraine": True}
    assert held(four(), min_alpha=0.533333) == {"min_alpha japan": True, "min_alpha ukraine": True}
    assert held(four(), min_alpha=0.534) == {"min_alpha japan": False, "min_alpha ukraine": True}
    assert held(four(), min_alpha_of={"japan": 0.6}) == {"min_alpha japan": False}
    assert held(four(), min_alpha=0.9, min_alpha_of={"japan": 0.5}) == {
        "min_alpha japan": True, "min_alpha ukraine": True
    }  # fmt: skip


def test_what_the_gate_on_alpha_says() -> None:
    said = [v.message for v in verdicts(four(), min_alpha=0.9)]
    assert said == [
        "alpha of stance for japan is 0.533",
        "everyone always gave the same answer to stance for ukraine, so alpha is not defined",
    ]


def test_a_question_about_the_whole_chunk_is_named_by_itself() -> None:
    crowd = Crowd().add("c", "ada", answers={"topic": {"": "war"}}).add("c", "ben", answers={"topic": {"": "trade"}})
    found = verdicts(crowd, asking(topic()), min_alpha_of={"topic": 0.1})
    assert [(v.about, v.message, v.needed) for v in found] == [("topic", "alpha of topic is 0.000", 0.1)]


def test_alpha_that_was_not_measured_does_not_hold() -> None:
    crowd = Crowd().add("c", "ada", stances={"japan": "favor"})
    assert held(crowd, min_alpha=0.1) == {"min_alpha japan": False}
    [verdict] = verdicts(crowd, min_alpha_of={"mars": 0.1})
    assert (verdict.about, verdict.found, verdict.holds) == ("mars", None, False)
    assert verdict.message == "alpha of mars is not measured: no chunk has two annotators"


@pytest.mark.parametrize(("limit", "holds"), [(0.5, True), (0.49, False)])
def test_share_in_quarantine(limit: float, holds: bool) -> None:
    crowd = Crowd().add("c", "ada", quarantined=True).add("c", "ben").add("c", "eve", state="skipped", quarantined=True)
    [verdict] = verdicts(crowd, max_quarantined=limit)
    assert verdict == Verdict("max_quarantined", "", 0.5, limit, holds, "1 of 2 annotations are in quarantine")


def test_without_annotations_none_is_in_quarantine() -> None:
    assert held(Crowd(), max_quarantined=0.0) == {"max_quarantined": True}


@pytest.mark.parametrize(("needed", "holds"), [(0.666667, True), (0.67, False)])
def test_span_f1(needed: float, holds: bool) -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "GPE")]).add("c", "ben", [(0, 5, "GPE"), (60, 67, "GPE")])
    [verdict] = verdicts(crowd, min_span_f1=needed)
    assert (verdict.holds, verdict.message) == (holds, "exact F1 of entity spans between annotators is 0.667")


def test_span_f1_that_was_not_measured_does_not_hold() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "EVIDENCE", ["japan"])]).add("c", "ben")
    assert [(v.holds, v.message[-12:]) for v in verdicts(crowd, min_span_f1=0.0)] == [(False, "not measured")]


@pytest.mark.parametrize(("needed", "holds"), [(0.5, True), (0.51, False)])
def test_accuracy_on_the_gold_questions(needed: float, holds: bool) -> None:
    known = KnownAnswers(None, {("stance", "japan"): "favor", ("stance", "ukraine"): "none"})
    crowd = Crowd().add("c", "ben", stances=BOTH).add("c", "ada", stances={**BOTH, "japan": "none"}).add("d", "eve")
    by_place = {("c", 0, 68): known}
    assert held(crowd, None, by_place, min_question_accuracy=needed) == {
        "min_question_accuracy ada": holds, "min_question_accuracy ben": True
    }  # fmt: skip
    first = verdicts(crowd, None, by_place, min_question_accuracy=needed)[0]
    assert (first.found, first.message) == (0.5, "ada answered the gold questions with accuracy 0.500")


def test_unresolved_labels() -> None:
    assert check_unresolved(Gates(), 5, 5) == []
    assert [(v.holds, v.found) for v in check_unresolved(Gates(max_unresolved=0.5), 5, 5)] == [(True, 0.5)]
    assert [v.holds for v in check_unresolved(Gates(max_unresolved=0.0), 0, 0)] == [True]
    assert failed(check_unresolved(Gates(max_unresolved=0.4), 5, 5)) == (
        "5 of 10 gold labels are unresolved (max_unresolved is 0.4)"
    )


def test_everything_that_failed_is_named() -> None:
    one, two = (Verdict("g", "", 0.0, 0.25, holds, f"found {holds}") for holds in (False, True))
    assert failed([one, two, one]) == "found False (g is 0.25); found False (g is 0.25)"
    assert failed([two]) == ""
