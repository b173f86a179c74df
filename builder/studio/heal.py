"""Duplicates of a chunk in one project become one task, and no annotation is lost or shown another text."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from builder.studio.client import Client, NotFound
from builder.studio.listing import Entry, Held

#: What the offsets and answers of an annotation refer to.
Shown = tuple[object, ...]


@dataclass
class Healed:
    """What was done about duplicates. `left` hold somebody's unsaved draft, or annotations of another text."""

    removed: int = 0
    moved: int = 0
    left: int = 0


def shown(data: Mapping[str, Any]) -> Shown:
    """What a task's data shows, as far as annotations depend on it."""
    return data.get("text"), data.get("start"), data.get("targets")


def heal(client: Client, there: Held, planned: Callable[[str], Shown | None]) -> Healed:
    """Every chunk of `there` has one task, on the server and in `there`.

    The task that shows what is planned for its chunk stays; among several the one with the most annotations, then the
    oldest. Annotations of the others move to it and keep their ids, authors and times. Each step can be repeated after
    a stop.
    """
    healed = Healed()
    for chunk, entries in there.duplicates().items():
        # Somebody else who heals may remove one first: then it stays in `there`, and whoever counts looks again.
        with contextlib.suppress(NotFound):
            there.by_chunk[chunk] = _heal(client, entries, planned(chunk), healed)
    return healed


def _heal(client: Client, entries: list[Entry], wanted: Shown | None, healed: Healed) -> list[Entry]:
    """The tasks of one chunk that are left, the one that stays first."""
    shows = {entry.id: shown(client.get(f"api/tasks/{entry.id}/")["data"]) for entry in entries}
    kept = max(entries, key=lambda e: (shows[e.id] == wanted, e.total_annotations + e.cancelled_annotations, -e.id))
    rest = [
        entry
        for entry in entries
        if entry is not kept and not _merge(client, entry, kept, healed, shows[entry.id] == shows[kept.id])
    ]
    healed.left += len(rest)
    return [kept, *rest]


def _merge(client: Client, entry: Entry, kept: Entry, healed: Healed, same: bool) -> bool:
    """Moves what the task holds and deletes it; False when a draft, or an annotation of another text, keeps it."""
    # A task's own page shows only one's own drafts; this shows everybody's.
    if client.get(f"api/tasks/{entry.id}/drafts"):
        return False
    for annotation in client.get(f"api/tasks/{entry.id}/annotations/"):
        if not same:
            return False
        client.patch(f"api/annotations/{annotation['id']}/", {"task": kept.id})
        healed.moved += 1
    # Read again: somebody may have saved in between, and deleting a task deletes what it holds.
    if client.get(f"api/tasks/{entry.id}/annotations/") or client.get(f"api/tasks/{entry.id}/drafts"):
        return False
    client.delete(f"api/tasks/{entry.id}/")
    healed.removed += 1
    return True
