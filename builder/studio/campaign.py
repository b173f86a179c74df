"""One dataset that is annotated in one Label Studio, and the way to its server."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from builder.scheme import Scheme
from builder.stage import Progress, silent
from builder.studio.client import Client
from builder.studio.connection import remote_token
from builder.studio.embedded.server import StudioServer, open_embedded
from builder.studio.embedded.vault import Vault
from builder.studio.people import Annotator, annotators_of, people_of
from builder.studio.rewritten import Rewritten
from builder.studio.settings import Annotators, LabelStudio, Suggestions


@dataclass
class Campaign:
    """What this room needs to know about a dataset.

    `folder` holds the state of the dataset, `workspace` that of all its datasets, with the embedded server among it.
    `description` is shown on the projects.
    """

    dataset: str
    folder: Path
    workspace: Path
    scheme: Scheme
    annotators: Annotators = field(default_factory=Annotators)
    server: LabelStudio = field(default_factory=LabelStudio)
    suggestions: Suggestions = field(default_factory=Suggestions)
    description: str = ""

    @property
    def vault(self) -> Vault:
        """The folder of the workspace's embedded server."""
        return Vault(self.workspace / "studio")

    @property
    def people(self) -> list[Annotator]:
        """Who annotates, sorted by name."""
        return annotators_of(self.annotators)

    @property
    def experts(self) -> list[str]:
        """The e-mail addresses of those who decide in the review project."""
        return [person.email for person in people_of(self.annotators) if person.role == "expert"]

    @property
    def is_shared(self) -> bool:
        """True when all annotators share one project; False when each has their own."""
        return self.annotators.layout == "shared"

    def rewritten(self, server: str) -> Rewritten:
        """The annotations on a server that the builder saved in the name of their authors."""
        return Rewritten(self.folder, server)

    def task_link(self, project: int, task: int) -> str:
        """Where a browser opens a task; its numbers while the embedded server, which holds it, does not run."""
        running = None if self.server.url else self.vault.server()
        base = self.server.url or (running["url"] if running else "")
        return f"{base.rstrip('/')}/projects/{project}/data?task={task}" if base else f"{task} of project {project}"


def open_server(campaign: Campaign, progress: Progress = silent, keep: bool = False) -> StudioServer:
    """The server to work with: the one at `label_studio.url`, or the embedded one, started when it does not run.

    With `keep` the embedded server stays when this process ends. Raises `Unauthorized` without a token, `Unreachable`
    or `StudioError` when the embedded server does not start.
    """
    if campaign.server.url:
        return StudioServer(campaign.server.url, remote_token(campaign.server))
    return open_embedded(campaign.vault, campaign.server, progress, keep)


@contextlib.contextmanager
def connected(
    campaign: Campaign, progress: Progress = silent, keep: bool = False
) -> Iterator[tuple[StudioServer, Client]]:
    """The server of a campaign, and a client of it."""
    with open_server(campaign, progress, keep) as server, Client(server, campaign.server) as client:
        yield server, client
