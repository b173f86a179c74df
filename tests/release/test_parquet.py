"""The logical hash sees values alone: not batches, not slices, not encodings; and it sees every value."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from builder.release.parquet import LogicalHash

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("tags", pa.list_(pa.int64())),
        ("spans", pa.list_(pa.struct([("start", pa.int32()), ("label", pa.string())]))),
        ("seen", pa.bool_()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("share", pa.float64()),
    ]
)
ROWS: list[dict[str, Any]] = [
    {"id": "a", "tags": [0, 1], "spans": [{"start": 1, "label": "X"}], "seen": True, "at": None, "share": 0.5},
    {"id": "bé", "tags": [], "spans": [], "seen": None, "at": datetime(2026, 1, 1, tzinfo=UTC), "share": None},
    {"id": None, "tags": None, "spans": [{"start": None, "label": ""}], "seen": False, "at": None, "share": 0.0},
]


def digest(*tables: pa.Table) -> str:
    found = LogicalHash(SCHEMA)
    for table in tables:
        found.update(table)
    return found.hexdigest()


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)


def test_batches_and_slices_make_no_difference() -> None:
    whole = table(ROWS * 3)
    assert digest(whole) == digest(whole.slice(0, 2), whole.slice(2, 5), whole.slice(7))
    assert digest(whole) == digest(*(table([row]) for row in ROWS * 3))


@pytest.mark.parametrize(
    ("row", "change"),
    [
        (0, {"id": "b"}),
        (0, {"tags": [1, 0]}),
        (0, {"tags": [0]}),
        (0, {"spans": [{"start": 1, "label": "Y"}]}),
        (1, {"seen": False}),
        (1, {"share": 0.0}),
        (1, {"tags": None}),
        (2, {"id": ""}),
        (2, {"spans": [{"start": 0, "label": ""}]}),
    ],
)
def test_every_value_counts(row: int, change: dict[str, Any]) -> None:
    changed = [dict(r) for r in ROWS]
    changed[row] |= change
    assert digest(table(changed)) != digest(table(ROWS))


def test_a_border_between_values_counts() -> None:
    moved = [{"id": "ab"}, {"id": ""}], [{"id": "a"}, {"id": "b"}]
    assert digest(table(moved[0])) != digest(table(moved[1]))


def test_order_counts() -> None:
    assert digest(table(ROWS)) != digest(table(ROWS[::-1]))
