"""One dataset that is annotated in one Label Studio, and the way to its server."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from builder.questions.migrate import narrowed
from builder.scheme import Scheme
from builder.stage import Progress, silent
from builder.store import canonical, digest
from builder.studio.client import Client
from builder.studio.connection import remote_token
from builder.studio.embedded.server import StudioServer, open_embedded
from builder.studio.embedded.vault import Vault
from builder.studio.people import Annotator, annotators_of, labels_asked, people_of
from builder.studio.settings import Annotators, LabelStudio, Suggestions
from builder.studio.tasks import Saved


@dataclass
class Rewritten:
    """Annotations of one server that the builder saved in the name of their authors: renamed, moved or restored.

    Label Studio then names the builder's account as who changed them. What is noted here, in a file of the dataset's
    folder that only grows, is not taken for a change by somebody else, as long as the result is the one it saved.
    """

    folder: Path
    server: str

    def note(self, annotation: int, result: Any) -> None:
        """The builder is about to save this result."""
        self.folder.mkdir(parents=True, exist_ok=True)
        line = {"server": self.server, "annotation": annotation, "result": digest(canonical(result))}
        with (self.folder / "rewritten.jsonl").open("a", encoding="utf-8") as file:
            # The line break comes first: a line that a stop cut off does not spoil the next one.
            file.write(f"\n{json.dumps(line)}")

    def is_own(self, made: Saved) -> bool:
        """Whether nobody but its author and the builder saved an annotation."""
        saved = made.updated_by in (None, made.completed_by)
        return saved or self.results.get(made.id) == digest(canonical(made.result))

    @cached_property
    def results(self) -> Mapping[int, str]:
        """Annotation id -> digest of the result that the builder had saved last when it was first asked for."""
        path = self.folder / "rewritten.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
        # What was cut off was not saved on the server either.
        rows = [json.loads(line) for line in lines if line.endswith("}")]
        return {row["annotation"]: row["result"] for row in rows if row["server"] == self.server}


@dataclass
class Campaign:
    """What this room needs to know about a dataset.

    `folder` holds the state of the dataset, `workspace` that of all its datasets, with the embedded server among it.
    `description` is shown on the projects; `selection` is how their chunks were picked.
    """

    dataset: str
    folder: Path
    workspace: Path
    scheme: Scheme
    annotators: Annotators = field(default_factory=Annotators)
    server: LabelStudio = field(default_factory=LabelStudio)
    suggestions: Suggestions = field(default_factory=Suggestions)
    description: str = ""
    selection: str = ""

    @property
    def vault(self) -> Vault:
        """The folder of the workspace's embedded server."""
        return Vault(self.workspace / "studio")

    @property
    def people(self) -> list[Annotator]:
        """Who annotates, sorted by name; raises what `annotators_of` and `labels_asked` raise."""
        labels_asked(self.annotators, self.scheme)
        return annotators_of(self.annotators)

    def asked_of(self, name: str) -> Scheme:
        """The scheme as it is asked of an annotator: with the labels in the file of people, where it gives some.

        Raises `SourceError` when the scheme lacks one of them.
        """
        asked = labels_asked(self.annotators, self.scheme) if name else {}
        labels = next((person.labels for person in asked.values() if person.name == name), ())
        return narrowed(self.scheme, labels) if labels else self.scheme

    @property
    def experts(self) -> list[Annotator]:
        """Those who decide in the review project, sorted by name."""
        return [person for person in people_of(self.annotators) if person.role == "expert"]

    @property
    def is_shared(self) -> bool:
        """True when all annotators share one project; False when each has their own."""
        return self.annotators.layout == "shared"

    def rewritten(self, server: str) -> Rewritten:
        """What the builder saved in the name of others on a server."""
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
