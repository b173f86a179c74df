"""A new scheme for a project that has annotations: additions apply, renames rewrite them, used names cannot go.

The server refuses a labeling configuration that does not fit every annotation and draft. So renames go through a
configuration with both names, while the results are rewritten one by one; after a stop, the next push continues.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from builder.errors import Refused
from builder.questions.migrate import SchemeChanges, changes, dated, renamed, transition, used
from builder.scheme import Scheme
from builder.studio.campaign import Campaign, Rewritten
from builder.studio.client import Client
from builder.studio.projects import Project, asked_by, change_project, ensure_project, find_project, owner_of, page_of
from builder.studio.tasks import Saved, filters, pages


class _Saved(Saved):
    result: list[dict[str, Any]] = msgspec.field(default_factory=list)


class _Task(msgspec.Struct):
    id: int
    annotations: list[_Saved] = []
    predictions: list[_Saved] = []


def ensure_migrated(client: Client, campaign: Campaign, slot: str) -> tuple[Project, int]:
    """The project of a slot, set up, with its results under the names of the configured scheme.

    Returns the project, and how many annotations, drafts and predictions were rewritten. Raises `Refused` when the
    scheme drops what people may have used.
    """
    found = find_project(client, campaign, slot)
    rewritten = 0
    if found is not None and found.task_number:
        # The project itself says how it asks: the workspace may be a new one, or somebody changed the project.
        old = asked_by(client, found)
        rewritten = _migrate(client, campaign, found, old, slot)
    return ensure_project(client, campaign, slot), rewritten


def preview_changes(client: Client, project: Project, scheme: Scheme) -> tuple[SchemeChanges, bool]:
    """What the scheme changes about a project, and whether a push would be refused because of it."""
    if not project.task_number:
        return SchemeChanges(), False
    old = asked_by(client, project)
    found = changes(old, scheme)
    return found, bool(_used(client, project, old, found))


def _migrate(client: Client, campaign: Campaign, project: Project, old: Scheme, slot: str) -> int:
    new = campaign.asked_of(owner_of(slot))
    found = changes(old, new)
    if dropped := _used(client, project, old, found):
        raise Refused(
            f"Project {project.id} at {client.url} has annotations or drafts, and the scheme"
            f" {new.name}@{new.version} drops {', '.join(dropped)}.",
            "Add a migration that says what they are called now, keep them (in annotators.file as well), or push under"
            " another dataset.name.",
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
        if now(kind, listed.result) == listed.result:
            continue
        path = f"api/{kind}/{listed.id}/"
        # Read again, because somebody may have saved since it was listed.
        current = client.get(path, kind=_Saved)
        result = now(kind, current.result)
        drafts = client.get(f"api/tasks/{task}/drafts", kind=list[_Saved]) if kind == "annotations" else []
        # Saving an annotation deletes the drafts that would change it, so they are detached meanwhile.
        held = [draft.id for draft in drafts if draft.annotation == listed.id]
        for draft in held:
            client.patch(f"api/drafts/{draft}/", {"annotation": None})
        if kind == "annotations" and noted.is_own(current):
            noted.note(listed.id, result)
        client.patch(path, {"result": result})
        for draft in held:
            client.patch(f"api/drafts/{draft}/", {"annotation": listed.id})
        rewritten += 1
    for made in (made for drafts in _drafted(client, project) for made in drafts):
        if (result := now("drafts", made.result)) != made.result:
            client.patch(f"api/drafts/{made.id}/", {"result": result})
            rewritten += 1
    return rewritten


def _results(client: Client, project: int) -> Iterator[tuple[int, str, _Saved]]:
    """Every annotation and prediction, with its task and kind. Rewriting them does not change their order."""
    wanted = {"fields": "all", "include": "id,annotations,predictions,result"}
    for page in pages(client, project, wanted, _Task):
        for task in page.tasks:
            for kind in ("annotations", "predictions"):
                yield from ((task.id, kind, made) for made in getattr(task, kind))


def _drafted(client: Client, project: int) -> Iterator[list[_Saved]]:
    """The drafts of each task that has any, whoever made them."""
    query = filters({"filter": "draft_exists", "operator": "equal", "type": "Boolean", "value": True})
    for page in pages(client, project, {"include": "id", "query": query}, _Task):
        for task in page.tasks:
            yield client.get(f"api/tasks/{task.id}/drafts", kind=list[_Saved])


def _used(client: Client, project: Project, old: Scheme, found: SchemeChanges) -> list[str]:
    """What the scheme drops although annotations, skips or drafts hold it; a part of a question, although there are
    any."""
    if not found.removals:
        return []
    made = [drafted.result for drafts in _drafted(client, project.id) for drafted in drafts]
    if project.total_annotations_number or project.skipped_annotations_number:
        made += [listed.result for _, kind, listed in _results(client, project.id) if kind == "annotations"]
    held = set().union(*(used(result, old, found) for result in made))
    return [words for words in found.removals if words in held or (made and words not in found.names)]
