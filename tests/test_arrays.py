"""Operations on Arrow columns and numpy arrays: types, nulls, empty columns and edges of intervals."""

import numpy as np
import pyarrow as pa
import pytest

from builder import arrays


def test_columns_become_arrays_of_numbers_and_truth() -> None:
    found = arrays.numbers(pa.chunked_array([pa.array([1], pa.int32()), pa.array([-2], pa.int32())]))
    assert (found.tolist(), str(found.dtype)) == ([1, -2], "int64")
    truth = arrays.mask(pa.chunked_array([pa.array([True, None]), pa.array([False])]))
    assert (truth.tolist(), str(truth.dtype)) == ([True, False, False], "bool")
    truth[0] = False
    assert arrays.mask(pa.array([None, True])).tolist() == [False, True]


def test_arrays_become_columns_of_the_types_of_tables() -> None:
    assert arrays.small(np.array([1, -2])) == pa.array([1, -2], pa.int32())
    assert arrays.small(np.array([1, 2, 3, 4])[::2]) == pa.array([1, 3], pa.int32())
    assert arrays.text_array([]).type == arrays.text_array(["a"]).type == pa.string()
    assert arrays.records(b=pa.array([1]), a=pa.array(["x"])).to_pylist() == [{"b": 1, "a": "x"}]
    assert [field.name for field in arrays.records(b=pa.array([1]), a=pa.array(["x"])).type] == ["b", "a"]


def test_places_count_from_where_the_text_begins() -> None:
    table = pa.table({"start": pa.array([5, None], pa.int32()), "end": pa.array([9, None], pa.int32())})
    found = arrays.places(table, np.array([3, 3]), ("low", "high"))
    assert {name: column.to_pylist() for name, column in found.items()} == {"low": [2, None], "high": [6, None]}
    assert list(arrays.places(table, np.array([0, 0]))) == ["start", "end"]


def test_rows_are_ordered_by_columns_in_turn_and_in_one_piece() -> None:
    pieces = [pa.table({"a": ["y", "x"], "b": [1, 2]}), pa.table({"a": ["x"], "b": [1]})]
    found = arrays.ordered(pa.concat_tables(pieces), "a", "b")
    assert list(zip(*found.to_pydict().values(), strict=True)) == [("x", 1), ("x", 2), ("y", 1)]
    assert found["a"].num_chunks == 1


def test_positions_of_values_that_are_there_or_not() -> None:
    values = pa.chunked_array([pa.array(["b", "z"]), pa.array(["a", None])])
    assert arrays.positions_in(values, pa.array(["a", "b"])).tolist() == [1, -1, 0, -1]


def test_intervals_are_spread_into_their_numbers() -> None:
    owner, number = arrays.spread(np.array([3, 7, 7]), np.array([5, 7, 8]))
    assert (owner.tolist(), number.tolist()) == ([0, 0, 2], [3, 4, 7])


def test_owners_match_every_place_that_holds_them() -> None:
    wanted, place = arrays.matching(np.array([1, 1, 3]), np.array([3, 2, 1]))
    assert (wanted.tolist(), place.tolist()) == ([0, 2, 2], [2, 0, 1])


@pytest.mark.parametrize(
    ("begin", "length", "hit"),
    # Intervals [0, 9), [2, 4) and [5, 7): the first is the longest, so the second ends before it.
    [(0, 1, [0]), (4, 1, [0]), (3, 1, [0, 1]), (1, 2, [0, 1]), (4, 2, [0, 2]), (8, 1, [0]), (9, 1, [])],
)
def test_intervals_that_share_a_character_with_a_text(begin: int, length: int, hit: list[int]) -> None:
    keys, sizes = np.array([0, 2, 5]), np.array([9, 2, 2])
    text, found = arrays.touching(keys, sizes, np.array([begin, 20]), np.array([length, 5]))
    assert (text.tolist(), found.tolist()) == ([0] * len(hit), hit)


def test_lists_of_owners_with_none_at_both_ends() -> None:
    values = pa.array(["a", "b", "c"])
    assert arrays.list_of(np.array([1, 1, 2]), 4, values).to_pylist() == [[], ["a", "b"], ["c"], []]
    assert arrays.lists(np.array([0, 2, 2, 3]), values).to_pylist() == [["a", "b"], [], ["c"]]
