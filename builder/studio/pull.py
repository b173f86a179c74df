"""Brings what annotators did into an immutable folder named by its hash, exactly as Label Studio gave it.

    pulls/<first 16 hex digits of the hash>/
        tasks.jsonl   one line a task, keys sorted; lines by chunk id, project, task id
        users.json    id -> e-mail of everybody whose work is in tasks.jsonl
        pull.json     hash, server version, scheme, projects, counts, times
    pulls/latest.json the hash of the latest pull
    pulls/state.json  what the next pull needs to ask only for what is new

The hash covers tasks, users, projects and the scheme, and nothing that changes by itself. A pull that is stopped
leaves nothing behind but what the next one clears away.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from builder import __version__
from builder.errors import StoreError
from builder.memory import uncollected
from builder.scheme import Scheme
from builder.store import atomic_folder, canonical, digest, read_json, write_json
from builder.studio.accounts import users
from builder.studio.client import Client
from builder.studio.fetch import Fetch, Known
from builder.studio.pulled import folder_of, hash_of, latest, verify
from builder.studio.settings import LabelStudio
from builder.studio.spool import Place, Spool, merge, places

_OVERLAP = timedelta(seconds=20)


@dataclass
class Pulled:
    """The latest pull: its folder, hash and record, and whether this call made it."""

    folder: Path
    record: dict[str, Any]
    new: bool
    #: Tasks fetched by this call, and whether only news were asked for.
    fetched: int = 0
    incremental: bool = False
    #: Slots of projects of the pull before that are not on the server any more, and, when only news were asked for, how
    #: many of its tasks are not.
    gone_projects: list[str] = field(default_factory=list)
    gone: int = 0

    @property
    def hash(self) -> str:
        return str(self.record["hash"])


@dataclass
class _State:
    """What was there at the latest pull, by project: enough to ask only for what changed since."""

    hash: str = ""
    server: str = ""
    #: The server's own clock when that pull began, and by project the number of tasks, highest id, tasks with drafts.
    since: str = ""
    projects: dict[str, Known] = field(default_factory=dict)


def pull(
    client: Client,
    projects: Mapping[str, Mapping[str, Any]],
    folder: Path,
    scheme: Scheme,
    settings: LabelStudio,
    server_key: str,
    full: bool = False,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Pulled:
    """The latest state of the projects (slot -> project) is a pull in `folder`; equal states are one pull.

    Raises `StoreError` when the folder cannot be written, and whatever `Client` raises; then nothing is left behind.
    """
    with _disk(folder), uncollected():
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        return _pull(client, projects, folder, scheme, settings, server_key, full, advance)


def _pull(
    client: Client,
    projects: Mapping[str, Mapping[str, Any]],
    folder: Path,
    scheme: Scheme,
    settings: LabelStudio,
    server_key: str,
    full: bool,
    advance: Callable[[int, int], None],
) -> Pulled:
    started = datetime.now(UTC)
    setting = _setting(projects, scheme)
    before = latest(folder)
    state = _state(folder)
    usable = before is not None and not full and state.hash == before[1]["hash"] and state.server == server_key
    base = _Base(before[0] if before is not None and usable else None)
    client.start_clock()
    known: dict[str, Known] = {}
    gone: set[int] = set()
    with tempfile.TemporaryDirectory(prefix=".pull.", dir=folder) as scratch:
        tasks = Path(scratch) / "tasks.jsonl"
        with Spool(Path(scratch) / "spool") as spool:
            for project in projects.values():
                key = str(project["id"])
                fetch = Fetch(client, project["id"], settings, spool, advance)
                if usable and key in state.projects:
                    known[key], deleted = fetch.news(state.projects[key], state.since, partial(base.ids, project["id"]))
                    gone |= deleted
                else:
                    known[key] = fetch.everything()
            fetched = len(spool.index)
            now = _State("", server_key, _overlap(client.first_asked), known)
            unchanged = not fetched and not gone and set(state.projects) == set(known)
            if before is not None and usable and unchanged and before[1]["setting"] == setting:
                # The state stays as well: asking again since the same moment gives the same nothing.
                return Pulled(before[0], before[1], new=False, incremental=True)
            ids = {project["id"] for project in projects.values()}
            kept = {p.task: p for p in base.places() if p.task not in gone and p.project in ids}
            counts = merge(base.tasks, kept, spool, tasks)
            left = len({p.task for p in base.places()} - set(kept) - set(spool.index))
        people = _people(base.people, users(client), counts.users)
        whole = hash_of(tasks, people, setting)
        path = folder_of(folder, whole)
        new = not path.exists()
        if not new:
            verify(path)
        else:
            record = {
                "hash": whole,
                "setting": setting,
                "builder": __version__,
                "server": client.url,
                "server_version": client.version(),
                "scheme": asdict(scheme),
                "scheme_version": f"{scheme.name}@{scheme.version}",
                "projects": {
                    slot: {"id": p["id"], "title": p["title"], "maximum_annotations": p["maximum_annotations"]}
                    for slot, p in projects.items()
                },
                "counts": counts.summary(),
                "started": started.isoformat(timespec="seconds"),
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            with atomic_folder(path) as made:
                tasks.rename(made / "tasks.jsonl")
                _sync(made / "tasks.jsonl")
                write_json(made / "users.json", people)
                write_json(made / "pull.json", record)
        write_json(folder / "latest.json", {"hash": whole})
        _remember(folder, whole, now)
        slots = set(before[1]["projects"]) - set(projects) if before is not None else set()
        return Pulled(path, read_json(path / "pull.json"), new, fetched, usable, sorted(slots), left)


def _state(folder: Path) -> _State:
    try:
        return msgspec.convert(read_json(folder / "state.json") or {}, _State)
    except msgspec.ValidationError:
        # Of another version, or changed by hand: then everything is asked for again.
        return _State()


class _Base:
    """The tasks of an earlier pull, looked through when they are needed and not before.

    Raises `StoreError` when it is not what its hash says.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.tasks = folder / "tasks.jsonl" if folder is not None else None
        self.people: dict[str, dict[str, str]] = {} if folder is None else read_json(folder / "users.json") or {}
        self._places: list[Place] | None = None

    def places(self) -> list[Place]:
        if self._places is None and self.folder is not None:
            verify(self.folder)
            self._places = list(places(self.folder / "tasks.jsonl"))
        return self._places or []

    def ids(self, project: int) -> set[int]:
        return {place.task for place in self.places() if place.project == project}


