"""The long table of votes."""

import numpy as np

from builder.quality.votes import Votes


def test_votes_from_rows() -> None:
    votes = Votes.of([(1, "ben", "b"), (0, "ada", "c")], 3, ["a", "b", "c"])
    assert (votes.items, votes.annotators) == (3, ["ada", "ben"])
    assert [a.tolist() for a in (votes.item, votes.annotator, votes.label)] == [[1, 0], [1, 0], [1, 2]]
    assert Votes.of([], 0, []).item.tolist() == []


def test_votes_on_some_items_only() -> None:
    votes = Votes.of([(0, "x", "a"), (1, "y", "b"), (2, "z", "a"), (2, "y", "b")], 3, ["a", "b"])
    some = votes.only(np.array([False, True, True]))
    assert (some.items, some.annotators, some.labels) == (2, ["y", "z"], ["a", "b"])
    assert [a.tolist() for a in (some.item, some.annotator, some.label)] == [[0, 1, 1], [0, 1, 0], [1, 0, 1]]
    nothing = votes.only(np.zeros(3, dtype=np.bool_))
    assert (nothing.items, nothing.annotators, nothing.item.tolist()) == (0, [], [])
