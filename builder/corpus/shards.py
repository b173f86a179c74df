"""Shards: the units of parallel work and of recomputation, cut so that new files disturb few of them.

Files lie in shards in the order of their paths. A shard ends where the hash of a path says so, so that a file added
or removed moves the borders near it only. A large .jsonl file is cut at line ends into pieces of fixed size, so that
lines added at its end change its last piece only.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from builder.corpus.decoding import is_wide
from builder.corpus.files import RawFile
from builder.corpus.records import Reject
from builder.corpus.settings import Source
from builder.corpus.streams import open_raw, suffixes
from builder.store import digest, read_json, write_json

_BLOCK = 1 << 20
_LINES = (".jsonl", ".ndjson")
#: A file changed so shortly before it was listed may change again without a new time stamp.
_RACE_NS = 2_000_000_000


@dataclass(frozen=True)
class Piece:
    """A file or a run of its lines: `begin` and `end` are byte offsets (-1: to the end), `first` the first record."""

    path: str
    address: str
    begin: int
    end: int
    first: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Shard:
    """Pieces that are read together."""

    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        return sum(p.size for p in self.pieces)

    def key(self, settings: str) -> str:
        """What its tables depend on: the settings, and the bytes of its pieces and where they lie."""
        return digest("shard", settings, *(f"{p.path}\n{p.first}\n{p.sha256}" for p in self.pieces))[:32]


def pieces(
    files: Iterable[RawFile], source: Source, inventory: Path, done: Callable[[int], None] = lambda _: None
) -> tuple[list[Piece], list[Reject]]:
    """The pieces of all files, in order. Files whose stamp stands in the inventory are not read again."""
    known: dict[str, Any] = read_json(inventory) or {}
    now = time.time_ns()
    step = source.shard_mb << 20
    fresh: dict[str, Any] = {}
    rejected: list[Reject] = []

    def look(file: RawFile) -> tuple[RawFile, list[Piece] | OSError]:
        entry = known.get(file.path)
        if entry and entry["stamp"] == file.stamp and entry["step"] == step and file.stamp and entry["settled"]:
            # Where the file lies is not remembered: the whole folder may have been moved.
            return file, [Piece(file.path, file.address, **p) for p in entry["pieces"]]
        try:
            return file, _cut(file, step, source.storage_options)
        except OSError as e:
            return file, e

    out: list[Piece] = []
    # Hashing releases the interpreter lock, so threads use both cores.
    with ThreadPoolExecutor(4) as pool:
        for file, found in pool.map(look, files):
            done(file.size)
            if isinstance(found, OSError):
                rejected.append(Reject(file.path, None, "unreadable", found.strerror or str(found)))
                continue
            out += found
            fresh[file.path] = {
                "stamp": file.stamp,
                "step": step,
                "pieces": [{k: v for k, v in asdict(p).items() if k not in ("path", "address")} for p in found],
                "settled": _settled(file.stamp, now),
            }
    if fresh != known:
        write_json(inventory, fresh)
    return out, rejected


def _settled(stamp: str, now: int) -> bool:
    times = [int(t) for t in stamp.split(":")[2:] if t.isdecimal()]
    return bool(stamp) and all(now - t > _RACE_NS for t in times)


def _cut(file: RawFile, step: int, options: dict[str, Any]) -> list[Piece]:
    """One piece, or several for a large file of lines."""
    out: list[Piece] = []
    with open_raw(file.address, options) as f:
        head = f.read(4)
        if file.size <= step or is_wide(head) or suffixes(file.path) not in {(s, "") for s in _LINES}:
            h, size = hashlib.sha256(head), len(head)
            while block := f.read(_BLOCK):
                h.update(block)
                size += len(block)
            return [Piece(file.path, file.address, 0, -1, 0, size, h.hexdigest())]
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
            out.append(Piece(file.path, file.address, begin, at, first, at - begin, h.hexdigest()))
            begin, first = at, first + lines


def shards(found: Iterable[Piece], source: Source) -> list[Shard]:
    """The pieces in shards of about half of `source.shard_mb`, and never much more than it."""
    limit = source.shard_mb << 20
    out: list[Shard] = []
    current: list[Piece] = []
    size = 0
    for piece in found:
        current.append(piece)
        # The overhead of a record counts too, or a million tiny files would be one shard.
        size += piece.size + 2048
        chance = int.from_bytes(hashlib.sha256(f"{piece.path}\n{piece.first}".encode()).digest()[:8], "big") / 2**64
        if size >= limit or chance < 2 * (piece.size + 2048) / limit:
            out.append(Shard(tuple(current)))
            current, size = [], 0
    if current:
        out.append(Shard(tuple(current)))
    return out
