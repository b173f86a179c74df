"""`builder serve`: the embedded Label Studio runs, and the terminal says where to label and as whom."""

import time
from typing import TYPE_CHECKING, Any

from builder.config import Config
from builder.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console


def serve(config: Config, console: "Console", *, stop: bool = False, foreground: bool = False) -> dict[str, Any]:
    """The embedded Label Studio runs, with an account for each annotator, until `builder serve --stop`.

    With `foreground` it stays until Ctrl-C and stops then; with `stop` no server of this workspace runs afterwards.
    Raises `ConfigError` when the configuration names a server elsewhere.
    """
    from builder.studio import accounts, projects, server
    from builder.studio.client import Client

    if config.label_studio.url:
        raise ConfigError(
            f"label_studio.url is {config.label_studio.url}, so there is no embedded server.",
            "Leave it empty to use the embedded Label Studio.",
        )
    vault = server.vault_of(config)
    if stop:
        stopped = server.stop(vault)
        console.print("serve: stopped." if stopped else "serve: no Label Studio was running.")
        return {"running": False, "stopped": stopped}
    with (
        console.status("Label Studio") as status,
        server.ensure(config, status.update, keep=not foreground) as running,
        Client(running, config.label_studio) as client,
    ):
        status.update("Accounts of the annotators")
        passwords = {} if config.annotators.kind == "recorded" else accounts.ensure_accounts(config, running, client)
        secrets = vault.secrets()
        summary = {
            "running": True,
            "url": running.url,
            "version": client.version(),
            "administrator": secrets.admin_email,
            "annotators": list(passwords),
            "projects": {
                slot: f"{running.url}/projects/{project['id']}/"
                for slot, project in projects.all_of(client, config).items()
            },
        }
        status.stop()
        _show(console, config, summary, {secrets.admin_email: secrets.admin_password, **passwords})
        console.print("Ctrl-C stops it." if foreground else "It stays until `builder serve --stop`.")
        if foreground:
            try:
                while server.find(vault) is not None:
                    time.sleep(2)
            except KeyboardInterrupt:
                console.print("Stopping.")
    if foreground:
        server.stop(vault)
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
