"""Tasks that show a chunk again become one: every annotation and draft stays with the text that it was made on."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from builder.studio.client import Client, NotFound
from builder.studio.planning import PlannedTask
from builder.studio.tasks import ProjectTasks


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


#: Called with id and result before an annotation is saved in the name of its author.
Note = Callable[[int, Any], None]


def merge_duplicates(
    client: Client,
    there: ProjectTasks,
    plan: Mapping[str, PlannedTask],
    outcome: Imported,
    note: Note = lambda *_: None,
) -> None:
    """Every chunk of `there` has one task, on the server and in `there`. No annotation is lost or gets another text.

    The task that shows what is planned for its chunk stays; among several the one with the most annotations, then the
    oldest. Annotations of the others move to it and keep their ids, authors and times. Each step can be repeated after
    a stop.
    """
    outcome.duplicates_left = 0
    for chunk, entries in there.duplicates().items():
        wanted = _shows(msgspec.json.decode(plan[chunk].body)["data"]) if chunk in plan else None
        # Another push may remove a task first: then `there` stays as it is, and the caller reads the project again.
        with contextlib.suppress(NotFound):
            # Raw: the SDK guesses which kind of task an answer is.
            shows = {entry.id: _shows(client.get(f"api/tasks/{entry.id}/")["data"]) for entry in entries}
            kept = max(
                entries, key=lambda e: (shows[e.id] == wanted, e.total_annotations + e.cancelled_annotations, -e.id)
            )
            others = [entry for entry in entries if entry is not kept]
            rest = [
                e for e in others if not _merge(client, e.id, kept.id, outcome, shows[e.id] == shows[kept.id], note)
            ]
            outcome.duplicates_left += len(rest)
            there.by_chunk[chunk] = [kept, *rest]


def _shows(data: Mapping[str, Any]) -> tuple[object, ...]:
    """What the offsets and answers of an annotation refer to."""
    return data.get("text"), data.get("start"), data.get("targets")


def _merge(client: Client, task: int, kept: int, outcome: Imported, same: bool, note: Note) -> bool:
    """Moves what the task holds and deletes it; False when a draft, or an annotation of another text, prevents it."""
    # A task's own page shows only one's own drafts; this shows everybody's. The SDK has no method for it.
    drafts = f"api/tasks/{task}/drafts"
    if client.get(drafts):
        return False
    for annotation in client.ask(lambda sdk: list(sdk.annotations.list(task))):
        if not same:
            return False
        # What another had saved before stays another's.
        if getattr(annotation, "updated_by", None) in (None, annotation.completed_by):
            note(annotation.id, annotation.result)
        client.tell(lambda sdk, number=annotation.id: sdk.annotations.update(number, task=kept))  # type: ignore[misc]
        outcome.annotations_moved += 1
    # Read again: somebody may have saved in between, and deleting a task deletes what it holds.
    if client.ask(lambda sdk: list(sdk.annotations.list(task))) or client.get(drafts):
        return False
    # Another push may have deleted it just now.
    with contextlib.suppress(NotFound):
        client.tell(lambda sdk: sdk.tasks.delete(str(task)))
    outcome.duplicates_removed += 1
    return True
