"""The inventory of a corpus: its raw files, listed and hashed, in shards that are read and recomputed together.

It is a table in the order of paths, with the members of an archive in its own order. A shard ends where the hash of a
file says so, so a file that is added or removed moves only the borders near it. A large .jsonl file is cut at line ends
into slices of fixed size, so lines that are added at its end change only its last slice.
"""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.corpus.decoding import is_wide
from builder.corpus.files import RawFile, list_files
from builder.corpus.parts import read_sealed, write_sealed
from builder.corpus.records import Reject, unreadable
from builder.corpus.settings import Source
from builder.corpus.streams import forget_archive, open_raw
from builder.memory import uncollected
from builder.store import digest, suffixes
from builder.text import string_buffers

T = TypeVar("T")
#: What a caller may pass to follow the work: what is being done, how much of it is done, and how much there is (None
#: when that is not known).
Progress = Callable[[str, int, int | None], None]
#: `builder.engine.Runner.run`.
Run = Callable[..., Iterator[tuple[int, Any]]]

_BLOCK = 1 << 20
_LINES = (".jsonl", ".ndjson")
#: A file changed so shortly before it was listed may change again without a new time stamp.
_RACE_NS = 2_000_000_000
#: How this system writes names as bytes.
_NAMES = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
#: Bytes by which a file counts for more than its size, so that a million tiny files are not one shard.
_OVERHEAD = 2048
#: Bytes that are hashed at once by a worker, and those that are hashed sooner than workers are started.
_BATCH, _LIGHT = 64 << 20, 32 << 20


class FileSlice(NamedTuple):
    """A file, or a run of its lines."""

    path: str
    address: bytes  # not every file name is a text
    begin: int  # byte offsets
    end: int  # -1: the end of the file
    first: int  # the number of its first record
    size: int  # bytes
    sha256: bytes


_TYPES = [pa.string(), pa.binary(), *[pa.int64()] * 4, pa.binary(32)]
SLICES = pa.schema(list(zip(FileSlice._fields, _TYPES, strict=True)))
#: What is remembered. The address is not: the whole folder may be moved.
_KNOWN = pa.schema([SLICES.field("path"), ("stamp", pa.int64()), *list(SLICES)[2:]])


