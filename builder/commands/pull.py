"""`builder pull`: what annotators did is an immutable, hashed folder in the workspace."""

from typing import TYPE_CHECKING, Any

from builder.commands.campaign import campaign_of, shown
from builder.config import Config

if TYPE_CHECKING:
    from rich.console import Console


def pull(config: Config, console: "Console", *, full: bool = False) -> dict[str, Any]:
    """The latest state of every project of the dataset is a pull; equal states are one pull.

    Only what changed since the last pull is asked for, unless `full`. Raises `StoreError` when nothing was pushed.
    """
    from builder.studio.pull import pull as pull_from

    with shown(console) as progress:
        pulled = pull_from(campaign_of(config), full=full, progress=progress)
    counts = pulled.record["counts"]
    console.print(
        f"pull {pulled.hash[:16]} ({'new' if pulled.new else 'nothing new'}): {counts['tasks']} tasks, "
        f"{counts['annotations']} annotations, {counts['skipped']} skipped, {counts['drafts']} drafts",
    )
    if pulled.gone_projects:
        console.print(f"pull: the projects of {', '.join(pulled.gone_projects)} are not on the server any more.")
    if pulled.gone:
        console.print(f"pull: {pulled.gone} tasks of the pull before are gone; that pull still holds them.")
    if counts["duplicates"]:
        console.print(f"pull: {counts['duplicates']} duplicate tasks; `builder push` merges them.")
    return {
        "hash": pulled.hash,
        "new": pulled.new,
        "incremental": pulled.incremental,
        "fetched": pulled.fetched,
        "gone": pulled.gone,
        "gone_projects": pulled.gone_projects,
        "folder": str(pulled.folder),
        "projects": pulled.record["projects"],
        **counts,
    }
