"""The Parquet files of one configuration, with two hashes: of their bytes, and of their contents."""

import hashlib
from collections import Counter, defaultdict, deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.release.manifest import SplitFacts
from builder.store import file_digest
from builder.text import string_buffers

#: Batches that may wait to be written: they bound the memory.
_AHEAD = 4


class Writer:
    """Takes batches in row order and leaves `<split>-00000-of-0000N.parquet` files in the folder `root`.

    Row groups and files are cut at fixed numbers of rows, whatever the batches: the same rows give the same bytes.
    """

    def __init__(
        self, root: Path, schema: pa.Schema, shard_rows: int, group_rows: int, distinct: tuple[str, ...] = ()
    ) -> None:
        self._root, self._schema = root, schema
        columns = [leaf for field in schema for leaf in parquet_leaves(field.name, field.type)]
        # A dictionary of values that all differ, and the least and greatest token, cost time and tell nothing.
        self._how = {
            "use_dictionary": [leaf for leaf in columns if leaf not in distinct],
            "write_statistics": [leaf for leaf in columns if "." not in leaf and leaf != "text"],
        }
        self._group_rows = min(group_rows, shard_rows)
        self._shard_rows = shard_rows - shard_rows % self._group_rows
        # Encoding and hashing leave the interpreter's lock: they run while the next batch is made.
        self._encoding, self._hashing = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._running: deque[Future[None]] = deque()
        self._waiting: dict[str, list[pa.Table]] = defaultdict(list)
        self._hashes = defaultdict[str, LogicalHash](lambda: LogicalHash(schema))
        self._written: Counter[str] = Counter()
        self._open: dict[str, pq.ParquetWriter] = {}
        self._digests: dict[str, list[Future[str]]] = defaultdict(list)

    def add(self, split: str, table: pa.Table) -> None:
        """Appends rows to a split."""
        if table.num_rows:
            self._running.append(self._hashing.submit(lambda: self._hashes[split].update(table)))
            self._running.append(self._encoding.submit(self._take, split, table))
        while len(self._running) > 2 * _AHEAD:
            self._running.popleft().result()

    def _take(self, split: str, table: pa.Table) -> None:
        self._waiting[split].append(table)
        rows = sum(waiting.num_rows for waiting in self._waiting[split])
        if rows >= self._group_rows:
            self._write(split, rows - rows % self._group_rows)

    def _write(self, split: str, rows: int) -> None:
        """Writes the first of the rows that wait."""
        table = pa.concat_tables(self._waiting[split])
        for at in range(0, rows, self._group_rows):
            if split not in self._open:
                self._root.mkdir(parents=True, exist_ok=True)
                path = self._part(split, len(self._digests[split]))
                self._open[split] = pq.ParquetWriter(path, self._schema, compression="zstd", **self._how)
            group = table.slice(at, min(self._group_rows, rows - at))
            self._open[split].write_table(group, row_group_size=self._group_rows)
            self._written[split] += group.num_rows
            if self._written[split] % self._shard_rows == 0:
                self._end(split)
        self._waiting[split] = [table.slice(rows)] if rows < table.num_rows else []

    def _end(self, split: str) -> None:
        self._open.pop(split).close()
        path = self._part(split, len(self._digests[split]))
        self._digests[split].append(self._hashing.submit(file_digest, path))

    def _part(self, split: str, number: int) -> Path:
        return self._root / f"{split}-{number:05d}.part"

    def close(self, order: list[str]) -> tuple[dict[str, SplitFacts], dict[str, str]]:
        """Writes what waits; returns the splits with rows, in this order, and file name to sha256."""
        while self._running:
            self._running.popleft().result()
        self._encoding.shutdown()
        splits, digests = {}, {}
        for split in sorted(self._waiting, key=lambda split: ([*order, split].index(split), split)):
            if rows := sum(waiting.num_rows for waiting in self._waiting[split]):
                self._write(split, rows)
            if split in self._open:
                self._end(split)
            hashed = self._hashes[split]
            facts = splits[split] = SplitFacts(self._written[split], 0, hashed.bytes, hashed.hexdigest())
            for number, digest in enumerate(files := self._digests[split]):
                path = self._root / f"{split}-{number:05d}-of-{len(files):05d}.parquet"
                digests[path.name] = digest.result()
                facts.bytes += self._part(split, number).rename(path).stat().st_size
        self._hashing.shutdown()
        return splits, digests


