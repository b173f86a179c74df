"""Serve: the embedded Label Studio runs for people, and how far they are, without fetching any text or label."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from builder.errors import BuilderError, ConfigError
from builder.stage import Progress, silent
from builder.studio.campaign import Campaign, connected
from builder.studio.embedded.server import find_server, lives, stop_server
from builder.studio.people import accounts, ensure_accounts, people_of
from builder.studio.projects import AGAIN, REVIEW, ensure_members, former_slots, is_for_all, owners_of, projects_of
from builder.studio.tasks import annotated

_POLL = 2.0


@dataclass
class Served:
    """The embedded server: where it is, and who can log in there."""

    url: str
    version: str
    administrator: str
    #: E-mail -> password, of the administrator and the annotators.
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    #: Slot -> where to label.
    projects: dict[str, str] = field(default_factory=dict)


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

    `done` are the tasks that as many annotators as wanted annotated or skipped; with `annotators.after_skip=another`,
    annotated, unless everybody has answered. Of the tasks of annotators who left, only those that are done count.
    `annotations` and `wanted` are sums over the tasks.
    """

    tasks: int = 0
    done: int = 0
    annotations: int = 0
    wanted: int = 0
    #: Annotations in the project of another annotator: they do not count.
    not_assigned: int = 0
    #: Chunks that went back to an annotator and were not answered again yet.
    reopened: int = 0
    #: By e-mail address, and by slot.
    by_annotator: dict[str, PersonCounts] = field(default_factory=dict)
    projects: dict[str, ProjectCounts] = field(default_factory=dict)


@dataclass
class ServerStatus:
    """Whether there is a server, whether it answers, and how far annotation is on it."""

    url: str = ""
    #: None when the server is not ours.
    running: bool | None = None
    answers: bool = False
    #: Why it does not answer.
    problem: str = ""
    progress: AnnotationProgress | None = None


@contextlib.contextmanager
def serve(campaign: Campaign, *, keep: bool = True, progress: Progress = silent) -> Iterator[Served]:
    """The embedded Label Studio runs, with an account for each annotator.

    With `keep` it runs until `stop_serving`, else it ends with this block when no other process uses it. Raises
    `ConfigError` when the configuration names a server elsewhere.
    """
    refuse_elsewhere(campaign)
    with connected(campaign, progress, keep) as (server, client):
        recorded = campaign.annotators.kind == "recorded"
        passwords = {} if recorded else ensure_accounts(campaign.vault, client, people_of(campaign.annotators))
        ensure_members(client, campaign)
        secrets = campaign.vault.secrets()
        yield Served(
            url=server.url,
            version=client.version(),
            administrator=secrets.admin_email,
            passwords={secrets.admin_email: secrets.admin_password, **passwords},
            projects={slot: client.address(p.id) for slot, p in projects_of(client, campaign).items()},
        )


def wait_served(campaign: Campaign, poll: float = _POLL) -> None:
    """Returns when the embedded server has ended; looks every `poll` seconds."""
    while find_server(campaign.vault) is not None:
        time.sleep(poll)


def stop_serving(campaign: Campaign) -> bool:
    """No embedded server of the workspace runs any more; False when none did."""
    refuse_elsewhere(campaign)
    return stop_server(campaign.vault)


def refuse_elsewhere(campaign: Campaign) -> None:
    """Raises `ConfigError` when the configuration names a server elsewhere."""
    if campaign.server.url:
        raise ConfigError(
            f"label_studio.url is {campaign.server.url}, so there is no embedded server.",
            "Leave it empty to use the embedded Label Studio.",
        )


def server_status(campaign: Campaign) -> ServerStatus:
    """Where Label Studio is, and how far annotation is when it answers. Starts nothing."""
    if campaign.server.url:
        # One short attempt: who asks for the status does not want to wait for a server that does not answer.
        hasty = replace(campaign.server, retries=0, timeout=min(10.0, campaign.server.timeout))
        try:
            return ServerStatus(hasty.url, None, True, progress=annotation_progress(replace(campaign, server=hasty)))
        except BuilderError as e:
            return ServerStatus(hasty.url, None, False, problem=str(e))
    record = lives(campaign.vault)
    if record is None:
        return ServerStatus(running=False)
    if find_server(campaign.vault) is None:
        return ServerStatus(record["url"], True, False)
    return ServerStatus(record["url"], True, True, progress=annotation_progress(campaign))


def annotation_progress(campaign: Campaign, progress: Progress = silent) -> AnnotationProgress:
    """How far the annotation of a dataset is; starts the embedded server when it does not run."""
    found = AnnotationProgress()
    with connected(campaign, progress) as (_, client):
        emails: dict[int | None, str] = {user: email.lower() for user, email in accounts(client).items()}
        emails[None] = "deleted accounts"
        every = projects_of(client, campaign)
        former = former_slots(campaign, every)
        owners = owners_of(campaign, every)
        # As long as fewer people than these answered, a skipped chunk goes to another.
        again = len(campaign.people) if campaign.annotators.after_skip == "another" else 0
        for slot, project in every.items():
            if slot == REVIEW:
                continue
            row = found.projects[slot] = ProjectCounts(url=client.address(project.id))
            overlap = project.maximum_annotations
            for task in annotated(client, project.id):
                if slot in owners:
                    own = [a for a in task.annotations if emails.get(a.completed_by) == owners[slot].lower()]
                    found.not_assigned += len(task.annotations) - len(own)
                    task.annotations = own
                made = {a.completed_by for a in task.annotations if not a.was_cancelled}
                answered = {a.completed_by for a in task.annotations}
                done = len(made if is_for_all(slot) and len(answered) < again else answered) >= overlap
                if slot in former and not done:
                    continue
                row.tasks += 1
                row.done += done
                if slot.startswith(AGAIN):
                    # The chunk counts where it was annotated first.
                    found.reopened += not done
                    continue
                found.annotations += min(len(made), overlap)
                found.wanted += overlap
                for annotation in task.annotations:
                    name = emails.get(annotation.completed_by, f"user {annotation.completed_by}")
                    who = found.by_annotator.setdefault(name, PersonCounts())
                    who.skipped += bool(annotation.was_cancelled)
                    who.annotated += not annotation.was_cancelled
            if not slot.startswith(AGAIN):
                found.tasks += row.tasks
                found.done += row.done
    return found
