"""Pulls on disk: the latest one, whether a pull is still what its hash says, and its file of tasks.

The file has one JSON line per task. Lines are written as tasks arrive and merged in order, never all in memory.
"""

import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from builder.errors import StoreError
from builder.store import atomic, canonical, digest, file_digest, read_json
from builder.studio.tasks import Author, ShownChunk

_LENGTH = 16
_KEY = 32
#: With the default buffer, writing would take a third of a pull's processor time.
_BUFFER = 1 << 20

#: What records of earlier versions hold, which have no digest of their own.
_EARLIER = {
    *("hash", "setting", "builder", "server", "server_version", "scheme", "scheme_version", "projects", "counts"),
    *("started", "finished"),
}


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


def named(pulls: Path, name: str) -> tuple[Path, dict[str, Any]]:
    """Folder and record of the kept pull whose hash begins so; raises `StoreError` unless that is exactly one."""
    kept = {path.parent.name: path.parent for path in sorted(pulls.glob("[0-9a-f]*/pull.json"))}
    found = [path for known, path in kept.items() if known.startswith(name[:_LENGTH])]
    if len(found) != 1:
        raise StoreError(
            f"dataset.pull={name} is {'no kept pull' if not found else f'{len(found)} kept pulls'} of {pulls}.",
            f"Kept are {', '.join(kept) or 'none'}.",
        )
    return found[0], read_json(found[0] / "pull.json")


def hash_of(tasks: Path, people: Mapping[str, Any], setting: str) -> str:
    """What a pull is known by: its file of tasks, whose work is in it, and how it is read."""
    return digest(file_digest(tasks), canonical(people), setting)


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a pull with its own digest, so that a change of it is noticed."""
    return {**record, "sha256": digest(canonical(record))}


def verify_pull(folder: Path) -> None:
    """Raises `StoreError` unless the pull in a folder is what its hash and the digest of its record say."""
    record, tasks = read_json(folder / "pull.json") or {}, folder / "tasks.jsonl"
    people = read_json(folder / "users.json")
    own = record.pop("sha256", None)
    whole = own == digest(canonical(record)) if own or set(record) - _EARLIER else True
    if not whole or not tasks.exists() or hash_of(tasks, people, str(record.get("setting"))) != record.get("hash"):
        raise StoreError(
            f"The pull {folder} is not what its hash says: somebody changed it, or the disk is damaged.",
            f"Move it and {folder.parent / 'latest.json'} away, then run `builder pull`.",
        )


def tasks_by_chunk(folder: Path) -> dict[str, dict[str, Any]]:
    """The annotators' task data in a pull, by chunk id."""
    with (folder / "tasks.jsonl").open("rb") as lines:
        every = (json.loads(line)["data"] for line in lines)
        return {data["chunk_id"]: data for data in every if "chunk_id" in data and "review_of" not in data}


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


class LinePlace(NamedTuple):
    """Where a task's line is in its file; places sort as the lines of a pull do."""

    #: Empty for tasks of others, which come first.
    chunk_id: str
    project: int
    task: int
    offset: int
    length: int


class PulledAnnotation(Author):
    """What tells one annotation from another, and who made it."""

    id: int = 0
    created_at: str | None = None


class PulledDraft(msgspec.Struct):
    id: int = 0
    annotation: int | None = None


class PulledPrediction(msgspec.Struct):
    id: int = 0


class PulledTask(msgspec.Struct):
    """A line of a pull without what annotators said."""

    id: int
    project: int
    data: ShownChunk = msgspec.field(default_factory=ShownChunk)
    annotations: list[PulledAnnotation] = []
    drafts: list[PulledDraft] = []
    predictions: list[PulledPrediction] = []

    def place(self, offset: int, length: int) -> LinePlace:
        chunk = self.data.chunk_id
        return LinePlace(chunk if isinstance(chunk, str) else "", self.project, self.id, offset, length)


_line = msgspec.json.Decoder(PulledTask)


