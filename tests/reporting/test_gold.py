"""Gold by status and method, what waits for an expert, and what checks and gates say."""

from typing import Any

import pyarrow as pa

from builder.quality.adjudication import adjudicate
from builder.quality.checks import CHECKS
from builder.quality.settings import Aggregation, Quality
from builder.reporting.gold import (
    FindingExample,
    GoldSection,
    HabitLine,
    WaitingLine,
    gold_section,
)
from builder.tables import ISSUES, build
from tests.samples import Crowd

TOKYO = (0, 5, "GPE")
FOUND = [
    {"check": "fast-answer", "severity": "warning", "annotation_id": f"1:{n}", "chunk_id": "c", "annotator": who,
     "message": f"after {n} s"}
    for n, who in ((1, "ada"), (2, "ben"), (3, "ben"), (4, "ben"))
] + [
    {"check": "drift", "severity": "warning", "annotator": "ben", "message": "60% of the answers moved"},
    {"check": "bounds", "severity": "error", "annotation_id": "1:5", "chunk_id": "q", "annotator": "cyd",
     "message": "outside"},
    {"check": "not-asked", "severity": "info", "message": "odd"},
]  # fmt: skip


def crowd() -> Crowd:
    """A chunk that everybody agrees on, one without a decision, and two in quarantine, one of them reviewed."""
    made = Crowd()
    for who, japan, spans in (("ada", "favor", [TOKYO]), ("ben", "against", [(0, 5, "ORG")])):
        made.add("c", who, spans, {"japan": japan, "ukraine": "none"})
    made.add("d", "ada", [(6, 10, "ORG")], {"japan": "favor"}).add("d", "ben", [(6, 10, "ORG")], {"japan": "favor"})
    made.add("q", "cyd", [TOKYO], quarantined=True)
    made.add("r", "cyd", [TOKYO], quarantined=True)
    made.add("r", "eve", [TOKYO], {"japan": "none"}, project_id=9, parent_id="1:6")
    return made.add("s", "cyd", state="skipped", quarantined=True)


def issues(rows: list[dict[str, Any]] = FOUND) -> pa.Table:
    return build([dict(row) for row in rows], ISSUES)


def section(made: Crowd, **more: Any) -> GoldSection:
    tables = (made.annotations, made.spans, made.answers, made.windows)
    gold = adjudicate(*tables, Aggregation(method="majority"), Quality(), {})
    given: dict[str, Any] = {
        "agreement": {},
        "gold": (gold.gold_spans, gold.gold_answers),
        "chosen": gold.summary.chosen,
    }
    return gold_section(made.annotations, issues(), **{**given, **more})


def test_nothing_is_known_before_a_pull_and_gold_may_be_missing() -> None:
    assert gold_section(None, None, {}, None).missing == (
        "No annotation is checked yet: run `builder pull`, then `builder validate`."
    )
    found = section(crowd(), gold=None)
    assert found.undecided == "No gold label is decided yet: run `builder adjudicate`."
    assert (found.gold, found.waiting_chunks, [line.about for line in found.waiting]) == ((), 1, ["in quarantine"])


def test_gold_is_counted_by_status_with_its_method() -> None:
    # agreed, single, adjudicated, expert, unresolved, rejected
    assert section(crowd()).gold == (
        ("stance", "majority", (2, 0, 0, 1, 1, 0)),
        ("entity", "majority", (1, 0, 0, 1, 2, 0)),
    )


def test_what_waits_is_listed_with_the_votes() -> None:
    found = section(crowd())
    assert (found.undecided, found.waiting_chunks) == ("", 2)
    assert found.waiting == (
        WaitingLine("entity: GPE", 1, 1, (FindingExample("c", "", "“Tokyo”: GPE 1, ORG 1"),)),
        WaitingLine("entity: ORG", 1, 1, (FindingExample("c", "", "“Tokyo”: GPE 1, ORG 1"),)),
        WaitingLine("in quarantine", 1, 1, (FindingExample("q", "cyd", "outside"),)),
        WaitingLine("stance: japan", 1, 1, (FindingExample("c", "", "favor 1, against 1"),)),
    )


