"""What is new in a project since it was read last: changed and new tasks into a spool, and the ids of deleted ones.

The server stamps a task when its annotations or predictions change, but neither drafts nor deletions leave a trace:
tasks with drafts are read each time, and deletions are noticed by the number of tasks and their highest id.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from builder.errors import Refused
from builder.studio.client import Client, Params
from builder.studio.listing import FEW, batches, filters, nested, pages, size
from builder.studio.settings import LabelStudio
from builder.studio.spool import Spool

# Left out is what changes by itself, such as "created_ago", and the task's own stamps and counters, which follow.
_TASK = ("id", "data", "meta", "predictions", "draft_exists")
_ANNOTATION = (
    *("id", "result", "completed_by", "was_cancelled", "ground_truth", "created_at", "updated_at", "draft_created_at"),
    *("lead_time", "parent_prediction", "parent_annotation", "import_id", "last_action"),
)
_PREDICTION = ("id", "result", "model_version", "score", "created_at", "updated_at")
_DRAFT = ("id", "result", "user", "annotation", "created_at", "updated_at", "lead_time")
_WANTED = nested((*_TASK, "model_version", "score"), _ANNOTATION)
_ROUNDS = 4

Advance = Callable[[int, int], None]


@dataclass
class Known:
    """What a project held when it was read: number of tasks, highest id, and ids of tasks with drafts."""

    count: int = 0
    highest: int = 0
    drafts: list[int] = field(default_factory=list)


class _Tasks(msgspec.Struct):
    tasks: list[dict[str, Any]]
    total: int


class Fetch:
    """Reads one project into a spool."""

    def __init__(self, client: Client, project: int, settings: LabelStudio, spool: Spool, advance: Advance) -> None:
        self.client = client
        self.project = project
        self.settings = settings
        self.spool = spool
        self.advance = advance
        self.drafts: set[int] = set()

    def everything(self) -> Known:
        """Spools every task; raises `Refused` when tasks keep being deleted or added while they are read."""
        for _ in range(_ROUNDS):
            seen: set[int] = set()
            totals = set()
            self.drafts = set()
            for page in self._pages(_WANTED, self.settings.concurrent_reads):
                totals.add(page.total)
                for task in page.tasks:
                    seen.add(task["id"])
                    self._add(task)
                self.advance(len(seen), page.total)
            known = self._size()
            # Pages are cut by position: a task deleted meanwhile hides another one at the next border.
            if totals == {known.count} and len(seen) == known.count:
                for vanished in set(self.spool.index) - seen:
                    if self.spool.index[vanished].project == self.project:
                        del self.spool.index[vanished]
                return known
        raise Refused(
            f"The tasks of project {self.project} at {self.client.url} keep changing while they are read.",
            "Wait until nobody imports or deletes tasks there, then pull again.",
        )

    def news(self, before: Known, since: str, base: Callable[[], set[int]]) -> tuple[Known, set[int]]:
        """Spools the tasks that may have changed `since`; returns what is known now and which tasks are gone.

        `base` gives the ids of the tasks that were read before; it is only asked when their number changed.
        """
        changed = {"filter": "updated_at", "operator": "greater", "type": "Datetime", "value": since}
        drafted = {"filter": "draft_exists", "operator": "equal", "type": "Boolean", "value": True}
        self._take({"query": filters(changed, drafted, conjunction="or")})
        # A draft that was dropped leaves no stamp.
        self._take_ids(sorted(set(before.drafts) - set(self.spool.index)))
        known = self._size()
        if (known.count, known.highest) == (before.count, before.highest):
            return known, set()
        there = {task["id"] for page in self._pages({"include": "id"}, 1) for task in page.tasks}
        earlier = base()
        self._take_ids(sorted(there - earlier - set(self.spool.index)))
        return known, earlier - there

    def _take(self, wanted: Mapping[str, str]) -> None:
        for page in self._pages({**_WANTED, **wanted}, 1):
            for task in page.tasks:
                self._add(task)
            self.advance(len(self.spool.index), 0)

    def _take_ids(self, ids: list[int]) -> None:
        for some in batches(ids, FEW):
            selected = {"selectedItems": {"all": False, "included": some}}
            self._take({"query": msgspec.json.encode(selected).decode()})

    def _add(self, task: dict[str, Any]) -> None:
        number = task["id"]
        drafts: list[dict[str, Any]] = []
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
        self.spool.add(line)

    def _size(self) -> Known:
        now = size(self.client, self.project)
        return Known(now.count, now.highest, sorted(self.drafts))

    def _pages(self, wanted: Params, readers: int) -> Iterator[_Tasks]:
        return pages(self.client, self.project, wanted, self.settings.page_size, _Tasks, readers)
