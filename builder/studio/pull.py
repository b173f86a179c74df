"""Pull: what annotators did is an immutable folder named by its hash, exactly as Label Studio gave it.

    pulls/<first 16 hex digits of the hash>/
        tasks.jsonl   one line per task, keys sorted; lines by chunk id, project, task id
        users.json    id -> e-mail of everybody whose work is in tasks.jsonl
        pull.json     hash, server version, scheme, projects, counts, times
    pulls/latest.json the hash of the latest pull
    pulls/state.json  what the next pull needs to ask only for changes

The hash covers tasks, users, projects and the scheme, and nothing that changes by itself. What a stopped pull leaves
behind is removed by the next one.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
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
from builder.studio import Progress, silent
from builder.studio.campaign import Campaign, alone, connected
from builder.studio.client import Client
from builder.studio.people import accounts
from builder.studio.project_reader import Known, ProjectReader
from builder.studio.projects import Project, projects_of, server_key
from builder.studio.pulls import ensure_key, folder_of, hash_of, latest, sealed, verify
from builder.studio.settings import LabelStudio
from builder.studio.task_lines import LinePlace, TaskFile, merge_lines, places

#: A change that is being saved while we read may be dated earlier than it becomes visible.
_OVERLAP = timedelta(seconds=20)


@dataclass
class Pulled:
    """The latest pull: its folder, hash and record, and whether this call made it."""

    folder: Path
    #: What pull.json holds.
    record: dict[str, Any]
    new: bool
    #: Tasks fetched by this call, and whether it asked for changes only.
    fetched: int = 0
    incremental: bool = False
    #: Slots whose projects are not on the server any more.
    gone_projects: list[str] = field(default_factory=list)
    #: Tasks of the pull before that are not on the server any more, when only changes were asked for.
    gone: int = 0

    @property
    def hash(self) -> str:
        return str(self.record["hash"])


@dataclass
class _State:
    """What was there at the latest pull, by project id: enough to ask only for what changed since."""

    hash: str = ""
    server: str = ""
    #: The server's own time when that pull began, less the overlap.
    since: str = ""
    projects: dict[str, Known] = field(default_factory=dict)


def pull(campaign: Campaign, *, full: bool = False, progress: Progress = silent) -> Pulled:
    """The latest state of all projects of a dataset is a pull in `pulls/`; equal states are one pull.

    Asks only for what changed since the last pull, unless `full`. Makes the key of the annotators' pseudonyms when the
    workspace has none. Raises `StoreError` when nothing was pushed or the folder cannot be written, and what `Client`
    raises; then nothing is left behind.
    """
    ensure_key(campaign.workspace / "pseudonyms.key")
    with alone(campaign.folder / "pull.lock", "pull"), connected(campaign, progress) as (_, client):
        client.version()
        projects = projects_of(client, campaign)
        if not projects:
            raise StoreError(f"There is no project of {campaign.dataset} at {client.url}.", "Run `builder push` first.")
        pulls = campaign.folder / "pulls"
        advance = partial(progress, "pull")
        return pull_projects(client, projects, pulls, campaign.scheme, campaign.server, full, advance)


def pull_projects(
    client: Client,
    projects: Mapping[str, Project],
    folder: Path,
    scheme: Scheme,
    settings: LabelStudio,
    full: bool = False,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Pulled:
    """The latest state of the projects (slot -> project) is a pull in `folder`; `advance` gets tasks read and all."""
    try:
        with uncollected():
            folder.mkdir(parents=True, exist_ok=True)
            _sweep(folder)
            return _pull(client, projects, folder, scheme, settings, full, advance)
    except OSError as e:
        raise StoreError(
            f"The pull could not be written to {folder}: {e}.", "Make room or correct the rights, then pull again."
        ) from e


def _pull(
    client: Client,
    projects: Mapping[str, Project],
    folder: Path,
    scheme: Scheme,
    settings: LabelStudio,
    full: bool,
    advance: Callable[[int, int], None],
) -> Pulled:
    started = datetime.now(UTC)
    setting = _setting(projects, scheme)
    before = latest(folder)
    state = _state(folder)
    usable = before is not None and not full and state.hash == before[1]["hash"] and state.server == server_key(client)
    base = _Base(before[0] if before is not None and usable else None)
    client.start_clock()
    known: dict[str, Known] = {}
    gone: set[int] = set()
    with tempfile.TemporaryDirectory(prefix=".pull.", dir=folder) as scratch:
        tasks = Path(scratch) / "tasks.jsonl"
        with TaskFile(Path(scratch) / "read") as read:
            for project in projects.values():
                key = str(project.id)
                reader = ProjectReader(client, project.id, settings, read, advance)
                if usable and key in state.projects:
                    known[key], deleted = reader.changes(
                        state.projects[key], state.since, partial(base.ids, project.id)
                    )
                    gone |= deleted
                else:
                    known[key] = reader.everything()
            fetched = len(read.index)
            now = _State("", server_key(client), _stamp(client.first_asked - _OVERLAP), known)
            unchanged = not fetched and not gone and set(state.projects) == set(known)
            if before is not None and usable and unchanged and before[1]["setting"] == setting:
                # The state stays as well: asking for changes since the same moment gives nothing again.
                return Pulled(before[0], before[1], new=False, incremental=True)
            ids = {project.id for project in projects.values()}
            kept = {p.task: p for p in base.places() if p.task not in gone and p.project in ids}
            counts = merge_lines(base.tasks, kept, read, tasks)
            left = len({p.task for p in base.places()} - set(kept) - set(read.index))
        people = _people(base.people, accounts(client), counts.users)
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
                    slot: {"id": p.id, "title": p.title, "maximum_annotations": p.maximum_annotations}
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
                write_json(made / "pull.json", sealed(record))
        write_json(folder / "latest.json", {"hash": whole})
        write_json(folder / "state.json", asdict(replace(now, hash=whole)))
        slots = set(before[1]["projects"]) - set(projects) if before is not None else set()
        return Pulled(path, read_json(path / "pull.json"), new, fetched, usable, sorted(slots), left)


def _state(folder: Path) -> _State:
    try:
        return msgspec.convert(read_json(folder / "state.json") or {}, _State)
    except msgspec.ValidationError:
        # Of another version, or changed by hand: then everything is read again.
        return _State()


class _Base:
    """The tasks of an earlier pull, read when they are needed and not before.

    Raises `StoreError` when it is not what its hash says.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.tasks = folder / "tasks.jsonl" if folder is not None else None
        self.people: dict[str, dict[str, str]] = {} if folder is None else read_json(folder / "users.json") or {}
        self._places: list[LinePlace] | None = None

    def places(self) -> list[LinePlace]:
        if self._places is None and self.folder is not None:
            verify(self.folder)
            self._places = list(places(self.folder / "tasks.jsonl"))
        return self._places or []

    def ids(self, project: int) -> set[int]:
        return {place.task for place in self.places() if place.project == project}


def _setting(projects: Mapping[str, Project], scheme: Scheme) -> str:
    """One hash of what else decides how a pull is read: the scheme, and which project is which."""
    return digest(canonical(asdict(scheme)), canonical({slot: p.id for slot, p in projects.items()}))


def _people(
    before: Mapping[str, dict[str, str]], known: Mapping[int, str], wanted: set[int]
) -> dict[str, dict[str, str]]:
    """User id -> e-mail of those `wanted`. An account deleted since is known from before, so that it keeps its name."""
    by_id = dict(before) | {str(user): {"email": email} for user, email in known.items()}
    return {str(user): by_id[str(user)] for user in sorted(wanted) if str(user) in by_id}


def _stamp(moment: datetime) -> str:
    """A time in the form that the server's filters take."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _sweep(folder: Path) -> None:
    """Removes what a killed pull left: temporary names start with a dot, finished pulls never do."""
    for leftover in folder.glob(".*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
