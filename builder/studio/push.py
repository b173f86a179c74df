"""Brings the tasks of a project to what is planned: each chunk exactly once, whatever happened before.

A task is known by its chunk id. An import is sent once; when its outcome is in doubt (no answer, a server error) the
project is read and only what is missing is sent again. An answer of success is not believed either: its counts are
compared with what was sent, because on SQLite the server may keep the tasks and lose their predictions.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from builder.errors import Refused, Unreachable
from builder.studio.client import Client
from builder.studio.heal import Shown, heal, shown
from builder.studio.listing import Held, held, held_of, size
from builder.studio.notes import Note, recall, remember
from builder.studio.settings import LabelStudio

_ROUNDS = 6
_SMALLEST_BATCH = 64 << 10
_SETTLE = 3.0
_LONGEST_SETTLE = 120.0
_TOO_LARGE = "(413)"


@dataclass
class Planned:
    """One task to be: its import body as JSON, and its predictions apart, for when the server drops them."""

    body: bytes
    predictions: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Outcome:
    """What a push found and did in one project."""

    present: int = 0
    imported: int = 0
    requests: int = 0
    doubts: int = 0
    predictions_repaired: int = 0
    duplicates_removed: int = 0
    annotations_moved: int = 0
    duplicates_left: int = 0
    #: Chunks in the project that are not planned (any more), and how many of them somebody annotated.
    unplanned: int = 0
    unplanned_annotated: int = 0
    #: Tasks without a chunk id, put there by others.
    strangers: int = 0


Advance = Callable[[int], None]


def push(
    client: Client,
    project: int,
    plan: Mapping[str, Planned],
    settings: LabelStudio,
    advance: Advance = lambda _: None,
    note: Path | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """The project holds every planned chunk exactly once, with its predictions; see `Outcome` for the rest.

    `note` is a file in which the tasks are remembered, so that the next push need not list them when none was added
    or deleted since. Raises `Unreachable` when the server stays away, and then the next call finishes what was left.
    """
    outcome = Outcome()
    predictions = sum(len(planned.predictions) for planned in plan.values())
    remembered = recall(client, project, note, predictions)
    there = remembered or held(client, project, settings.page_size)
    outcome.present = sum(chunk in there.by_chunk for chunk in plan)
    advance(outcome.present)
    if remembered and outcome.present == len(plan):
        _report(client, project, plan, there, outcome)
        return outcome
    importer = _Importer(client, project, plan, settings, outcome, advance, sleep)

    def planned(chunk: str) -> Shown | None:
        return shown(msgspec.json.decode(plan[chunk].body)["data"]) if chunk in plan else None

    for _ in range(_ROUNDS):
        healed = heal(client, there, planned)
        outcome.duplicates_removed += healed.removed
        outcome.annotations_moved += healed.moved
        outcome.duplicates_left = healed.left
        missing = [chunk for chunk in plan if chunk not in there.by_chunk]
        # The listing may show tasks that an earlier push was stopped before giving their predictions.
        importer.repair(there, plan)
        importer.run(missing)
        now = size(client, project)
        ours = {chunk: entries[0].id for chunk, entries in there.by_chunk.items()} | importer.ids
        if now.count == there.tasks + len(missing) and all(chunk in ours for chunk in plan):
            break
        # An import given up for lost came in late, or somebody else changed the project: look again.
        importer.ids.clear()
        there = held(client, project, settings.page_size)
    else:
        raise Refused(
            f"Project {project} at {client.url} keeps changing while it is pushed to.",
            "Stop whatever else adds or deletes tasks there, then run the command again.",
        )
    if note is not None and not there.strangers and not outcome.duplicates_left:
        remember(client, project, note, Note(now.count, now.highest, now.predictions, predictions, ours))
    _report(client, project, plan, there, outcome)
    return outcome


def _report(client: Client, project: int, plan: Mapping[str, Planned], there: Held, outcome: Outcome) -> None:
    unplanned = [chunk for chunk in there.by_chunk if chunk not in plan]
    entries = held_of(client, project, unplanned).by_chunk.values()
    outcome.unplanned = len(unplanned)
    outcome.unplanned_annotated = sum(any(e.touched for e in some) for some in entries)
    outcome.strangers = there.strangers


class _Importer:
    def __init__(
        self,
        client: Client,
        project: int,
        plan: Mapping[str, Planned],
        settings: LabelStudio,
        outcome: Outcome,
        advance: Advance,
        sleep: Callable[[float], None],
    ) -> None:
        self.client = client
        self.project = project
        self.plan = plan
        self.settings = settings
        self.outcome = outcome
        self.advance = advance
        self.sleep = sleep
        self.slowest = 0.0
        #: Task ids of the chunks imported since the project was listed.
        self.ids: dict[str, int] = {}

    def run(self, chunks: list[str]) -> None:
        """Every one of the chunks is in the project; they were not when this was called."""
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
            # Smaller requests pass where large ones time out or are too large for something in between.
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
            answer = msgspec.json.decode(body, type=_Imported)
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
            self.repair(held_of(self.client, self.project, batch), batch)
        self._done(len(batch))
        return []

    def _after_doubt(self, batch: list[str]) -> list[str]:
        self.outcome.doubts += 1
        # The server may still be at work on a request whose answer we lost: give it time before calling it undone.
        end = time.monotonic() + min(max(_SETTLE, 2 * self.slowest), _LONGEST_SETTLE)
        while True:
            there = held_of(self.client, self.project, batch)
            left = [chunk for chunk in batch if chunk not in there.by_chunk]
            if not left or time.monotonic() > end:
                break
            self.sleep(0.5)
        self.ids.update({chunk: entries[0].id for chunk, entries in there.by_chunk.items()})
        self.repair(there, batch)
        self._done(len(batch) - len(left))
        return left

    def _done(self, tasks: int) -> None:
        self.outcome.imported += tasks
        self.advance(tasks)

    def repair(self, there: Held, chunks: Iterable[str]) -> None:
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
                self.sleep(min(max(_SETTLE, 2 * self.slowest), _LONGEST_SETTLE))
            else:
                self.outcome.predictions_repaired += len(wanting)
            # This request is as little to be believed, or repeated, as an import: look again who has none.
            there = held_of(self.client, self.project, chunks)
        raise Unreachable(
            f"Project {self.project} at {self.client.url} does not keep the suggestions sent to it.",
            "Read the server's log; then run the command again.",
        )


class _Imported(msgspec.Struct):
    task_count: int
    prediction_count: int = 0
    task_ids: list[int] = []


def _batches(chunks: list[str], plan: Mapping[str, Planned], limit: int) -> Iterator[list[str]]:
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
