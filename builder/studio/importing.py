"""Imports what is planned into a project: each chunk is one task afterwards, whatever happened before.

A task is known by its chunk id. An import is sent once; when its outcome is in doubt (no answer, a server error) the
project is read, and only what is missing is sent again. The counts in an answer of success are compared with what was
sent, because on SQLite the server may store the tasks and lose their predictions.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from builder.errors import Refused, Unreachable
from builder.studio.client import Client
from builder.studio.duplicates import Shown, merge_duplicates, shown
from builder.studio.planning import PlannedTask
from builder.studio.remembered import LastPush, recall, remember
from builder.studio.settings import LabelStudio
from builder.studio.tasks import ProjectTasks, size_of, tasks_of, tasks_of_chunks

_ROUNDS = 6
_SMALLEST_BATCH = 64 << 10
#: Seconds that the server gets to finish an import whose answer was lost, at least.
SETTLE = 3.0
_LONGEST_SETTLE = 120.0
_POLL = 0.5
_TOO_LARGE = "(413)"


@dataclass
class Imported:
    """What was found and done in one project."""

    present: int = 0
    imported: int = 0
    requests: int = 0
    doubts: int = 0
    predictions_repaired: int = 0
    duplicates_removed: int = 0
    annotations_moved: int = 0
    duplicates_left: int = 0
    #: Chunks in the project that are not planned any more, and how many of them somebody annotated.
    unplanned: int = 0
    unplanned_annotated: int = 0
    #: Tasks without a chunk id, put there by others.
    foreign: int = 0


Advance = Callable[[int], None]


def import_tasks(
    client: Client,
    project: int,
    plan: Mapping[str, PlannedTask],
    settings: LabelStudio,
    advance: Advance = lambda _: None,
    note: Path | None = None,
    settle: float = SETTLE,
) -> Imported:
    """The project holds every planned chunk exactly once, with its predictions.

    `advance` gets how many more tasks are there. `note` is a file in which the tasks are remembered, so that the next
    push need not list them when none was added or deleted since. `settle` is how many seconds the server gets, after
    an import whose answer was lost, before it is taken for not done. Raises `Unreachable` when the server does not
    answer any more (the next call finishes what was left), and `Refused` when the project keeps changing.
    """
    outcome = Imported()
    predictions = sum(len(planned.predictions) for planned in plan.values())
    remembered = recall(client, project, note, predictions)
    there = remembered or tasks_of(client, project, settings.page_size)
    outcome.present = sum(chunk in there.by_chunk for chunk in plan)
    advance(outcome.present)
    if remembered and outcome.present == len(plan):
        _report(client, project, plan, there, outcome)
        return outcome
    importer = _Importer(client, project, plan, settings, outcome, advance, settle)

    def planned(chunk: str) -> Shown | None:
        return shown(msgspec.json.decode(plan[chunk].body)["data"]) if chunk in plan else None

    for _ in range(_ROUNDS):
        merged = merge_duplicates(client, there, planned)
        outcome.duplicates_removed += merged.removed
        outcome.annotations_moved += merged.moved
        outcome.duplicates_left = merged.left
        missing = [chunk for chunk in plan if chunk not in there.by_chunk]
        # An earlier push may have been stopped before it gave these tasks their predictions.
        importer.repair(there, plan)
        importer.run(missing)
        now = size_of(client, project)
        ours = {chunk: entries[0].id for chunk, entries in there.by_chunk.items()} | importer.ids
        if now.count == there.tasks + len(missing) and all(chunk in ours for chunk in plan):
            break
        # An import taken for lost was done later, or somebody else changed the project: look again.
        importer.ids.clear()
        there = tasks_of(client, project, settings.page_size)
    else:
        raise Refused(
            f"Project {project} at {client.url} keeps changing while it is pushed to.",
            "Stop whatever else adds or deletes tasks there, then run the command again.",
        )
    if note is not None and not there.foreign and not outcome.duplicates_left:
        remember(client, project, note, LastPush(now.count, now.highest, now.predictions, predictions, ours))
    _report(client, project, plan, there, outcome)
    return outcome


def _report(
    client: Client, project: int, plan: Mapping[str, PlannedTask], there: ProjectTasks, outcome: Imported
) -> None:
    unplanned = [chunk for chunk in there.by_chunk if chunk not in plan]
    entries = tasks_of_chunks(client, project, unplanned).by_chunk.values()
    outcome.unplanned = len(unplanned)
    outcome.unplanned_annotated = sum(any(e.touched for e in some) for some in entries)
    outcome.foreign = there.foreign


class _Importer:
    def __init__(
        self,
        client: Client,
        project: int,
        plan: Mapping[str, PlannedTask],
        settings: LabelStudio,
        outcome: Imported,
        advance: Advance,
        settle: float,
    ) -> None:
        self.client = client
        self.project = project
        self.plan = plan
        self.settings = settings
        self.outcome = outcome
        self.advance = advance
        self.settle = settle
        self.slowest = 0.0
        #: Task ids of the chunks imported since the project was listed.
        self.ids: dict[str, int] = {}

    def run(self, chunks: list[str]) -> None:
        """Every one of the chunks, which the project lacks, is in the project."""
        size = self.settings.batch_bytes
        for _ in range(_ROUNDS):
            batches = list(_batches(chunks, self.plan, size))
            left: list[str] = []
            if self.settings.concurrent_imports == 1:
                for batch in batches:
                    left += self._batch(batch)
            else:
                with ThreadPoolExecutor(self.settings.concurrent_imports) as pool:
                    for some in pool.map(self._batch, batches):
                        left += some
            if not left:
                return
            # Smaller requests may pass where a large one takes too long or is refused by a proxy.
            chunks, size = left, max(_SMALLEST_BATCH, size // 4)
        raise Unreachable(
            f"{len(chunks)} tasks could not be brought into project {self.project} at {self.client.url}.",
            "Read the server's log; then run the command again, which sends only what is missing.",
        )

    def _batch(self, batch: list[str]) -> list[str]:
        """Sends one import request; returns the chunks that are not there afterwards."""
        content = b"[" + b",".join(self.plan[chunk].body for chunk in batch) + b"]"
        start = time.monotonic()
        self.outcome.requests += 1
        try:
            path = f"api/projects/{self.project}/import"
            body = self.client.send("POST", path, {"return_task_ids": "true"}, content)
            answer = msgspec.json.decode(body, type=_Answer)
        except (Unreachable, msgspec.DecodeError):
            return self._after_doubt(batch)
        except Refused as e:
            if _TOO_LARGE in e.message and len(batch) > 1:
                return batch
            raise
        self.slowest = max(self.slowest, time.monotonic() - start)
        sent = sum(len(self.plan[chunk].predictions) for chunk in batch)
        if not answer.task_count == len(answer.task_ids) == len(batch):
            return self._after_doubt(batch)
        self.ids.update(zip(batch, answer.task_ids, strict=True))
        if answer.prediction_count != sent:
            self.repair(tasks_of_chunks(self.client, self.project, batch), batch)
        self._done(len(batch))
        return []

    def _after_doubt(self, batch: list[str]) -> list[str]:
        self.outcome.doubts += 1
        # The server may still be at work on a request whose answer was lost.
        waited = 0.0
        while True:
            there = tasks_of_chunks(self.client, self.project, batch)
            left = [chunk for chunk in batch if chunk not in there.by_chunk]
            if not left or waited >= self._patience():
                break
            self.client.sleep(_POLL)
            waited += _POLL
        self.ids.update({chunk: entries[0].id for chunk, entries in there.by_chunk.items()})
        self.repair(there, batch)
        self._done(len(batch) - len(left))
        return left

    def _patience(self) -> float:
        """Seconds after which an import without an answer is taken for not done."""
        return min(max(self.settle, 2 * self.slowest), _LONGEST_SETTLE)

    def _done(self, tasks: int) -> None:
        self.outcome.imported += tasks
        self.advance(tasks)

    def repair(self, there: ProjectTasks, chunks: Iterable[str]) -> None:
        """Every untouched one of these tasks that lacks its planned predictions has them."""
        chunks = list(chunks)
        for _ in range(_ROUNDS):
            wanting = {
                entry.id: self.plan[chunk].predictions
                for chunk in chunks
                if self.plan[chunk].predictions
                for entry in there.by_chunk.get(chunk, ())[:1]
                if not entry.total_predictions and not entry.touched
            }
            if not wanting:
                return
            rows = [{**prediction, "task": task} for task, some in wanting.items() for prediction in some]
            try:
                self.client.post(f"api/projects/{self.project}/import/predictions", rows)
            except Unreachable:
                self.outcome.doubts += 1
                self.client.sleep(self._patience())
            else:
                self.outcome.predictions_repaired += len(wanting)
            # As after an import, the answer proves nothing: look again which tasks have none.
            there = tasks_of_chunks(self.client, self.project, chunks)
        raise Unreachable(
            f"Project {self.project} at {self.client.url} does not keep the suggestions sent to it.",
            "Read the server's log; then run the command again.",
        )


class _Answer(msgspec.Struct):
    task_count: int
    prediction_count: int = 0
    task_ids: list[int] = []


def _batches(chunks: list[str], plan: Mapping[str, PlannedTask], limit: int) -> Iterator[list[str]]:
    """Chunks in order, grouped so that a request stays below `limit` bytes; a larger task goes alone."""
    batch: list[str] = []
    size = 0
    for chunk in chunks:
        length = len(plan[chunk].body) + 1
        if batch and size + length > limit:
            yield batch
            batch, size = [], 0
        batch.append(chunk)
        size += length
    if batch:
        yield batch
