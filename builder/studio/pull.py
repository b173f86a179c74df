"""Pull: what annotators did is an immutable folder named by its hash, exactly as Label Studio gave it.

    pulls/<first 16 hex digits of the hash>/
        tasks.jsonl   one line per task, keys sorted; lines by chunk id, project, task id
        users.json    id -> e-mail of everybody whose work is in tasks.jsonl
        pull.json     hash, server version, scheme, projects, counts, times
    pulls/latest.json the hash of the latest pull
    pulls/state.json  what the next pull needs to ask only for changes

The hash covers tasks, users, projects and the scheme, and nothing that changes by itself. The next pull removes what
a stopped one left.
"""

import contextlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from builder import __version__
from builder.errors import StoreError
from builder.memory import uncollected
from builder.questions.interface import dates_of
from builder.stage import Progress, exclusive, silent
from builder.store import atomic_folder, canonical, digest, read_json, sync_tree, write_json
from builder.studio.campaign import Campaign, connected
from builder.studio.client import Client
from builder.studio.people import accounts
from builder.studio.project_reader import LastRead, ProjectReader
from builder.studio.projects import Project, asked_by, existing_projects, owners_of
from builder.studio.pull_records import (
    PullRecord,
    ensure_key,
    folder_of,
    hash_of,
    latest,
    record_of,
    sealed,
    verify_pull,
)
from builder.studio.pulls import EarlierPull, Losses, TaskFile, losses, merge_lines, pull_counts, refuse_losses

#: A change that is being saved while we read may be dated earlier than it becomes visible.
_OVERLAP = timedelta(seconds=20)
#: Seconds by which a clock is set at once, rather than drifts.
_STEP = 20.0


@dataclass
class Pulled:
    """The latest pull: its folder, hash and record, and whether this call made it."""

    folder: Path
    #: What pull.json holds.
    record: PullRecord
    new: bool
    #: Tasks fetched by this call, and whether it asked for changes only.
    fetched: int = 0
    incremental: bool = False
    #: What the pull before holds and the server does not.
    losses: Losses = field(default_factory=Losses)

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
    #: Seconds by which the server's clock was ahead of ours.
    ahead: float = 0.0
    projects: dict[str, LastRead] = field(default_factory=dict)


def pull(campaign: Campaign, *, full: bool = False, progress: Progress = silent) -> Pulled:
    """The latest state of all projects of a dataset is a pull in `pulls/`; equal states are one pull.

    Asks only for what changed since the last pull, unless `full`. Makes the key of the annotators' pseudonyms when the
    workspace has none. Raises `StoreError` when nothing was pushed or the folder cannot be written, and what `Client`
    raises; then nothing is left of it.
    """
    ensure_key(campaign.workspace / "pseudonyms.key")
    with exclusive(campaign.folder / "pull", "pull", wait=False), connected(campaign, progress) as (_, client):
        projects = existing_projects(client, campaign)
        return pull_projects(client, campaign, projects, campaign.folder / "pulls", full, progress)


def pull_projects(
    client: Client,
    campaign: Campaign,
    projects: Mapping[str, Project],
    folder: Path,
    full: bool = False,
    progress: Progress = silent,
) -> Pulled:
    """The latest state of the projects (slot -> project) is a pull in `folder`.

    Raises `StoreError` when more than `label_studio.gone_share` of the pull before is gone.
    """
    try:
        return _pull(client, campaign, projects, folder, full, progress)
    except _Fewer:
        # The server has fewer annotations than it had, but no task says so: it may have been restored from a backup.
        return _pull(client, campaign, projects, folder, True, progress)


class _Fewer(Exception):
    """Asking for changes did not find what is gone."""