def test_checks_are_listed_by_severity_and_those_that_found_nothing_too() -> None:
    quality = Quality()
    quality.severity["nesting"] = "off"
    found = section(crowd(), quality=quality).checks
    assert {line.check for line in found} == {*CHECKS, "not-asked"}
    some = [(c.check, c.severity, c.count, c.chunks, c.annotators) for c in found if c.count]
    assert some == [
        ("bounds", "error", 1, 1, 1), ("fast-answer", "warning", 4, 1, 2), ("drift", "warning", 1, 0, 1),
        ("not-asked", "info", 1, 0, 0),
    ]  # fmt: skip
    by_name = {line.check: line for line in found}
    assert by_name["fast-answer"].about == "An annotation with answers was submitted in less than `fast_seconds`."
    assert by_name["not-asked"].about == "What reading the pull found odd."
    assert by_name["fast-answer"].examples == tuple(
        FindingExample("c", who, f"after {n} s") for n, who in ((1, "ada"), (2, "ben"), (3, "ben"))
    )
    assert by_name["drift"].examples == (FindingExample("", "ben", "60% of the answers moved"),)
    assert (by_name["nesting"].severity, by_name["mid-word"].severity) == ("off", "warning")
    assert found[-1].check == "nesting"


def test_habits_are_those_of_annotators_with_enough_chunks() -> None:
    known = {"known_answers": {"ada": {"accuracy": 0.75}}}
    found = section(crowd(), agreement=known, quality=Quality(min_chunks=2)).habits
    # straight-lining, drift, fast-answer, fast-empty, failed-questions
    assert found == (
        HabitLine("ada", 2, True, (0, 0, 1, 0, 0), (), 0.75),
        HabitLine("ben", 2, True, (0, 1, 3, 0, 0), ("drift: 60% of the answers moved",), None),
        HabitLine("cyd", 2, True, (0, 0, 0, 0, 0), (), None),
        HabitLine("eve", 1, False, (0, 0, 0, 0, 0), (), None),
    )


def test_calibration_is_that_of_the_agreement_report() -> None:
    def measured(brier: float) -> dict[str, float]:
        return {"votes": 40, "brier": brier, "calibration_error": brier / 2, "cross_entropy": 1.0}

    of = {"shares": measured(0.5), "model": measured(0.75), "released": measured(0.25)}
    agreement = {
        "answers": {"stance": {"parts": {"calibration": {"majority": of}}}},
        "spans": {"entity": {"parts": {"calibration": {"mace": of}}}},
    }
    assert section(crowd(), agreement=agreement).calibration == (
        ("stance", "majority", 40, 0.5, 0.75, 0.25, 0.125),
        ("entity", "mace", 40, 0.5, 0.75, 0.25, 0.125),
    )


def test_the_public_form_names_nobody_and_quotes_nothing() -> None:
    gates = [
        {"gate": gate, "about": about} for gate, about in (("min_alpha", "japan"), ("min_question_accuracy", "ada"))
    ]
    assert section(crowd(), gates=gates).gates == tuple(gates)
    found = section(crowd(), gates=gates, public=True)
    assert found.gates == ({"gate": "min_alpha", "about": "japan"},)
    assert (found.habits, found.waiting_chunks) == ((), 2)
    assert not any(line.examples for line in (*found.waiting, *found.checks))
    assert [line.count for line in found.waiting] == [1, 1, 1, 1]
    assert [line.count for line in found.checks if line.count] == [1, 4, 1, 1]


def test_many_things_that_wait_are_not_all_listed() -> None:
    made = Crowd()
    for n in range(60):
        for who, label in (("ada", "favor"), ("ben", "against")):
            made.add(f"c{n}", who, stances={f"target {n:02}": label})
    found = section(made)
    assert (len(found.waiting), found.waiting_chunks) == (50, 60)
    assert found.waiting[0] == WaitingLine("stance: target 00", 1, 1, (FindingExample("c0", "", "favor 1, against 1"),))
    # A target may be words of an article, so the public form counts them together.
    assert section(made, public=True).waiting == (WaitingLine("stance", 60, 60, ()),)


def test_the_votes_of_some_are_shown() -> None:
    made = Crowd()
    for n in range(21):
        for who, label in (("ada", "favor"), ("ben", "against")):
            made.add(f"c{n:02}", who, stances={"japan": label})
    for who, label in (("ada", "favor"), ("ben", "against")):
        made.add("one", who, stances={"a target": label})
    line, last = section(made).waiting
    assert (last.about, last.count) == ("stance: a target", 1)
    assert (line.count, line.chunks, [example.chunk_id for example in line.examples]) == (
        21, 21, [f"c{n:02}" for n in range(20)],
    )  # fmt: skip


def test_endless_messages_are_shortened() -> None:
    odd = issues([{"check": "flagged", "severity": "info", "message": "m" * n} for n in (500, 501)])
    [line] = [line for line in gold_section(crowd().annotations, odd, {}, None).checks if line.count]
    assert [example.message for example in line.examples] == ["m" * 500, f"{'m' * 250} … {'m' * 250}"]
