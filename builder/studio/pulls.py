"""Pulls on disk: the latest one, and whether a pull is still what its hash says."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.errors import StoreError
from builder.store import atomic, canonical, digest, file_digest, read_json

_LENGTH = 16
_KEY = 32
_EARLIER = {
    "hash", "setting", "builder", "server", "server_version", "scheme", "scheme_version", "projects", "counts",
    "started", "finished",
}  # fmt: skip


def folder_of(pulls: Path, whole: str) -> Path:
    """The folder of the pull with this hash."""
    return pulls / whole[:_LENGTH]


def latest(pulls: Path) -> tuple[Path, dict[str, Any]] | None:
    """Folder and record of the latest pull, or None before the first."""
    pointer = read_json(pulls / "latest.json")
    if pointer is None:
        return None
    if "hash" not in pointer:
        message = f"{pulls / 'latest.json'} is not what was written: somebody changed it, or the disk is damaged."
        raise StoreError(message, "Delete it and run `builder pull`.")
    path = folder_of(pulls, str(pointer["hash"]))
    record = read_json(path / "pull.json")
    if record is None:
        raise StoreError(f"The pull {path} is missing.", f"Delete {pulls / 'latest.json'} and run `builder pull`.")
    return path, record


def hash_of(tasks: Path, people: Mapping[str, Any], setting: str) -> str:
    """What a pull is known by: its file of tasks, whose work is in it, and how it is read."""
    return digest(file_digest(tasks), canonical(people), setting)


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a pull with its own digest, so that a change of it is noticed."""
    return {**record, "sha256": digest(canonical(record))}


def verify(folder: Path) -> None:
    """Raises `StoreError` unless the pull in a folder is what its hash and the digest of its record say."""
    record, tasks = read_json(folder / "pull.json") or {}, folder / "tasks.jsonl"
    people = read_json(folder / "users.json")
    own = record.pop("sha256", None)
    # Pulls of earlier versions have no digest, nor anything else that is unknown.
    whole = own == digest(canonical(record)) if own or set(record) - _EARLIER else True
    if not whole or not tasks.exists() or hash_of(tasks, people, str(record.get("setting"))) != record.get("hash"):
        raise StoreError(
            f"The pull {folder} is not what its hash says: somebody changed it, or the disk is damaged.",
            f"Move it and {folder.parent / 'latest.json'} away, then run `builder pull`.",
        )


def tasks_by_chunk(folder: Path) -> dict[str, dict[str, Any]]:
    """The annotators' task data in a pull, by chunk id."""
    tasks: dict[str, dict[str, Any]] = {}
    with (folder / "tasks.jsonl").open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            data = json.loads(line)["data"]
            if "chunk_id" in data and "review_of" not in data:
                tasks[data["chunk_id"]] = data
    return tasks


def ensure_key(path: Path) -> None:
    """The key of the annotators' pseudonyms exists. It is never made a second time: they would get other names."""
    if not path.exists():
        key = secrets.token_bytes(_KEY)
        with atomic(path, mode=0o600) as temporary:
            temporary.write_bytes(key + _check(key))


def read_key(path: Path) -> bytes:
    """The key of the annotators' pseudonyms; raises `StoreError` when it is missing or damaged."""
    hint = "It is made by `builder pull`; restore it, or annotators get new names."
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(f"{path} is missing.", hint) from None
    key, check = whole[:_KEY], whole[_KEY:]
    # Keys of earlier versions have nothing behind them to compare with.
    if check and check != _check(key):
        raise StoreError(f"{path} is not what was written: it is damaged, or somebody changed it.", hint)
    return key


def _check(key: bytes) -> bytes:
    return bytes.fromhex(digest(key)[:16])
