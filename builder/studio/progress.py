"""How far the annotation is, asked cheaply: counts, without fetching any text or label."""

from typing import Any

import msgspec

from builder.config import Config
from builder.studio import accounts, projects
from builder.studio.client import Client
from builder.studio.listing import nested, pages
from builder.studio.projects import REVIEW
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


def progress(config: Config) -> dict[str, Any]:
    """Counts over the projects of the dataset; starts the embedded server when it does not run.

    `tasks` are all tasks; `done` those that as many annotators as wanted annotated or skipped, for a skip is an answer
    too and nobody may be left to give another; `annotations` and `wanted` are sums over the tasks,
    `by_annotator` e-mail -> {"annotated", "skipped"}, `projects` slot -> {"tasks", "done", "url"}.
    """
    with ensure(config) as server, Client(server, config.label_studio) as client:
        return of(client, config)


def of(client: Client, config: Config) -> dict[str, Any]:
    """The counts of `progress`, over a connection that is open already."""
    total: dict[str, Any] = {"tasks": 0, "done": 0, "annotations": 0, "wanted": 0, "by_annotator": {}, "projects": {}}
    emails: dict[int | None, str] = {user["id"]: email for email, user in accounts.users(client).items()}
    emails[None] = "deleted accounts"
    people: dict[str, dict[str, int]] = total["by_annotator"]
    for slot, project in projects.all_of(client, config).items():
        if slot == REVIEW:
            continue
        overlap = project["maximum_annotations"]
        row: dict[str, Any] = {"tasks": 0, "done": 0, "url": f"{client.url}/projects/{project['id']}/"}
        wanted = nested(["id"], ["completed_by", "was_cancelled"])
        for page in pages(client, project["id"], wanted, config.label_studio.page_size, _Page):
            for task in page.tasks:
                made = {a.completed_by for a in task.annotations if not a.was_cancelled}
                row["tasks"] += 1
                row["done"] += len({a.completed_by for a in task.annotations}) >= overlap
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
