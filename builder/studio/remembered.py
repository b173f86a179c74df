"""What the last push left in a project, remembered so that the next one need not list it.

Task ids only grow: when a project has as many tasks as then, and the highest id is the same, none was added or
deleted. In all other cases the project is listed.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from builder.store import read_json, write_json
from builder.studio.client import Client
from builder.studio.projects import server_key
from builder.studio.tasks import Data, ProjectTasks, TaskEntry, size_of


@dataclass
class LastPush:
    """Number of tasks, highest id, predictions found and planned, and chunk id -> task id."""

    count: int
    highest: int
    predictions: int
    planned_predictions: int
    tasks: dict[str, int] = field(default_factory=dict)


def recall(client: Client, project: int, note: Path | None, planned_predictions: int) -> ProjectTasks | None:
    """The tasks of a project when they are known without listing them, or None."""
    now = size_of(client, project)
    if now.count == 0:
        return ProjectTasks()
    found = (read_json(note) or {}).get(_key(client, project)) if note is not None else None
    if found is None:
        return None
    try:
        known = msgspec.convert(found, LastPush)
    except msgspec.ValidationError:
        return None
    same = (known.count, known.highest, known.predictions) == (now.count, now.highest, now.predictions)
    if not same or known.planned_predictions != planned_predictions:
        return None
    # There are as many predictions as then, so none is missing.
    total = 1 if planned_predictions else 0
    return ProjectTasks({c: [TaskEntry(task, Data(c), total_predictions=total)] for c, task in known.tasks.items()})


def remember(client: Client, project: int, note: Path, now: LastPush) -> None:
    """Writes what a finished push left into the file `note`."""
    write_json(note, {_key(client, project): asdict(now)})


def _key(client: Client, project: int) -> str:
    return f"{server_key(client)} {project}"
