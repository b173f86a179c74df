"""Validation of a whole pull: planted defects, the report, the summary, and the refusal of another scheme."""

import json
from dataclasses import asdict
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from builder.errors import ConfigError
from builder.quality.agreement import AgreementReport
from builder.quality.checks import CHECKS
from builder.quality.checks.inputs import CheckInputs
from builder.quality.known_answers import KnownAnswers
from builder.quality.settings import Quality
from builder.quality.validate import CheckCount, Validated, validate
from builder.tables import ISSUES, build
from tests.quality.helpers import BOTH, again, alter, answered, asking, topic
from tests.samples import TEXT, Crowd, scheme


def validated(
    crowd: Crowd, made: Any = None, issues: pa.Table = None, context: dict[str, Any] | None = None, **quality: Any
) -> Validated:
    found = ISSUES.empty_table() if issues is None else issues
    tables = (crowd.annotations, crowd.spans, crowd.answers, crowd.windows)
    known = dict(context or {})
    known_answers = known.pop("known_answers", {})
    inputs = CheckInputs(*tables, made or scheme(), Quality(**{"bootstrap": 0, **quality}), **known)
    return validate(inputs, found, known_answers)


#: Defect planted in one annotation of a chunk of its own -> its spans, answers and columns.
PLANTED: dict[str, dict[str, Any]] = {
    "bounds": {"spans": [(60, 69, "GPE")]},
    "zero-length": {"spans": [(5, 5, "GPE")]},
    "text-mismatch": {"spans": [(0, 5, "GPE")]},
    "edge-whitespace": {"spans": [(0, 6, "GPE")]},
    "mid-word": {"spans": [(0, 4, "GPE")]},
    "duplicate-span": {"spans": [(0, 5, "GPE"), (0, 5, "GPE")]},
    "overlap": {"spans": [(11, 24, "GPE"), (17, 33, "ORG")]},
    "nesting": {"spans": [(17, 33, "ORG"), (17, 24, "ORG")]},
    "unknown-label": {"spans": [(0, 5, "CITY")]},
    "unknown-target": {"stances": {**BOTH, "mars": "none"}},
    "missing-answer": {"stances": {"japan": "favor"}},
    "conflicting-answer": {},
    "evidence-without-answer": {"spans": [(0, 5, "EVIDENCE", ["ukraine"])]},
    "answer-out-of-sight": {},
    "other-scheme": {"scheme_version": "0"},
    "not-assigned": {"assigned_to": "another"},
    "changed-by-another": {"changed_by": "another"},
    "fast-answer": {"lead_time": 0.5},
    "second-annotation": {},
    "flagged": {"problems": ["garbled"]},
    "article-changed": {},
    "clean": {"spans": [(0, 5, "GPE"), (17, 24, "ORG")]},
}


def planted() -> tuple[Crowd, dict[str, Any]]:
    crowd = Crowd().window("answer-out-of-sight", "Boeing builds seekers.")
    for n, (defect, said) in enumerate(PLANTED.items()):
        # Somebody new each time, so that nobody's habits are judged.
        crowd.add(defect, f"new {n}", **{"stances": BOTH, **said})
    crowd.add("second-annotation", f"new {list(PLANTED).index('second-annotation')}", stances=BOTH)
    crowd.add("fast-empty", "hasty", lead_time=0.5)
    crowd.window("near-1", article_id="n1").window("near-2", article_id="n2")
    crowd.add("near-1", "turncoat", stances=BOTH).add("near-2", "turncoat", stances={**BOTH, "japan": "against"})
    crowd.add("question", "careless", stances={"japan": "against", "ukraine": "favor"})
    rows = crowd._rows
    chunks = {name: [row["chunk_id"] for row in rows[name]] for name in ("spans", "answers")}
    again(crowd, "answers", chunks["answers"].index("conflicting-answer"), label="against")
    alter(crowd, "spans", chunks["spans"].index("text-mismatch"), text="Kyoto")
    mixed = ["favor", "against", "none"] * 4
    habits = Crowd()
    answered(habits, {"same": ["favor"] * 12, "moving": ["favor"] * 6 + ["against"] * 6, "mixed": mixed})
    for row in habits._rows["answers"]:
        row["annotation_id"] = f"2:{row['annotation_id']}"
    for row in habits._rows["annotations"]:
        row["annotation_id"] = f"2:{row['annotation_id']}"
    for name in ("annotations", "answers"):
        rows[name] += habits._rows[name]
    rows["answers"] += [{**r, "target": "ukraine", "label": "none"} for r in habits._rows["answers"]]
    crowd._windows |= habits._windows
    texts = {w["article_id"]: w["text"] for w in crowd._windows.values()}
    texts["article-changed"] = "Changed: " + TEXT
    known = {("question", 0, len(TEXT)): KnownAnswers(None, {("stance", target): x for target, x in BOTH.items()})}
    return crowd, {"clusters": {"n2": "n1"}, "article_texts": texts, "known_answers": known}


