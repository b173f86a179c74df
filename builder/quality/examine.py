"""Decoded annotations examined as a whole: every check, how far annotators agree, and the verdicts of the gates."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.annotators import annotator_reports
from builder.quality.checks import run_checks
from builder.quality.checks.view import View
from builder.quality.gates import Verdict, check_gates
from builder.quality.questions import Key, Question, question_chunks, score
from builder.quality.settings import Quality
from builder.quality.span_agreement import span_agreement
from builder.quality.stance_agreement import stance_agreement
from builder.quality.votes import voting
from builder.scheme import Scheme


@dataclass
class Examined:
    """ANNOTATIONS with quarantine, ISSUES of the checks, what agreement.json holds, and one verdict a gate."""

    annotations: pa.Table
    issues: pa.Table
    agreement: dict[str, Any]
    gates: list[Verdict]


@dataclass
class Surroundings:
    """What else is known beside the annotations: near-duplicate clusters and present texts of articles, by id."""

    clusters: dict[str, str] = field(default_factory=dict)
    article_texts: dict[str, str] = field(default_factory=dict)
    controls: dict[str, str] = field(default_factory=dict)
    questions: Mapping[Key, Question] = field(default_factory=dict)


def examine(
    annotations: pa.Table,
    spans: pa.Table,
    stances: pa.Table,
    windows: pa.Table,
    scheme: Scheme,
    settings: Quality,
    around: Surroundings | None = None,
) -> Examined:
    """Everything that can be said about the annotations; the tables given are not changed."""
    around = around or Surroundings()
    answers = score(question_chunks(around.questions, windows), annotations, spans, stances)
    failed = {
        name: f"{result['questions']} gold questions were answered with accuracy {result['accuracy']:.2f}."
        for name, result in answers.items()
        if result["accuracy"] is not None and result["accuracy"] < settings.question_accuracy
    }
    view = View(
        annotations, spans, stances, windows, scheme, settings,
        around.clusters, around.article_texts, around.controls, failed,
    )  # fmt: skip
    issues, checked = run_checks(view)
    labels = list(scheme.stance)
    agreement: dict[str, Any] = {
        "stance": stance_agreement(checked, stances, labels, settings) if labels else {},
        "spans": span_agreement(checked, spans, windows, settings),
        "annotators": annotator_reports(checked, spans, stances, windows.num_rows, labels, settings),
        "questions": answers,
    }
    submitted = view.submitted.tolist()
    seen = Counter(dict.fromkeys(checked["chunk_id"].filter(pa.array(submitted, pa.bool_())).to_pylist(), 0))
    seen.update(voting(checked)["chunk_id"].to_pylist())
    verdicts = check_gates(
        settings.gates,
        annotators_per_chunk=dict(sorted(seen.items())),
        submitted=sum(submitted),
        quarantined=pc.sum(pc.and_(checked["quarantined"], pa.array(submitted, pa.bool_()))).as_py() or 0,
        agreement=agreement,
        questions=answers,
    )
    return Examined(checked, issues, agreement, verdicts)
