"""Pulls on disk: the latest one, what is recorded of it, whether it is still what its hash says; and the key of names.

Nothing of Label Studio's client is imported, which takes long.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Required, TypedDict

from builder.errors import StoreError
from builder.store import atomic, canonical, digest, file_digest, read_json

_LENGTH = 16
_KEY = 32


class PulledProject(TypedDict, total=False):
    """A project of a pull: `asked` which labels its page has; `email` is of the one person whose project it is."""

    id: Required[int]
    title: str
    maximum_annotations: int
    asked: Any
    email: str


class PullRecord(TypedDict, total=False):
    """pull.json: what was read, from where and when. The first pulls had less."""

    hash: Required[str]
    setting: str
    builder: str
    server: str
    server_version: Any
    version: Any
    scheme: dict[str, Any]
    scheme_version: str
    projects: Required[dict[str, PulledProject]]
    counts: dict[str, int]
    losses: dict[str, Any]
    started: str
    finished: str
    sha256: str


class _Pointer(TypedDict):
    hash: str


class _User(TypedDict):
    email: str


def record_of(folder: Path) -> PullRecord:
    """The record of the pull in a folder; raises `StoreError` when it is missing or damaged."""
    found: PullRecord | None = read_json(folder / "pull.json", PullRecord)
    if found is None:
        hint = f"Delete {folder.parent / 'latest.json'} and run `builder pull`."
        raise StoreError(f"The pull {folder} is missing.", hint)
    return found


def emails_of(folder: Path) -> dict[int, str]:
    """User id -> e-mail address of everybody whose work is in a pull; raises `StoreError` when it is damaged."""
    users: dict[int, _User] = read_json(folder / "users.json", dict[int, _User]) or {}
    return {number: user["email"] for number, user in users.items()}


def folder_of(pulls: Path, whole: str) -> Path:
    """The folder of the pull with this hash."""
    return pulls / whole[:_LENGTH]


def latest(pulls: Path) -> tuple[Path, PullRecord] | None:
    """Folder and record of the latest pull, or None before the first."""
    pointer = read_json(pulls / "latest.json", _Pointer)
    if pointer is None:
        return None
    path = folder_of(pulls, pointer["hash"])
    record = record_of(path)
    if pointer["hash"] != record["hash"]:
        message = f"{pulls / 'latest.json'} and {path / 'pull.json'} name two pulls: one was changed, or is damaged."
        raise StoreError(message, "Run `builder pull --full` after moving both away.")
    return path, record


def named(pulls: Path, name: str) -> tuple[Path, PullRecord]:
    """Folder and record of the kept pull whose hash begins so; raises `StoreError` unless that is exactly one."""
    kept = [path.parent for path in sorted(pulls.glob("[0-9a-f]*/pull.json"))]
    found = [path for path in kept if path.name.startswith(name[:_LENGTH])]
    if len(found) != 1:
        raise StoreError(
            f"dataset.pull={name} is {'no kept pull' if not found else f'{len(found)} kept pulls'} of {pulls}.",
            f"Kept are {', '.join(path.name for path in kept) or 'none'}.",
        )
    return found[0], record_of(found[0])


def hash_of(tasks: Path, people: Mapping[str, Any], setting: str) -> str:
    """What a pull is known by: its file of tasks, whose work is in it, and how it is read."""
    return digest(file_digest(tasks), canonical(people), setting)


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a pull with its own digest, so that a change of it is noticed."""
    return {**record, "sha256": digest(canonical(record))}


def verify_pull(folder: Path) -> None:
    """Raises `StoreError` unless the pull in a folder is what its hash and the digest of its record say."""
    record, tasks = read_json(folder / "pull.json") or {}, folder / "tasks.jsonl"
    people, own = read_json(folder / "users.json"), record.pop("sha256", None)
    # The first records had no digest, and no losses either.
    whole = own == digest(canonical(record)) or (own is None and "losses" not in record)
    if not whole or not tasks.exists() or hash_of(tasks, people, str(record.get("setting"))) != record.get("hash"):
        raise StoreError(
            f"The pull {folder} is not what its hash says: somebody changed it, or the disk is damaged.",
            f"Move it and {folder.parent / 'latest.json'} away, then run `builder pull`.",
        )


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
    if len(key) < _KEY:
        raise StoreError(f"{path} is too short for a key: pseudonyms made with it could be guessed.", hint)
    # Keys of earlier versions have nothing to be compared with.
    if check and check != _check(key):
        raise StoreError(f"{path} is not what was written: it is damaged, or somebody changed it.", hint)
    return key


def _check(key: bytes) -> bytes:
    return bytes.fromhex(digest(key)[:16])
