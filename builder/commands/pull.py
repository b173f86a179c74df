"""`builder pull`: what annotators did is an immutable, hashed folder in the workspace."""

from typing import TYPE_CHECKING, Annotated

from builder.commands import Shown
from builder.config import Config
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.studio.pull import Pulled


def pull(
    config: Config,
    *,
    full: Annotated[bool, "ask for everything again, not only for what changed since the last pull"] = False,
    progress: Progress = silent,
) -> "Pulled":
    """Fetch what annotators did, as it is, into an immutable hashed pull

    Equal states are one pull. Raises `StoreError` when nothing was pushed.
    """
    from builder import pipeline
    from builder.studio.pull import pull as pull_tasks

    return pull_tasks(pipeline.campaign(config), full=full, progress=progress)


def show(result: "Pulled") -> Shown:
    """The counts, and what is gone."""
    counts = result.record["counts"]
    yield (
        f"pull {result.hash[:16]} ({'new' if result.new else 'nothing new'}): {counts['tasks']} tasks, "
        f"{counts['annotations']} annotations, {counts['skipped']} skipped, {counts['drafts']} drafts"
    )
    lost = result.losses
    if lost.projects:
        yield f"pull: the projects of {', '.join(lost.projects)} are not on the server any more."
    if said := lost.described():
        yield f"pull: gone since the pull before: {said}. That pull still holds them; `builder restore` puts them back."
    if counts["duplicates"]:
        yield f"pull: {counts['duplicates']} duplicate tasks; `builder push` merges them."
