"""`builder pull`: what annotators did is an immutable, hashed folder in the workspace."""

import secrets
from typing import TYPE_CHECKING, Any

from builder.config import Config
from builder.errors import StoreError
from builder.store import atomic

if TYPE_CHECKING:
    from rich.console import Console


def pull(config: Config, console: "Console", *, full: bool = False) -> dict[str, Any]:
    """The latest state of every project of the dataset is a pull; equal states are one pull.

    Only what changed since the last pull is asked for, unless `full`. Raises `StoreError` when nothing was pushed.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from builder.studio import projects
    from builder.studio.client import Client
    from builder.studio.lock import exclusive
    from builder.studio.pull import pull as fetch
    from builder.studio.server import ensure

    _make_salt(config)
    folder = config.dataset_folder / "pulls"
    with (
        exclusive(config.dataset_folder / "pull.lock", "pull"),
        console.status("Label Studio") as status,
        ensure(config, status.update) as server,
        Client(server, config.label_studio) as client,
    ):
        client.version()
        found = projects.all_of(client, config)
        if not found:
            raise StoreError(
                f"There is no project of {config.dataset.name} at {client.url}.", "Run `builder push` first."
            )
        status.stop()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task("pull", total=None)
            pulled = fetch(
                client,
                found,
                folder,
                config.labels,
                config.label_studio,
                projects.server_key(client),
                full,
                lambda done, total: progress.update(bar, completed=done, total=total or None),
            )
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
        console.print(f"pull: {counts['duplicates']} duplicate tasks; `builder push` makes them one.")
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


def _make_salt(config: Config) -> None:
    """The key of the annotators' pseudonyms exists; it is never made a second time, or they would change names."""
    path = config.workspace / "pseudonyms.key"
    if not path.exists():
        with atomic(path, mode=0o600) as temporary:
            temporary.write_bytes(secrets.token_bytes(32))
