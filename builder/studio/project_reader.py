"""Reads one project: everything, or what may have changed since it was read before.

The server dates a task when its annotations change. It does not for drafts, deleted tasks, and predictions that are
added or deleted in one request. So tasks with drafts are read each time, deleted tasks are noticed by the number of
tasks and their highest id, and everything is read again when the project's predictions changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from builder.stage import Progress, silent
from builder.store import canonical, digest
from builder.studio.client import Client, Params
from builder.studio.pulls import EarlierPull, TaskFile
from builder.studio.tasks import (
    MOST_IDS,
    TaskEntry,
    TaskPage,
    batches,
    filters,
    models_of,
    read_steadily,
    size_of,
    with_annotations,
)


# Without fields that change by themselves, such as "created_ago", and the task's own dates and counts.
class _Annotation(msgspec.Struct):
    id: int
    result: Any
    completed_by: int | None
    was_cancelled: bool | None
    ground_truth: Any
    created_at: str | None
    updated_at: str | None
    draft_created_at: Any
    lead_time: Any
    parent_prediction: Any
    parent_annotation: Any
    import_id: Any
    last_action: Any
    updated_by: int | None


class _Prediction(msgspec.Struct):
    id: int
    result: Any = None
    model_version: Any = None
    score: Any = None
    created_at: Any = None
    updated_at: Any = None


class _Draft(msgspec.Struct):
    id: int
    result: Any = None
    user: Any = None
    annotation: int | None = None
    created_at: Any = None
    updated_at: Any = None
    lead_time: Any = None


class _Task(msgspec.Struct):
    id: int
    data: dict[str, Any]
    annotations: list[_Annotation]
    predictions: list[_Prediction]
    meta: Any = None
    draft_exists: bool = False


_WANTED = with_annotations(
    (*(name for name in _Task.__struct_fields__ if name != "annotations"), "model_version", "score"),
    _Annotation.__struct_fields__,
)


@dataclass
class LastRead:
    """What a project held when it was read: number of tasks, highest id, ids of tasks with drafts, models."""

    count: int
    highest: int
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
        there = self._listing({"include": "id"}, lambda page: [task.id for task in page.tasks], kind=TaskEntry)
        earlier = base()
        self._take_ids(sorted(there - earlier - self.read))
        # What was read as changed may have been deleted before the ids were.
        return replace(self._all_but_gone(there, models), annotations=now.annotations), earlier - there

    def _take_ids(self, ids: list[int]) -> None:
        for some in batches(ids, MOST_IDS):
            selected = {"selectedItems": {"all": False, "included": some}}
            self._listing({**_WANTED, "query": msgspec.json.encode(selected).decode()}, self._take_page)

    def _add(self, task: _Task) -> None:
        drafts: list[_Draft] = []
        self.drafts.discard(task.id)
        if task.draft_exists:
            self.drafts.add(task.id)
            # A listing of tasks shows only one's own drafts; this shows everybody's.
            drafts = self.client.get(f"api/tasks/{task.id}/drafts", kind=list[_Draft])
        for made in task.annotations:
            if made.completed_by is None:
                made.completed_by = self.past.authors.get((made.id, made.created_at))
            another = made.updated_by not in (None, made.completed_by)
            if another and self.rewritten.get(made.id) == digest(canonical(made.result)):
                # Its author is who said it, although the builder saved it last.
                made.updated_by = None
        said = {"annotations": task.annotations, "predictions": task.predictions, "drafts": drafts}
        self.file.add({"id": task.id, "project": self.project, "data": task.data, "meta": task.meta, **said})
        self.read.add(task.id)

    def _take_page(self, page: TaskPage[_Task]) -> list[int]:
        for task in page.tasks:
            self._add(task)
        self.progress("pull", len(self.read), max(page.total, len(self.read)))
        return [task.id for task in page.tasks]

    def _all_but_gone(self, there: set[int], models: list[tuple[str, int, str]] | None) -> LastRead:
        """What is known of a project with these tasks. Others that were read have been deleted meanwhile."""
        for gone in self.read - there:
            del self.file.index[gone]
        self.read &= there
        self.drafts &= there
        return LastRead(len(there), max(there, default=0), sorted(self.drafts), models)

    def _listing(
        self, wanted: Params, take: Callable[[TaskPage[Any]], list[int]], readers: int = 1, kind: type = _Task
    ) -> set[int]:
        return read_steadily(self.client, self.project, wanted, kind, take, readers)