def test_every_planted_defect_is_named_and_nothing_else() -> None:
    crowd, context = planted()
    found = validated(crowd, scheme(nesting=False), context=context)
    issues = found.tables["issues"].to_pylist()
    about = {(row["chunk_id"], row["check"]) for row in issues if row["chunk_id"] is not None}
    expected = {(defect, defect) for defect in PLANTED if defect != "clean"}
    assert about == expected | {
        ("near-2", "contradiction"), ("fast-empty", "fast-empty"), ("fast-empty", "missing-answer")
    }  # fmt: skip
    habits = {row["check"]: row["annotator"] for row in issues if row["chunk_id"] is None}
    assert habits == {"straight-lining": "same", "drift": "moving", "failed-questions": "careless"}
    assert {row["check"] for row in issues} == set(CHECKS)
    kept_out = {a["chunk_id"] for a in found.tables["annotations"].to_pylist() if a["quarantined"]}
    assert kept_out == {code for code, check in CHECKS.items() if check.severity == "error"}
    assert all(row["path"].startswith("$") for row in issues)


def test_findings_of_decoding_come_first_and_are_counted() -> None:
    decoded = build(
        [{"check": "span-lost", "severity": "error", "message": m, "chunk_id": "c", "annotator": "ada"} for m in "ab"],
        ISSUES,
    )
    crowd = Crowd().add("c", "ada", [(0, 4, "GPE")], BOTH, problems=["garbled"])
    found = validated(crowd, issues=decoded)
    assert found.tables["issues"]["check"].to_pylist() == ["span-lost", "span-lost", "mid-word", "flagged"]
    assert [(c.check, c.severity, c.count) for c in found.summary.issues] == [
        ("span-lost", "error", 2), ("mid-word", "warning", 1), ("flagged", "info", 1)
    ]  # fmt: skip
    assert found.summary.issues[0] == CheckCount("span-lost", "error", 2, "a", "c", "ada")


def test_the_summary_counts() -> None:
    crowd = (
        Crowd()
        .add("c", "ada", [(0, 5, "GPE")], BOTH)
        .add("c", "ben", quarantined=True)
        .add("d", "ada", state="skipped")
    )
    summary = validated(crowd).summary
    assert summary.rows == {"annotations": 3, "spans": 1, "answers": 2, "issues": 1, "windows": 2}
    assert list(summary.states.items()) == [("labelled", 1), ("labelled-empty", 1), ("skipped", 1)]
    assert summary.quarantined == 1
    assert [(v.gate, v.message) for v in summary.gates] == [
        ("min_annotators", "0 of 1 chunks have fewer than 1 annotators"),
        ("max_quarantined", "1 of 2 annotations are in quarantine"),
    ]


@pytest.mark.parametrize("crowd", [Crowd(), Crowd().add("c", "ada", stances=BOTH)])
def test_where_nothing_is_in_quarantine_none_is_counted(crowd: Crowd) -> None:
    found = validated(crowd)
    assert found.summary.quarantined == 0
    assert [v.message for v in found.summary.gates if v.gate == "max_quarantined"] == [
        f"0 of {len(crowd.annotations)} annotations are in quarantine"
    ]


