"""A new scheme for a project that has annotations: additions apply, renames rewrite them, used names cannot go.

The server refuses a labeling configuration that does not fit every annotation and draft. So renames go through a
configuration with both names, while the results are rewritten one by one; after a stop, the next push continues.
"""

from collections.abc import Iterator
from typing import Any

from builder.errors import Refused
from builder.questions.interface import scheme_of
from builder.questions.migrate import SchemeChanges, changes, dated, renamed, transition, used
from builder.scheme import Scheme
from builder.studio.campaign import Campaign, Rewritten
from builder.studio.client import Client
from builder.studio.projects import Project, change_project, ensure_project, find_project, page_of
from builder.studio.tasks import filters, pages

_Drafts = list[dict[str, Any]]


def ensure_migrated(client: Client, campaign: Campaign, slot: str) -> tuple[Project, int]:
    """The project of a slot, set up, with its results under the names of the configured scheme.

    Returns the project, and how many annotations, drafts and predictions were rewritten. Raises `Refused` when the
    scheme drops what people may have used.
    """
    found = find_project(client, campaign, slot)
    rewritten = 0
    if found is not None and found.task_number:
        # The project itself says how it asks: the workspace may be a new one, or somebody changed the project.
        old = scheme_of(found.label_config)
        rewritten = _migrate(client, campaign, found, old, slot)
    return ensure_project(client, campaign, slot), rewritten


def preview_changes(client: Client, project: Project, scheme: Scheme) -> tuple[SchemeChanges, bool]:
    """What the scheme changes about a project, and whether a push would be refused because of it."""
    if not project.task_number:
        return SchemeChanges(), False
    old = scheme_of(project.label_config)
    found = changes(old, scheme)
    return found, bool(_used(client, project, old, found))


def _migrate(client: Client, campaign: Campaign, project: Project, old: Scheme, slot: str) -> int:
    new = campaign.scheme
    found = changes(old, new)
    if dropped := _used(client, project, old, found):
        raise Refused(
            f"Project {project.id} at {client.url} has annotations or drafts, and the scheme"
            f" {new.name}@{new.version} drops {', '.join(dropped)}.",
            "Add a migration that says what they are called now, keep them, or push under another dataset.name.",
        )
    rewritten = 0
    if found.renames:
        both = dated(old, transition(old, new), client.now)
        change_project(client, project.id, {"label_config": page_of(slot, both)})
    if found.renames or found.removals:
        rewritten = _rewrite(client, project.id, old, new, found, campaign.rewritten(client.key))
        # The server counts the labels of a draft at each save, and would refuse to drop names that nobody uses.
        client.post(f"api/projects/{project.id}/summary/reset/")
    return rewritten


def _rewrite(client: Client, project: int, old: Scheme, new: Scheme, found: SchemeChanges, noted: Rewritten) -> int:
    """Puts the new names into every result; suggestions lose what the scheme drops."""
    rewritten = 0

    def now(kind: str, result: list[dict[str, Any]]) -> list[dict[str, Any]]:
        # What people say is never dropped: when they use a name meanwhile, the server refuses the new configuration.
        kept = [item for item in result if kind != "predictions" or not used([item], old, found)]
        return renamed(kept, old, new)

    for task, kind, listed in _results(client, project):
        if now(kind, listed["result"]) == listed["result"]:
            continue
        path = f"api/{kind}/{listed['id']}/"
        # Read again, because somebody may have saved since it was listed.
        current = client.get(path, kind=dict[str, Any])
        result = now(kind, current["result"])
        drafts = client.get(f"api/tasks/{task}/drafts", kind=_Drafts) if kind == "annotations" else []
        # Saving an annotation deletes the drafts that would change it, so they are detached meanwhile.
        held = [draft["id"] for draft in drafts if draft["annotation"] == listed["id"]]
        for draft in held:
            client.patch(f"api/drafts/{draft}/", {"annotation": None})
        if kind == "annotations" and noted.is_own(current):
            noted.note(listed["id"], result)
        client.patch(path, {"result": result})
        for draft in held:
            client.patch(f"api/drafts/{draft}/", {"annotation": listed["id"]})
        rewritten += 1
    for draft in (draft for drafts in _drafted(client, project) for draft in drafts):
        if (result := now("drafts", draft["result"])) != draft["result"]:
            client.patch(f"api/drafts/{draft['id']}/", {"result": result})
            rewritten += 1
    return rewritten


def _results(client: Client, project: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Every annotation and prediction, with its task and kind. Rewriting them does not change their order."""
    wanted = {"fields": "all", "include": "id,annotations,predictions,result"}
    for page in pages(client, project, wanted, dict[str, Any]):
        for task in page.tasks:
            for kind in ("annotations", "predictions"):
                yield from ((task["id"], kind, made) for made in task[kind])


def _drafted(client: Client, project: int) -> Iterator[list[dict[str, Any]]]:
    """The drafts of each task that has any, whoever made them."""
    query = filters({"filter": "draft_exists", "operator": "equal", "type": "Boolean", "value": True})
    for page in pages(client, project, {"include": "id", "query": query}, dict[str, Any]):
        for task in page.tasks:
            yield client.get(f"api/tasks/{task['id']}/drafts", kind=_Drafts)


def _used(client: Client, project: Project, old: Scheme, found: SchemeChanges) -> list[str]:
    """What the scheme drops although annotations, skips or drafts hold it; a part of a question, although there are
    any."""
    if not found.removals:
        return []
    made = [drafted["result"] for drafts in _drafted(client, project.id) for drafted in drafts]
    if project.total_annotations_number or project.skipped_annotations_number:
        made += [listed["result"] for _, kind, listed in _results(client, project.id) if kind == "annotations"]
    held = set().union(*(used(result, old, found) for result in made))
    return [words for words in found.removals if words in held or (made and words not in found.names)]
