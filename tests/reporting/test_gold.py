"""Gold by status and method, what waits for an expert, and what checks and gates say."""

from dataclasses import asdict, replace
from typing import Any

import pyarrow as pa

from builder.quality.adjudication import adjudicate
from builder.quality.aggregation.believe import Calibration, MeasuredCalibration, SoftLabels
from builder.quality.agreement import AgreementReport
from builder.quality.agreement.answers import AnswerAgreement, AnswerMeasures
from builder.quality.agreement.parts import AgreementParts
from builder.quality.agreement.spans import SpanAgreement, SpanMeasures
from builder.quality.checks import CHECKS
from builder.quality.gates import Verdict
from builder.quality.known_answers import KnownAnswerScore
from builder.quality.settings import Aggregation, Quality
from builder.reporting.gold import GoldSection, gold_section
from builder.tables import ISSUES, build
from tests.reporting.facts import facts_of
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


def section(made: Crowd, gates: Any = (), later: Any = (), decided: bool = True, **more: Any) -> GoldSection:
    tables = (made.annotations, made.spans, made.answers, made.windows)
    known, summaries = {"issues": issues()}, {"validate": {"gates": gates}}
    if decided:
        gold = adjudicate(*tables, Aggregation(method="majority"), Quality(), {})
        known |= {"gold_spans": gold.gold_spans, "gold_answers": gold.gold_answers}
        summaries["adjudicate"] = {"chosen": gold.summary.chosen, "gates": later}
    return gold_section(facts_of(made, tables=known, summaries=summaries, **more))


def test_nothing_is_known_before_a_pull_and_gold_may_be_missing() -> None:
    assert gold_section(facts_of()).missing == (
        "No annotation is checked yet: run `builder pull`, then `builder validate`."
    )
    found = section(crowd(), decided=False)
    assert found.undecided == "No gold label is decided yet: run `builder adjudicate`."
    assert (found.gold, found.waiting_chunks, [line[0] for line in found.waiting]) == ((), 1, ["in quarantine"])


def test_gold_is_counted_by_status_with_its_method() -> None:
    # agreed, single, adjudicated, expert, unresolved, rejected
    assert section(crowd()).gold == (
        ("stance", 2, 0, 0, 1, 1, 0, "majority"),
        ("entity", 1, 0, 0, 1, 2, 0, "majority"),
    )


def test_what_waits_is_listed_with_the_votes() -> None:
    found = section(crowd())
    assert (found.undecided, found.waiting_chunks) == ("", 2)
    assert found.waiting == (
        ("entity: GPE", 1, 1, (("c", "", "“Tokyo”: GPE 1, ORG 1"),)),
        ("entity: ORG", 1, 1, (("c", "", "“Tokyo”: GPE 1, ORG 1"),)),
        ("in quarantine", 1, 1, (("q", "cyd", "outside"),)),
        ("stance: japan", 1, 1, (("c", "", "favor 1, against 1"),)),
    )


def test_checks_are_listed_by_severity_and_those_that_found_nothing_too() -> None:
    quality = Quality()
    quality.severity["nesting"] = "off"
    found = section(crowd(), quality=quality).checks
    assert {line[0] for line in found} == {*CHECKS, "not-asked"}
    some = [line[:5] for line in found if line[2]]
    assert some == [
        ("bounds", "error", 1, 1, 1), ("fast-answer", "warning", 4, 1, 2), ("drift", "warning", 1, 0, 1),
        ("not-asked", "info", 1, 0, 0),
    ]  # fmt: skip
    said = {name: words for name, *_, words in found}
    assert said["fast-answer"][0] == "An annotation with answers was submitted in less than `fast_seconds`."
    assert said["not-asked"][0] == "What reading the pull found odd."
    assert said["fast-answer"][1] == tuple(
        ("c", who, f"after {n} s") for n, who in ((1, "ada"), (2, "ben"), (3, "ben"))
    )
    assert said["drift"][1] == (("", "ben", "60% of the answers moved"),)
    assert dict(line[:2] for line in found)["mid-word"] == "warning"
    assert found[-1][:2] == ("nesting", "off")


