"""Settings of the room: what each is unless it is set, what it may be, and what a release says of it."""

from dataclasses import fields
from typing import Any

import pytest

from builder.quality.aggregation import METHODS, WEIGHTS
from builder.quality.settings import SPAN_METHODS, Aggregation, Gates, Quality
from builder.settings import fields_of

SHARE, SHARE_OR_NULL = "a number, at least 0 and at most 1", "a number, at least 0 and at most 1, or null"
NAMES = "a list, each text"
EXPECTED: dict[type, dict[str, tuple[Any, str]]] = {
    Gates: {
        "min_annotators": (1, "a whole number, at least 0 and at most 1,000, or null"),
        "max_short": (None, SHARE_OR_NULL),
        "min_alpha": (None, "a number, at least -1 and at most 1, or null"),
        "min_alpha_of": ({}, "a mapping {name: a number, at least -1 and at most 1}"),
        "min_span_f1": (None, SHARE_OR_NULL),
        "max_quarantined": (0.2, SHARE_OR_NULL),
        "max_unresolved": (None, SHARE_OR_NULL),
        "min_question_accuracy": (None, SHARE_OR_NULL),
    },
    Quality: {
        "accepted": ([], NAMES),
        "fast_seconds": (3.0, "a number, at least 0 and at most 86,400"),
        "straight_share": (0.95, "a number, at least 0.5 and at most 1"),
        "drift_distance": (0.4, SHARE),
        "min_chunks": (10, "a whole number, at least 2 and at most 1,000,000"),
        "same_text": (0.8, SHARE),
        "asked": ({}, "a mapping {name: a list, each text}"),
        "bootstrap": (1000, "a whole number, at least 0 and at most 1,000,000"),
        "confidence": (0.95, "a number, at least 0.5 and at most 0.9999"),
        "gamma": (0, "a whole number, at least 0 and at most 100,000"),
        "seed": (0, "a whole number, at least 0"),
        "questions": ("", "text"),
        "question_rate": (0.05, "a number, at least 0 and at most 0.9"),
        "question_accuracy": (0.7, SHARE),
        "gates": (Gates(), f"{{{', '.join(field.name for field in fields(Gates))}}}"),
    },
    Aggregation: {
        "method": ("auto", f"one of {', '.join(METHODS)}"),
        "spans": ("auto", f"one of {', '.join(SPAN_METHODS)}"),
        "min_share": (0.5, "a number, at least 0.5 and less than 1"),
        "min_overlap": (0.5, "a number, at least 0.01 and at most 1"),
        "experts": ([], NAMES),
        "weigh_by": ("agreement", f"one of {', '.join(WEIGHTS)}"),
        "weights": ({}, "a mapping {name: a number, at least 0 and at most 1,000,000}"),
        "rounds": (100, "a whole number, at least 1 and at most 100,000"),
        "tolerance": (1e-5, SHARE),
        "smoothing": (0.01, "a number, at least 0 and at most 1,000"),
        "min_shared": (20, "a whole number, at least 0 and at most 1,000,000"),
        "min_backers": (2, "a whole number, at least 1 and at most 1,000"),
    },
}


@pytest.mark.parametrize("cls", EXPECTED)
def test_settings_have_these_defaults_and_limits(cls: type) -> None:
    found = {name: (getattr(cls(), name), hint.allowed) for name, hint in fields_of(cls).items() if name != "severity"}
    assert found == EXPECTED[cls]


def test_the_severity_of_a_check_is_one_of_four() -> None:
    hint = fields_of(Quality)["severity"]
    assert hint.allowed == "a mapping {the name of a check: one of error, warning, info, off}"
    assert hint.entries[0].choices == list(Quality().severity)


def test_a_release_says_every_setting_but_who_was_asked_and_where_the_questions_are() -> None:
    said = [(cls, name) for cls in EXPECTED for name, hint in fields_of(cls).items() if not hint.released]
    assert said == [(Quality, "asked"), (Quality, "questions")]


@pytest.mark.parametrize("cls", EXPECTED)
def test_examples_are_those_of_mappings_and_lists_of_annotations(cls: type) -> None:
    assert {name: hint.example for name, hint in fields_of(cls).items() if (hint.meta.extra or {}).get("example")} == {
        Gates: {"min_alpha_of": "quality.gates.min_alpha_of.japan=0.8"},
        Quality: {
            "severity": "quality.severity.mid-word=error",
            "accepted": "quality.accepted=['12:345']",
            "asked": "quality.asked={annotator-1: [PERSON, ORG]}",
        },
        Aggregation: {"weights": "aggregation.weights={annotator-1: 2}"},
    }[cls]
