"""The inventory of a corpus: its raw files, listed and hashed, in shards that are read and recomputed together.

Files are in the order of their paths. A shard ends where the hash of a path says so, so a file that is added or removed
moves only the borders near it. A large .jsonl file is cut at line ends into slices of fixed size, so lines that are
added at its end change only its last slice.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from builder.corpus.decoding import is_wide
from builder.corpus.files import RawFile, list_files, open_raw, suffixes
from builder.corpus.parts import read_record, write_record
from builder.corpus.records import UNREADABLE, Reject
from builder.corpus.settings import Source
from builder.store import digest

#: What a caller may pass to follow the work: what is being done, how much of it is done, and how much there is (None
#: when that is not known).
Progress = Callable[[str, int, int | None], None]

_BLOCK = 1 << 20
_LINES = (".jsonl", ".ndjson")
#: A file changed so shortly before it was listed may change again without a new time stamp.
_RACE_NS = 2_000_000_000
#: Bytes by which a file counts for more than its size, so that a million tiny files are not one shard.
_OVERHEAD = 2048


@dataclass(frozen=True)
class FileSlice:
    """A file, or a run of its lines."""

    path: str
    address: str
    begin: int  # byte offsets
    end: int  # -1: the end of the file
    first: int  # the number of its first record
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class InputShard:
    """Slices of raw files that are read together."""

    slices: tuple[FileSlice, ...]

    @property
    def size(self) -> int:
        """Bytes, as they are stored."""
        return sum(s.size for s in self.slices)

    def key(self, settings: str) -> str:
        """A name for what its tables depend on: the settings, and the bytes of its slices and where they are."""
        return digest("shard", settings, *(f"{s.path}\n{s.first}\n{s.sha256}" for s in self.slices))[:32]


@dataclass(frozen=True)
class Inventory:
    """The raw files of a corpus: how many were listed, their shards, and rejects for what cannot be read."""

    files: int
    shards: tuple[InputShard, ...]
    rejects: tuple[Reject, ...]

    @property
    def size(self) -> int:
        """Bytes of all shards."""
        return sum(shard.size for shard in self.shards)

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same bytes under the same relative paths, wherever the raw folder is."""
        return digest("inventory", *(s.key("") for s in self.shards), *(repr(tuple(r)) for r in self.rejects))


def inventory(raw: str, source: Source, cache: Path, progress: Progress | None = None) -> Inventory:
    """Lists and hashes the raw files; a file that has not changed since `cache` was written is not read again.

    `raw` is a folder, a file, a glob or an fsspec address. Raises `SourceError` when there is nothing to read.
    """
    files, rejects = list_files(raw, source)
    total, done = sum(f.size for f in files), 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        if progress:
            progress("listing", done, total)

    advance(0)
    slices, unreadable = slice_files(files, source, cache, advance)
    return Inventory(len(files), tuple(shard_slices(slices, source)), (*rejects, *unreadable))


def slice_files(
    files: Iterable[RawFile], source: Source, cache: Path, advance: Callable[[int], None] = lambda _: None
) -> tuple[list[FileSlice], list[Reject]]:
    """The slices of all files, in order, and a reject per file that cannot be read."""
    known: dict[str, Any] = read_record(cache) or {}
    now = time.time_ns()
    step = source.shard_mb << 20
    fresh: dict[str, Any] = {}
    rejects: list[Reject] = []

    def look(file: RawFile) -> tuple[RawFile, list[FileSlice] | OSError]:
        entry = known.get(file.path)
        if entry and (entry["stamp"], entry["step"]) == (file.stamp, step):
            return file, [FileSlice(file.path, file.address, *s) for s in entry["slices"]]
        try:
            return file, _slices(file, step, source.storage_options)
        except OSError as e:
            return file, e

    out: list[FileSlice] = []
    # Hashing releases the interpreter lock, so threads use all cores.
    with ThreadPoolExecutor(4) as pool:
        for file, found in pool.map(look, files):
            advance(file.size)
            if isinstance(found, OSError):
                rejects.append(Reject(file.path, None, UNREADABLE, found.strerror or str(found)))
                continue
            out += found
            if _settled(file.stamp, now):
                # The address is not remembered: the whole folder may have been moved.
                slices = [[s.begin, s.end, s.first, s.size, s.sha256] for s in found]
                fresh[file.path] = {"stamp": file.stamp, "step": step, "slices": slices}
    if fresh != known:
        write_record(cache, fresh)
    return out, rejects


def _settled(stamp: str, now: int) -> bool:
    times = [int(t) for t in stamp.split(":")[2:] if t.isdecimal()]
    return bool(stamp) and all(now - t > _RACE_NS for t in times)


def _slices(file: RawFile, step: int, options: dict[str, Any]) -> list[FileSlice]:
    """The whole file, or several runs of a large file of lines."""
    out: list[FileSlice] = []
    with open_raw(file.address, options) as f:
        head = f.read(4)
        if file.size <= step or is_wide(head) or suffixes(file.path) not in {(s, "") for s in _LINES}:
            h, size = hashlib.sha256(head), len(head)
            while block := f.read(_BLOCK):
                h.update(block)
                size += len(block)
            return [FileSlice(file.path, file.address, 0, -1, 0, size, h.hexdigest())]
        f.seek(0)
        begin = first = 0
        while True:
            h, at, lines = hashlib.sha256(), begin, 0
            while at - begin < step and (block := f.read(min(_BLOCK, step - (at - begin)))):
                h.update(block)
                at, lines = at + len(block), lines + block.count(b"\n")
            if at == begin:
                return out
            while tail := f.readline(_BLOCK):
                h.update(tail)
                at += len(tail)
                if tail.endswith(b"\n"):
                    lines += 1
                    break
            out.append(FileSlice(file.path, file.address, begin, at, first, at - begin, h.hexdigest()))
            begin, first = at, first + lines


def shard_slices(slices: Iterable[FileSlice], source: Source) -> list[InputShard]:
    """The slices in shards of about half of `source.shard_mb`, and never much more than it."""
    limit = source.shard_mb << 20
    out: list[InputShard] = []
    current: list[FileSlice] = []
    size = 0
    for s in slices:
        current.append(s)
        size += s.size + _OVERHEAD
        chance = int.from_bytes(hashlib.sha256(f"{s.path}\n{s.first}".encode()).digest()[:8], "big") / 2**64
        if size >= limit or chance < 2 * (s.size + _OVERHEAD) / limit:
            out.append(InputShard(tuple(current)))
            current, size = [], 0
    if current:
        out.append(InputShard(tuple(current)))
    return out
