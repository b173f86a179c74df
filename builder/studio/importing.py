"""Imports what is planned into a project: each chunk is one task afterwards, whatever happened before.

A task is known by its chunk id. An import is sent once; when its outcome is in doubt (no answer, a server error) the
project is read, and only what is missing is sent again. The counts in an answer of success are compared with what was
sent, because on SQLite the server may store the tasks and lose their predictions. Tasks that show a chunk again become
one, and every annotation and draft stays with the text that it was made on.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from builder.errors import Refused, Unreachable
from builder.store import read_json, write_json
from builder.studio.client import Client, NotFound
from builder.studio.planning import PlannedTask
from builder.studio.tasks import ProjectTasks, Saved, ShownChunk, Size, TaskEntry, size_of, tasks_of, tasks_of_chunks

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
    #: Tasks that hold somebody's unsaved draft, or annotations of another text.
    duplicates_left: int = 0
    #: Chunks in the project that are not planned any more, and how many of them somebody annotated.
    unplanned: int = 0
    unplanned_annotated: int = 0
    #: Tasks without a chunk id, put there by others.
    foreign: int = 0


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


def _move(annotation: int, task: int, sdk: Any) -> Any:
    return sdk.annotations.update(annotation, task=task)


class _Shown(msgspec.Struct):
    data: dict[str, Any]


class _Answer(msgspec.Struct):
    task_count: int
    prediction_count: int = 0
    task_ids: list[int] = []


@dataclass
class Importer:
    """Brings planned tasks into a project; see `import_tasks`."""

    client: Client
    project: int
    plan: Mapping[str, PlannedTask]
    #: Called with how many more tasks are there.
    advance: Callable[[int], None] = lambda _: None
    #: A file in which the tasks are remembered, so that the next push need not list them when they are the same.
    note: Path | None = None
    #: Called with id and result before an annotation of a duplicate is moved, which saves it in its author's name.
    moving: Callable[[int, Any], None] = lambda *_: None
    outcome: Imported = field(default_factory=Imported)
    slowest: float = 0.0
    #: Chunk id -> task id, as it was imported last.
    ids: dict[str, int] = field(default_factory=dict)

    def complete(self, there: ProjectTasks) -> ProjectTasks:
        """Brings what is missing into a project with these tasks; returns those that were there before."""
        for _ in range(_ROUNDS):
            self.merge_duplicates(there)
            missing = [chunk for chunk in self.plan if chunk not in there.by_chunk]
            # An earlier push may have been stopped before it gave these tasks their predictions.
            self._repair(there, self.plan)
            self._import(missing)
            now = size_of(self.client, self.project)
            if now.count == there.tasks + len(missing):
                if self.note is not None and not there.foreign and not self.outcome.duplicates_left:
                    ours = self.ids | {chunk: entries[0].id for chunk, entries in there.by_chunk.items()}
                    left = _LastPush(now, self._predictions(self.plan), ours)
                    write_json(self.note, {self._key: msgspec.to_builtins(left)})
                return there
            # An import taken for lost was done later, or somebody else changed the project: look again.
            there = tasks_of(self.client, self.project)
        raise Refused(
            f"Project {self.project} at {self.client.url} keeps changing while it is pushed to.",
            "Stop whatever else adds or deletes tasks there, then run the command again.",
        )

    def remembered(self) -> ProjectTasks | None:
        """The tasks of the project when they are known without listing them, or None."""
        now = size_of(self.client, self.project)
        try:
            known = msgspec.convert((read_json(self.note) or {} if self.note else {}).get(self._key), _LastPush)
        except msgspec.ValidationError:
            return None
        # People annotate meanwhile.
        known.size.annotations = now.annotations
        predictions = self._predictions(self.plan)
        if (known.size, known.planned_predictions) != (now, predictions):
            return None
        # There are as many predictions as then, so none is missing.
        entries = {c: TaskEntry(task, ShownChunk(c), total_predictions=predictions) for c, task in known.tasks.items()}
        return ProjectTasks({chunk: [entry] for chunk, entry in entries.items()})

    def merge_duplicates(self, there: ProjectTasks) -> None:
        """Every chunk of `there` has one task, on the server and in `there`. No annotation gets another text.

        The task that shows what is planned for its chunk stays; among several the one with the most annotations, then
        the oldest. Annotations of the others move to it and keep their ids, authors and times. Each step can be
        repeated after a stop.
        """
        self.outcome.duplicates_left = 0
        for chunk, entries in there.duplicates().items():
            wanted = _shows(self.plan[chunk].data) if chunk in self.plan else None
            # Another push may remove a task first: then `there` stays as it is, and the caller reads the project again.
            with contextlib.suppress(NotFound):
                # Raw: the SDK guesses which kind of task an answer is.
                shows = {
                    entry.id: _shows(self.client.get(f"api/tasks/{entry.id}/", kind=_Shown).data) for entry in entries
                }
                kept = max(entries, key=lambda e: (shows[e.id] == wanted, e.answers, -e.id))
                others = [entry for entry in entries if entry is not kept]
                rest = [e for e in others if not self._merge(e.id, kept.id, shows[e.id] == shows[kept.id])]
                self.outcome.duplicates_left += len(rest)
                there.by_chunk[chunk] = [kept, *rest]

    def _merge(self, task: int, kept: int, same: bool) -> bool:
        """Moves what the task holds and deletes it; False when a draft, or an annotation of another text, forbids."""
        client = self.client
        # A task's own page shows only one's own drafts; this shows everybody's. The SDK has no method for it.
        drafts = f"api/tasks/{task}/drafts"
        if client.get(drafts, kind=list[Any]):
            return False
        for annotation in client.ask(lambda sdk: list(sdk.annotations.list(task)), list[Saved]):
            if not same:
                return False
            # What another had saved before stays another's.
            if annotation.updated_by in (None, annotation.completed_by):
                self.moving(annotation.id, annotation.result)
            client.tell(partial(_move, annotation.id, kept))
            self.outcome.annotations_moved += 1
        # Read again: somebody may have saved in between, and deleting a task deletes what it holds.
        if client.ask(lambda sdk: list(sdk.annotations.list(task)), list[Saved]) or client.get(drafts, kind=list[Any]):
            return False
        # Another push may have deleted it just now.
        with contextlib.suppress(NotFound):
            client.tell(lambda sdk: sdk.tasks.delete(str(task)))
        self.outcome.duplicates_removed += 1
        return True

    def _import(self, chunks: list[str]) -> None:
        """Every one of the chunks, which the project lacks, is in the project."""
        settings = self.client.settings
        size = settings.batch_bytes
        for _ in range(_ROUNDS):
            with ThreadPoolExecutor(settings.concurrent_imports) as pool:
                # One after the other, nothing is sent after one that was refused.
                send = map if settings.concurrent_imports == 1 else pool.map
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
        if not answer.task_count == len(answer.task_ids) == len(batch):
            return self._after_doubt(batch)
        self.ids.update(zip(batch, answer.task_ids, strict=True))
        if answer.prediction_count != self._predictions(batch):
            self._repair(tasks_of_chunks(self.client, self.project, batch), batch)
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
        self._repair(there, batch)
        self._done(len(batch) - len(left))
        return left

    def _patience(self) -> float:
        """Seconds after which an import without an answer is taken for not done."""
        return min(max(SETTLE, 2 * self.slowest), _LONGEST_SETTLE)

    def _done(self, tasks: int) -> None:
        self.outcome.imported += tasks
        self.advance(tasks)

    def _repair(self, there: ProjectTasks, chunks: Iterable[str]) -> None:
        """Every untouched one of these tasks that lacks its planned predictions has them."""
        chunks = list(chunks)
        for _ in range(_ROUNDS):
            wanting = {
                entry.id: self.plan[chunk].predictions
                for chunk in chunks
                if self.plan[chunk].predictions
                for entry in there.by_chunk.get(chunk, ())[:1]
                if not entry.total_predictions and not entry.answers
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

    def _predictions(self, chunks: Iterable[str]) -> int:
        return sum(len(self.plan[chunk].predictions) for chunk in chunks)

    @property
    def _key(self) -> str:
        return f"{self.client.key} {self.project}"


def import_tasks(client: Client, project: int, plan: Mapping[str, PlannedTask], **more: Any) -> Imported:
    """The project holds every planned chunk exactly once, with its predictions. `more` are fields of `Importer`.

    Raises `Unreachable` when the server does not answer any more (the next call finishes what was left), and `Refused`
    when the project keeps changing.
    """
    importer = Importer(client, project, plan, **more)
    outcome = importer.outcome
    remembered = importer.remembered()
    there = remembered or tasks_of(client, project)
    outcome.present = sum(chunk in there.by_chunk for chunk in plan)
    importer.advance(outcome.present)
    if not (remembered and outcome.present == len(plan)):
        there = importer.complete(there)
    unplanned = [chunk for chunk in there.by_chunk if chunk not in plan]
    outcome.unplanned = len(unplanned)
    outcome.unplanned_annotated = len(tasks_of_chunks(client, project, unplanned).answered())
    outcome.foreign = there.foreign
    return outcome


def _shows(data: Mapping[str, Any]) -> tuple[object, ...]:
    """What the offsets and answers of an annotation refer to."""
    return data.get("text"), data.get("start"), data.get("targets")


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