@dataclass(frozen=True)
class Inventory:
    """The raw files of a corpus: how many were listed, their slices, and rejects for what cannot be read."""

    files: int
    slices: pa.Table  # of SLICES
    rejects: tuple[Reject, ...]
    shard_mb: int

    @property
    def size(self) -> int:
        """Bytes of all slices, as they are stored."""
        return pc.sum(self.slices["size"]).as_py() or 0

    @cached_property
    def shards(self) -> list[pa.Table]:
        """The slices in shards of about half of `source.shard_mb`, and never much more than it."""
        weight = self.slices["size"].to_numpy() + _OVERHEAD
        limit = self.shard_mb << 20
        chance = _digests(self.slices)[:, :8].copy().view(">u8").ravel() / 2**64
        marks = np.append(np.flatnonzero(chance < 2 * weight / limit) + 1, len(weight))
        total = np.cumsum(weight)
        borders = [0]
        while (at := borders[-1]) < len(weight):
            full = np.searchsorted(total, (total[at - 1] if at else 0) + limit) + 1
            borders.append(int(min(full, marks[np.searchsorted(marks, at, "right")])))
        # Copies: a part of a table that is sent to a worker takes the whole table with it.
        return [self.slices.take(pa.array(np.arange(a, b))) for a, b in pairwise(borders)]

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same bytes under the same relative paths, wherever the raw folder is."""
        return digest("inventory", shard_key(self.slices, ""), *(repr(tuple(r)) for r in self.rejects))


def shard_key(shard: pa.Table, settings: str) -> str:
    """A name for what its tables depend on: the settings, and the bytes of its slices and where they are."""
    offsets, data = string_buffers(shard["path"].combine_chunks())
    paths = data[offsets[0] : offsets[-1]]
    places = (np.diff(offsets).astype(np.int64), paths, shard["first"].to_numpy(), _digests(shard))
    return digest("shard", settings, *(array.tobytes() for array in places))[:32]


def _digests(slices: pa.Table) -> Any:
    """The sha256 of each slice, as slices x 32 bytes."""
    column = slices["sha256"].combine_chunks()
    whole = np.frombuffer(column.buffers()[1] or b"", np.uint8).reshape(-1, 32)
    return whole[column.offset : column.offset + len(column)]


def inventory(raw: str, source: Source, cache: Path, run: Run, progress: Progress | None = None) -> Inventory:
    """Lists and hashes the raw files; a file that has not changed since `cache` was written is not read again.

    `raw` is a folder, a file, a glob or an fsspec address. Raises `SourceError` when there is nothing to read.
    """
    with uncollected():
        files, rejects = list_files(raw, source)
    total, done = sum(map(itemgetter(2), files)), 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        if progress:
            progress("listing", done, total)

    advance(0)
    slices, unreadable = slice_files(files, source, cache, run, advance)
    return Inventory(len(files), slices, (*rejects, *unreadable), source.shard_mb)


def slice_files(
    files: Sequence[RawFile], source: Source, cache: Path, run: Run, advance: Callable[[int], None] = lambda _: None
) -> tuple[pa.Table, list[Reject]]:
    """The slices of all files by path, and a reject per file that cannot be read."""
    now, step = time.time_ns(), source.shard_mb << 20
    path, address, size, stamp, changed = zip(*files, strict=True) if files else ((),) * 5
    named = [
        pa.array(path, pa.string()),
        pa.array([a.encode(*_NAMES) for a in address], pa.binary()),
        pa.array(stamp, pa.int64()),
    ]
    listed = pa.table([*named, np.arange(len(files))], ["path", "address", "stamp", "number"])
    schema = _KNOWN.with_metadata({"step": str(step)})
    data = read_sealed(cache)
    known = schema.empty_table() if data is None else pq.read_table(pa.py_buffer(data))
    if not known.schema.equals(schema, check_metadata=True):  # of slices of another size
        known = schema.empty_table()
    joined = listed.join(known, ["path", "stamp"])
    is_new = pc.is_null(joined["sha256"])
    found = joined.filter(pc.invert(is_new)).select(["number", *_KNOWN.names[2:]])
    fresh = [(number, files[number]) for number in sorted(joined.filter(is_new)["number"].to_pylist())]
    work = sum(f.size + _OVERHEAD for _, f in fresh)
    advance(sum(size) - work + _OVERHEAD * len(fresh))
    rows: list[tuple[Any, ...]] = []
    rejects: list[Reject] = []
    cut = in_batches(fresh, lambda one: one[1].size + _OVERHEAD, _BATCH, len(fresh))
    tasks = [(batch, step, source.storage_options) for batch in cut]
    for index, (some, failed) in run(hash_files, tasks, light=work < _LIGHT):
        rows += some
        rejects += failed
        advance(sum(f.size for _, f in tasks[index][0]))
    values = zip(*rows, strict=True) if rows else ((),) * len(found.schema)
    new = [pa.array(column, field.type) for column, field in zip(values, found.schema, strict=True)]
    whole = pa.concat_tables([found, pa.table(new, found.schema)])
    whole = whole.sort_by([("number", "ascending"), ("begin", "ascending")])
    listed = listed.take(whole["number"])
    if rows or found.num_rows < known.num_rows:
        settled = np.array([bool(s) and now - c > _RACE_NS for s, c in zip(stamp, changed, strict=True)], bool)
        kept = pa.table([listed["path"], listed["stamp"], *whole.columns[1:]], schema)
        sink = pa.BufferOutputStream()
        pq.write_table(kept.filter(pa.array(settled[whole["number"].to_numpy()])), sink, compression="zstd")
        write_sealed(cache, sink.getvalue().to_pybytes())
    return pa.table([listed["path"], listed["address"], *whole.columns[1:]], SLICES), sorted(rejects)


def in_batches(items: Iterable[T], size_of: Callable[[T], int], most: int, count: int) -> Iterator[list[T]]:
    """The items in lists that end when their size or their number is reached."""
    batch: list[T] = []
    size = 0
    for item in items:
        batch.append(item)
        size += size_of(item)
        if size >= most or len(batch) >= count:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def in_order(found: Iterable[tuple[int, T]]) -> list[T]:
    """Results in the order of their numbers."""
    return [result for _, result in sorted(found, key=lambda one: one[0])]


def hash_files(
    task: tuple[list[tuple[int, RawFile]], int, dict[str, Any]],
) -> tuple[list[tuple[Any, ...]], list[Reject]]:
    """The number of each file with its slices, from their begin on; and a reject per file that cannot be read."""
    files, step, options = task
    forget_archive()
    rows: list[tuple[Any, ...]] = []
    rejects: list[Reject] = []
    for number, file in files:
        try:
            rows += [(number, *s[2:]) for s in file_slices(file, step, options)]
        except OSError as e:
            rejects.append(unreadable(file.path, e))
    return rows, rejects


def file_slices(file: RawFile, step: int, options: dict[str, Any]) -> Iterator[FileSlice]:
    """The whole file, or several runs of a large file of lines."""
    named = (file.path, os.fsencode(file.address))
    with open_raw(file.address, options) as f:
        head = f.read(4)
        if file.size <= step or is_wide(head) or suffixes(file.path) not in {(s, "") for s in _LINES}:
            h, size = hashlib.sha256(head), len(head)
            while block := f.read(min(_BLOCK, max(file.size, 1))):
                h.update(block)
                size += len(block)
            yield FileSlice(*named, 0, -1, 0, size, h.digest())
            return
        f.seek(0)
        begin = first = 0
        while True:
            h, at, lines = hashlib.sha256(), begin, 0
            while at - begin < step and (block := f.read(min(_BLOCK, step - (at - begin)))):
                h.update(block)
                at, lines = at + len(block), lines + block.count(b"\n")
            if at == begin:
                return
            while tail := f.readline(_BLOCK):
                h.update(tail)
                at += len(tail)
                if tail.endswith(b"\n"):
                    lines += 1
                    break
            yield FileSlice(*named, begin, at, first, at - begin, h.digest())
            begin, first = at, first + lines
