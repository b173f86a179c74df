"""How far the annotation is, asked cheaply: counts, without fetching any text or label."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from builder.studio import Progress, silent
from builder.studio.campaign import Campaign, connected
from builder.studio.client import Client
from builder.studio.people import accounts
from builder.studio.projects import REVIEW, SHARED, Project, address, projects_of
from builder.studio.tasks import pages, tasks_of, with_annotations


@dataclass
class PersonCounts:
    """What one person did."""

    annotated: int = 0
    skipped: int = 0


@dataclass
class ProjectCounts:
    """How far one project is."""

    tasks: int = 0
    done: int = 0
    url: str = ""


@dataclass
class AnnotationProgress:
    """Counts over the projects of a dataset, without that of the experts.

    `done` are the tasks that as many annotators as wanted annotated or skipped: a skip is an answer too, and nobody may
    be left to give another. Of the tasks of annotators who left, only those that are done count. `annotations` and
    `wanted` are sums over the tasks.
    """

    tasks: int = 0
    done: int = 0
    annotations: int = 0
    wanted: int = 0
    #: By e-mail address, and by slot.
    by_annotator: dict[str, PersonCounts] = field(default_factory=dict)
    projects: dict[str, ProjectCounts] = field(default_factory=dict)


class _Author(msgspec.Struct):
    #: None when the account was deleted.
    completed_by: int | None
    was_cancelled: bool | None = False


class _Task(msgspec.Struct):
    annotations: list[_Author] = []


class _Page(msgspec.Struct):
    tasks: list[_Task]
    total: int


def annotation_progress(campaign: Campaign, progress: Progress = silent) -> AnnotationProgress:
    """How far the annotation of a dataset is; starts the embedded server when it does not run."""
    with connected(campaign, progress) as (_, client):
        found = AnnotationProgress()
        emails: dict[int | None, str] = {user: email.casefold() for user, email in accounts(client).items()}
        emails[None] = "deleted accounts"
        every = projects_of(client, campaign)
        former = _former(every, campaign)
        for slot, project in every.items():
            if slot != REVIEW:
                _count(client, campaign, slot, project, slot in former, emails, found)
        return found


def answered_by_former(client: Client, campaign: Campaign) -> dict[str, set[str]]:
    """Annotators who left -> the ids of the chunks that they annotated or skipped; the others' are to be given away."""
    if campaign.is_shared:
        return {}
    every = projects_of(client, campaign)
    found = {}
    for name in _former(every, campaign):
        there = tasks_of(client, every[name].id, campaign.server.page_size)
        found[name] = {chunk for chunk, entries in there.by_chunk.items() if any(e.touched for e in entries)}
    return found


def _former(slots: Iterable[str], campaign: Campaign) -> set[str]:
    """The slots of annotators who had a project of their own and are not among the annotators any more."""
    if campaign.is_shared:
        return set()
    return set(slots) - {REVIEW, SHARED, *(annotator.name for annotator in campaign.people)}


def _count(
    client: Client,
    campaign: Campaign,
    slot: str,
    project: Project,
    has_left: bool,
    emails: dict[int | None, str],
    found: AnnotationProgress,
) -> None:
    row = found.projects[slot] = ProjectCounts(url=address(client, project.id))
    overlap = project.maximum_annotations
    wanted = with_annotations(["id"], ["completed_by", "was_cancelled"])
    for page in pages(client, project.id, wanted, campaign.server.page_size, _Page):
        for task in page.tasks:
            made = {a.completed_by for a in task.annotations if not a.was_cancelled}
            done = len({a.completed_by for a in task.annotations}) >= overlap
            if has_left and not done:
                continue
            row.tasks += 1
            row.done += done
            found.annotations += min(len(made), overlap)
            found.wanted += overlap
            for annotation in task.annotations:
                name = emails.get(annotation.completed_by, f"user {annotation.completed_by}")
                who = found.by_annotator.setdefault(name, PersonCounts())
                if annotation.was_cancelled:
                    who.skipped += 1
                else:
                    who.annotated += 1
    found.tasks += row.tasks
    found.done += row.done
