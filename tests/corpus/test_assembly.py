"""The final tables of a shard are those that were made of it, without what the corpus as a whole leaves out."""

import os
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.corpus.articles import chunk_ids, reject_table
from builder.corpus.assembly import (
    ABOUT,
    NEAR,
    RENAMED,
    REPEAT,
    TABLES,
    ShardOutcome,
    _filter,
    join_tables,
    write_final,
)
from builder.corpus.parts import storage_at
from builder.corpus.records import Reject
from builder.corpus.shard_tables import INDEX
from builder.store import write_table
from builder.tables import ARTICLES, CHUNKS, build

IDS = [f"{i:016x}" for i in range(4)]
OWN = "00000000000000ff"
NOTHING = pa.table({name: [] for name in ABOUT.names}, ABOUT)
ALL = pa.table(
    {
        "row": [1, 2, 3],
        "reason": [REPEAT, NEAR, RENAMED],
        "article_id": ["", "00000000000000aa", OWN],
        "place": ["record 0 of a.txt", "record 7 of z.txt", ""],
    },
    ABOUT,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tables of a shard: four articles of two chunks, and a reject."""
    articles: list[dict[str, Any]] = [{"article_id": a, "cluster_id": a, "kept": True, "text": a} for a in IDS]
    chunks: list[dict[str, Any]] = [
        {"chunk_id": f"{a[-1]}{n}", "article_id": a, "ordinal": n, "text": f"text {n} of {a}"}
        for a in IDS
        for n in (0, 1)
    ]
    index = {
        "id64": range(4),
        "revision": range(4),
        "source_path": [*"bacd"],
        "record": [0, 1, 2, 3],
        "published": [None] * 4,
    }
    for name, table in {
        "articles": build(articles, ARTICLES),
        "chunks": build(chunks, CHUNKS),
        "rejects": reject_table([Reject("x.txt", None, "empty", "nothing")]),
        "index": pa.table({name: pa.array(values, INDEX.field(name).type) for name, values in index.items()}),
    }.items():
        write_table(tmp_path / "shard" / f"{name}.parquet", table)
    return tmp_path / "shard"


def rows(counts: dict[str, Any], name: str, *columns: str) -> list[tuple[Any, ...]]:
    found = pq.read_table(counts["tables"][name]).to_pylist()
    return [tuple(row[column] for column in columns) for row in found]


def test_a_shard_of_which_nothing_is_left_out_keeps_its_tables(folder: Path) -> None:
    counts = write_final(ShardOutcome(folder, NOTHING))
    assert [counts["tables"][name] for name in TABLES[:3]] == [
        folder / "articles.parquet", folder / "chunks.parquet", folder / "chunks.parquet",
    ]  # fmt: skip
    assert {name: counts[name] for name in ("articles", "chunks", "selected", "rejects")} == {
        "articles": 4, "chunks": 8, "selected": 8, "rejects": {},
    }  # fmt: skip
    assert rows(counts, "rejects", "source_path", "reason") == [("x.txt", "empty")]


@pytest.mark.parametrize("policy", ["drop", "keep"])
def test_repeats_leave_near_duplicates_follow_the_policy_and_shared_ids_change(folder: Path, policy: str) -> None:
    outcome = ShardOutcome(folder, ALL, policy)
    counts = write_final(outcome)
    kept = policy == "keep"
    assert rows(counts, "articles", "article_id", "cluster_id", "kept", "text") == [
        (IDS[0], IDS[0], True, IDS[0]),
        (IDS[2], "00000000000000aa", kept, IDS[2]),
        (OWN, OWN, True, IDS[3]),
    ]
    own = chunk_ids(OWN, [f"text {n} of {IDS[3]}" for n in (0, 1)])
    chunks = [
        ("00", IDS[0], 0),
        ("01", IDS[0], 1),
        ("20", IDS[2], 0),
        ("21", IDS[2], 1),
        (own[0], OWN, 0),
        (own[1], OWN, 1),
    ]
    assert rows(counts, "chunks", "chunk_id", "article_id", "ordinal") == chunks
    selected = chunks if kept else [*chunks[:2], *chunks[4:]]
    assert rows(counts, "selected", "chunk_id", "article_id", "ordinal") == selected
    assert (outcome.left_out, counts["selected"]) == (([1] if kept else [1, 2]), len(selected))
    rejects: list[tuple[Any, ...]] = [
        ("x.txt", None, "empty", "nothing", None),
        ("a", 1, REPEAT, "the same bytes as record 0 of a.txt", IDS[1]),
        ("c", 2, NEAR, "nearly the same as record 7 of z.txt (00000000000000aa)", IDS[2]),
        ("d", 3, RENAMED, "an article before it has the same id, so it got another", OWN),
    ]
    del rejects[2 : 2 + kept]
    assert rows(counts, "rejects", "source_path", "record", "reason", "detail", "article_id") == rejects
    reasons = {REPEAT: 1, RENAMED: 1} | ({} if kept else {NEAR: 1})
    assert (counts["articles"], counts["chunks"], counts["rejects"]) == (3, 6, reasons)
    tables = {name: path.relative_to(folder).as_posix() for name, path in counts["tables"].items()}
    final = outcome.final.name
    assert tables["articles"] == f"{final}/articles.parquet"
    assert tables["selected"] == f"{final}/{'chunks' if kept else 'selected'}.parquet"
    for path in set(counts["tables"].values()):
        assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD", path


def test_chunks_that_are_chosen_are_selected(folder: Path) -> None:
    outcome = ShardOutcome(folder, NOTHING, selected=bytes([0, 1, 0, 0, 0, 0, 0, 1]))
    counts = write_final(outcome)
    assert rows(counts, "selected", "chunk_id") == [("01",), ("31",)]
    assert (counts["selected"], counts["chunks"]) == (2, 8)
    chosen = (None, bytes(8), bytes(7) + b"\1")
    finals = {ShardOutcome(folder, *own).final for own in product((NOTHING, ALL), ("drop", "keep"), chosen)}
    assert len(finals) == 12


def test_one_table_is_a_file_and_several_are_a_folder_in_order(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.parquet" for i in range(12)]
    for i, path in enumerate(paths):
        pq.write_table(pa.table({"i": [i]}), path)
    join_tables(paths[:1], tmp_path / "one.parquet")
    join_tables(paths, tmp_path / "all.parquet")
    assert pq.read_table(tmp_path / "one.parquet")["i"].to_pylist() == [0]
    assert sorted(p.name for p in (tmp_path / "all.parquet").iterdir())[-1] == "000011.parquet"
    assert pq.read_table(tmp_path / "all.parquet")["i"].to_pylist() == list(range(12))
    assert (tmp_path / "one.parquet").samefile(paths[0])


def test_tables_are_filtered_group_by_group(tmp_path: Path) -> None:
    path, target = tmp_path / "all.parquet", tmp_path / "some.parquet"
    pq.write_table(pa.table({"n": range(9), "name": [*"abcdefghi"]}), path, row_group_size=3)
    mask = np.array([0, 1, 1, 0, 0, 0, 1, 0, 1], bool)
    _filter(path, target, mask, {"name": np.array([*"ABCDEFGHI"])})
    assert pq.read_table(target).to_pydict() == {"n": [1, 2, 6, 8], "name": ["B", "C", "G", "I"]}
    assert pq.ParquetFile(target).num_row_groups == 2  # of the second nothing is left


def test_tables_of_other_file_systems_and_of_those_without_links_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, here = storage_at("memory://joined") / "a.parquet", tmp_path / "a.parquet"
    there.write_bytes(b"there")
    here.write_bytes(b"here")
    join_tables([there], tmp_path / "b.parquet")
    assert (tmp_path / "b.parquet").read_bytes() == b"there"

    def link(*_: object) -> None:
        raise OSError("no links")

    monkeypatch.setattr(os, "link", link)
    join_tables([here], tmp_path / "c.parquet")
    assert (tmp_path / "c.parquet").read_bytes() == b"here"
    assert not (tmp_path / "c.parquet").samefile(here)
