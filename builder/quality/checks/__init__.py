"""Checks of annotations. Each is declared here once, and is one function that yields findings."""

from typing import NamedTuple


class Check(NamedTuple):
    """How severe a finding is unless `quality.severity` says otherwise, and the function.

    The first line of the function's docstring says what a finding reports.
    """

    severity: str
    function: str


#: Every check by its code, in the order in which findings are listed.
CHECKS = {
    "article-changed": Check("error", "builder.quality.checks.annotators:article_changed"),
    "bounds": Check("error", "builder.quality.checks.spans:bounds"),
    "zero-length": Check("error", "builder.quality.checks.spans:zero_length"),
    "text-mismatch": Check("error", "builder.quality.checks.spans:text_mismatch"),
    "edge-whitespace": Check("warning", "builder.quality.checks.spans:edge_whitespace"),
    "mid-word": Check("warning", "builder.quality.checks.spans:mid_word"),
    "duplicate-span": Check("warning", "builder.quality.checks.spans:duplicate_span"),
    "overlap": Check("warning", "builder.quality.checks.spans:crossing"),
    "nesting": Check("warning", "builder.quality.checks.spans:nested"),
    "unknown-label": Check("error", "builder.quality.checks.answers:unknown_label"),
    "unknown-target": Check("error", "builder.quality.checks.answers:unknown_target"),
    "missing-answer": Check("warning", "builder.quality.checks.answers:missing_answer"),
    "conflicting-answer": Check("error", "builder.quality.checks.answers:conflicting_answer"),
    "evidence-without-answer": Check("warning", "builder.quality.checks.answers:evidence_without_answer"),
    "answer-out-of-sight": Check("warning", "builder.quality.checks.answers:answer_out_of_sight"),
    "other-scheme": Check("warning", "builder.quality.checks.annotators:other_scheme"),
    "not-assigned": Check("error", "builder.quality.checks.annotators:not_assigned"),
    "changed-by-another": Check("error", "builder.quality.checks.annotators:changed_by_another"),
    "fast-empty": Check("warning", "builder.quality.checks.annotators:fast_empty"),
    "fast-answer": Check("warning", "builder.quality.checks.annotators:fast_answer"),
    "second-annotation": Check("warning", "builder.quality.checks.annotators:second_annotation"),
    "flagged": Check("info", "builder.quality.checks.annotators:flagged"),
    "straight-lining": Check("warning", "builder.quality.checks.annotators:straight_lining"),
    "drift": Check("warning", "builder.quality.checks.annotators:drift"),
    "contradiction": Check("warning", "builder.quality.checks.annotators:contradiction"),
    "failed-questions": Check("warning", "builder.quality.checks.annotators:failed_questions"),
}
