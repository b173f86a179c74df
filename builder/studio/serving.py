"""Serve: the embedded Label Studio runs for people, and how far they are."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from builder.errors import BuilderError, ConfigError
from builder.studio import Progress, silent
from builder.studio.campaign import Campaign, connected
from builder.studio.embedded import process
from builder.studio.embedded.accounts import ensure_accounts
from builder.studio.progress import AnnotationProgress, annotation_progress
from builder.studio.projects import address, projects_of

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
        passwords = {} if recorded else ensure_accounts(campaign.vault, client, campaign.people)
        secrets = campaign.vault.secrets()
        yield Served(
            url=server.url,
            version=client.version(),
            administrator=secrets.admin_email,
            passwords={secrets.admin_email: secrets.admin_password, **passwords},
            projects={slot: address(client, p.id) for slot, p in projects_of(client, campaign).items()},
        )


def wait_served(campaign: Campaign, poll: float = _POLL) -> None:
    """Returns when the embedded server has ended; looks every `poll` seconds."""
    while process.find(campaign.vault) is not None:
        time.sleep(poll)


def stop_serving(campaign: Campaign) -> bool:
    """No embedded server of the workspace runs any more; False when none did."""
    refuse_elsewhere(campaign)
    return process.stop(campaign.vault)


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
    record = process.lives(campaign.vault)
    if record is None:
        return ServerStatus(running=False)
    if process.find(campaign.vault) is None:
        return ServerStatus(record["url"], True, False)
    return ServerStatus(record["url"], True, True, progress=annotation_progress(campaign))
