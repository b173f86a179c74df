"""Imports what is planned into a project: each chunk is one task afterwards, whatever happened before.

A task is known by its chunk id. An import is sent once; when its outcome is in doubt (no answer, a server error) the
project is read, and only what is missing is sent again. The counts in an answer of success are compared with what was
sent, because on SQLite the server may store the tasks and lose their predictions.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from builder.errors import Refused, Unreachable
from builder.store import read_json, write_json
from builder.studio.client import Client
from builder.studio.duplicates import Imported, Note, merge_duplicates
from builder.studio.planning import PlannedTask
from builder.studio.projects import server_key
from builder.studio.settings import LabelStudio
from builder.studio.tasks import ProjectTasks, ShownChunk, Size, TaskEntry, size_of, tasks_of, tasks_of_chunks

_ROUNDS = 6
_SMALLEST_BATCH = 64 << 10
#: Seconds that the server gets to finish an import whose answer was lost, at least.
SETTLE = 3.0
_LONGEST_SETTLE = 120.0
_POLL = 0.5
_TOO_LARGE = "(413)"


@dataclass
class _LastPush:
    """What the last push left in a project, and how many predictions it had planned.

    Task ids only grow: with as many tasks as then and the same highest id, none was added or deleted, and the project
    need not be listed.
    """

    size: Size
    planned_predictions: int
    #: Chunk id -> task id.
    tasks: dict[str, int]


class _Answer(msgspec.Struct):
    task_count: int
    prediction_count: int = 0
    task_ids: list[int] = []


def import_tasks(
    client: Client,
    project: int,
    plan: Mapping[str, PlannedTask],
    settings: LabelStudio,
    advance: Callable[[int], None] = lambda _: None,
    note: Path | None = None,
    settle: float = SETTLE,
    moving: Note = lambda annotation, result: None,
) -> Imported:
    """The project holds every planned chunk exactly once, with its predictions.

    `advance` gets how many more tasks are there. `note` is a file in which the tasks are remembered, so that the next
    push need not list them when none was added or deleted since. `settle` is how many seconds the server gets, after
    an import whose answer was lost, before it is taken for not done. `moving` is called before an annotation of a
    duplicate is moved. Raises `Unreachable` when the server does not answer any more (the next call finishes what was
    left), and `Refused` when the project keeps changing.
    """
    importer = _Importer(client, project, plan, settings, advance, settle, moving)
    outcome = importer.outcome
    predictions = sum(len(planned.predictions) for planned in plan.values())
    remembered = _recall(client, project, note, predictions)
    there = remembered or tasks_of(client, project, settings.page_size)
    outcome.present = sum(chunk in there.by_chunk for chunk in plan)
    advance(outcome.present)
    if not (remembered and outcome.present == len(plan)):
        there = importer.complete(there, note, predictions)
    unplanned = [chunk for chunk in there.by_chunk if chunk not in plan]
    entries = tasks_of_chunks(client, project, unplanned).by_chunk.values()
    outcome.unplanned = len(unplanned)
    outcome.unplanned_annotated = sum(any(e.touched for e in some) for some in entries)
    outcome.foreign = there.foreign
    return outcome


@dataclass
class _Importer:
    client: Client
    project: int
    plan: Mapping[str, PlannedTask]
    settings: LabelStudio
    advance: Callable[[int], None]
    settle: float
    moving: Note
    outcome: Imported = field(default_factory=Imported)
    slowest: float = 0.0
    #: Task ids of the chunks imported since the project was listed.
    ids: dict[str, int] = field(default_factory=dict)

    def complete(self, there: ProjectTasks, note: Path | None, predictions: int) -> ProjectTasks:
        """Brings what is missing into a project with these tasks; returns those that were there before."""
        for _ in range(_ROUNDS):
            merge_duplicates(self.client, there, self.plan, self.outcome, self.moving)
            missing = [chunk for chunk in self.plan if chunk not in there.by_chunk]
            # An earlier push may have been stopped before it gave these tasks their predictions.
            self.repair(there, self.plan)
            self.run(missing)
            now = size_of(self.client, self.project)
            ours = {chunk: entries[0].id for chunk, entries in there.by_chunk.items()} | self.ids
            if now.count == there.tasks + len(missing) and all(chunk in ours for chunk in self.plan):
                if note is not None and not there.foreign and not self.outcome.duplicates_left:
                    left = _LastPush(now, predictions, ours)
                    write_json(note, {_key(self.client, self.project): msgspec.to_builtins(left)})
                return there
            # An import taken for lost was done later, or somebody else changed the project: look again.
            self.ids.clear()
            there = tasks_of(self.client, self.project, self.settings.page_size)
        raise Refused(
            f"Project {self.project} at {self.client.url} keeps changing while it is pushed to.",
            "Stop whatever else adds or deletes tasks there, then run the command again.",
        )

    def run(self, chunks: list[str]) -> None:
        """Every one of the chunks, which the project lacks, is in the project."""
        size = self.settings.batch_bytes
        for _ in range(_ROUNDS):
            with ThreadPoolExecutor(self.settings.concurrent_imports) as pool:
                # One after the other, nothing is sent after one that was refused.
                send = map if self.settings.concurrent_imports == 1 else pool.map
                left = [chunk for some in send(self._batch, _batches(chunks, self.plan, size)) for chunk in some]
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
        except (Unreachable, ValueError, RecursionError):
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


def _recall(client: Client, project: int, note: Path | None, predictions: int) -> ProjectTasks | None:
    """The tasks of a project when they are known without listing them, or None."""
    now = size_of(client, project)
    if now.count == 0:
        return ProjectTasks()
    try:
        known = msgspec.convert((read_json(note) or {} if note else {}).get(_key(client, project)), _LastPush)
    except msgspec.ValidationError:
        return None
    # People annotate meanwhile.
    known.size.annotations = now.annotations
    if (known.size, known.planned_predictions) != (now, predictions):
        return None
    # There are as many predictions as then, so none is missing.
    total = 1 if predictions else 0
    return ProjectTasks(
        {c: [TaskEntry(task, ShownChunk(c), total_predictions=total)] for c, task in known.tasks.items()}
    )


def _key(client: Client, project: int) -> str:
    return f"{server_key(client)} {project}"


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
