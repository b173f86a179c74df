"""What later runs take up again: files and folders that are used only while they are as they were written.

They are in a local folder, or at any address that fsspec understands. Final tables are hard links to local parts, so a
damaged part would reach every later stage. Whoever finds one makes it again.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builder.errors import ConfigError, StoreError
from builder.memory import uncollected
from builder.settings import shown_address
from builder.store import atomic, atomic_folder, canonical, file_digest

_COUNTS = "counts.json"
_DIGEST_BYTES = 32
#: Requests to a remote storage at the same time.
REQUESTS = 16


def storage_at(address: str) -> Path:
    """The folder of `engine.storage`: a local path or an fsspec address, with the methods of `pathlib`.

    Raises `ConfigError` when nothing can be written there.
    """
    if "://" not in address:
        return Path(address)
    from upath import UPath

    try:
        # Other processes write there, too, so no listing may be remembered.
        found: Any = UPath(address, use_listings_cache=False)
        (found / "reached").write_bytes(b"")
    except Exception as e:  # file systems have errors of their own
        what = " ".join(str(e).split()).replace(address, shown_address(address))
        raise ConfigError(
            f"engine.storage {shown_address(address)} cannot be used: {what}.",
            "Check the address, its permissions, and that the package of its file system is installed.",
        ) from e
    return found  # type: ignore[no-any-return]


def is_local(path: Path) -> bool:
    """Whether it is a path of this machine."""
    return isinstance(path, Path)


def write_sealed(path: Path, data: bytes) -> None:
    """`path` holds the data and, after it, their sha256."""
    whole = data + hashlib.sha256(data).digest()
    if is_local(path):
        with atomic(path) as temporary:
            temporary.write_bytes(whole)
    else:
        path.write_bytes(whole)


def read_sealed(path: Path) -> memoryview | None:
    """The data that `write_sealed` wrote, or None when the file is missing or damaged."""
    try:
        whole = memoryview(path.read_bytes())
    except OSError:
        return None
    data, known = whole[:-_DIGEST_BYTES], whole[-_DIGEST_BYTES:]
    return data if hashlib.sha256(data).digest() == known else None


def read_ranges(ranges: Sequence[tuple[Path, int, int]]) -> list[bytes]:
    """The bytes from begin to end of each (file, begin, end)."""
    if ranges and not is_local(ranges[0][0]):
        with ThreadPoolExecutor(REQUESTS) as pool:
            return list(pool.map(lambda r: r[0].fs.cat_file(r[0].path, start=r[1], end=r[2]), ranges))
    out = []
    for path, some in groupby(ranges, key=lambda r: r[0]):
        with path.open("rb") as f:
            for _, begin, end in some:
                f.seek(begin)
                out.append(f.read(end - begin))
    return out


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """The table, or some columns of it, in a Parquet file."""
    with path.open("rb") as f:
        return pq.read_table(f, columns=columns)


def made(folder: Path, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """The counts that `make` returned when it filled the folder, which now exists with the digests of its files."""
    counts = sound_counts(folder)
    if counts is None:
        try:
            with _new_folder(folder) as temporary, uncollected():
                counts = make(temporary)
                files = {path.name: (path.stat().st_size, file_digest(path)) for path in temporary.iterdir()}
                write_sealed(temporary / _COUNTS, canonical({"counts": counts, "files": files}).encode())
        except StoreError:
            # Another attempt at the same, given up as lost, may finish first; its files and counts are the same.
            if counts is None:
                raise
    return counts


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A local folder to fill; `folder` holds its files when the block ends without an error, the counts last."""
    if is_local(folder):
        with atomic_folder(folder) as temporary:
            yield temporary
        return
    with TemporaryDirectory() as name:
        yield Path(name)
        for path in sorted(Path(name).iterdir(), key=lambda p: p.name == _COUNTS):
            (folder / path.name).fs.put_file(str(path), (folder / path.name).path)  # type: ignore[attr-defined]


def sound_counts(folder: Path) -> dict[str, Any] | None:
    """The counts of a finished folder; None, and no folder any more, when it is not as written.

    Of remote files the sizes are compared, for their storage keeps digests of its own.
    """
    record = read_sealed(folder / _COUNTS)
    with suppress(OSError):
        if record is not None:
            known = json.loads(bytes(record))
            if all(_is_sound(folder / name, *about) for name, about in known["files"].items()):
                counts: dict[str, Any] = known["counts"]
                return counts
    discard(folder)
    return None


def _is_sound(path: Path, size: int, sha256: str) -> bool:
    return path.stat().st_size == size and (not is_local(path) or file_digest(path) == sha256)


def discard(path: Path) -> None:
    """There is no such file or folder any more."""
    with suppress(FileNotFoundError):
        if not is_local(path):
            path.fs.rm(path.path, recursive=True)  # type: ignore[attr-defined]
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
