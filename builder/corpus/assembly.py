"""The final tables: those of each shard without what the corpus as a whole leaves out, and all shards together."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builder.corpus.articles import chunk_ids, reject_table
from builder.corpus.parts import made
from builder.corpus.records import Reject
from builder.corpus.selection import article_rows
from builder.store import canonical, digest


@dataclass
class ShardOutcome:
    """What the corpus as a whole says about the articles of one shard, by their row in its tables."""

    folder: str
    repeats: dict[int, str] = field(default_factory=dict)  # row -> where the same bytes are first
    members: dict[int, tuple[str, str]] = field(default_factory=dict)  # row -> the kept article's id, and where it is
    renamed: dict[int, str] = field(default_factory=dict)  # row -> the id it gets, as an article before it has its own
    policy: str = "drop"
    selected: bytes | None = None  # one byte per chunk; None: every chunk of a kept article

    @property
    def key(self) -> str:
        chosen = "" if self.selected is None else digest(self.selected)
        plain = [
            sorted(self.repeats.items()),
            sorted(self.members.items()),
            sorted(self.renamed.items()),
            self.policy,
            chosen,
        ]
        return digest("outcome", canonical(plain))[:16]

    @property
    def final(self) -> Path:
        """The folder of the final tables, inside that of the shard."""
        return Path(self.folder) / f"final-{self.key}"

    @property
    def left_out(self) -> tuple[int, ...]:
        """Rows of articles that are not annotated."""
        return (*self.repeats, *(self.members if self.policy == "drop" else ()))


def write_final(outcome: ShardOutcome) -> dict[str, Any]:
    """Writes the final tables of a shard, unless they exist, and returns their folder and counts."""
    return {"folder": str(outcome.final), **made(outcome.final, lambda folder: _write(outcome, folder))}


def _write(outcome: ShardOutcome, folder: Path) -> dict[str, Any]:
    shard = Path(outcome.folder)
    index = pq.read_table(shard / "index.parquet", columns=["id64", "source_path", "record"]).to_pydict()
    ids = [outcome.renamed.get(row, f"{i:016x}") for row, i in enumerate(index["id64"])]

    def reject(row: int, reason: str, detail: str) -> Reject:
        return Reject(index["source_path"][row], index["record"][row], reason, detail, ids[row])

    found = [reject(r, "duplicate-record", f"the same bytes as {where}") for r, where in outcome.repeats.items()]
    if outcome.policy == "drop":
        found += [
            reject(r, "near-duplicate", f"nearly the same as {where} ({kept})")
            for r, (kept, where) in outcome.members.items()
        ]
    found += [reject(r, "field-id", "an article before it has the same id, so it got another") for r in outcome.renamed]
    found.sort(key=lambda r: (r.source_path, r.record or 0))
    before = pq.read_table(shard / "rejects.parquet")
    pq.write_table(pa.concat_tables([before, reject_table(found)]), folder / "rejects.parquet", compression="zstd")
    present = np.ones(len(ids), dtype=bool)
    present[list(outcome.repeats)] = False
    if outcome.repeats or outcome.members or outcome.renamed:
        _articles(outcome, shard, folder, ids, present)
    else:
        _link(shard / "articles.parquet", folder / "articles.parquet")
    total, chosen = _chunks(outcome, shard, folder, ids, present)
    return {
        "articles": int(present.sum()),
        "chunks": total,
        "selected": chosen,
        "rejects": dict(Counter(r.reason for r in found)),
    }


def _articles(outcome: ShardOutcome, shard: Path, folder: Path, ids: list[str], present: Any) -> None:
    cluster = np.array(ids, dtype=object)
    kept = np.ones(len(ids), dtype=bool)
    for row, (name, _) in outcome.members.items():
        cluster[row] = name
        kept[row] = outcome.policy == "keep"
    columns = {"article_id": pa.array(ids), "cluster_id": pa.array(cluster, pa.string()), "kept": pa.array(kept)}
    _filter(shard / "articles.parquet", folder / "articles.parquet", present, columns)


def _chunks(outcome: ShardOutcome, shard: Path, folder: Path, ids: list[str], present: Any) -> tuple[int, int]:
    """Writes chunks and selected; returns their numbers of rows."""
    path = shard / "chunks.parquet"
    here: Any = np.ones(pq.read_metadata(path).num_rows, dtype=bool)
    wanted: Any = here
    columns: dict[str, pa.Array] = {}
    if outcome.left_out or outcome.renamed:
        chunks = pq.read_table(path, columns=["chunk_id", "ordinal", *(["text"] if outcome.renamed else [])])
        row = article_rows(chunks)
        here = present[row]
        wanted = ~np.isin(row, list(outcome.left_out))
        if outcome.renamed:
            names = chunks["chunk_id"].to_numpy().copy()
            for article, name in outcome.renamed.items():
                own = np.flatnonzero(row == article)
                names[own] = chunk_ids(name, chunks["text"].take(pa.array(own)).to_pylist())
            columns = {"chunk_id": pa.array(names), "article_id": pa.array(np.array(ids, dtype=object)[row])}
    if outcome.selected is not None:
        wanted = np.frombuffer(outcome.selected, dtype=bool)
    _filter(path, folder / "chunks.parquet", here, columns)
    if np.array_equal(here, wanted):
        _link(folder / "chunks.parquet", folder / "selected.parquet")
    else:
        _filter(path, folder / "selected.parquet", wanted, columns)
    return int(here.sum()), int(wanted.sum())


def _filter(path: Path, target: Path, mask: Any, columns: Mapping[str, pa.Array] = MappingProxyType({})) -> None:
    """Writes the rows of a table that the mask names, with these columns in place of its own."""
    if mask.all() and not columns:
        _link(path, target)
        return
    source = pq.ParquetFile(path)
    at = 0
    with pq.ParquetWriter(target, source.schema_arrow, compression="zstd") as out:
        for group in range(source.num_row_groups):
            size = source.metadata.row_group(group).num_rows
            here = mask[at : at + size]
            if here.any():
                table = source.read_row_group(group)
                for name, values in columns.items():
                    field = table.schema.get_field_index(name)
                    table = table.set_column(field, table.schema.field(field), values[at : at + size])
                out.write_table(table.filter(pa.array(here)))
            at += size


def _link(source: Path, target: Path) -> None:
    """`target` holds the bytes of `source`; shared on disk where the file system can."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def join_tables(folders: list[Path], name: str, target: Path) -> None:
    """Puts the table `name` of all folders at `target`: one file of one folder, else a folder of files in order."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        temporary.chmod(0o755)
        for i, folder in enumerate(folders):
            _link(folder / f"{name}.parquet", temporary / f"{i:06d}.parquet")
        if target.is_dir():
            shutil.rmtree(target)
        if len(folders) == 1:
            (temporary / "000000.parquet").replace(target)
        else:
            target.unlink(missing_ok=True)
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
