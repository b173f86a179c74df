"""`builder people`: who annotates, and with which accounts."""

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from builder.commands import Shown, table_of
from builder.config import Config
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.studio.people import Annotator


@dataclass(frozen=True)
class People:
    """The annotators, and by e-mail the passwords of accounts that the builder made, where they were asked for."""

    annotators: "list[Annotator]"
    administrator: str
    passwords: dict[str, str] = field(default_factory=dict, repr=False)


def people(
    config: Config,
    *,
    passwords: Annotated[bool, "show the passwords of accounts on the embedded server, on a terminal only"] = False,
    progress: Progress = silent,
) -> People:
    """Show who annotates, and with which accounts"""
    from builder import pipeline

    campaign = pipeline.campaign(config)
    kept = campaign.vault.secrets() if campaign.vault.folder.exists() else None
    shown = {kept.admin_email: kept.admin_password, **kept.annotators} if kept and passwords else {}
    return People(campaign.people, kept.admin_email if kept else "", shown)


def plain(result: People) -> dict[str, Any]:
    """What a script may read: no password."""
    return {"annotators": {who.name: who.email for who in result.annotators}, "administrator": result.administrator}


def show(result: People) -> Shown:
    """One line per person; passwords only where somebody looks at a terminal."""
    shown = result.passwords if sys.stderr.isatty() else {}
    table = table_of("People", "name", "e-mail", "password")
    rows = [(who.name, who.email) for who in result.annotators]
    for name, email in [*rows, *([("administrator", result.administrator)] if result.administrator else [])]:
        table.add_row(name, email, shown.get(email, ""))
    yield table
    if result.passwords and not shown:
        yield "people: passwords are shown on a terminal only."
