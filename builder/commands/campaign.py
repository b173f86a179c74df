"""What the commands that talk to Label Studio share: the campaign of a configuration, and progress on the terminal."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from builder.config import Config

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from builder.studio import Progress
    from builder.studio.campaign import Campaign


def campaign_of(config: Config) -> "Campaign":
    """What the room `studio` needs to know of a configuration."""
    from builder.studio.campaign import Campaign

    return Campaign(
        dataset=config.dataset.name,
        folder=config.dataset_folder,
        workspace=config.workspace,
        scheme=config.labels,
        annotators=config.annotators,
        server=config.label_studio,
        suggestions=config.suggestions,
        description=config.dataset.description or config.dataset.title,
    )


@contextlib.contextmanager
def shown(console: "Console") -> "Iterator[Progress]":
    """A progress callback that shows one line per thing that is done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    ) as bars:
        lines: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int | None) -> None:
            if what not in lines:
                lines[what] = bars.add_task(what, total=total)
            bars.update(lines[what], completed=done, total=total)

        yield progress
