"""Push: every selected chunk is a task in Label Studio, exactly once, and recorded annotators have annotated."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from builder.errors import ConfigError
from builder.questions.migrate import SchemeChanges
from builder.stage import Progress, exclusive, silent
from builder.studio.campaign import Campaign, connected
from builder.studio.client import Client
from builder.studio.importing import Imported, import_tasks
from builder.studio.planning import PlannedTask, answers_so_far, plan_tasks
from builder.studio.projects import ensure_members, ensure_people, ensure_view, find_project, is_for_all, owner_of
from builder.studio.saving import Submitted, recorded_bodies, submit_recorded
from builder.studio.scheme_changes import ensure_migrated, preview_changes
from builder.studio.suggestions import suggestions_for
from builder.studio.tasks import MOST_IDS, TaskEntry, batches, models_of, pages, tasks_of

Row = Mapping[str, Any]
_ANSWERED = "id,data,predictions,model_version,total_annotations,cancelled_annotations,draft_exists"


class _Suggested(msgspec.Struct):
    model_version: str | None = None


class _Suggestible(TaskEntry):
    """A task with the models of its predictions."""

    predictions: list[_Suggested] = msgspec.field(default_factory=list)
    draft_exists: bool = False


@dataclass
class PushedProject(Imported):
    """What a push found and did in the project of a slot; after a dry run, what it would do."""

    slot: str = ""
    #: None, and no address, before the project is made.
    project: int | None = None
    url: str = ""
    #: Tasks that the project should hold.
    planned: int = 0
    #: Annotations, drafts and predictions that got the names of a new scheme.
    results_rewritten: int = 0
    #: Tasks that nobody had answered and whose suggestions are those of another model now, and those left as they were.
    suggestions_replaced: int = 0
    suggestions_kept: int = 0
    #: After a dry run, what the scheme changes, and whether the push would be refused because of it.
    scheme: SchemeChanges = field(default_factory=SchemeChanges)
    refused: bool = False


@dataclass
class Pushed:
    """The server, and what was done there; after a dry run, what would be."""

    server: str
    version: str
    dry_run: bool = False
    #: True when the server keeps annotators to their own work.
    roles: bool = False
    projects: list[PushedProject] = field(default_factory=list)
    #: Name of a recorded annotator -> how many annotations were saved.
    recorded: dict[str, Submitted] = field(default_factory=dict)
    #: Chunks that Label Studio cannot store: rows of REJECTS.
    rejects: list[dict[str, object]] = field(default_factory=list)


def push(
    campaign: Campaign,
    chunks: Sequence[Row],
    articles: Sequence[Row],
    known: Collection[str] = (),
    *,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Pushed:
    """The projects of the dataset hold the chunks, each once; recorded annotators have submitted their labels.

    `chunks` are rows of CHUNKS, `articles` those of ARTICLES. Each annotator gets all chunks whose ids are in `known`
    (those of questions whose answer is known). With `dry_run` nothing is changed. Raises `ConfigError` for recorded
    annotators on a server elsewhere, and what `Client` and `import_tasks` raise.
    """
    if campaign.server.url and campaign.annotators.kind == "recorded":
        raise ConfigError(
            "Recorded annotators submit through accounts of the embedded Label Studio only.",
            "Leave label_studio.url empty, or set annotators=human.",
        )
    suggested = suggestions_for(campaign.scheme, campaign.suggestions, chunks, articles)
    with connected(campaign, progress) as (_, client):
        version = client.version()
        ensure_people(client, campaign, dry_run)
        answers = answers_so_far(client, campaign)
        plan = plan_tasks(campaign, chunks, articles, suggested, known, answers, keep=not dry_run)
        pushed = Pushed(client.url, version, dry_run, rejects=plan.rejects)
        if dry_run:
            pushed.projects = [_preview(client, campaign, slot, tasks) for slot, tasks in plan.slots.items()]
            return pushed
        with exclusive(campaign.folder / "push", "push", wait=False):
            for slot, tasks in plan.slots.items():
                pushed.projects.append(push_project(client, campaign, slot, tasks, progress))
            pushed.roles = ensure_members(client, campaign)
        if campaign.annotators.kind == "recorded":
            projects = {row.slot: row.project or 0 for row in pushed.projects}
            # All recordings are read before anything is sent.
            bodies = {annotator: recorded_bodies(campaign, annotator.name, plan) for annotator in campaign.people}
            for annotator, some in bodies.items():
                saved = pushed.recorded[annotator.name] = Submitted()
                for slot, tasks in plan.slots.items():
                    if campaign.is_shared or slot == annotator.name:
                        here = {chunk: body for chunk, body in some.items() if chunk in tasks}
                        submit_recorded(client, campaign, projects[slot], annotator, here, saved, progress)
    return pushed


def push_project(
    client: Client,
    campaign: Campaign,
    slot: str,
    tasks: Mapping[str, PlannedTask],
    progress: Progress,
    *,
    remember: bool = True,
) -> PushedProject:
    """The project of a slot asks by the configured scheme and holds the tasks.

    With `remember` the next push need not list the tasks.
    """
    project, rewritten = ensure_migrated(client, campaign, slot)
    url = client.address(project.id)
    pushed = PushedProject(slot=slot, project=project.id, url=url, planned=len(tasks), results_rewritten=rewritten)
    if remember:
        pushed.suggestions_replaced, pushed.suggestions_kept = drop_outdated(client, project.id, tasks)
    if tasks:
        # A filter decides which task is next, so it would undo the order of uncertain chunks.
        only_open = not is_for_all(slot) and not campaign.suggestions.uncertain_first
        shown = next(iter(tasks.values())).data
        ensure_view(client, project.id, [name for name in shown if name not in ("text", "title")], only_open)
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        progress(f"push {project.title}", done, len(tasks))

    note = campaign.folder / "pushed" / f"{slot}.json" if remember else None
    moving = campaign.rewritten(client.key).note
    import_tasks(client, project.id, tasks, advance=advance, note=note, moving=moving, outcome=pushed)
    return pushed


def drop_outdated(client: Client, project: int, plan: Mapping[str, PlannedTask]) -> tuple[int, int]:
    """How many tasks lost predictions of a model that is not planned any more, and how many keep them.

    Tasks that somebody annotated, skipped or began keep theirs: they are what the annotator saw. The next import brings
    the planned ones.
    """
    planned = {chunk: {p["model_version"] for p in task.predictions} for chunk, task in plan.items()}
    models = models_of(client, project)
    # An older server does not say; then the tasks do.
    if models is not None and {version for version, _, _ in models} <= set().union(*planned.values()):
        return 0, 0
    outdated, kept = [], 0
    for page in pages(client, project, {"fields": "all", "include": _ANSWERED}, _Suggestible):
        for task in page.tasks:
            wanted = planned.get(str(task.data.chunk_id))
            if wanted is None or {made.model_version for made in task.predictions} <= wanted:
                continue
            if task.answers or task.draft_exists:
                kept += 1
            else:
                outdated.append(task.id)
    for some in batches(outdated, MOST_IDS):
        body = {"selectedItems": {"all": False, "included": some}, "ordering": [], "project": project}
        client.post("api/dm/actions", body, {"id": "delete_tasks_predictions", "project": project})
    return len(outdated), kept


def _preview(client: Client, campaign: Campaign, slot: str, tasks: Mapping[str, PlannedTask]) -> PushedProject:
    found = PushedProject(slot=slot, planned=len(tasks), imported=len(tasks))
    if project := find_project(client, campaign, slot):
        there = tasks_of(client, project.id)
        found.project, found.url = project.id, client.address(project.id)
        found.scheme, found.refused = preview_changes(client, project, campaign.asked_of(owner_of(slot)))
        found.present = sum(chunk in there.by_chunk for chunk in tasks)
        found.imported -= found.present
        found.duplicates_removed = sum(len(entries) - 1 for entries in there.duplicates().values())
        found.unplanned = sum(chunk not in tasks for chunk in there.by_chunk)
    return found