def _pull(
    client: Client, campaign: Campaign, projects: Mapping[str, Project], folder: Path, full: bool, progress: Progress
) -> Pulled:
    started, scheme = datetime.now(UTC), campaign.scheme
    # What else decides how a pull is read: the scheme, and which project is which, whose, and asks what.
    ids, owners = {slot: p.id for slot, p in projects.items()}, owners_of(campaign, projects)
    asked = {slot: dates_of(asked_by(client, p)) for slot, p in projects.items()}
    setting = digest(*map(canonical, (asdict(scheme), ids, owners, asked)))
    with (
        _writing(folder),
        tempfile.TemporaryDirectory(prefix=".pull.", dir=folder) as scratch,
        TaskFile(Path(scratch) / "read") as read,
    ):
        before, state = latest(folder), _state(folder)
        same = before is not None and (state.hash, state.server) == (before[1]["hash"], client.key)
        past = EarlierPull(before[0] if before and same else None)
        version = client.version()
        # In the form that the server's filters take.
        since = (client.first_asked - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        # A clock that was set back dates what comes after it before `since`.
        set_back = since < state.since or client.ahead < state.ahead - _STEP
        usable = same and not full and not set_back
        base = past if usable else EarlierPull(None)
        known, gone = _read(client, campaign, ids, read, past, base if usable else None, state, progress)
        addresses = {str(user): {"email": email} for user, email in accounts(client).items()}
        deleted_accounts = sorted(user["email"] for n, user in past.people().items() if n not in addresses)
        unchanged = not read.index and not gone and set(state.projects) == set(known)
        if before and usable and unchanged and before[1]["setting"] == setting:
            _compare({number: last.annotations or 0 for number, last in state.projects.items()}, known)
            # The state stays as well: asking for changes since the same moment gives nothing again.
            return Pulled(*before, new=False, incremental=True, losses=Losses(accounts=deleted_accounts))
        held = past.tasks  # verified before anything of it is copied
        left = set(ids.values())
        kept = (
            line
            for line in base.lines()
            if line.task.project in left and line.task.id not in gone and line.task.id not in read.index
        )
        file = Path(scratch) / "tasks.jsonl"
        tasks = merge_lines(kept, read, file)
        submitted = Counter(str(task.project) for task in tasks for made in task.annotations if not made.was_cancelled)
        _compare(submitted, known)
        lost = replace(losses(held, tasks), accounts=deleted_accounts)
        lost.projects = sorted(set(before[1]["projects"]) - set(projects)) if before else []
        refuse_losses(lost, client.settings.gone_share, client.url, folder / "losses.json")
        # An account deleted since is known from the pull before, so that it keeps its name.
        by_id = past.people() | addresses
        users = {made.completed_by for task in tasks for made in task.annotations if made.completed_by is not None}
        people = {str(user): by_id[str(user)] for user in sorted(users) if str(user) in by_id}
        whole = hash_of(file, people, setting)
        path = folder_of(folder, whole)
        if new := not path.exists():
            record = {
                "hash": whole,
                "setting": setting,
                "builder": __version__,
                "server": client.url,
                "server_version": version,
                "scheme": asdict(scheme),
                "scheme_version": f"{scheme.name}@{scheme.version}",
                "projects": {
                    slot: {"id": p.id, "title": p.title, "maximum_annotations": p.maximum_annotations}
                    | {"asked": asked[slot]}
                    | ({"email": owners[slot]} if slot in owners else {})
                    for slot, p in projects.items()
                },
                "counts": pull_counts(tasks),
                "losses": asdict(lost),
                "started": started.isoformat(timespec="seconds"),
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            _keep(path, file, people, record)
        else:
            verify_pull(path)
        write_json(folder / "latest.json", {"hash": whole})
        for number, last in known.items():
            last.annotations = submitted[number]
        write_json(folder / "state.json", asdict(_State(whole, client.key, since, client.ahead, known)))
        return Pulled(path, record_of(path), new, len(read.index), usable, lost)


def _read(
    client: Client,
    campaign: Campaign,
    projects: Mapping[str, int],
    file: TaskFile,
    past: EarlierPull,
    base: EarlierPull | None,
    state: _State,
    progress: Progress,
) -> tuple[dict[str, LastRead], set[int]]:
    """Reads into `file` what changed in the projects since `base` was made, or without it everything.

    Returns what is known of each project now, and the ids of tasks that are gone.
    """
    known: dict[str, LastRead] = {}
    gone: set[int] = set()
    rewritten = campaign.rewritten(client.key).results
    for project in projects.values():
        reader = ProjectReader(client, project, file, progress, past, rewritten)
        if base is not None and (earlier := state.projects.get(str(project))):
            known[str(project)], deleted = reader.changes(earlier, state.since, partial(base.ids, project))
            gone |= deleted
        else:
            known[str(project)] = reader.everything()
    return known, gone


def _keep(path: Path, file: Path, people: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """The pull is a folder; the file of its tasks is moved there."""
    with atomic_folder(path) as made:
        file.rename(made / "tasks.jsonl")
        write_json(made / "users.json", people)
        write_json(made / "pull.json", sealed(record))
        sync_tree(made)


def _compare(expected: Mapping[str, int], found: Mapping[str, LastRead]) -> None:
    """Raises `_Fewer` when a project has fewer annotations than expected, although it was asked only for changes."""
    for number, last in found.items():
        if last.annotations is not None and last.annotations < expected[number]:
            raise _Fewer


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """The folder exists, without what a killed pull left there; raises `StoreError` when it cannot be written."""
    try:
        with uncollected():
            folder.mkdir(exist_ok=True)
            # Temporary names start with a dot, finished pulls never do.
            for leftover in folder.glob(".*"):
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            yield
    except OSError as e:
        raise StoreError(
            f"The pull could not be written to {folder}: {e}.", "Make room or correct the rights, then pull again."
        ) from e


def _state(folder: Path) -> _State:
    try:
        return read_json(folder / "state.json", _State) or _State()
    except StoreError:
        # Of another version, or changed by hand: then everything is read again.
        return _State()
