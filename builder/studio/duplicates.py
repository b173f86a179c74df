"""Makes the tasks of one chunk in one project one task. No annotation is lost, or moved to another text."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from builder.studio.client import Client, NotFound
from builder.studio.tasks import ProjectTasks, TaskEntry

#: What the offsets and answers of an annotation refer to.
Shown = tuple[object, ...]


@dataclass
class Merged:
    """What was done about duplicates. `left` hold somebody's unsaved draft, or annotations of another text."""

    removed: int = 0
    moved: int = 0
    left: int = 0


def shown(data: Mapping[str, Any]) -> Shown:
    """What a task's data shows, as far as annotations depend on it."""
    return data.get("text"), data.get("start"), data.get("targets")


def merge_duplicates(client: Client, there: ProjectTasks, planned: Callable[[str], Shown | None]) -> Merged:
    """Every chunk of `there` has one task, on the server and in `there`.

    The task that shows what is planned for its chunk stays; among several the one with the most annotations, then the
    oldest. Annotations of the others move to it and keep their ids, authors and times. Each step can be repeated after
    a stop.
    """
    merged = Merged()
    for chunk, entries in there.duplicates().items():
        # Another push may remove a task first: then `there` stays as it is, and the caller reads the project again.
        with contextlib.suppress(NotFound):
            there.by_chunk[chunk] = _merge_all(client, entries, planned(chunk), merged)
    return merged


def _merge_all(client: Client, entries: list[TaskEntry], wanted: Shown | None, merged: Merged) -> list[TaskEntry]:
    """The tasks of one chunk that are left, the one that stays first."""
    # Raw: the SDK guesses which kind of task an answer is.
    shows = {entry.id: shown(client.get(f"api/tasks/{entry.id}/")["data"]) for entry in entries}
    kept = max(entries, key=lambda e: (shows[e.id] == wanted, e.total_annotations + e.cancelled_annotations, -e.id))
    rest = [
        entry
        for entry in entries
        if entry is not kept and not _merge(client, entry.id, kept.id, merged, shows[entry.id] == shows[kept.id])
    ]
    merged.left += len(rest)
    return [kept, *rest]


def _merge(client: Client, task: int, kept: int, merged: Merged, same: bool) -> bool:
    """Moves what the task holds and deletes it; False when a draft, or an annotation of another text, prevents it."""
    if _drafts(client, task):
        return False
    for annotation in _annotations(client, task):
        if not same:
            return False
        client.tell(lambda sdk, number=annotation.id: sdk.annotations.update(number, task=kept))  # type: ignore[misc]
        merged.moved += 1
    # Read again: somebody may have saved in between, and deleting a task deletes what it holds.
    if _annotations(client, task) or _drafts(client, task):
        return False
    # Another push may have deleted it just now.
    with contextlib.suppress(NotFound):
        client.tell(lambda sdk: sdk.tasks.delete(str(task)))
    merged.removed += 1
    return True


def _annotations(client: Client, task: int) -> list[Any]:
    return client.ask(lambda sdk: list(sdk.annotations.list(task)))


def _drafts(client: Client, task: int) -> Any:
    # A task's own page shows only one's own drafts; this shows everybody's. The SDK has no method for it.
    return client.get(f"api/tasks/{task}/drafts")
