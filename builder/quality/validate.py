"""Validation of a whole pull: every check, how far annotators agree, and which gates hold."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from builder.errors import ConfigError
from builder.quality.agreement import AgreementReport, annotator_reports
from builder.quality.agreement.answers import answer_agreement
from builder.quality.agreement.spans import span_agreement
from builder.quality.anchoring import one_place_each
from builder.quality.checks.inputs import CheckInputs, run_checks
from builder.quality.gates import Verdict, check_gates
from builder.quality.known_answers import Key, KnownAnswers, known_by_chunk, score
from builder.quality.votes import voting
from builder.scheme import Scheme
from builder.tables import rows_of

SEVERITY_ORDER = {"error": 0, "warning": 1, "info": 2}


@dataclass
class CheckCount:
    """How often a check found something, and its first finding."""

    check: str
    severity: str
    count: int
    message: str
    chunk_id: str | None
    annotator: str | None


@dataclass
class ValidationSummary:
    """Rows by table, annotations by state, findings by check (the most severe first), and the verdicts of the gates."""

    rows: dict[str, int]
    states: dict[str, int]
    quarantined: int
    issues: list[CheckCount]
    gates: list[Verdict]


@dataclass
class Validated:
    """The tables annotations, spans, answers, issues and windows by name; agreement; and a summary."""

    tables: dict[str, pa.Table]
    agreement: AgreementReport
    summary: ValidationSummary


def validate(
    inputs: CheckInputs,
    issues: pa.Table,
    known_answers: Mapping[Key, KnownAnswers],
    overlap: int = 1,
    overlaps: Mapping[str, int] = MappingProxyType({}),
) -> Validated:
    """The decoded tables of a pull with quarantine and the findings of all checks, and how far annotators agree.

    `issues` are those of decoding, `known_answers` the gold questions, and `overlap` is how many annotators each chunk
    should have, except those in `overlaps`. Sets `inputs.failed_questions`. Raises `ConfigError` when the pull was
    annotated under another scheme than that of the inputs.
    """
    spans, answers, windows, settings = inputs.spans, inputs.answers, inputs.windows, inputs.settings
    refuse_other_scheme(windows, inputs.annotations, issues, inputs.scheme)
    scores = score(known_by_chunk(known_answers, windows), inputs.annotations, spans, answers, settings.asked)
    inputs.failed_questions = {
        name: f"{result.chunks} gold questions were answered with accuracy {result.accuracy:.2f}."
        for name, result in scores.items()
        if result.accuracy is not None and result.accuracy < settings.question_accuracy
    }
    found, checked = run_checks(inputs)
    questions = inputs.answer_questions
    placed = one_place_each(answers, spans, voting(checked)["annotation_id"].to_pylist())
    kinds = dict.fromkeys(q.span_kind for q in inputs.span_questions)
    measured = {kind: span_agreement(checked, spans, windows, kind, settings) for kind in kinds}
    agreement = AgreementReport(
        answers={q.name: answer_agreement(checked, placed, windows, q, settings) for q in questions},
        spans={kind: result for kind, result in measured.items() if result},
        annotators=annotator_reports(checked, spans, placed, windows.num_rows, questions, settings),
        known_answers=scores,
    )
    submitted = checked.filter(pa.array(inputs.submitted, pa.bool_()))
    counted = Counter(dict.fromkeys(submitted["chunk_id"].to_pylist(), 0))
    counted.update(voting(checked)["chunk_id"].to_pylist())
    skipped = set(checked.filter(pc.equal(checked["state"], "skipped"))["chunk_id"].to_pylist())
    quarantined = pc.sum(submitted["quarantined"]).as_py() or 0
    tables = {"annotations": checked, "spans": spans, "answers": answers, "windows": windows}
    tables["issues"] = pa.concat_tables([issues, found])
    summary = ValidationSummary(
        rows={name: table.num_rows for name, table in tables.items()},
        states=dict(sorted(Counter(checked["state"].to_pylist()).items())),
        quarantined=pc.sum(checked["quarantined"]).as_py() or 0,
        issues=_by_check(tables["issues"]),
        gates=check_gates(
            settings.gates, agreement, counted, skipped, overlap, submitted.num_rows, quarantined, overlaps
        ),
    )
    return Validated(tables, agreement, summary)


def _by_check(issues: pa.Table) -> list[CheckCount]:
    first: dict[tuple[str, str], CheckCount] = {}
    columns = ("check", "severity", "message", "chunk_id", "annotator")
    for check, severity, message, chunk, annotator in rows_of(issues, *columns):
        first.setdefault((check, severity), CheckCount(check, severity, 0, message, chunk, annotator)).count += 1
    return sorted(first.values(), key=lambda c: (SEVERITY_ORDER.get(c.severity, 3), c.check))


def refuse_other_scheme(windows: pa.Table, annotations: pa.Table, issues: pa.Table, scheme: Scheme) -> None:
    """Raises `ConfigError` when the chunks were annotated under another scheme than the configured one.

    That is so when the name of the scheme differs; or when its version is neither the current one nor among the
    migrations, and annotations made under it have labels that the scheme does not know (`unknown-label`).
    """
    unknown = set(issues.filter(pc.equal(issues["check"], "unknown-label"))["annotation_id"].to_pylist())
    labelled = rows_of(annotations, "chunk_id", "annotation_id")
    foreign = {chunk for chunk, annotation in labelled if annotation in unknown}
    for chunk, made in rows_of(windows, "chunk_id", "scheme"):
        name, _, version = (made or "").rpartition("@")
        known = version in (scheme.version, *scheme.migrations)
        if name and (name != scheme.name or (not known and chunk in foreign)):
            asked = scheme.name if name != scheme.name else f"{scheme.name}@{scheme.version}"
            raise ConfigError(
                f"labels is {asked!r}, but the pull was annotated under {made!r}.",
                "Choose the labels that the pull was annotated under, or add a migration from their version.",
            )
