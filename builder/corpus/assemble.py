"""The final tables: each part as the comparison with the whole corpus left it, and all parts put together."""

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builder.corpus import rows
from builder.corpus.records import Reject
from builder.corpus.select import rows_of
from builder.errors import StoreError
from builder.store import atomic_folder, canonical, digest, read_json, write_json

TABLES = ("articles", "chunks", "selected", "rejects")


@dataclass
class Decision:
    """What the whole corpus says about the articles of one part, by row."""

    folder: str
    repeats: dict[int, str] = field(default_factory=dict)  # row -> where the same bytes stood first
    members: dict[int, tuple[str, str]] = field(default_factory=dict)  # row -> kept article's id, and where it stands
    policy: str = "drop"
    selected: bytes | None = None  # one byte a chunk; None: every chunk of a kept article

    @property
    def key(self) -> str:
        chosen = "" if self.selected is None else digest(self.selected)
        plain = [sorted(self.repeats.items()), sorted(self.members.items()), self.policy, chosen]
        return digest("decision", canonical(plain))[:16]

    @property
    def is_settled(self) -> bool:
        """Whether the final tables stand already."""
        return (Path(self.folder) / f"final-{self.key}" / "counts.json").exists()

    @property
    def left_out(self) -> tuple[int, ...]:
        """Rows of articles that are not annotated."""
        return (*self.repeats, *(self.members if self.policy == "drop" else ()))


def settle(decision: Decision) -> dict[str, Any]:
    """The part's final tables stand in a folder inside it; returns the folder and its counts."""
    part = Path(decision.folder)
    folder = part / f"final-{decision.key}"
    done: dict[str, Any] | None = read_json(folder / "counts.json")
    if done is None:
        with contextlib.suppress(StoreError), atomic_folder(folder) as temporary:
            write_json(temporary / "counts.json", _write(decision, part, temporary))
        done = read_json(folder / "counts.json")
        if done is None:
            raise StoreError(f"{folder} is damaged.", "Delete it and run `builder prepare` again.")
    return {"folder": str(folder), **done}


def _write(decision: Decision, part: Path, folder: Path) -> dict[str, Any]:
    index = pq.read_table(part / "index.parquet", columns=["id64", "source_path", "record"]).to_pydict()
    ids = [f"{i:016x}" for i in index["id64"]]

    def reject(row: int, reason: str, detail: str) -> Reject:
        return Reject(index["source_path"][row], index["record"][row], reason, detail, ids[row])

    found = [reject(r, "duplicate-record", f"the same bytes as {where}") for r, where in decision.repeats.items()]
    if decision.policy == "drop":
        found += [
            reject(r, "near-duplicate", f"nearly the same as {where} ({kept})")
            for r, (kept, where) in decision.members.items()
        ]
    found.sort(key=lambda r: (r.source_path, r.record or 0))
    before = pq.read_table(part / "rejects.parquet")
    _save(pa.concat_tables([before, rows.rejects(found)]), folder / "rejects.parquet")
    present = np.ones(len(ids), dtype=bool)
    present[list(decision.repeats)] = False
    if decision.repeats or decision.members:
        _articles(decision, part, folder, ids, present)
    else:
        link(part / "articles.parquet", folder / "articles.parquet")
    total, chosen = _chunks(decision, part, folder, ids, present)
    return {"articles": int(present.sum()), "chunks": total, "selected": chosen, "found": _count(found)}


def _articles(decision: Decision, part: Path, folder: Path, ids: list[str], present: Any) -> None:
    cluster = np.array(ids, dtype=object)
    kept = np.ones(len(ids), dtype=bool)
    for row, (name, _) in decision.members.items():
        cluster[row] = name
        kept[row] = decision.policy == "keep"
    source = pq.ParquetFile(part / "articles.parquet")
    at = 0
    with pq.ParquetWriter(folder / "articles.parquet", source.schema_arrow, compression="zstd") as out:
        for group in range(source.num_row_groups):
            table = source.read_row_group(group)
            here = slice(at, at + table.num_rows)
            at += table.num_rows
            for name, values in (("cluster_id", pa.array(cluster[here], pa.string())), ("kept", pa.array(kept[here]))):
                table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
            out.write_table(table if present[here].all() else table.filter(pa.array(present[here])))


def _chunks(decision: Decision, part: Path, folder: Path, ids: list[str], present: Any) -> tuple[int, int]:
    """Writes chunks and selected; returns their numbers of rows."""
    path = part / "chunks.parquet"
    total: int = pq.read_metadata(path).num_rows
    here: Any = np.ones(total, dtype=bool)
    wanted: Any = here
    if decision.left_out:
        owners = pq.read_table(path, columns=["article_id", "chunk_id"])
        row = rows_of(owners["article_id"].to_pylist(), owners["chunk_id"].to_pylist(), ids)
        here = present[row]
        wanted = ~np.isin(row, list(decision.left_out))
    if decision.selected is not None:
        wanted = np.frombuffer(decision.selected, dtype=bool)
    _filter(path, folder / "chunks.parquet", here)
    if np.array_equal(here, wanted):
        link(folder / "chunks.parquet", folder / "selected.parquet")
    else:
        _filter(path, folder / "selected.parquet", wanted)
    return int(here.sum()), int(wanted.sum())


def _filter(path: Path, target: Path, mask: Any) -> None:
    if mask.all():
        link(path, target)
        return
    source = pq.ParquetFile(path)
    at = 0
    with pq.ParquetWriter(target, source.schema_arrow, compression="zstd") as out:
        for group in range(source.num_row_groups):
            size = source.metadata.row_group(group).num_rows
            part = mask[at : at + size]
            at += size
            if part.any():
                out.write_table(source.read_row_group(group).filter(pa.array(part)))


def _save(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


def _count(found: list[Reject]) -> dict[str, int]:
    out: dict[str, int] = {}
    for reject in found:
        out[reject.reason] = out.get(reject.reason, 0) + 1
    return out


def link(source: Path, target: Path) -> None:
    """`target` holds the bytes of `source`; shared on disk where the file system can."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def join(folders: list[Path], name: str, target: Path) -> None:
    """The table `name` of all folders stands at `target`: one file of one folder, else a folder of files in order."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        temporary.chmod(0o755)
        for i, folder in enumerate(folders):
            link(folder / f"{name}.parquet", temporary / f"{i:06d}.parquet")
        if target.is_dir():
            shutil.rmtree(target)
        if len(folders) == 1:
            (temporary / "000000.parquet").replace(target)
        else:
            target.unlink(missing_ok=True)
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
