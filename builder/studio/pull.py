"""Pull: what annotators did is an immutable folder named by its hash, exactly as Label Studio gave it.

    pulls/<first 16 hex digits of the hash>/
        tasks.jsonl   one line per task, keys sorted; lines by chunk id, project, task id
        users.json    id -> e-mail of everybody whose work is in tasks.jsonl
        pull.json     hash, server version, scheme, projects, counts, times
    pulls/latest.json the hash of the latest pull
    pulls/state.json  what the next pull needs to ask only for changes

The hash covers tasks, users, projects and the scheme, and nothing that changes by itself. The next pull removes what
a stopped one left.

The server dates a task when its annotations change. It does not for drafts, deleted tasks, and predictions that are
added or deleted in one request. So tasks with drafts are read each time, deleted tasks are noticed by the number of
tasks and their highest id, and everything is read again when the project's predictions changed.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from builder import __version__
from builder.errors import Refused, StoreError
from builder.memory import uncollected
from builder.scheme import Scheme
from builder.stage import Progress, exclusive, silent
from builder.store import atomic_folder, canonical, digest, read_json, sync_tree, write_json
from builder.studio.campaign import Campaign, connected
from builder.studio.client import Client, NotFound, Params
from builder.studio.people import accounts
from builder.studio.projects import Project, projects_of, server_key
from builder.studio.pulls import (
    EarlierPull,
    TaskFile,
    ensure_key,
    folder_of,
    hash_of,
    latest,
    merge_lines,
    sealed,
    verify_pull,
)
from builder.studio.settings import LabelStudio
from builder.studio.tasks import MOST_IDS, TaskPage, batches, filters, read_steadily, size_of, with_annotations

#: A change that is being saved while we read may be dated earlier than it becomes visible.
_OVERLAP = timedelta(seconds=20)
# Without fields that change by themselves, such as "created_ago", and the task's own dates and counts.
_TASK = ("id", "data", "meta", "predictions", "draft_exists")
_ANNOTATION = (
    *("id", "result", "completed_by", "was_cancelled", "ground_truth", "created_at", "updated_at", "draft_created_at"),
    *("lead_time", "parent_prediction", "parent_annotation", "import_id", "last_action"),
)
_PREDICTION = ("id", "result", "model_version", "score", "created_at", "updated_at")
_DRAFT = ("id", "result", "user", "annotation", "created_at", "updated_at", "lead_time")
_WANTED = with_annotations((*_TASK, "model_version", "score"), _ANNOTATION)

Advance = Callable[[int, int], None]
_Page = TaskPage[dict[str, Any]]


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
class LastRead:
    """What a project held when it was read: number of tasks, highest id, ids of tasks with drafts, predictions."""

    count: int = 0
    highest: int = 0
    drafts: list[int] = field(default_factory=list)
    #: Model version, number and time of the newest, for each model version; None when the server does not say.
    predictions: list[tuple[str, int, str]] | None = None


@dataclass
class _State:
    """What was there at the latest pull, by project id: enough to ask only for what changed since."""

    hash: str = ""
    server: str = ""
    #: The server's own time when that pull began, less the overlap.
    since: str = ""
    projects: dict[str, LastRead] = field(default_factory=dict)


def pull(campaign: Campaign, *, full: bool = False, progress: Progress = silent) -> Pulled:
    """The latest state of all projects of a dataset is a pull in `pulls/`; equal states are one pull.

    Asks only for what changed since the last pull, unless `full`. Makes the key of the annotators' pseudonyms when the
    workspace has none. Raises `StoreError` when nothing was pushed or the folder cannot be written, and what `Client`
    raises; then nothing is left of it.
    """
    ensure_key(campaign.workspace / "pseudonyms.key")
    with exclusive(campaign.folder / "pull", "pull", wait=False), connected(campaign, progress) as (_, client):
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
    advance: Advance = lambda done, total: None,
) -> Pulled:
    """The latest state of the projects (slot -> project) is a pull in `folder`; `advance` gets tasks read and all."""
    started = datetime.now(UTC)
    # What else decides how a pull is read: the scheme, and which project is which.
    setting = digest(canonical(asdict(scheme)), canonical({slot: p.id for slot, p in projects.items()}))
    with (
        _writing(folder),
        tempfile.TemporaryDirectory(prefix=".pull.", dir=folder) as scratch,
        TaskFile(Path(scratch) / "read") as read,
    ):
        before, state = latest(folder), _state(folder)
        usable = before and not full and (state.hash, state.server) == (before[1]["hash"], server_key(client))
        base = EarlierPull(before[0] if before and usable else None)
        client.start_clock()
        known: dict[str, LastRead] = {}
        gone: set[int] = set()
        for project in projects.values():
            reader = ProjectReader(client, project.id, settings, read, advance)
            if usable and (earlier := state.projects.get(str(project.id))):
                found, deleted = reader.changes(earlier, state.since, partial(base.ids, project.id))
                gone |= deleted
            else:
                found = reader.everything()
            known[str(project.id)] = found
        fetched = len(read.index)
        unchanged = not fetched and not gone and set(state.projects) == set(known)
        if before and usable and unchanged and before[1]["setting"] == setting:
            # The state stays as well: asking for changes since the same moment gives nothing again.
            return Pulled(*before, new=False, incremental=True)
        tasks = Path(scratch) / "tasks.jsonl"
        ids = {project.id for project in projects.values()}
        kept = {p.task: p for p in base.places if p.task not in gone and p.project in ids}
        counts = merge_lines(base.tasks, kept, read, tasks)
        # An account deleted since is known from the pull before, so that it keeps its name.
        by_id = base.people() | {str(user): {"email": email} for user, email in accounts(client).items()}
        people = {str(user): by_id[str(user)] for user in sorted(counts.users) if str(user) in by_id}
        whole = hash_of(tasks, people, setting)
        path = folder_of(folder, whole)
        if not (new := not path.exists()):
            verify_pull(path)
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
                write_json(made / "users.json", people)
                write_json(made / "pull.json", sealed(record))
                sync_tree(made)
        write_json(folder / "latest.json", {"hash": whole})
        # In the form that the server's filters take.
        since = (client.first_asked - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        write_json(folder / "state.json", asdict(_State(whole, server_key(client), since, known)))
        slots = sorted(set(before[1]["projects"]) - set(projects)) if before else []
        left = {p.task for p in base.places} - set(kept) - set(read.index)
        return Pulled(path, read_json(path / "pull.json"), new, fetched, bool(usable), slots, len(left))


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """The folder exists, without what a killed pull left there; raises `StoreError` when it cannot be written."""
    try:
        with uncollected():
            folder.mkdir(parents=True, exist_ok=True)
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
        return msgspec.convert(read_json(folder / "state.json") or {}, _State)
    except msgspec.ValidationError:
        # Of another version, or changed by hand: then everything is read again.
        return _State()


@dataclass
class ProjectReader:
    """Reads one project into a file of tasks."""

    client: Client
    project: int
    settings: LabelStudio
    file: TaskFile
    advance: Advance
    #: Ids of the tasks of this project in the file, and of those among them that have drafts.
    read: set[int] = field(default_factory=set)
    drafts: set[int] = field(default_factory=set)

    def everything(self) -> LastRead:
        """Reads every task; raises `Refused` when tasks keep being deleted while they are read."""
        predictions = self._predictions()
        there = self._listing(_WANTED, self._take_page, self.settings.concurrent_reads)
        return self._all_but_gone(there, predictions)

    def changes(self, before: LastRead, since: str, base: Callable[[], set[int]]) -> tuple[LastRead, set[int]]:
        """Reads the tasks that may have changed `since`; returns what is known now and the ids of deleted tasks.

        `base` gives the ids of the tasks that were read before; it is called only when the tasks are not the same.
        """
        # Where there were none, their number is enough, which comes with the size of the project.
        predictions = self._predictions() if before.predictions != [] else []
        if predictions is None or predictions != before.predictions:
            return self.everything(), base() - self.read
        changed = {"filter": "updated_at", "operator": "greater", "type": "Datetime", "value": since}
        drafted = {"filter": "draft_exists", "operator": "equal", "type": "Boolean", "value": True}
        self._listing({**_WANTED, "query": filters(changed, drafted, conjunction="or")}, self._take_page)
        # Deleting a draft does not change the date of its task.
        self._take_ids(sorted(set(before.drafts) - self.read))
        now = size_of(self.client, self.project)
        if now.predictions and not predictions:
            return self.everything(), base() - self.read
        if (now.count, now.highest) == (before.count, before.highest):
            return LastRead(now.count, now.highest, sorted(self.drafts), predictions), set()
        there = self._listing({"include": "id"}, _ids)
        earlier = base()
        self._take_ids(sorted(there - earlier - self.read))
        # What was read as changed may have been deleted before the ids were.
        return self._all_but_gone(there, predictions), earlier - there

    def _take_ids(self, ids: list[int]) -> None:
        for some in batches(ids, MOST_IDS):
            selected = {"selectedItems": {"all": False, "included": some}}
            self._listing({**_WANTED, "query": msgspec.json.encode(selected).decode()}, self._take_page)

    def _add(self, task: dict[str, Any]) -> None:
        number = task["id"]
        drafts: list[dict[str, Any]] = []
        self.drafts.discard(number)
        if task.get("draft_exists"):
            self.drafts.add(number)
            # A listing of tasks shows only one's own drafts; this shows everybody's.
            drafts = self.client.get(f"api/tasks/{number}/drafts")
        try:
            line = {
                "id": number,
                "project": self.project,
                "data": task["data"],
                "meta": task.get("meta"),
                "annotations": [{key: made[key] for key in _ANNOTATION} for made in task["annotations"]],
                "predictions": [{key: made.get(key) for key in _PREDICTION} for made in task["predictions"]],
                "drafts": [{key: made.get(key) for key in _DRAFT} for made in drafts],
            }
        except KeyError as e:
            raise Refused(
                f"Task {number} came from {self.client.url} without {e}.",
                "Is that a Label Studio of version 1.13 or later?",
            ) from e
        self.file.add(line)
        self.read.add(number)

    def _take_page(self, page: _Page) -> list[int]:
        for task in page.tasks:
            self._add(task)
        self.advance(len(self.read), max(page.total, len(self.read)))
        return _ids(page)

    def _all_but_gone(self, there: set[int], predictions: list[tuple[str, int, str]] | None) -> LastRead:
        """What is known of a project with these tasks. Others that were read have been deleted meanwhile."""
        for gone in self.read - there:
            del self.file.index[gone]
        self.read &= there
        self.drafts &= there
        return LastRead(len(there), max(there, default=0), sorted(self.drafts), predictions)

    def _predictions(self) -> list[tuple[str, int, str]] | None:
        """What shows that predictions were added or deleted; asked before reading them, so that no change is missed."""
        try:
            found = self.client.get(f"api/projects/{self.project}/model-versions", {"extended": "true"})
        except NotFound:
            return None
        if not isinstance(found, dict) or "static" not in found:
            return None
        return sorted((str(v["model_version"]), v["count"], str(v["latest"])) for v in found["static"])

    def _listing(self, wanted: Params, take: Callable[[_Page], list[int]], readers: int = 1) -> set[int]:
        size = self.settings.page_size
        return read_steadily(self.client, self.project, wanted, size, dict[str, Any], take, readers)


def _ids(page: _Page) -> list[int]:
    return [task["id"] for task in page.tasks]
