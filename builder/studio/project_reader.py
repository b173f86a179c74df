"""Reads one project: everything, or what may have changed since it was read before.

The server dates a task when its annotations change. It does not for drafts, deleted tasks, and predictions that are
added or deleted in one request. So tasks with drafts are read each time, deleted tasks are noticed by the number of
tasks and their highest id, and everything is read again when the project's predictions changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from builder.errors import Refused
from builder.stage import Progress, silent
from builder.store import canonical, digest
from builder.studio.client import Client, Params
from builder.studio.pulls import EarlierPull, TaskFile
from builder.studio.tasks import (
    MOST_IDS,
    TaskPage,
    batches,
    filters,
    models_of,
    read_steadily,
    size_of,
    with_annotations,
)

# Without fields that change by themselves, such as "created_ago", and the task's own dates and counts.
_TASK = ("id", "data", "meta", "predictions", "draft_exists")
_ANNOTATION = (
    *("id", "result", "completed_by", "was_cancelled", "ground_truth", "created_at", "updated_at", "draft_created_at"),
    *("lead_time", "parent_prediction", "parent_annotation", "import_id", "last_action", "updated_by"),
)
_PREDICTION = ("id", "result", "model_version", "score", "created_at", "updated_at")
_DRAFT = ("id", "result", "user", "annotation", "created_at", "updated_at", "lead_time")
_WANTED = with_annotations((*_TASK, "model_version", "score"), _ANNOTATION)

_Page = TaskPage[dict[str, Any]]


@dataclass
class LastRead:
    """What a project held when it was read: number of tasks, highest id, ids of tasks with drafts, models."""

    count: int = 0
    highest: int = 0
    drafts: list[int] = field(default_factory=list)
    #: As `models_of` gives them.
    predictions: list[tuple[str, int, str]] | None = None
    #: Annotations without skips on the server; None when everything was read.
    annotations: int | None = None


@dataclass
class ProjectReader:
    """Reads one project into a file of tasks."""

    client: Client
    project: int
    file: TaskFile
    progress: Progress = silent
    #: The pull before, which knows the authors of annotations whose accounts were deleted since.
    past: EarlierPull = field(default_factory=lambda: EarlierPull(None))
    #: Annotation id -> digest of the result that the builder gave it, as when a label was renamed.
    rewritten: Mapping[int, str] = field(default_factory=dict)
    #: Ids of the tasks of this project in the file, and of those among them that have drafts.
    read: set[int] = field(default_factory=set)
    drafts: set[int] = field(default_factory=set)

    def everything(self) -> LastRead:
        """Reads every task; raises `Refused` when tasks keep being deleted while they are read."""
        # Asked before they are read, so that no change of them is missed.
        models = models_of(self.client, self.project)
        there = self._listing(_WANTED, self._take_page, self.client.settings.concurrent_reads)
        return self._all_but_gone(there, models)

    def changes(self, before: LastRead, since: str, base: Callable[[], set[int]]) -> tuple[LastRead, set[int]]:
        """Reads the tasks that may have changed `since`; returns what is known now and the ids of deleted tasks.

        `base` gives the ids of the tasks that were read before; it is called only when the tasks are not the same.
        """
        # Where there were none, their number is enough, which comes with the size of the project.
        models = models_of(self.client, self.project) if before.predictions != [] else []
        if models is None or models != before.predictions:
            return self.everything(), base() - self.read
        changed = {"filter": "updated_at", "operator": "greater", "type": "Datetime", "value": since}
        drafted = {"filter": "draft_exists", "operator": "equal", "type": "Boolean", "value": True}
        self._listing({**_WANTED, "query": filters(changed, drafted, conjunction="or")}, self._take_page)
        # Deleting a draft does not change the date of its task.
        self._take_ids(sorted(set(before.drafts) - self.read))
        now = size_of(self.client, self.project)
        if now.predictions and not models:
            return self.everything(), base() - self.read
        if (now.count, now.highest) == (before.count, before.highest):
            return LastRead(now.count, now.highest, sorted(self.drafts), models, now.annotations), set()
        there = self._listing({"include": "id"}, _ids)
        earlier = base()
        self._take_ids(sorted(there - earlier - self.read))
        # What was read as changed may have been deleted before the ids were.
        return replace(self._all_but_gone(there, models), annotations=now.annotations), earlier - there

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
            drafts = self.client.get(f"api/tasks/{number}/drafts", kind=list[dict[str, Any]])
        try:
            line = {
                "id": number,
                "project": self.project,
                "data": task["data"],
                "meta": task.get("meta"),
                "annotations": [self._annotation(made) for made in task["annotations"]],
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

    def _annotation(self, made: Mapping[str, Any]) -> dict[str, Any]:
        kept = {key: made[key] for key in _ANNOTATION}
        if kept["completed_by"] is None:
            kept["completed_by"] = self.past.authors.get((kept["id"], kept["created_at"]))
        another = kept["updated_by"] not in (None, kept["completed_by"])
        if another and self.rewritten.get(kept["id"]) == digest(canonical(kept["result"])):
            # Its author is who said it, although the builder saved it last.
            kept["updated_by"] = None
        return kept

    def _take_page(self, page: _Page) -> list[int]:
        for task in page.tasks:
            self._add(task)
        self.progress("pull", len(self.read), max(page.total, len(self.read)))
        return _ids(page)

    def _all_but_gone(self, there: set[int], models: list[tuple[str, int, str]] | None) -> LastRead:
        """What is known of a project with these tasks. Others that were read have been deleted meanwhile."""
        for gone in self.read - there:
            del self.file.index[gone]
        self.read &= there
        self.drafts &= there
        return LastRead(len(there), max(there, default=0), sorted(self.drafts), models)

    def _listing(self, wanted: Params, take: Callable[[_Page], list[int]], readers: int = 1) -> set[int]:
        return read_steadily(self.client, self.project, wanted, dict[str, Any], take, readers)


def _ids(page: _Page) -> list[int]:
    return [task["id"] for task in page.tasks]
