"""Columns of tables as Python values."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from builder.tables import TIME, rows_of, values_of


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        (pa.string(), ["a", None, "", "🚀"]),
        (pa.int32(), [1, -2]),
        (pa.int64(), [2**60 + 1, None]),
        (pa.float64(), [0.5, None]),
        (pa.float64(), [0.5, 2.0]),
        (pa.bool_(), [True, None]),
        (TIME, [datetime(2026, 3, 1, tzinfo=UTC), None]),
        (pa.list_(pa.string()), [["a"], None, []]),
        (pa.string(), []),
    ],
)
def test_values_are_those_of_arrow(type_: pa.DataType, values: list[Any]) -> None:
    found = values_of(pa.chunked_array([pa.array(values[:1], type_), pa.array(values[1:], type_)]))
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


def test_rows_have_the_columns_asked_for() -> None:
    table = pa.table({"a": ["x", "y"], "b": [1, 2], "c": [0, 0]})
    assert list(rows_of(table, "b", "a")) == [(1, "x"), (2, "y")]