def test_the_report_is_keyed_by_question_and_survives_json() -> None:
    crowd = Crowd()
    for name, about in (("ada", "war"), ("ben", "trade")):
        crowd.add("c", name, [(0, 5, "GPE")], answers={"stance": BOTH, "topic": {"": about}})
    known = {("c", 0, len(TEXT)): KnownAnswers({(0, 5, "GPE")}, {("topic", ""): "war"})}
    report = validated(crowd, asking(topic()), context={"known_answers": known}, bootstrap=20).agreement
    assert list(report.answers) == ["stance", "topic"]
    assert list(report.answers["topic"].targets) == [""]
    assert list(report.spans) == ["entity"]
    assert {name: s.accuracy for name, s in report.known_answers.items()} == {"ada": 1.0, "ben": 0.5}
    written = json.loads(json.dumps(asdict(report)))
    assert msgspec.convert(written, AgreementReport) == report


def test_the_tables_given_are_not_changed() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "CITY")], BOTH)
    before = crowd.annotations
    found = validated(crowd)
    assert found.tables["annotations"]["quarantined"].to_pylist() == [True]
    assert crowd.annotations.equals(before)
    assert found.tables["annotations"].schema.names == before.schema.names
    assert found.agreement.annotators["ada"].quarantined == 1


@pytest.mark.parametrize(("limit", "named"), [(0.5, []), (0.51, ["ada"])])
def test_who_fails_the_gold_questions(limit: float, named: list[str]) -> None:
    crowd = Crowd().add("c", "ada", stances={**BOTH, "japan": "none"}).add("c", "ben", stances=BOTH).add("d", "eve")
    known = {("c", 0, len(TEXT)): KnownAnswers(None, {("stance", target): x for target, x in BOTH.items()})}
    found = validated(crowd, context={"known_answers": known}, question_accuracy=limit)
    rows = [r for r in found.tables["issues"].to_pylist() if r["check"] == "failed-questions"]
    assert [r["annotator"] for r in rows] == named
    assert {r["message"] for r in rows} <= {"1 gold questions were answered with accuracy 0.50."}


def test_quarantined_answers_do_not_count_as_agreement() -> None:
    crowd = Crowd().add("c", "ada", stances=BOTH).add("c", "ben", [(0, 5, "CITY")], {**BOTH, "japan": "against"})
    assert validated(crowd).agreement.answers["stance"].targets["japan"].items == 0


def pulled(name: str, version: str = "1") -> Crowd:
    crowd = Crowd().window("c", scheme=name).window("d", scheme="sample@1")
    return crowd.add("c", "ada", stances=BOTH, scheme_version=version).add("d", "ada", stances=BOTH)


def unknown(annotation: str = "1:1", check: str = "unknown-label") -> pa.Table:
    row = {"check": check, "severity": "error", "annotation_id": annotation, "message": "'x' is no label"}
    return build([row], ISSUES)


def test_a_pull_under_another_scheme_is_refused() -> None:
    message = r"labels is 'sample', but the pull was annotated under 'another@1'\."
    with pytest.raises(ConfigError, match=message):
        validated(pulled("another@1"))


@pytest.mark.parametrize("name", ["sample@1", "", None])
def test_a_pull_under_the_same_scheme_is_accepted(name: str | None) -> None:
    assert validated(pulled(name), issues=unknown())  # type: ignore[arg-type]


def test_an_unknown_version_is_refused_when_its_labels_are_unknown() -> None:
    with pytest.raises(ConfigError, match=r"labels is 'sample@1', but the pull was annotated under 'sample@0'\."):
        validated(pulled("sample@0"), issues=unknown())
    # Labels unknown elsewhere, other findings, or a version that is migrated are no reason.
    assert validated(pulled("sample@0"))
    assert validated(pulled("sample@0"), issues=unknown("1:2"))
    assert validated(pulled("sample@0"), issues=unknown(check="span-lost"))
    made = scheme(migrations={"0": {"entities": {"CITY": "GPE"}}})
    assert validated(pulled("sample@0"), made, unknown())
