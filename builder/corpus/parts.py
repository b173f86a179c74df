"""What later runs take up again: JSON, arrays and folders that are used only while they are as they were written.

Final tables are hard links to parts, so a damaged part would reach every later stage. Whoever finds one makes it again.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from builder.errors import StoreError
from builder.memory import uncollected
from builder.store import atomic, atomic_folder, canonical, digest, file_digest, write_text

_COUNTS = "counts.json"
_DIGEST_BYTES = 32


def write_record(path: Path, value: Any) -> None:
    """`path` holds the value, which JSON can hold, and its digest."""
    text = canonical(value)
    write_text(path, f'{{"sha256":"{digest(text)}","value":{text}}}')


def read_record(path: Path) -> Any:
    """The value that `write_record` wrote, or None when the file is missing or damaged."""
    try:
        _, said, text = re.split('{"sha256":"(.{64})","value":', path.read_text(encoding="utf-8")[:-1], maxsplit=1)
    except (OSError, ValueError):
        return None
    return json.loads(text) if said == digest(text) else None


def write_array(path: Path, array: Any) -> None:
    """`path` holds the array in numpy's format and, after it, the sha256 of these bytes."""
    with atomic(path) as temporary:
        with temporary.open("wb") as f:
            np.save(f, array)
        found = bytes.fromhex(file_digest(temporary))
        with temporary.open("ab") as f:
            f.write(found)


def read_array(path: Path) -> Any:
    """The array that `write_array` wrote, mapped from disk, or None when the file is missing or damaged."""
    try:
        data = memoryview(path.read_bytes())
    except OSError:
        return None
    if hashlib.sha256(data[:-_DIGEST_BYTES]).digest() != data[-_DIGEST_BYTES:]:
        return None
    return np.load(path, mmap_mode="r")


def made(folder: Path, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """The counts that `make` returned when it filled the folder, which now exists with the digests of its files."""
    counts = sound_counts(folder)
    if counts is None:
        try:
            with atomic_folder(folder) as temporary, uncollected():
                counts = make(temporary)
                files = {path.name: file_digest(path) for path in temporary.iterdir()}
                write_record(temporary / _COUNTS, {"counts": counts, "files": files})
        except StoreError:
            # Another attempt at the same, given up as lost, may finish first; its files and counts are the same.
            if counts is None:
                raise
    return counts


def sound_counts(folder: Path) -> dict[str, Any] | None:
    """The counts of a finished folder; None, and no folder any more, when it is not as written."""
    record = read_record(folder / _COUNTS)
    with suppress(OSError):
        if record and all(file_digest(folder / name) == known for name, known in record["files"].items()):
            counts: dict[str, Any] = record["counts"]
            return counts
    shutil.rmtree(folder, ignore_errors=True)
    return None