def test_habits_are_those_of_annotators_with_enough_chunks() -> None:
    known = AgreementReport({}, {}, {}, {"ada": KnownAnswerScore(4, 0.5, 1.0, 0.75)})
    found = section(crowd(), agreement=known, quality=Quality(min_chunks=2)).habits
    # straight-lining, drift, fast-answer, fast-empty, failed-questions
    assert found == (
        ("ada", 2, 0, 0, 1, 0, 0, 0.75, ["nothing found"]),
        ("ben", 2, 0, 1, 3, 0, 0, None, ["drift: 60% of the answers moved"]),
        ("cyd", 2, 0, 0, 0, 0, 0, None, ["nothing found"]),
        ("eve", 1, 0, 0, 0, 0, 0, None, ["too few chunks to tell straight-lining and drift"]),
    )


def test_calibration_is_that_of_the_agreement_report() -> None:
    of = [Calibration(40, 1.0, brier, brier / 2) for brier in (0.5, 0.75, 0.25)]
    measured = MeasuredCalibration(*of, made=SoftLabels())
    answers, spans = (
        replace(AgreementParts({}, {}, {}, {}, {}, {}, {}, {}, []), calibration={method: measured})
        for method in ("majority", "mace")
    )
    report = AgreementReport(
        {"stance": AnswerAgreement(AnswerMeasures(2, 2, 1, 0, *[None] * 11), {}, answers)},
        {"entity": SpanAgreement(SpanMeasures(0, None, None, None, None, None, 0, None), {}, spans)},
        {},
        {},
    )
    assert section(crowd(), agreement=report).calibration == (
        ("stance", "majority", 40, 0.5, 0.75, 0.25, 0.125),
        ("entity", "mace", 40, 0.5, 0.75, 0.25, 0.125),
    )


def test_the_public_form_names_nobody_and_quotes_nothing() -> None:
    alpha, own, final = (
        asdict(Verdict(gate, about, 0.5, 0.75, holds, "so"))
        for gate, about, holds in (
            ("min_alpha", "japan", False), ("min_question_accuracy", "ada", False), ("max_unresolved", "", True),
        )
    )  # fmt: skip
    said = (
        ("min_alpha", "japan", "does not hold", 0.5, 0.75, "so"),
        ("min_question_accuracy", "ada", "does not hold", 0.5, 0.75, "so"),
        ("max_unresolved", "all", "holds", 0.5, 0.75, "so"),
    )
    assert section(crowd(), [alpha, own], [final]).gates == said
    found = section(crowd(), [alpha, own], [final], public=True)
    assert found.gates == (said[0], said[2])
    assert (found.habits, found.waiting_chunks) == ((), 2)
    assert not any(line[3] for line in found.waiting)
    assert not any(said[1] for *_, said in found.checks)
    assert [line[1] for line in found.waiting] == [1, 1, 1, 1]
    assert [line[2] for line in found.checks if line[2]] == [1, 4, 1, 1]


def test_many_things_that_wait_are_not_all_listed() -> None:
    made = Crowd()
    for n in range(60):
        for who, label in (("ada", "favor"), ("ben", "against")):
            made.add(f"c{n}", who, stances={f"target {n:02}": label})
    found = section(made)
    assert (len(found.waiting), found.waiting_chunks) == (50, 60)
    assert found.waiting[0] == ("stance: target 00", 1, 1, (("c0", "", "favor 1, against 1"),))
    # A target may be words of an article, so the public form counts them together.
    assert section(made, public=True).waiting == (("stance", 60, 60, ()),)


def test_the_votes_of_some_are_shown() -> None:
    made = Crowd()
    for n in range(21):
        for who, label in (("ada", "favor"), ("ben", "against")):
            made.add(f"c{n:02}", who, stances={"japan": label})
    for who, label in (("ada", "favor"), ("ben", "against")):
        made.add("one", who, stances={"a target": label})
    line, last = section(made).waiting
    assert last[:2] == ("stance: a target", 1)
    assert (line[1], line[2], [chunk for chunk, *_ in line[3]]) == (
        21, 21, [f"c{n:02}" for n in range(20)],
    )  # fmt: skip


def test_endless_messages_are_shortened() -> None:
    odd = issues([{"check": "flagged", "severity": "info", "message": "m" * n} for n in (500, 501)])
    [line] = [line for line in gold_section(facts_of(crowd(), tables={"issues": odd})).checks if line[2]]
    assert [message for *_, message in line[5][1]] == ["m" * 500, f"{'m' * 250} … {'m' * 250}"]
