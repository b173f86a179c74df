"""`builder serve`: the embedded Label Studio runs, and the terminal says where to label and as whom."""

import contextlib
from typing import TYPE_CHECKING, Any

from builder.commands.campaign import campaign_of, shown
from builder.config import Config

if TYPE_CHECKING:
    from rich.console import Console


def serve(config: Config, console: "Console", *, stop: bool = False, foreground: bool = False) -> dict[str, Any]:
    """The embedded Label Studio runs, with an account for each annotator, until `builder serve --stop`.

    With `foreground` it stays until Ctrl-C and stops then; with `stop` no server of this workspace runs afterwards.
    Raises `ConfigError` when the configuration names a server elsewhere.
    """
    from builder.studio.serving import serve as serve_people
    from builder.studio.serving import stop_serving, wait_served

    campaign = campaign_of(config)
    if stop:
        stopped = stop_serving(campaign)
        console.print("serve: stopped." if stopped else "serve: no Label Studio was running.")
        return {"running": False, "stopped": stopped}
    with contextlib.ExitStack() as stack:
        with shown(console) as progress:
            served = stack.enter_context(serve_people(campaign, keep=not foreground, progress=progress))
        summary = {
            "running": True,
            "url": served.url,
            "version": served.version,
            "administrator": served.administrator,
            "annotators": [email for email in served.passwords if email != served.administrator],
            "projects": served.projects,
        }
        _show(console, config, summary, served.passwords)
        console.print("Ctrl-C stops it." if foreground else "It stays until `builder serve --stop`.")
        if foreground:
            try:
                wait_served(campaign)
            except KeyboardInterrupt:
                console.print("Stopping.")
    if foreground:
        stop_serving(campaign)
        summary["running"] = False
    return summary


def _show(console: "Console", config: Config, summary: dict[str, Any], passwords: dict[str, str]) -> None:
    from rich.table import Table

    console.print(f"Label Studio {summary['version']} runs at {summary['url']}")
    table = Table("e-mail", "password", "role")
    for email, password in passwords.items():
        table.add_row(email, password, "administrator" if email == summary["administrator"] else "annotator")
    console.print(table)
    for slot, url in summary["projects"].items():
        console.print(f"Label {config.dataset.name} ({slot}) at {url}", soft_wrap=True)
    if not summary["projects"]:
        console.print("There is nothing to label yet: run `builder prepare` and `builder push`.")