class TaskFile:
    """A file of task lines; a task that is added again replaces its earlier line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index: dict[int, LinePlace] = {}
        self._file = path.open("wb", _BUFFER)
        self._end = 0

    def __enter__(self) -> "TaskFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, task: Mapping[str, Any]) -> None:
        """Writes a task: `id`, `project`, `data` and whatever else it holds, keys sorted."""
        line = msgspec.json.encode(task, order="sorted") + b"\n"
        self._file.write(line)
        chunk = task["data"].get("chunk_id")
        place = (chunk if isinstance(chunk, str) else "", task["project"], task["id"])
        self.index[task["id"]] = LinePlace(*place, self._end, len(line))
        self._end += len(line)

    def flush(self) -> None:
        self._file.flush()


def places(tasks: Path) -> Iterator[LinePlace]:
    """The tasks of a pull, in order."""
    offset = 0
    with tasks.open("rb") as lines:
        for line in lines:
            yield _line.decode(line).place(offset, len(line))
            offset += len(line)


def read_lines(tasks: Path, places: Iterable[LinePlace]) -> Iterator[PulledTask]:
    """The tasks at these places of a file."""
    with tasks.open("rb") as lines:
        for place in places:
            lines.seek(place.offset)
            yield _line.decode(lines.read(place.length))


class EarlierPull:
    """The tasks of an earlier pull, verified and read when they are needed and not before; without a folder, none."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.tasks = folder / "tasks.jsonl" if folder else None

    @cached_property
    def places(self) -> list[LinePlace]:
        """The tasks in order."""
        if self.folder is None:
            return []
        verify_pull(self.folder)
        return list(places(self.folder / "tasks.jsonl"))

    @cached_property
    def counts(self) -> dict[str, int]:
        return dict((read_json(self.folder / "pull.json") or {})["counts"]) if self.folder else {}

    @cached_property
    def authors(self) -> dict[tuple[int, str | None], int]:
        """The author of each annotation, by its id and the time at which it was made."""
        found = read_lines(self.tasks, self.places) if self.tasks else ()
        made = (annotation for task in found for annotation in task.annotations)
        return {(a.id, a.created_at): a.completed_by for a in made if a.completed_by is not None}

    def ids(self, project: int) -> set[int]:
        return {place.task for place in self.places if place.project == project}

    def people(self) -> dict[str, dict[str, str]]:
        """User id -> e-mail of everybody whose work is in it."""
        return dict(read_json(self.folder / "users.json") or {}) if self.folder else {}


@dataclass
class PullCounts:
    """What a pull holds, and the ids of the accounts whose work it is."""

    tasks: int = 0
    annotations: int = 0
    skipped: int = 0
    drafts: int = 0
    predictions: int = 0
    #: Tasks that show a chunk again in the same project; `builder push` merges them.
    duplicates: int = 0
    #: Tasks without a chunk id, made by others.
    foreign: int = 0
    users: set[int] = field(default_factory=set)
    #: Project -> submitted annotations, without skips.
    submitted: Counter[int] = field(default_factory=Counter)

    def summary(self) -> dict[str, int]:
        return {name: value for name, value in vars(self).items() if isinstance(value, int)}


def merge_lines(base: Path | None, kept: Mapping[int, LinePlace], new: TaskFile, out: Path) -> PullCounts:
    """Writes the pull's tasks to `out`: those `kept` from the earlier pull `base`, and the `new` ones."""
    new.flush()
    counts = PullCounts()
    order = sorted(
        [(place, False) for task, place in kept.items() if task not in new.index]
        + [(place, True) for place in new.index.values()]
    )
    before: tuple[str, int] | None = None
    with new.path.open("rb") as fresh_lines, (base or new.path).open("rb") as old, out.open("wb", _BUFFER) as file:
        for place, fresh in order:
            source = fresh_lines if fresh else old
            source.seek(place.offset)
            line = source.read(place.length)
            file.write(line)
            task = _line.decode(line)
            skipped = sum(bool(a.was_cancelled) for a in task.annotations)
            counts.tasks += 1
            counts.skipped += skipped
            counts.annotations += len(task.annotations) - skipped
            counts.submitted[place.project] += len(task.annotations) - skipped
            counts.drafts += len(task.drafts)
            counts.predictions += len(task.predictions)
            counts.foreign += not place.chunk_id
            counts.users |= {a.completed_by for a in task.annotations if a.completed_by is not None}
            counts.duplicates += bool(place.chunk_id) and (place.chunk_id, place.project) == before
            before = (place.chunk_id, place.project)
    return counts
