"""The list of checks: every function exists, severities decide, and findings have an order."""

import pytest

from builder.errors import StoreError
from builder.quality.checks import CHECKS
from builder.quality.settings import Quality
from builder.settings import load
from tests.quality.helpers import BOTH, alter, checked
from tests.samples import Crowd


def test_every_check_names_a_function_with_a_docstring() -> None:
    for check in CHECKS.values():
        assert load(check.function).__doc__
        assert check.severity in ("error", "warning", "info")


def test_default_severities_come_from_the_list() -> None:
    assert Quality().severity == {code: check.severity for code, check in CHECKS.items()}


def faulty() -> Crowd:
    """An unknown label by ada, a span inside a word by ben, and nothing by eve."""
    crowd = Crowd().add("c", "ben", [(0, 4, "GPE")], BOTH).add("c", "ada", [(0, 5, "CITY")], BOTH)
    return crowd.add("c", "eve", [(0, 5, "GPE")], BOTH).add("d", "ben", stances=BOTH)


def test_findings_follow_the_list_of_checks() -> None:
    issues, annotations = checked(faulty())
    assert [(r["check"], r["severity"], r["annotator"]) for r in issues] == [
        ("mid-word", "warning", "ben"), ("unknown-label", "error", "ada")
    ]  # fmt: skip
    assert [issues[1][c] for c in ("annotation_id", "chunk_id", "task_id", "repair")] == ["1:2", "c", 2, None]
    assert annotations["quarantined"].to_pylist() == [False, True, False, False]


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_only_errors_quarantine(severity: str) -> None:
    issues, annotations = checked(faulty(), quality=Quality(severity={"unknown-label": severity}))
    assert [r["severity"] for r in issues] == [severity]
    assert not any(annotations["quarantined"].to_pylist())


def test_a_check_that_is_off_or_not_named_does_not_run() -> None:
    assert checked(faulty(), quality=Quality(severity={"mid-word": "off"}))[0] == []


def test_an_error_about_an_annotator_quarantines_all_of_it() -> None:
    quality = Quality(severity={"failed-questions": "error"})
    issues, annotations = checked(faulty(), quality=quality, failed_questions={"ben": "All wrong."})
    assert annotations["quarantined"].to_pylist() == [True, False, False, True]
    assert [issues[0][c] for c in ("annotation_id", "chunk_id", "task_id")] == [None, None, None]


def test_what_was_quarantined_before_stays_so() -> None:
    crowd = Crowd().add("c", "ada", stances=BOTH, quarantined=True).add("c", "ben", stances=BOTH, quarantined=None)
    assert checked(crowd)[1]["quarantined"].to_pylist() == [True, False]


def test_labels_without_their_annotation_are_refused() -> None:
    crowd = Crowd().add("c", "ada", [(0, 5, "GPE")], BOTH)
    with pytest.raises(StoreError, match="annotation 1:9"):
        checked(alter(crowd, "spans", 0, annotation_id="1:9"))


def test_nothing_to_check() -> None:
    issues, annotations = checked(Crowd())
    assert (issues, annotations.num_rows) == ([], 0)
