"""Suggestions of an earlier model are taken off the tasks that nobody has answered yet."""

from collections.abc import Mapping
from typing import Any

from builder.studio.client import Client, NotFound
from builder.studio.planning import PlannedTask
from builder.studio.tasks import MOST_IDS, batches, pages

_WANTED = "id,data,predictions,model_version,total_annotations,cancelled_annotations,draft_exists"


def drop_outdated(client: Client, project: int, plan: Mapping[str, PlannedTask], page_size: int) -> tuple[int, int]:
    """How many tasks lost predictions that are not planned any more, and how many keep them.

    Tasks that somebody annotated, skipped or began keep theirs: they are what the annotator saw. The next import brings
    the planned ones.
    """
    planned = {chunk: {p["model_version"] for p in task.predictions} for chunk, task in plan.items()}
    if _versions(client, project) <= set().union(*planned.values()):
        return 0, 0
    outdated, kept = [], 0
    for page in pages(client, project, {"fields": "all", "include": _WANTED}, page_size, dict[str, Any]):
        for task in page.tasks:
            wanted = planned.get(task["data"].get("chunk_id"))
            if wanted is None or {p["model_version"] for p in task["predictions"]} <= wanted:
                continue
            if task["total_annotations"] + task["cancelled_annotations"] or task["draft_exists"]:
                kept += 1
            else:
                outdated.append(task["id"])
    for some in batches(outdated, MOST_IDS):
        body = {"selectedItems": {"all": False, "included": some}, "ordering": [], "project": project}
        client.post("api/dm/actions", body, {"id": "delete_tasks_predictions", "project": project})
    return len(outdated), kept


def _versions(client: Client, project: int) -> set[str]:
    """The models whose predictions the project has."""
    try:
        found = client.get(f"api/projects/{project}/model-versions", {"extended": "true"})
        return {str(row["model_version"]) for row in found["static"]}
    except (NotFound, KeyError, TypeError):
        # An older server: then the tasks themselves say it.
        return {"?"}