def _setting(projects: Mapping[str, Mapping[str, Any]], scheme: Scheme) -> str:
    """One hash of what else decides how a pull is read: the scheme, and which project is which."""
    return digest(canonical(asdict(scheme)), canonical({slot: p["id"] for slot, p in projects.items()}))


def _people(
    before: Mapping[str, dict[str, str]], known: Mapping[str, Mapping[str, Any]], wanted: set[int]
) -> dict[str, dict[str, str]]:
    """Who did what is in the pull. An account deleted since is known from before, so that its name stays the same."""
    by_id = dict(before) | {str(user["id"]): {"email": str(user["email"])} for user in known.values()}
    return {str(user): by_id[str(user)] for user in sorted(wanted) if str(user) in by_id}


def _overlap(since: datetime) -> str:
    # Work under way while we read may be stamped earlier than it became visible.
    return (since - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _remember(folder: Path, whole: str, state: _State) -> None:
    write_json(folder / "state.json", asdict(replace(state, hash=whole)))


def _sweep(folder: Path) -> None:
    """Clears away what a killed pull left: temporary names start with a dot, finished pulls never do."""
    for leftover in folder.glob(".*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise StoreError(
            f"The pull could not be written to {folder}: {e}.", "Make room or correct the rights, then pull again."
        ) from e
