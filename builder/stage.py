"""Remembered stages: results addressed by the code, the inputs and the settings that they were made from.

A stage is a folder `<dataset>/<name>/<key>/`. It appears in one rename, holds a digest of every file, and is never
changed afterwards. Two configurations have two results side by side, and what does not fit the configuration at hand
has another key, so it cannot be picked up by mistake.
"""

import contextlib
import importlib.metadata
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from builder.errors import StoreError
from builder.store import atomic_folder, canonical, digest, file_digest, read_json, sync_tree, write_json

if TYPE_CHECKING:
    import pyarrow as pa

#: Called with what is done, how much of it, and the total when that is known.
Progress = Callable[[str, int, int | None], None]
PACKAGE = Path(__file__).resolve().parent
_RECORD, _SUMMARY = "stage.json", "summary.json"
_KEY_LENGTH = 16


def silent(what: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


class Input(Protocol):
    """Something that a stage is made from. Equal fingerprints mean equal contents."""

    @property
    def fingerprint(self) -> str: ...


@dataclass(frozen=True)
class Stage:
    """One remembered result. Every file is compared with its digest before it is read."""

    name: str
    key: str
    folder: Path
    #: sha256 by file, relative to the folder.
    files: Mapping[str, str]
    #: Digest by what the stage was made from: code, libraries, each input and each group of settings.
    made_from: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """Digest of the contents: equal results are equal inputs of later stages, whatever they were made from."""
        return digest(*(part for file in sorted(self.files) for part in (file, self.files[file])))

    @property
    def summary(self) -> dict[str, Any]:
        """What the run that made it reported."""
        found: dict[str, Any] = read_json(self.path(_SUMMARY))
        return found

    def only(self, *names: str) -> "Stage":
        """The stage as far as these tables or files go: an input that does not change when the others do."""
        kept = {f: d for f, d in self.files.items() if f.split("/")[0].rsplit(".", 1)[0] in names}
        return replace(self, files=kept)

    def path(self, name: str) -> Path:
        """A file of the stage, or a folder of files. Raises `StoreError` when it is not as it was written."""
        inside = [file for file in self.files if file == name or file.startswith(f"{name}/")]
        if not inside:
            raise _damaged(self.folder, name, "is not part of the stage")
        for file in inside:
            path = self.folder / file
            try:
                about = path.stat()
                found = _digest_of(path, about.st_size, about.st_mtime_ns, about.st_ino)
            except OSError as e:
                raise _damaged(self.folder, file, f"cannot be read: {e.strerror}") from e
            if found != self.files[file]:
                raise _damaged(self.folder, file, "is not what was written: it was changed, or the disk is damaged")
        return self.folder / name

    def table_path(self, name: str) -> Path:
        """The Parquet file, or folder of files, of a table."""
        return self.path(f"{name}.parquet")

    def table(
        self, name: str, schema: "pa.Schema | None" = None, columns: list[str] | None = None, rows: Any = None
    ) -> "pa.Table":
        """A table of the stage, or some columns of it, or the rows for which an Arrow expression is true.

        With `schema`, its columns are compared with those of the whole schema that were asked for.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        from builder.tables import check

        path = self.table_path(name)
        table = pq.read_table(path, columns=columns, filters=rows)
        if schema is None:
            return table
        return check(table, pa.schema([schema.field(c) for c in columns or schema.names]), str(path))

    def json(self, name: str) -> Any:
        """The value in a JSON file of the stage."""
        return read_json(self.path(f"{name}.json"), Any)


class _Pointer(TypedDict):
    """What is read of a stage's latest.json."""

    key: str


Make = Callable[[Path, Mapping[str, Any], Mapping[str, Any], Progress], Mapping[str, Any]]


class Stages:
    """The remembered stages of one dataset, below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(
        self,
        name: str,
        make: Make,
        *,
        inputs: Mapping[str, Input],
        settings: Mapping[str, Any],
        rooms: Sequence[str],
        libraries: Sequence[str] = (),
        progress: Progress = silent,
        again: Callable[[Stage], bool] = lambda _: False,
    ) -> Stage:
        """The stage made from exactly these inputs and settings by this code; made now when it is not there.

        A stage that is there is made again when `again` says so, for instance because an input could not be read.

        `make(folder, inputs, settings, progress)` is a function of a module. It sees nothing but its arguments, so the
        key covers all that it can read. It writes files below `folder` and returns the summary. Processes that want
        the same stage wait for the one that makes it.
        """
        made_from = {"code": code_digest(*rooms), "libraries": canonical({n: _version(n) for n in libraries})}
        made_from |= {f"input {key}": value.fingerprint for key, value in inputs.items()}
        made_from |= {f"settings {key}": value for key, value in settings_digests(settings).items()}
        key = digest(name, canonical(made_from))[:_KEY_LENGTH]
        folder = self.root / name / key
        if not (folder / _RECORD).exists() or again(load_stage(name, folder)):
            with exclusive(self.root / "locks" / f"{name}-{key}", name, progress):
                if (folder / _RECORD).exists() and again(load_stage(name, folder)):
                    remove([folder])
                if not (folder / _RECORD).exists():
                    if folder.exists():
                        raise _damaged(folder, _RECORD, "is missing")
                    with atomic_folder(folder) as temporary:
                        write_json(temporary / _SUMMARY, make(temporary, inputs, settings, progress))
                        _write_record(temporary, name, key, made_from)
        found = load_stage(name, folder)
        write_json(self.root / name / "latest.json", {"key": key, "made_from": made_from})
        return found

    def latest(self, name: str) -> Stage | None:
        """The stage that was used last, or None before the first. It need not fit the configuration at hand."""
        pointer: _Pointer | None = read_json(self.root / name / "latest.json", _Pointer)
        return self.find(name, pointer["key"]) if pointer else None

    def find(self, name: str, key: str) -> Stage | None:
        """The stage with this key, or None when it is not there (any more)."""
        folder = self.root / name / key
        return load_stage(name, folder) if (folder / _RECORD).exists() else None

    def unused(self, name: str, keep: set[str]) -> list[Path]:
        """Folders of stages other than those to keep, and what a stopped run left."""
        folder = self.root / name
        return sorted(p for p in folder.iterdir() if p.is_dir() and p.name not in keep) if folder.is_dir() else []


def load_stage(name: str, folder: Path) -> Stage:
    """The stage in a folder; raises `StoreError` when its record is not as it was written."""
    record = read_json(folder / _RECORD, Any)
    try:
        said = record.pop("sha256")
        if said != digest(canonical(record)) or (record["name"], record["key"]) != (name, folder.name):
            raise ValueError
        return Stage(name, record["key"], folder, record["files"], record["made_from"])
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise _damaged(folder, _RECORD, "is not what was written") from e


def _damaged(folder: Path, file: str, what: str) -> StoreError:
    return StoreError(f"{folder / file} {what}.", f"Delete {folder}; the next run makes it again.")


def _write_record(folder: Path, name: str, key: str, made_from: Mapping[str, str]) -> None:
    """The folder has a record of all its files, and everything in it has reached the disk."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): file_digest(path) for path in paths}
    record = {"name": name, "key": key, "files": files, "made_from": dict(made_from)}
    write_json(folder / _RECORD, {"sha256": digest(canonical(record)), **record})
    sync_tree(folder)


@contextlib.contextmanager
def exclusive(
    path: Path, what: str, progress: Progress = silent, *, wait: bool = True, busy: str = ""
) -> Iterator[None]:
    """No other process is inside with the same path. The lock ends with the process, however that ends.

    With `wait` the block begins when the other one is done; otherwise `StoreError` is raised, which says `busy`.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(path.with_name(f"{path.name}.lock"), mode=0o600)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        if not wait:
            busy = busy or f"Another `builder {what}` of this dataset is running."
            raise StoreError(busy, "Wait until it ends.") from None
        progress(f"{what}: waiting for another run that makes the same", 0, None)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def in_use(dataset: Path) -> Iterator[None]:
    """No `clean` takes results of the dataset away, and no `backup` reads half of them; any number may be inside.

    Raises `StoreError` while one is at it. A dataset that has no folder yet has nothing to take away.
    """
    import fcntl

    if not dataset.is_dir():
        yield
        return
    (dataset / "locks").mkdir(mode=0o700, exist_ok=True)
    # The file that `exclusive` locks, which on POSIX systems is a lock of this kind as well.
    with os.fdopen(os.open(dataset / "locks" / "use.lock", os.O_RDWR | os.O_CREAT, 0o600)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                "`builder clean` or `builder backup` is working on this dataset.", "Wait until it ends."
            ) from None
        yield


@cache
def code_digest(*rooms: str) -> str:
    """Digest of the source of rooms of the package and of its ground floor."""
    ground = [path for path in PACKAGE.iterdir() if path.is_file() and path.suffix == ".py" and path.stem not in _TOP]
    inside = [
        path for room in rooms for path in (PACKAGE / room).rglob("*") if path.suffix in (".py", ".j2", ".css", ".js")
    ]
    assert {path.relative_to(PACKAGE).parts[0] for path in inside} == set(rooms)
    parts = sorted((path.relative_to(PACKAGE).as_posix(), path) for path in [*ground, *inside])
    return digest(*(part for name, path in parts for part in (name, path.read_bytes())))


#: Modules at the top of the package that decide no result: they only call what does.
_TOP = {
    "__init__", "backups", "cli", "composing", "config", "library", "pipeline", "releases", "reports", "setup", "stage",
}  # fmt: skip


_version = cache(importlib.metadata.version)


@cache
def _digest_of(path: Path, size: int, modified: int, inode: int) -> str:
    return file_digest(path)


def settings_digests(settings: Mapping[str, Any]) -> dict[str, str]:
    """Digest by group of settings."""
    return {key: digest(canonical(_plain(value))) for key, value in settings.items()}


def _plain(value: Any) -> Any:
    """A value as JSON, with the class of every dataclass, so that two kinds with equal fields differ."""
    if is_dataclass(value) and not isinstance(value, type):
        return {"": type(value).__name__} | {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return [[str(key), _plain(inner)] for key, inner in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def remove(folders: Sequence[Path]) -> None:
    """The folders are gone. Each is renamed first, so that a stop in between leaves nothing that looks whole."""
    for folder in folders:
        gone = folder.with_name(f".{folder.name.lstrip('.')}.removed")
        folder.rename(gone)
        shutil.rmtree(gone)
