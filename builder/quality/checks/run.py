"""The list of checks, and the one verdict over everything they find."""

from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np
import pyarrow as pa

from builder.quality.checks import answers, people, spans
from builder.quality.checks.view import Finding, View, booleans
from builder.tables import ISSUES, build


def _unknown_label(view: View) -> Iterator[Finding]:
    return chain(spans.unknown_span_label(view), answers.unknown_label(view))


CHECKS: dict[str, Callable[[View], Iterator[Finding]]] = {
    "article-changed": answers.article_changed,
    "bounds": spans.bounds,
    "zero-length": spans.zero_length,
    "text-mismatch": spans.text_mismatch,
    "edge-whitespace": spans.edge_whitespace,
    "mid-word": spans.mid_word,
    "duplicate-span": spans.duplicate_span,
    "overlap": spans.overlap,
    "nesting": spans.nesting,
    "unknown-label": _unknown_label,
    "unknown-target": answers.unknown_target,
    "missing-stance": answers.missing_stance,
    "conflicting-stance": answers.conflicting_stance,
    "evidence-without-stance": answers.evidence_without_stance,
    "stance-out-of-sight": answers.stance_out_of_sight,
    "other-scheme": answers.other_scheme,
    "fast-empty": answers.fast_empty,
    "second-annotation": answers.second_annotation,
    "flagged": answers.flagged,
    "straight-lining": people.straight_lining,
    "drift": people.drift,
    "contradiction": people.contradiction,
    "failed-questions": people.failed_questions,
}


def run_checks(view: View) -> tuple[pa.Table, pa.Table]:
    """ISSUES of all checks, and the annotations with those quarantined that an error is about.

    An error about a person quarantines all that person did. Issues are in the order of the list of checks, then of the
    annotations.
    """
    columns = ("annotation_id", "chunk_id", "task_id", "annotator")
    known = list(zip(*(view.annotations[c].to_pylist() for c in columns), strict=True))
    names = np.array(view.annotations["annotator"].to_pylist(), dtype=object)
    quarantined = booleans(view.annotations["quarantined"]).copy()
    rows: list[dict[str, object]] = []
    for name, check in CHECKS.items():
        severity = view.settings.severity.get(name, "off")
        if severity == "off":
            continue
        for annotation, path, message, annotator in check(view):
            who = (None, None, None, annotator) if annotation is None else known[annotation]
            found = {"check": name, "severity": severity, "path": path, "message": message, "repair": None}
            rows.append({**dict(zip(columns, who, strict=True)), **found})
            if severity == "error":
                quarantined[names == annotator if annotation is None else annotation] = True
    at = view.annotations.schema.get_field_index("quarantined")
    return build(rows, ISSUES), view.annotations.set_column(at, "quarantined", pa.array(quarantined))
