"""Who votes: the latest submitted annotation of an annotator that is not in quarantine; and the table of votes."""

from dataclasses import FrozenInstanceError
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from builder.quality.votes import (
    Voter,
    Voters,
    Votes,
    overlapping_pairs,
    reviewed_chunks,
    reviews,
    voting,
    voting_unreviewed,
)
from tests.samples import DAY, Crowd


def ids(table: pa.Table) -> list[str]:
    found: list[str] = table["annotation_id"].to_pylist()
    return found


def test_drafts_skips_and_quarantined_do_not_vote() -> None:
    crowd = Crowd().add("c", "ada").add("c", "ben", state="draft").add("c", "cyd", state="skipped")
    crowd.add("c", "dan", quarantined=True).add("c", "eve", [(0, 5, "GPE")], quarantined=None)
    assert ids(voting(crowd.annotations)) == ["1:1", "1:5"]


@pytest.mark.parametrize(("minutes", "latest"), [(9, "1:1"), (-9, "1:2"), (0, "1:2")])
def test_the_latest_annotation_counts_and_of_equals_the_last(minutes: int, latest: str) -> None:
    crowd = Crowd().add("c", "ada", updated=DAY + timedelta(minutes=minutes)).add("c", "ada", updated=DAY)
    assert ids(voting(crowd.add("d", "ada").annotations)) == [latest, "1:3"]


def test_rows_are_in_the_order_of_chunk_and_annotator() -> None:
    crowd = Crowd().add("d", "ben").add("d", "ada").add("c", "ben")
    assert ids(voting(crowd.annotations)) == ["1:3", "1:2", "1:1"]


def test_a_review_is_made_from_another_project() -> None:
    crowd = Crowd().add("c", "ada").add("c", "ben", parent_id="1:1").add("c", "eve", project_id=2, parent_id="1:1 1:2")
    crowd.add("d", "ada", parent_id="")
    assert reviews(crowd.annotations) == [False, False, True, False]
    assert ids(voting_unreviewed(crowd.annotations)) == ["1:1", "1:2", "1:4"]
    assert reviewed_chunks(crowd.annotations) == {"c"}


def test_a_review_does_not_replace_its_makers_own_annotation() -> None:
    crowd = Crowd().add("c", "ada").add("c", "ada", project_id=2, parent_id="1:1")
    assert ids(voting(crowd.annotations)) == ["1:1", "2:2"]
    assert voting(crowd.annotations)["review"].to_pylist() == [False, True]


def test_experts_are_named_or_review() -> None:
    crowd = Crowd().window("b", article_id="x").add("c", "ada").add("c", "ben")
    crowd.add("c", "eve", project_id=2, parent_id="1:1").add("b", "ada")
    voters = Voters(crowd.annotations, ["ben"], {})
    assert voters.chunks == ["b", "c"]
    assert voters.crowd == {"b": [Voter("1:4", "ada")], "c": [Voter("1:1", "ada")]}
    assert voters.experts == {"c": [Voter("1:2", "ben"), Voter("2:3", "eve")]}
    assert [v.annotator for v in voters.of("c")] == ["ada", "ben", "eve"]
    assert voters.of("gone") == []
    assert voters.article == {"b": "x", "c": "c"}


def test_who_was_asked_for_a_label() -> None:
    voters = Voters(Crowd().annotations, (), {"ada": ["GPE"]})
    assert [voters.was_asked(*who) for who in (("ada", "GPE"), ("ada", "ORG"), ("ben", "ORG"))] == [True, False, True]


def test_votes_from_rows() -> None:
    votes = Votes.of([(1, "ben", "b"), (0, "ada", "c")], 3, ["a", "b", "c"])
    assert (votes.items, votes.annotators) == (3, ["ada", "ben"])
    assert [a.tolist() for a in (votes.item, votes.annotator, votes.label)] == [[1, 0], [1, 0], [1, 2]]
    assert Votes.of([], 0, []).item.tolist() == []


def test_votes_cannot_be_changed() -> None:
    votes = Votes.of([(0, "ada", "a")], 1, ["a"])
    with pytest.raises(FrozenInstanceError):
        votes.items = 2  # type: ignore[misc]


def test_votes_on_some_items_only() -> None:
    votes = Votes.of([(0, "x", "a"), (1, "y", "b"), (2, "z", "a"), (2, "y", "b")], 3, ["a", "b"])
    some = votes.only(np.array([False, True, True]))
    assert (some.items, some.annotators, some.labels) == (2, ["y", "z"], ["a", "b"])
    assert [a.tolist() for a in (some.item, some.annotator, some.label)] == [[0, 1, 1], [0, 1, 0], [1, 0, 1]]
    nothing = votes.only(np.zeros(3, dtype=np.bool_))
    assert (nothing.items, nothing.annotators, nothing.item.tolist()) == (0, [], [])


def test_intervals_that_overlap_within_a_group() -> None:
    group, start, end = np.array([0, 0, 0, 0, 1]), np.array([0, 1, 3, 6, 6]), np.array([9, 3, 5, 7, 9])
    found = [
        list(zip(left.tolist(), right.tolist(), strict=True)) for left, right in overlapping_pairs(group, start, end)
    ]
    assert found == [[(0, 1)], [(0, 2)], [(0, 3)]]
    assert list(overlapping_pairs(group[:1], start[:1], end[:1])) == []


def test_the_latest_of_each_annotator_is_theirs_also_in_quarantine() -> None:
    crowd = Crowd().add("c1", "ada").add("c1", "ada", quarantined=True).add("c1", "ben", state="skipped")
    crowd.add("c1", "ben").add("c2", "ada").add("c2", "ada", state="draft")
    crowd.add("c2", "ben", project_id=9, parent_id="1:5")
    assert voting_unreviewed(crowd.annotations, quarantined=True)["annotation_id"].to_pylist() == ["1:2", "1:4", "1:5"]
