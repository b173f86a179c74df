"""Files: names, digests of what they hold, and how they are whole or absent, and private unless they are released."""

import contextlib
import hashlib
import json
import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from builder.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa


#: What fsspec calls the compression of a single file, by its suffix.
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".xz": "xz", ".bz2": "bz2"}


def suffixes(path: str) -> tuple[str, str]:
    """The suffix that names the format, and that of the compression or the empty string; both lower-case.

    >>> suffixes("news/2024.JSONL.gz")
    ('.jsonl', '.gz')
    """
    name, last = posixpath.splitext(path.lower())
    return (posixpath.splitext(name)[1], last) if last in COMPRESSIONS else (last, "")


def digest(*parts: str | bytes) -> str:
    """sha256 over length-prefixed parts, in hex: no two lists of parts share an input."""
    h = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        h.update(len(data).to_bytes(8, "big"))
        h.update(data)
    return h.hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, in hex."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def canonical(value: Any) -> str:
    """JSON with sorted keys and no free choices; dataclasses become objects."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"{type(value).__name__} has no canonical form")


#: Permissions of files in the workspace, and of files that others may read, such as those of a release.
PRIVATE, PUBLIC = 0o600, 0o644


def permit(folder: Path, mode: int = PRIVATE) -> None:
    """Everything in a folder, and the folder, has these permissions; folders may be entered by whom may read."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(mode | (mode & 0o444) >> 2 if path.is_dir() else mode)


@contextlib.contextmanager
def atomic(path: Path, mode: int = PRIVATE) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        temporary.chmod(mode)
        yield temporary
        with temporary.open("rb") as f:
            os.fsync(f.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path, mode: int = PRIVATE) -> Iterator[Path]:
    """A temporary folder beside `path`, renamed to `path` when the block ends without an error. Files get `mode`.

    Raises `StoreError` when `path` exists already: a whole folder is never overwritten.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield temporary
        permit(temporary, mode)
        if path.exists():
            raise StoreError(f"{path} exists already.", "Another run finished first; run the command again.")
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str, mode: int = PRIVATE) -> None:
    """`path` holds exactly `text` in UTF-8, with the given permissions, or what it held before."""
    with atomic(path, mode) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_json(path: Path, value: Any, mode: int = PRIVATE) -> None:
    """`path` holds `value` as indented JSON with sorted keys."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=_plain) + "\n", mode)


def read_json(path: Path, kind: Any = dict[str, Any]) -> Any:
    """The value in a JSON file, or None when there is no such file; raises `StoreError` when it is not of this kind."""
    try:
        return msgspec.convert(json.loads(path.read_text(encoding="utf-8")), kind, str_keys=True)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError, msgspec.ValidationError) as e:
        message = f"{path} is not what was written there: {e}."
        raise StoreError(message, "Restore it from a backup, or delete it and run the command again.") from e


def write_table(path: Path, table: "pa.Table") -> None:
    """`path` holds the table as Parquet (zstd); the same table gives the same bytes."""
    import pyarrow.parquet as pq

    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def sync_tree(folder: Path) -> None:
    """Every file and folder below has reached the disk."""
    for path in [*sorted(folder.rglob("*"), reverse=True), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def quick_yaml() -> Iterator[None]:
    """Inside, libraries read YAML with libyaml where PyYAML has it.

    Composing takes 0.23 s instead of 0.36 s, opening each configuration of a release 0.06 s instead of 0.1 s.
    """
    import yaml

    # OmegaConf and huggingface_hub have no option for it: they take this name.
    before = yaml.SafeLoader
    yaml.SafeLoader = getattr(yaml, "CSafeLoader", before)  # type: ignore[misc]
    try:
        yield
    finally:
        yaml.SafeLoader = before  # type: ignore[misc]
