"""What a release says of its articles and annotators is exact, and nothing tells a small group apart."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder import tables
from builder.release.provenance import (
    ANNOTATORS,
    ARTICLES,
    earlier_splits,
    self_descriptions,
    write_annotators,
    write_articles,
)
from builder.release.splits import Assignment
from builder.store import write_table


def test_articles_are_in_the_order_of_their_ids_with_their_split(tmp_path: Path) -> None:
    columns = [name for name in tables.ARTICLES.names if name not in ("text", "raw")]
    rows = [{"article_id": name, "cluster_id": name, "title": f"About {name}"} for name in "cab"]
    known = tables.build(rows, tables.ARTICLES).select(columns)
    write_articles(tmp_path, known, Assignment({"a": "train", "b": "test"}, ["c"]))
    found = pq.read_table(tmp_path / ARTICLES)
    assert found.column_names == [
        "article_id", "cluster_id", "raw_sha256", "title", "source", "published", "language", "split",
    ]  # fmt: skip
    assert found.select(["article_id", "title", "split"]).to_pylist() == [
        {"article_id": "a", "title": "About a", "split": "train"},
        {"article_id": "b", "title": "About b", "split": "test"},
        {"article_id": "c", "title": "About c", "split": None},
    ]
    assert found.schema.metadata is None


def test_splits_of_any_earlier_release_are_found_and_the_last_one_counts(tmp_path: Path) -> None:
    for name, splits in (("v1", {"a": "train", "b": "train"}), ("v2", {"b": "test", "c": None})):
        table = pa.table({"article_id": list(splits), "split": pa.array(splits.values(), pa.string())})
        write_table(tmp_path / name / ARTICLES, table)
    assert earlier_splits([tmp_path / "v1", tmp_path / "v2"]) == {"a": "train", "b": "test"}
    assert earlier_splits([]) == {}


@pytest.mark.parametrize(("smallest", "shown"), [(2, ["ada", "ben"]), (3, [])])
def test_annotators_describe_themselves_where_enough_share_it(tmp_path: Path, smallest: int, shown: list[str]) -> None:
    """An expert is told apart by the role; who says nothing has no description; columns are in order."""
    alike = {"region": "north", "age": "30"}
    said = {"ada": alike, "ben": dict(reversed(alike.items())), "cyd": alike, "dan": {"age": "40"}, "gone": {"x": "1"}}
    rows = pa.table({"annotator": ["eve", "dan", "cyd", "ben", "ada", "ben"]})
    assert self_descriptions(tmp_path) == []
    write_annotators(tmp_path, rows, ["cyd"], said, smallest)
    nothing: dict[str, Any] = {"age": None, "region": None, "x": None}
    own = {name: {**nothing, **alike} if name in shown else nothing for name in ("ada", "ben", "cyd", "dan", "eve")}
    counts = {"ada": 1, "ben": 2, "cyd": 1, "dan": 1, "eve": 1}
    roles = dict.fromkeys(counts, "annotator") | {"cyd": "expert"}
    found = pq.read_table(tmp_path / ANNOTATORS)
    assert found.column_names == ["annotator", "role", "annotations", "age", "region", "x"]
    assert found.to_pylist() == [
        {"annotator": name, "role": roles[name], "annotations": counts[name], **own[name]} for name in counts
    ]
    assert self_descriptions(tmp_path) == [{"annotator": n, "role": roles[n], **own[n]} for n in counts]
