"""Checks of whole annotations: each finds its fault and lets its closest twin pass."""

from typing import Any

import pytest

from builder.quality.settings import Quality
from tests.quality.helpers import BOTH, alter, checked, messages
from tests.samples import DAY, TEXT, Crowd, scheme


def one(**more: Any) -> Crowd:
    return Crowd().add("c", "ada", stances=BOTH, **more)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [({"c": TEXT}, 0), ({"c": TEXT + " More."}, 0), ({"c": "Now " + TEXT}, 1), ({"other": TEXT}, 1), ({}, 0)],
)
def test_an_article_that_changed(texts: dict[str, str], expected: int) -> None:
    found = messages(one(), "article-changed", article_texts=texts)
    assert len(found) == expected
    assert all("another text than the article" in message for message in found)


def test_only_the_changed_chunk_is_reported() -> None:
    crowd = Crowd().window("a", "late", start=3, article_id="x").window("b", "late", start=4, article_id="x")
    crowd.add("b", "ada", stances=BOTH).add("a", "ada", stances=BOTH).add("b", "ben", stances=BOTH)
    issues, annotations = checked(crowd, article_texts={"x": "so late"})
    assert [r["annotation_id"] for r in issues if r["check"] == "article-changed"] == ["1:1", "1:3"]
    assert annotations["quarantined"].to_pylist() == [True, False, True]


@pytest.mark.parametrize(
    ("version", "state", "said"),
    [("sample@1", "labelled", []), ("1", "labelled", []), ("0", "skipped", []), ("0", "draft", []),
     ("0", "labelled", ["It was made under label scheme 0; now it is sample@1."]),
     ("0", "labelled-empty", ["It was made under label scheme 0; now it is sample@1."]),
     (None, "labelled", ["It was made under label scheme unknown; now it is sample@1."])],
)  # fmt: skip
def test_another_version_of_the_scheme(version: str | None, state: str, said: list[str]) -> None:
    assert messages(one(scheme_version=version, state=state), "other-scheme") == said


@pytest.mark.parametrize(
    ("seconds", "state", "said"),
    [(2.9, "labelled-empty", ["It was submitted empty after 2.9 s (below 3 s)."]), (3.0, "labelled-empty", []),
     (None, "labelled-empty", []), (1.0, "labelled", []), (1.0, "skipped", [])],
)  # fmt: skip
def test_an_empty_annotation_that_was_too_fast(seconds: float | None, state: str, said: list[str]) -> None:
    crowd = Crowd().add("other", "ada", stances=BOTH).add("c", "ada", lead_time=seconds, state=state)
    assert messages(crowd, "fast-empty") == said


def test_how_fast_is_a_setting() -> None:
    crowd = Crowd().add("c", "ada", lead_time=5.0)
    assert messages(crowd, "fast-empty", quality=Quality(fast_seconds=6)) == [
        "It was submitted empty after 5.0 s (below 6 s)."
    ]


def second(**more: Any) -> list[str]:
    crowd = one(**more).add("c", "ada", stances=BOTH).add("d", "ada", stances=BOTH).add("c", "ben", stances=BOTH)
    return [r["annotation_id"] for r in checked(crowd)[0] if r["check"] == "second-annotation"]


def test_the_earlier_of_two_annotations_is_named() -> None:
    assert second() == ["1:1"]
    assert second(updated=DAY.replace(year=2027)) == ["1:2"]


@pytest.mark.parametrize(
    "more", [{"state": "skipped"}, {"quarantined": True}, {"project_id": 2, "parent_id": "1:9"}, {"annotator": "eve"}]
)
def test_what_does_not_vote_twice_is_no_second_annotation(more: dict[str, Any]) -> None:
    crowd = one().add("c", "ada", stances=BOTH)
    alter(crowd, "annotations", 0, **more)
    assert messages(crowd, "second-annotation") == []


@pytest.mark.parametrize(
    ("more", "said"),
    [({"problems": ["garbled", "unsure"]}, ["Reported: garbled, unsure."]),
     ({"problems": ["garbled"], "comment": "Cut."}, ["Reported: garbled (Cut.)."]),
     ({"problems": ["garbled"], "state": "skipped"}, []), ({"problems": [], "comment": "Cut."}, []),
     ({"problems": None}, [])],
)  # fmt: skip
def test_reported_problems(more: dict[str, Any], said: list[str]) -> None:
    assert messages(one(**more), "flagged") == said


def test_a_scheme_of_another_version_is_current() -> None:
    assert messages(one(scheme_version="2"), "other-scheme", scheme(version="2")) == []


@pytest.mark.parametrize(
    ("check", "column", "says"),
    [
        ("not-assigned", "assigned_to", "It is in the project of ben, who alone is asked there."),
        ("changed-by-another", "changed_by", "It was saved by ben, not by its author."),
    ],
)
def test_what_another_made_or_changed_does_not_count_until_it_is_accepted(check: str, column: str, says: str) -> None:
    crowd = Crowd().add("c1", "ada", [(0, 5, "GPE")], **{column: "ben"})
    crowd.add("c1", "ben", [(0, 5, "GPE")], **{column: "ben"}).add("c1", "cyd", [(0, 5, "GPE")])
    crowd.add("c1", "dan", [], state="skipped", **{column: "ben"})
    issues, annotations = checked(crowd)
    [row] = [r for r in issues if r["check"] == check]
    assert (row["annotator"], row["severity"], row["path"]) == ("ada", "error", "$")
    assert row["message"] == f"{says} To count it, add it to quality.accepted: 1:1"
    assert annotations["quarantined"].to_pylist() == [True, False, False, False]
    accepted, annotations = checked(crowd, quality=Quality(accepted=["1:1"]))
    assert not [r for r in accepted if r["check"] == check]
    assert not any(annotations["quarantined"].to_pylist())


@pytest.mark.parametrize(("seconds", "expected"), [(2.9, 1), (3.0, 0), (None, 0)])
def test_answers_given_faster_than_anybody_reads(seconds: float | None, expected: int) -> None:
    assert (
        messages(one(lead_time=seconds, prediction="edited"), "fast-answer")
        == ["It was submitted with answers after 2.9 s (below 3 s)."] * expected
    )
    assert (
        messages(one(lead_time=seconds, prediction="accepted"), "fast-answer")
        == ["It was submitted with answers after 2.9 s (below 3 s); the suggestion was accepted as it was."] * expected
    )
    assert not messages(one(lead_time=1.0, state="labelled-empty"), "fast-answer")