def parquet_leaves(name: str, kind: pa.DataType) -> list[str]:
    """The Parquet columns that hold an Arrow column.

    >>> parquet_leaves("spans", pa.list_(pa.struct([("start", pa.int32()), ("label", pa.string())])))
    ['spans.list.element.start', 'spans.list.element.label']
    """
    if pa.types.is_list(kind):
        return parquet_leaves(f"{name}.list.element", kind.value_type)
    if pa.types.is_struct(kind):
        return [leaf for inner in kind for leaf in parquet_leaves(f"{name}.{inner.name}", inner.type)]
    return [name]


class LogicalHash:
    """A hash of table contents: the same for the same values, however they are encoded, batched or compressed.

    Fed with tables of one schema in row order. Each column is hashed on its own: places of nulls, lengths and values.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._fields = list(schema.names)
        self._described = "\n".join(f"{field.name}: {field.type}" for field in schema)
        self._leaves: dict[str, hashlib._Hash] = {}
        self._fed: Counter[str] = Counter()
        self.rows = 0
        #: Size of the hashed contents, the same wherever batches are cut.
        self.bytes = 0

    def update(self, table: pa.Table) -> None:
        """Adds the rows of a table."""
        self.rows += table.num_rows
        for name in self._fields:
            for chunk in table[name].chunks:
                self._feed(name, chunk)

    def hexdigest(self) -> str:
        """sha256 over the schema, the number of rows and every leaf, in hex."""
        whole = hashlib.sha256(f"{self._described}\n{self.rows}\n".encode())
        for path in sorted(self._leaves):
            whole.update(f"{path} {self._leaves[path].hexdigest()}\n".encode())
        return whole.hexdigest()

    def _add(self, path: str, data: Any) -> None:
        self.bytes += len(data)
        self._leaves.setdefault(path, hashlib.sha256()).update(data)

    def _feed(self, path: str, array: pa.Array) -> None:
        if array.null_count:
            where = np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)) + self._fed[path]
            self._add(f"{path}?", where.astype("<i8", copy=False).tobytes())
        self._fed[path] += len(array)
        kind = array.type
        if pa.types.is_struct(kind):
            for i in range(kind.num_fields):
                self._feed(f"{path}.{kind.field(i).name}", pc.struct_field(array, i))
        elif pa.types.is_list(kind):
            self._add(f"{path}#", _bytes(pc.list_value_length(array), "<i4"))
            self._feed(f"{path}[]", array.flatten())
        elif pa.types.is_string(kind):
            self._add(f"{path}#", _bytes(pc.binary_length(array), "<i4"))
            edges, data = string_buffers(pc.fill_null(array, "") if array.null_count else array)
            self._add(path, data[int(edges[0]) : int(edges[-1])])
        elif pa.types.is_boolean(kind):
            self._add(path, _bytes(array.cast(pa.int8()), "?"))
        else:
            zero = pa.scalar(0, pa.int64()).cast(kind)
            filled = pc.fill_null(array, zero) if array.null_count else array
            width = kind.bit_width // 8
            self._add(path, filled.buffers()[1][filled.offset * width : (filled.offset + len(filled)) * width])


def _bytes(array: pa.Array, dtype: str) -> bytes:
    return np.asarray(pc.fill_null(array, 0).to_numpy(zero_copy_only=False), dtype).tobytes()
