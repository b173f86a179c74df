"""`builder restore`: what a kept pull holds and the server lost is on the server again."""

from typing import TYPE_CHECKING, Annotated

from builder.commands import Shown
from builder.config import Config
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.studio.restore import Restored


def restore(
    config: Config,
    *,
    dry_run: Annotated[bool, "say what would be restored, and do nothing"] = False,
    progress: Progress = silent,
) -> "Restored":
    """Put the annotations of a kept pull back on the server, each once

    Takes the latest pull, or the one that `dataset.pull` names. Run `builder push` before it, so that there are
    projects and tasks. Raises `StoreError` without a pull.
    """
    from builder import pipeline
    from builder.studio.restore import restore as restore_pull

    folder = pipeline.chosen_pull(config).folder
    return restore_pull(pipeline.campaign(config), folder, dry_run=dry_run, progress=progress)


def show(result: "Restored") -> Shown:
    """What was restored, and what was not."""
    yield (
        f"restore {result.pull[:16]}: {result.restored} annotations restored, {result.there} there, "
        f"{result.newer} left out because their authors annotated the chunk again"
    )
    if result.no_task:
        yield f"restore: {result.no_task} annotations have no task on the server; run `builder push` first."
    for email, count in sorted(result.no_account.items()):
        whose = f"{email}, who has no account" if email else "somebody who is not known"
        yield f"restore: {count} annotations are by {whose}."
