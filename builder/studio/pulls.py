"""Pulls on disk: the latest one, and whether a pull is still what its hash says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.errors import StoreError
from builder.store import canonical, digest, file_digest, read_json

_LENGTH = 16


def folder_of(pulls: Path, whole: str) -> Path:
    """The folder of the pull with this hash."""
    return pulls / whole[:_LENGTH]


def latest(pulls: Path) -> tuple[Path, dict[str, Any]] | None:
    """Folder and record of the latest pull, or None before the first."""
    pointer = read_json(pulls / "latest.json")
    if pointer is None:
        return None
    path = folder_of(pulls, str(pointer["hash"]))
    record = read_json(path / "pull.json")
    if record is None:
        raise StoreError(f"The pull {path} is missing.", f"Delete {pulls / 'latest.json'} and run `builder pull`.")
    return path, record


def hash_of(tasks: Path, people: Mapping[str, Any], setting: str) -> str:
    """What a pull is known by: its file of tasks, whose work is in it, and how it is read."""
    return digest(file_digest(tasks), canonical(people), setting)


def verify(folder: Path) -> None:
    """Raises `StoreError` unless the pull in a folder is what its hash says."""
    record, tasks = read_json(folder / "pull.json") or {}, folder / "tasks.jsonl"
    people = read_json(folder / "users.json")
    if not tasks.exists() or hash_of(tasks, people, str(record.get("setting"))) != record.get("hash"):
        raise StoreError(
            f"The pull {folder} is not what its hash says: somebody changed it, or the disk is damaged.",
            f"Move it and {folder.parent / 'latest.json'} away, then run `builder pull`.",
        )
