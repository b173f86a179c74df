"""A new scheme on a project that has annotations: additions apply, renames rewrite, removals are refused.

The server refuses a configuration that some annotation does not fit. So renames go through a configuration that
knows both names, while the results are rewritten one by one; stopped in the middle, the next push goes on.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from builder.config import Config
from builder.errors import Refused
from builder.labels.interface import interface
from builder.labels.migrate import changes, renamed, transition
from builder.scheme import Scheme
from builder.store import read_json, write_json
from builder.studio.client import Client
from builder.studio.listing import filters, pages
from builder.studio.projects import server_key


class _Page(msgspec.Struct):
    tasks: list[dict[str, Any]]
    total: int


def noted(client: Client, config: Config, slot: str) -> Scheme | None:
    """The scheme that a project was given last, as far as this workspace knows."""
    found = (read_json(_path(config)) or {}).get(server_key(client), {}).get(slot)
    return None if found is None else msgspec.convert(found, Scheme)


def note(client: Client, config: Config, slot: str) -> None:
    """The project has the configured scheme now."""
    notes: dict[str, dict[str, Any]] = read_json(_path(config)) or {}
    notes.setdefault(server_key(client), {})[slot] = asdict(config.labels)
    write_json(_path(config), notes)


def prepare(client: Client, project: dict[str, Any], old: Scheme | None, new: Scheme, page_size: int) -> int:
    """The project's results fit the new scheme; returns how many annotations, drafts and predictions were rewritten.

    Raises `Refused` when the new scheme drops what people may have used.
    """
    if old is None or not project.get("task_number"):
        return 0
    found = changes(old, new)
    if found.removals and _annotated(client, project["id"]):
        raise Refused(
            f"Project {project['id']} has annotations, and the scheme {new.name}@{new.version} drops"
            f" {', '.join(found.removals)}.",
            "Add a migration that says what they are called now, keep them, or push under another dataset.name.",
        )
    if not found.renames:
        return 0
    client.patch(f"api/projects/{project['id']}/", {"label_config": interface(transition(old, new)).strip()})
    return sum(_rewrite(client, path, result, old, new) for path, result in _results(client, project["id"], page_size))


def _rewrite(client: Client, path: str, result: list[dict[str, Any]], old: Scheme, new: Scheme) -> int:
    now = renamed(result, old, new)
    if now == result:
        return 0
    client.patch(path, {"result": now})
    return 1


def _results(client: Client, project: int, page_size: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Where each result of the project lies, and what it is. Read whole pages first: rewriting changes no order."""
    wanted = {"fields": "all", "include": "id,annotations,predictions,result"}
    for page in pages(client, project, wanted, page_size, _Page):
        for task in page.tasks:
            for kind in ("annotations", "predictions"):
                for made in task[kind]:
                    yield f"api/{kind}/{made['id']}/", made["result"]
    query = filters({"filter": "draft_exists", "operator": "equal", "type": "Boolean", "value": True})
    for page in pages(client, project, {"include": "id", "query": query}, page_size, _Page):
        for task in page.tasks:
            for draft in client.get(f"api/tasks/{task['id']}/drafts"):
                yield f"api/drafts/{draft['id']}/", draft["result"]


def _annotated(client: Client, project: int) -> bool:
    answer = client.get("api/tasks", {"project": project, "page": 1, "page_size": 1, "include": "id"})
    return bool(answer["total_annotations"])


def _path(config: Config) -> Path:
    return config.dataset_folder / "schemes.json"
