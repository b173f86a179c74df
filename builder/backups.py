"""Backups of a workspace: everything that cannot be made again, in one file that only its owner can read.

What stages made is left out: it comes again from raw articles and pulls. The file is a tar archive, compressed with
gzip. Its last member, `backup.json`, has the sha256 of each of the others.
"""

import contextlib
import io
import json
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import builder
from builder.errors import StoreError
from builder.stage import Progress, exclusive, silent
from builder.store import atomic, file_digest

RECORD = "backup.json"
#: Folders of a dataset that are made again, and what the embedded server makes anew when it starts.
_MADE_AGAIN = ("prepare", "validate", "adjudicate", "parts", "scratch", "exported", "locks")
_OF_THE_SERVER = ("users", "server.json", "server.log", "keep", "home")
_SQLITE = ".sqlite3"
#: Folders of records of runs, beside those of the datasets and the embedded server.
_RUNS = ("runs", "sweeps")


@dataclass(frozen=True)
class Backup:
    """A backup: its file, how many files of the workspace are in it, their bytes, and what has to be kept elsewhere."""

    file: Path
    files: int
    bytes: int
    made: str
    left_out: str = ""


def make_backup(workspace: Path, file: Path, progress: Progress = silent) -> Backup:
    """Everything that people did, who they are, and the embedded server's data are in the file, mode 0600.

    The embedded server may run: of an SQLite database its state at one moment is kept. Raises `StoreError` when there
    is nothing to keep, the file is there already or in the workspace, another command works in the workspace, or a pull
    or the key of the pseudonyms is not what was written.
    """
    if file.exists():
        raise StoreError(f"{file} is there already.", "Name another file; a backup is never overwritten.")
    if file.resolve().is_relative_to(workspace.resolve()):
        raise StoreError(f"{file} is in the workspace and would be lost with it.", "Name a file elsewhere.")
    made, total = datetime.now(UTC).isoformat(timespec="seconds"), 0
    digests: dict[str, str] = {}
    with (
        contextlib.ExitStack() as locks,
        tempfile.TemporaryDirectory(prefix=".backup-", dir=file.absolute().parent) as scratch,
        atomic(file, mode=0o600) as temporary,
        tarfile.open(temporary, "w:gz", compresslevel=3) as archive,
    ):
        for dataset in workspace.glob("*"):
            if dataset.is_dir() and dataset.name not in ("studio", *_RUNS):
                busy = f"Another command works on {dataset.name}."
                locks.enter_context(exclusive(dataset / "locks" / "use", "backup", wait=False, busy=busy))
        _refuse_damage(workspace)
        found = sorted(_worth_keeping(workspace))
        if not found:
            raise StoreError(f"{workspace} holds nothing that could not be made again.", "Set paths.workspace.")
        for number, path in enumerate(found):
            progress("backup", number, len(found))
            name = path.relative_to(workspace).as_posix()
            source = _snapshot(path, Path(scratch)) if path.name.endswith(_SQLITE) else path
            try:
                digests[name] = file_digest(source)
                archive.add(source, name)
                total += source.stat().st_size
            except FileNotFoundError as e:  # of a dataset that is new, or of the server
                raise StoreError(f"{path} went away while it was read.", "Run the command again.") from e
        record = {"builder": builder.__version__, "made": made, "files": digests}
        data = json.dumps(record, indent=2).encode()
        about = tarfile.TarInfo(RECORD)
        about.size, about.mode = len(data), 0o600
        archive.addfile(about, io.BytesIO(data))
    return Backup(file, len(digests), total, made)


def unpack_backup(file: Path, workspace: Path, progress: Progress = silent) -> Backup:
    """The workspace is as it was; every file is compared with its digest before any is in its place.

    Raises `StoreError` when the workspace is not empty, or the file is no whole backup.
    """
    if workspace.exists() and any(workspace.iterdir()):
        raise StoreError(f"{workspace} is not empty.", "Move it away, or set paths.workspace to a new folder.")
    workspace.absolute().parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{workspace.name}.", dir=workspace.absolute().parent))
    try:
        progress("restore", 0, None)
        try:
            with tarfile.open(file) as archive:
                archive.extractall(temporary, filter="data")
            record = json.loads((temporary / RECORD).read_text(encoding="utf-8"))
            digests: dict[str, str] = dict(record["files"])
        except (OSError, tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as e:
            raise StoreError(f"{file} is no whole backup: {e}.", "Take another one.") from e
        (temporary / RECORD).unlink()
        inside = {path.relative_to(temporary).as_posix(): path for path in temporary.rglob("*") if path.is_file()}
        wrong = [name for name in digests if name not in inside or file_digest(inside[name]) != digests[name]]
        if wrong or inside.keys() - digests:
            names = ", ".join(sorted({*wrong, *(inside.keys() - digests)})[:5])
            raise StoreError(f"{file} is damaged: {names} are not what was written.", "Take another backup.")
        for path in temporary.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)
        if workspace.exists():
            workspace.rmdir()
        temporary.rename(workspace)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Backup(file, len(digests), sum((workspace / name).stat().st_size for name in digests), record["made"])


def _refuse_damage(workspace: Path) -> None:
    """Damage would be noticed only where the backup is needed, and there is nothing left to mend it from."""
    from builder.studio.pull_records import latest, read_key, verify_pull

    if (key := workspace / "pseudonyms.key").exists():
        read_key(key)
    for folder in workspace.glob("*/pulls"):
        latest(folder)
        for kept in folder.glob("[0-9a-f]*"):
            verify_pull(kept)


def _worth_keeping(workspace: Path) -> Iterator[Path]:
    for path in workspace.rglob("*"):
        first, second, *_ = (*path.relative_to(workspace).parts, "")
        again = second in (_OF_THE_SERVER if first == "studio" else _MADE_AGAIN) or first in _RUNS
        if path.is_file() and not path.is_symlink() and not again and not path.name.endswith((".lock", "-wal", "-shm")):
            yield path


def _snapshot(database: Path, scratch: Path) -> Path:
    """A copy of an SQLite database at one moment, also while a server writes to it."""
    copy = scratch / database.name
    copy.unlink(missing_ok=True)
    with (
        contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return copy
