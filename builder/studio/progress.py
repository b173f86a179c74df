"""How far the annotation is, asked cheaply: counts, without fetching any text or label."""

from collections.abc import Iterable
from typing import Any

import msgspec

from builder.config import Config
from builder.studio import accounts, projects
from builder.studio.client import Client
from builder.studio.listing import held, nested, pages
from builder.studio.projects import REVIEW, SHARED
from builder.studio.server import ensure


class _Author(msgspec.Struct):
    #: None when the account was deleted.
    completed_by: int | None
    was_cancelled: bool | None = False


class _Task(msgspec.Struct):
    annotations: list[_Author] = []


class _Page(msgspec.Struct):
    tasks: list[_Task]
    total: int


def _left(slots: Iterable[str], config: Config) -> set[str]:
    """The slots of annotators who had a project of their own and are not among the annotators any more."""
    if config.annotators.layout != "each":
        return set()
    return set(slots) - {REVIEW, SHARED, *(annotator.name for annotator in accounts.annotators(config))}


def answered(client: Client, config: Config) -> dict[str, set[str]]:
    """For every annotator who left, the chunks that they annotated or skipped; what they did not is for others."""
    if config.annotators.layout != "each":
        return {}
    found = {}
    every = projects.all_of(client, config)
    for name in _left(every, config):
        there = held(client, every[name]["id"], config.label_studio.page_size)
        found[name] = {chunk for chunk, entries in there.by_chunk.items() if any(e.touched for e in entries)}
    return found


def progress(config: Config) -> dict[str, Any]:
    """Counts over the projects of the dataset; starts the embedded server when it does not run.

    `tasks` are all tasks; `done` those that as many annotators as wanted annotated or skipped, for a skip is an answer
    too and nobody may be left to give another. Who left owes nothing: of theirs only what is done counts.
    `annotations` and `wanted` are sums over the tasks, `by_annotator` e-mail -> {"annotated", "skipped"}, `projects`
    slot -> {"tasks", "done", "url"}.
    """
    with ensure(config) as server, Client(server, config.label_studio) as client:
        return of(client, config)


def of(client: Client, config: Config) -> dict[str, Any]:
    """The counts of `progress`, over a connection that is open already."""
    total: dict[str, Any] = {"tasks": 0, "done": 0, "annotations": 0, "wanted": 0, "by_annotator": {}, "projects": {}}
    emails: dict[int | None, str] = {user["id"]: email for email, user in accounts.users(client).items()}
    emails[None] = "deleted accounts"
    people: dict[str, dict[str, int]] = total["by_annotator"]
    every = projects.all_of(client, config)
    left = _left(every, config)
    for slot, project in every.items():
        if slot == REVIEW:
            continue
        overlap = project["maximum_annotations"]
        row: dict[str, Any] = {"tasks": 0, "done": 0, "url": f"{client.url}/projects/{project['id']}/"}
        wanted = nested(["id"], ["completed_by", "was_cancelled"])
        for page in pages(client, project["id"], wanted, config.label_studio.page_size, _Page):
            for task in page.tasks:
                made = {a.completed_by for a in task.annotations if not a.was_cancelled}
                done = len({a.completed_by for a in task.annotations}) >= overlap
                if slot in left and not done:
                    continue
                row["tasks"] += 1
                row["done"] += done
                total["annotations"] += min(len(made), overlap)
                total["wanted"] += overlap
                for annotation in task.annotations:
                    who = people.setdefault(
                        emails.get(annotation.completed_by, f"user {annotation.completed_by}"),
                        {"annotated": 0, "skipped": 0},
                    )
                    who["skipped" if annotation.was_cancelled else "annotated"] += 1
        total["projects"][slot] = row
        total["tasks"] += row["tasks"]
        total["done"] += row["done"]
    return total
