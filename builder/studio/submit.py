"""Annotations saved by their annotators themselves, each at most once on a task."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from builder.errors import Refused, Unreachable
from builder.studio.client import Client
from builder.studio.listing import nested, pages

_ATTEMPTS = 5
_NAMESPACE = uuid.UUID("0c1e2f6e-6f0b-5c3c-9c55-0c8f3a0f7a10")


@dataclass
class Submitted:
    """How many annotations of one annotator were saved now, and how many were there before."""

    saved: int = 0
    there: int = 0


class _Author(msgspec.Struct):
    #: None when the account was deleted.
    completed_by: int | None


class _Annotated(msgspec.Struct):
    id: int
    annotations: list[_Author] = []


class _Page(msgspec.Struct):
    tasks: list[_Annotated]
    total: int


def authors(client: Client, project: int, page_size: int) -> dict[int, set[int]]:
    """Task id -> ids of the accounts that annotated or skipped it."""
    found: dict[int, set[int]] = {}
    for page in pages(client, project, nested(["id"], ["completed_by"]), page_size, _Page):
        for task in page.tasks:
            found[task.id] = {a.completed_by for a in task.annotations if a.completed_by is not None}
    return found


def submit(
    client: Client,
    project: int,
    user: int,
    bodies: Iterable[tuple[int, Mapping[str, Any]]],
    done: Mapping[int, set[int]],
    advance: Callable[[int], None] = lambda _: None,
) -> Submitted:
    """Every (task id, annotation) is saved by the account of `client`, unless it annotated the task before.

    `unique_id` names annotator and task, and the server takes it once: so these writes may be repeated after a doubt.
    """
    outcome = Submitted()
    for task, body in bodies:
        if user in done.get(task, ()):
            outcome.there += 1
        else:
            unique = uuid.uuid5(_NAMESPACE, f"{project} {task} {user}")
            outcome.saved += _save(client, project, task, {**body, "unique_id": str(unique)})
        advance(1)
    return outcome


def _save(client: Client, project: int, task: int, body: Mapping[str, Any]) -> bool:
    for attempt in range(_ATTEMPTS):
        try:
            client.post(f"api/tasks/{task}/annotations/", body, {"project": project})
        except Unreachable:
            if attempt == _ATTEMPTS - 1:
                raise
            client.pause(attempt)
        except Refused as e:
            if "(409)" in e.message:
                return False
            raise
        else:
            return True
    raise AssertionError("unreachable: the last attempt returns or raises")
