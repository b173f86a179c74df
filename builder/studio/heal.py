"""Duplicates of a chunk in one project become one task, and no annotation is lost."""

from dataclasses import dataclass

from builder.studio.client import Client
from builder.studio.listing import Entry, Held


@dataclass
class Healed:
    """What was done about duplicates. `left` could not be removed because somebody has an unsaved draft there."""

    removed: int = 0
    moved: int = 0
    left: int = 0


def heal(client: Client, there: Held) -> Healed:
    """Every chunk of `there` has one task, on the server and in `there`.

    The task with the most annotations stays, the oldest among equals. Annotations of the others move to it and keep
    their ids, authors and times. Each step can be repeated after a stop.
    """
    healed = Healed()
    for chunk, entries in there.duplicates().items():
        kept = max(entries, key=lambda e: (e.total_annotations + e.cancelled_annotations, -e.id))
        rest = [entry for entry in entries if entry is not kept and not _merge(client, entry, kept, healed)]
        there.by_chunk[chunk] = [kept, *rest]
    return healed


def _merge(client: Client, entry: Entry, kept: Entry, healed: Healed) -> bool:
    """Moves what the task holds and deletes it; False when a draft keeps it alive."""
    # A task's own page shows only one's own drafts; this shows everybody's.
    if client.get(f"api/tasks/{entry.id}/drafts"):
        healed.left += 1
        return False
    for annotation in client.get(f"api/tasks/{entry.id}/annotations/"):
        client.patch(f"api/annotations/{annotation['id']}/", {"task": kept.id})
        healed.moved += 1
    # Read again: somebody may have saved in between, and deleting a task deletes what it holds.
    if client.get(f"api/tasks/{entry.id}/annotations/") or client.get(f"api/tasks/{entry.id}/drafts"):
        healed.left += 1
        return False
    client.delete(f"api/tasks/{entry.id}/")
    healed.removed += 1
    return True
