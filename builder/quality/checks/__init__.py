"""Checks of annotations. Each is declared here once, and is one function that yields findings."""

from typing import NamedTuple


class Check(NamedTuple):
    """How severe a finding is unless `quality.severity` says otherwise, what it reports, and the function."""

    severity: str
    about: str
    function: str


#: Every check by its code, in the order in which findings are listed.
CHECKS = {
    "article-changed": Check("error", "the article has changed since it was annotated", "annotators:article_changed"),
    "bounds": Check("error", "a span leaves its chunk", "spans:bounds"),
    "zero-length": Check("error", "a span ends where it starts", "spans:zero_length"),
    "text-mismatch": Check("error", "the stored text of a span is not the text at its bounds", "spans:text_mismatch"),
    "edge-whitespace": Check("warning", "a span starts or ends with whitespace", "spans:edge_whitespace"),
    "mid-word": Check("warning", "a span starts or ends inside a word", "spans:mid_word"),
    "duplicate-span": Check("warning", "the same span twice", "spans:duplicate_span"),
    "overlap": Check("warning", "spans cross, and the scheme forbids it", "spans:crossing"),
    "nesting": Check("warning", "a span inside another, and the scheme forbids it", "spans:nested"),
    "unknown-label": Check("error", "a label that is not in the scheme", "answers:unknown_label"),
    "unknown-target": Check("error", "a target that was not asked about", "answers:unknown_target"),
    "missing-answer": Check("warning", "a question without an answer", "answers:missing_answer"),
    "conflicting-answer": Check("error", "two answers about one target", "answers:conflicting_answer"),
    "evidence-without-answer": Check(
        "warning", "evidence for nothing, or for a target that is not addressed", "answers:evidence_without_answer"
    ),
    "answer-out-of-sight": Check(
        "warning", "an answer about a target that is not mentioned", "answers:answer_out_of_sight"
    ),
    "other-scheme": Check("warning", "made under another version of the scheme", "annotators:other_scheme"),
    "not-assigned": Check("error", "made in the project of another annotator", "annotators:not_assigned"),
    "changed-by-another": Check("error", "saved by another account than its author's", "annotators:changed_by_another"),
    "fast-empty": Check("warning", "submitted empty faster than anybody reads", "annotators:fast_empty"),
    "fast-answer": Check("warning", "submitted with answers faster than anybody reads", "annotators:fast_answer"),
    "second-annotation": Check(
        "warning", "the annotator submitted the chunk again; the latest counts", "annotators:second_annotation"
    ),
    "flagged": Check("info", "the annotator reported a problem", "annotators:flagged"),
    "straight-lining": Check("warning", "an annotator gives the same answers everywhere", "annotators:straight_lining"),
    "drift": Check("warning", "an annotator's labels change over time, more than the others'", "annotators:drift"),
    "contradiction": Check("warning", "near-duplicate chunks with opposite answers", "annotators:contradiction"),
    "failed-questions": Check("warning", "too many gold questions answered wrong", "annotators:failed_questions"),
}
