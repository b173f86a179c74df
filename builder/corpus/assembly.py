"""The final tables: those of each shard without what the corpus as a whole leaves out, and all shards together."""

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.corpus.articles import chunk_ids, reject_table
from builder.corpus.parts import REQUESTS, is_local, made, read_table
from builder.corpus.records import Reject
from builder.corpus.selection import article_rows
from builder.store import canonical, digest

TABLES = ("articles", "chunks", "selected", "rejects")
#: Reasons why a row of a shard's articles is not as it was read.
REPEAT, NEAR, RENAMED = "duplicate-record", "near-duplicate", "field-id"
_DETAILS = {
    REPEAT: "the same bytes as {place}",
    NEAR: "nearly the same as {place} ({article_id})",
    RENAMED: "an article before it has the same id, so it got another",
}


ABOUT = pa.schema([("row", pa.int64()), ("reason", pa.string()), ("article_id", pa.string()), ("place", pa.string())])


@dataclass(frozen=True)
class ShardOutcome:
    """What the corpus as a whole says about the articles of one shard.

    `about` has the row of an article in the shard, the reason, an article id (near-duplicate: that of the kept article;
    renamed: its own from now on), and where the other article is, in words.
    """

    folder: Path
    about: pa.Table  # of ABOUT
    policy: str = "drop"
    selected: bytes | None = None  # one byte per chunk; None: every chunk of a kept article

    @cached_property
    def final(self) -> Path:
        """The folder of the final tables, inside that of the shard."""
        chosen = "" if self.selected is None else digest(self.selected)
        return self.folder / f"final-{digest('outcome', canonical([self.about.to_pydict(), self.policy, chosen]))[:16]}"

    def rows(self, reason: str) -> list[int]:
        """The rows of articles with this reason."""
        found: list[int] = self.about.filter(pc.field("reason") == reason)["row"].to_pylist()
        return found

    @property
    def left_out(self) -> list[int]:
        """Rows of articles that are not annotated."""
        return self.rows(REPEAT) + (self.rows(NEAR) if self.policy == "drop" else [])


def write_final(outcome: ShardOutcome) -> dict[str, Any]:
    """Writes the tables of a shard that the outcome changes, unless they exist.

    Returns the path of each table, in the shard's folder where it is as it was, and the counts.
    """
    counts = made(outcome.final, lambda folder: _write(outcome, folder))
    return counts | {"tables": {name: outcome.folder / path for name, path in counts["tables"].items()}}


def _write(outcome: ShardOutcome, folder: Path) -> dict[str, Any]:
    shard, about = outcome.folder, outcome.about.to_pylist()
    index = read_table(shard / "index.parquet", ["id64", "source_path", "record"]).to_pydict()
    ids = np.array([f"{i:016x}" for i in index["id64"]])
    renamed, near = outcome.rows(RENAMED), outcome.rows(NEAR)
    ids[renamed] = [a["article_id"] for a in about if a["reason"] == RENAMED]
    cluster, kept, present = ids.copy(), np.ones(len(ids), bool), np.ones(len(ids), bool)
    cluster[near] = [a["article_id"] for a in about if a["reason"] == NEAR]
    kept[near] = outcome.policy == "keep"
    present[outcome.rows(REPEAT)] = False

    def put(name: str, source: str, mask: Any, columns: Mapping[str, Any]) -> str:
        """The rows that the mask names of a table of the shard; returns the path of their table below the shard."""
        if mask.all() and not columns:
            return f"{source}.parquet"
        _filter(shard / f"{source}.parquet", folder / f"{name}.parquet", mask, columns)
        return f"{outcome.final.name}/{name}.parquet"

    found = [
        Reject(index["source_path"][a["row"]], index["record"][a["row"]], a["reason"], detail, ids[a["row"]])
        for a in about
        if (detail := _DETAILS[a["reason"]].format(**a)) and (a["reason"] != NEAR or outcome.policy == "drop")
    ]
    whole = pa.concat_tables([read_table(shard / "rejects.parquet"), reject_table(found)])
    pq.write_table(whole, folder / "rejects.parquet", compression="zstd")
    changed = {"article_id": ids, "cluster_id": cluster, "kept": kept} if about else {}
    articles = put("articles", "articles", present, changed)

    columns = ["chunk_id", "article_id", "ordinal", *(["text"] if renamed else [])]
    chunks = read_table(shard / "chunks.parquet", columns)
    row = article_rows(chunks)
    here = present[row]
    wanted = ~np.isin(row, outcome.left_out)
    if outcome.selected is not None:
        wanted = np.frombuffer(outcome.selected, dtype=bool)
    names = chunks["chunk_id"].to_numpy().copy()
    for article in renamed:
        own = np.flatnonzero(row == article)
        names[own] = chunk_ids(ids[article], chunks["text"].take(pa.array(own)).to_pylist())
    changed = {"chunk_id": names, "article_id": ids[row]} if renamed else {}
    cut = put("chunks", "chunks", here, changed)
    selected = cut if np.array_equal(here, wanted) else put("selected", "chunks", wanted, changed)
    return {
        "articles": int(present.sum()),
        "chunks": int(here.sum()),
        "selected": int(wanted.sum()),
        "rejects": dict(Counter(r.reason for r in found)),
        "tables": dict(zip(TABLES, (articles, cut, selected, f"{outcome.final.name}/rejects.parquet"), strict=True)),
    }


def _filter(path: Path, target: Path, mask: Any, columns: Mapping[str, Any]) -> None:
    """Writes the rows of a table that the mask names, with these columns in place of its own."""
    at = 0
    with path.open("rb") as f:
        source = pq.ParquetFile(f)
        with pq.ParquetWriter(target, source.schema_arrow, compression="zstd") as out:
            for group in range(source.num_row_groups):
                size = source.metadata.row_group(group).num_rows
                here = mask[at : at + size]
                if here.any():
                    table = source.read_row_group(group)
                    for name, values in columns.items():
                        number = table.schema.get_field_index(name)
                        kind = table.schema.field(number)
                        table = table.set_column(number, kind, pa.array(values[at : at + size], kind.type))
                    out.write_table(table.filter(pa.array(here)))
                at += size


def join_tables(paths: Sequence[Path], target: Path) -> None:
    """Puts tables at `target`: one file of one table, else a folder of files in order. Local ones share their bytes."""
    if len(paths) > 1:
        target.mkdir()
    targets = [target / f"{i:06d}.parquet" for i in range(len(paths))] if len(paths) > 1 else [target]
    with ThreadPoolExecutor(REQUESTS) as pool:
        list(pool.map(_copy, paths, targets))


def _copy(source: Path, target: Path) -> None:
    if not is_local(source):
        source.fs.get_file(source.path, str(target))  # type: ignore[attr-defined]
        return
    try:
        os.link(source, target)
    except OSError:  # not every file system has hard links
        shutil.copyfile(source, target)
