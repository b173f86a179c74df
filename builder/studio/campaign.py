"""One dataset that is annotated in one Label Studio, and the way to its server."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from builder.errors import ConfigError, StudioError, Unauthorized
from builder.scheme import Scheme
from builder.studio import Progress, silent
from builder.studio.client import Client
from builder.studio.embedded.server import Server, open_embedded
from builder.studio.embedded.vault import Vault
from builder.studio.people import Annotator, annotators_of
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
    def is_shared(self) -> bool:
        """True when all annotators share one project; False when each has their own."""
        return self.annotators.layout == "shared"

    def task_link(self, project: int, task: int) -> str:
        """Where a browser opens a task; its numbers while the embedded server, which holds it, does not run."""
        running = None if self.server.url else self.vault.server()
        base = self.server.url or (running["url"] if running else "")
        return f"{base.rstrip('/')}/projects/{project}/data?task={task}" if base else f"{task} of project {project}"


def open_server(campaign: Campaign, progress: Progress = silent, keep: bool = False) -> Server:
    """The server to work with: the one at `label_studio.url`, or the embedded one, started when it does not run.

    With `keep` the embedded server stays when this process ends. Raises `Unauthorized` without a token, `Unreachable`
    or `StudioError` when the embedded server does not start.
    """
    if campaign.server.url:
        return Server(campaign.server.url, remote_token(campaign.server))
    return open_embedded(campaign.vault, campaign.server, progress, keep)


@contextlib.contextmanager
def connected(campaign: Campaign, progress: Progress = silent, keep: bool = False) -> Iterator[tuple[Server, Client]]:
    """The server of a campaign, and a client of it."""
    with open_server(campaign, progress, keep) as server, Client(server, campaign.server) as client:
        yield server, client


@contextlib.contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """No other process holds the lock file inside the block; raises `StudioError` when one does.

    `what` is the command of the builder that takes this lock. The lock ends with the process, however that ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise StudioError(f"Another `builder {what}` of this dataset is running.", "Wait until it ends.") from None
    try:
        yield
    finally:
        lock.release()


def remote_token(settings: LabelStudio) -> str:
    """The token of a remote server, from the environment or the file that the configuration names."""
    token = os.environ.get("LABEL_STUDIO_API_KEY", "").strip()
    if token:
        return _plain(token, "LABEL_STUDIO_API_KEY")
    if not settings.token_file:
        raise Unauthorized(
            f"There is no token for {settings.url}.",
            "Copy one from Account & Settings there and set LABEL_STUDIO_API_KEY, or label_studio.token_file.",
        )
    path = Path(settings.token_file).expanduser()
    try:
        token = path.read_text(encoding="utf-8").strip().partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"label_studio.token_file cannot be read: {e}.", "Correct the path or its rights.") from e
    if not token:
        raise ConfigError(f"label_studio.token_file {path} is empty.", "Put the token on its first line.")
    return _plain(token, f"label_studio.token_file {path}")


def _plain(token: str, where: str) -> str:
    # What a header cannot hold would come back in an error that shows the token.
    if not re.fullmatch("[!-~]+", token):
        raise ConfigError(
            f"{where} holds blanks or characters that no token has.",
            "Copy the token alone, without quotes or a word before it.",
        )
    return token
