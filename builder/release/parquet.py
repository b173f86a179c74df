"""The Parquet files of one configuration, with their hashes."""

from collections import defaultdict, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builder.release.hashing import LogicalHash
from builder.store import file_digest

#: Batches that may wait to be written: they bound the memory.
_AHEAD = 4


@dataclass(frozen=True)
class DataFile:
    """One written file. `path` is relative to the release."""

    path: str
    split: str
    rows: int
    bytes: int
    sha256: str


class Writer:
    """Takes batches in row order and leaves `<split>-00000-of-0000N.parquet` files in its folder.

    Row groups and shards are cut at fixed numbers of rows, whatever the batches, so that the same rows give the same
    bytes.
    """

    def __init__(
        self,
        root: Path,
        configuration: str,
        schema: pa.Schema,
        shard_rows: int,
        group_rows: int,
        distinct: tuple[str, ...] = (),
    ) -> None:
        self._root, self._configuration, self._schema = root, configuration, schema
        self._distinct = distinct
        self._leaves = [leaf for field in schema for leaf in leaves(field.name, field.type)]
        self._group_rows = min(group_rows, shard_rows)
        self._shard_rows = shard_rows - shard_rows % self._group_rows
        self._waiting: dict[str, list[pa.Table]] = defaultdict(list)
        # Encoding and hashing leave the interpreter's lock: they run while the next batch is made.
        self._encoding, self._hashing = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._running: deque[Future[None]] = deque()
        self._digests: dict[tuple[str, int], Future[str]] = {}
        self._open: dict[str, pq.ParquetWriter] = {}
        self._written: dict[str, list[int]] = defaultdict(list)
        self.hashes: dict[str, LogicalHash] = {}

    def add(self, split: str, table: pa.Table) -> None:
        """Appends rows to a split."""
        if not table.num_rows:
            return
        self._running.append(self._hashing.submit(self._hash, split, table))
        self._running.append(self._encoding.submit(self._take, split, table))
        while len(self._running) > 2 * _AHEAD:
            self._running.popleft().result()

    def _hash(self, split: str, table: pa.Table) -> None:
        if split not in self.hashes:
            self.hashes[split] = LogicalHash(self._schema)
        self.hashes[split].update(table)

    def _take(self, split: str, table: pa.Table) -> None:
        waiting = self._waiting[split]
        waiting.append(table)
        if sum(t.num_rows for t in waiting) >= self._group_rows:
            self._flush(split, whole=False)

    def _flush(self, split: str, whole: bool) -> None:
        table = pa.concat_tables(self._waiting[split])
        at = 0
        while table.num_rows - at >= self._group_rows or (whole and at < table.num_rows):
            group = table.slice(at, self._group_rows)
            if split not in self._open:
                self._open[split] = self._begin(split)
            self._open[split].write_table(group, row_group_size=self._group_rows)
            self._written[split][-1] += group.num_rows
            at += group.num_rows
            if self._written[split][-1] >= self._shard_rows:
                self._end(split)
        self._waiting[split] = [table.slice(at)] if at < table.num_rows else []

    def _end(self, split: str) -> None:
        self._open.pop(split).close()
        number = len(self._written[split]) - 1
        self._digests[split, number] = self._hashing.submit(file_digest, self._part(split, number))

    def _begin(self, split: str) -> pq.ParquetWriter:
        self._written[split].append(0)
        path = self._part(split, len(self._written[split]) - 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        return pq.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            # A dictionary of values that all differ, and the least and greatest token, cost time and tell nothing.
            use_dictionary=[leaf for leaf in self._leaves if leaf not in self._distinct],
            write_statistics=[leaf for leaf in self._leaves if "." not in leaf and leaf != "text"],
        )

    def _part(self, split: str, number: int) -> Path:
        return self._root / self._configuration / f"{split}-{number:05d}.part"

    def close(self) -> list[DataFile]:
        """Writes what waits, and names every file by how many there are. A split without rows has no file."""
        while self._running:
            self._running.popleft().result()
        self._encoding.shutdown()
        files = []
        for split in list(self._waiting):
            if self._waiting[split]:
                self._flush(split, whole=True)
            if split in self._open:
                self._end(split)
        for split, parts in self._written.items():
            total = len(parts)
            for number, rows in enumerate(parts):
                digest = self._digests[split, number].result()
                name = f"{self._configuration}/{split}-{number:05d}-of-{total:05d}.parquet"
                path = self._part(split, number).rename(self._root / name)
                files.append(DataFile(name, split, rows, path.stat().st_size, digest))
        self._hashing.shutdown()
        return files


def leaves(name: str, kind: pa.DataType) -> list[str]:
    """The Parquet columns that hold an Arrow column.

    >>> leaves("spans", pa.list_(pa.struct([("start", pa.int32()), ("label", pa.string())])))
    ['spans.list.element.start', 'spans.list.element.label']
    """
    if pa.types.is_list(kind):
        return leaves(f"{name}.list.element", kind.value_type)
    if pa.types.is_struct(kind):
        return [leaf for inner in kind for leaf in leaves(f"{name}.{inner.name}", inner.type)]
    return [name]
