"""Files are cut at fixed rows, whatever the batches; the logical hash sees values alone, and every value."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.release.manifest import SplitFacts
from builder.release.parquet import LogicalHash, Writer
from builder.store import file_digest

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


def written(
    root: Path, batch: int, shard_rows: int = 7, group_rows: int = 3
) -> tuple[dict[str, SplitFacts], dict[str, str]]:
    """23 rows of `train` and 2 of `test`, added in turns in batches of this size."""
    writer = Writer(root, SCHEMA, shard_rows, group_rows, ("id",))
    for at in range(0, 23, batch):
        writer.add("train", numbered(range(at, min(at + batch, 23))))
        writer.add("test", numbered(range(at, min(at + batch, 2))))
    return writer.close(["train", "validation", "test"])


def numbered(numbers: range) -> pa.Table:
    return table([{**ROWS[n % 3], "id": f"row {n}"} for n in numbers])


def test_files_and_row_groups_have_fixed_numbers_of_rows(tmp_path: Path) -> None:
    facts, digests = written(tmp_path, 5)
    files = {path.name: pq.ParquetFile(path) for path in sorted(tmp_path.iterdir())}
    groups = {
        name: [found.metadata.row_group(i).num_rows for i in range(found.num_row_groups)]
        for name, found in files.items()
    }
    # A file ends with a row group: of seven rows, six are two whole groups.
    assert groups == {
        "test-00000-of-00001.parquet": [2],
        **{f"train-0000{n}-of-00004.parquet": [3, 3] for n in range(3)},
        "train-00003-of-00004.parquet": [3, 2],
    }
    ids = [row["id"] for name in sorted(files)[1:] for row in files[name].read().to_pylist()]
    assert ids == [f"row {n}" for n in range(23)]
    assert list(facts) == ["train", "test"]
    assert digests == {name: file_digest(tmp_path / name) for name in files}
    whole = LogicalHash(SCHEMA)
    whole.update(numbered(range(23)))
    size = sum(path.stat().st_size for path in tmp_path.glob("train-*"))
    assert facts["train"] == SplitFacts(23, size, whole.bytes, whole.hexdigest())


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 23])
def test_batches_make_no_difference_to_files(batch: int, tmp_path: Path) -> None:
    assert written(tmp_path / "a", batch) == written(tmp_path / "b", 5)


def test_a_group_is_no_longer_than_a_file_and_splits_without_an_order_are_last(tmp_path: Path) -> None:
    writer = Writer(tmp_path, SCHEMA, 2, 100)
    for split in ("zeta", "alpha", "train"):
        writer.add(split, numbered(range(3)))
    writer.add("none", numbered(range(0)))
    facts, digests = writer.close(["train"])
    assert list(facts) == ["train", "alpha", "zeta"]
    assert sorted(digests) == sorted(f"{s}-0000{n}-of-00002.parquet" for s in facts for n in range(2))
    assert pq.ParquetFile(tmp_path / "zeta-00001-of-00002.parquet").metadata.num_rows == 1


def test_only_columns_that_repeat_have_a_dictionary_and_only_short_ones_statistics(tmp_path: Path) -> None:
    written(tmp_path, 23)
    group = pq.ParquetFile(tmp_path / "test-00000-of-00001.parquet").metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert not columns["id"].has_dictionary_page
    assert columns["spans.list.element.label"].has_dictionary_page
    assert columns["id"].is_stats_set
    assert not columns["spans.list.element.label"].is_stats_set
