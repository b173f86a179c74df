"""What is new in a project since it was read last: changed and new tasks into a spool, and the ids of deleted ones.

The server stamps a task when its annotations or predictions change, but neither drafts nor deletions leave a trace:
tasks with drafts are read each time, and deletions are noticed by the number of tasks and its highest id.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from builder.errors import Refused
from builder.studio.client import Client, Params
from builder.studio.listing import filters, pages
from builder.studio.settings import LabelStudio
from builder.studio.spool import Spool

# The server applies these names to what is nested in a task as well. Left out is what changes by itself, such as
# "created_ago", and the task's own counters, which follow from the rest.
_TASK = ("id", "data", "meta", "annotations", "predictions")
_NESTED = (
    *("result", "completed_by", "was_cancelled", "ground_truth", "created_at", "updated_at", "draft_created_at"),
    *("lead_time", "parent_prediction", "parent_annotation", "import_id", "last_action", "model_version", "score"),
)
_DRAFT = ("id", "result", "user", "annotation", "created_at", "updated_at", "lead_time")
# Stamps of the task itself move when nothing that matters does.
_OWN_STAMPS = ("created_at", "updated_at")
_ROUNDS = 4
_FEW = 250

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
        self.drafts: dict[int, list[dict[str, Any]]] = {}

    def everything(self) -> Known:
        """Spools every task; raises `Refused` when tasks keep being deleted or added while they are read."""
        self._read_drafts()
        for _ in range(_ROUNDS):
            seen: set[int] = set()
            totals = set()
            wanted: Params = {"include": ",".join(_TASK + _NESTED), "fields": "all"}
            for page in self._pages(wanted, self.settings.concurrent_reads):
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
        self._read_drafts()
        query = filters({"filter": "updated_at", "operator": "greater", "type": "Datetime", "value": since})
        self._take({"query": query})
        # Drafts leave no stamp: neither those that are there nor those that were and are not any more.
        self._take_ids(sorted({*before.drafts, *self.drafts} - set(self.spool.index)))
        known = self._size()
        if (known.count, known.highest) == (before.count, before.highest):
            return known, set()
        there = self._ids({})
        earlier = base()
        self._take_ids(sorted(there - earlier - set(self.spool.index)))
        return known, earlier - there

    def _take(self, wanted: Mapping[str, str]) -> None:
        for page in self._pages({"include": ",".join(_TASK + _NESTED), "fields": "all", **wanted}, 1):
            for task in page.tasks:
                self._add(task)
            self.advance(len(self.spool.index), 0)

    def _take_ids(self, ids: list[int]) -> None:
        for some in _few(ids):
            selected = {"selectedItems": {"all": False, "included": some}}
            self._take({"query": msgspec.json.encode(selected).decode()})

    def _add(self, task: dict[str, Any]) -> None:
        for stamp in _OWN_STAMPS:
            task.pop(stamp, None)
        task["project"] = self.project
        task["drafts"] = self.drafts.get(task["id"], [])
        self.spool.add(task)

    def _read_drafts(self) -> None:
        """Reads everybody's drafts; a listing of tasks shows only one's own."""
        query = filters({"filter": "draft_exists", "operator": "equal", "type": "Boolean", "value": True})
        for task in sorted(self._ids({"query": query})):
            found = self.client.get(f"api/tasks/{task}/drafts")
            self.drafts[task] = [{key: draft.get(key) for key in _DRAFT} for draft in found]

    def _ids(self, wanted: Mapping[str, str]) -> set[int]:
        return {task["id"] for page in self._pages({"include": "id", **wanted}, 1) for task in page.tasks}

    def _size(self) -> Known:
        query = msgspec.json.encode({"ordering": ["-tasks:id"]}).decode()
        page = next(self._pages({"include": "id", "query": query}, 1, size=1))
        highest = page.tasks[0]["id"] if page.tasks else 0
        return Known(page.total, highest, sorted(self.drafts))

    def _pages(self, wanted: Params, readers: int, size: int = 0) -> Iterator[_Tasks]:
        return pages(self.client, self.project, wanted, size or self.settings.page_size, _Tasks, readers)


def _few(ids: Iterable[int]) -> Iterator[list[int]]:
    left = iter(ids)
    while some := list(islice(left, _FEW)):
        yield some
