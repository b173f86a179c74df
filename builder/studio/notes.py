"""What the last push left in a project, remembered so that the next one need not list it.

Task ids only grow: when a project holds as many tasks as then, and the highest id is the same, none was added or
deleted. Anything else makes the note worthless, and the project is listed.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from builder.store import read_json, write_json
from builder.studio.client import Client
from builder.studio.listing import Data, Entry, Held, size


@dataclass
class Note:
    """Number of tasks, highest id, predictions there and planned, and the task of each chunk."""

    count: int
    highest: int
    predictions: int
    planned_predictions: int
    tasks: dict[str, int] = field(default_factory=dict)


def recall(client: Client, project: int, note: Path | None, planned_predictions: int) -> Held | None:
    """The tasks of a project when they are known without listing them, or None."""
    now = size(client, project)
    if now.count == 0:
        return Held()
    found = (read_json(note) or {}).get(_key(client, project)) if note is not None else None
    if found is None:
        return None
    try:
        known = msgspec.convert(found, Note)
    except msgspec.ValidationError:
        return None
    same = (known.count, known.highest, known.predictions) == (now.count, now.highest, now.predictions)
    if not same or known.planned_predictions != planned_predictions:
        return None
    # As many predictions as then, so none is wanting.
    total = 1 if planned_predictions else 0
    return Held({c: [Entry(task, Data(c), total_predictions=total)] for c, task in known.tasks.items()})


def remember(client: Client, project: int, note: Path, now: Note) -> None:
    """Writes down what a finished push left."""
    write_json(note, {_key(client, project): asdict(now)})


def _key(client: Client, project: int) -> str:
    # The embedded server may come up on another port.
    return f"{'embedded' if client.embedded else client.url} {project}"
