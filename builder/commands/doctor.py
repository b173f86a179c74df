"""`builder doctor`: what this machine lacks, before a command fails because of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.commands import Shown, table_of
from builder.config import Config
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.setup import Examined


@dataclass(frozen=True)
class Health:
    """Everything that was looked at; `well` when nothing needs attention."""

    well: bool
    examined: "list[Examined]"


def doctor(config: Config, *, progress: Progress = silent) -> Health:
    """Check Python, libraries, disks, permissions, Label Studio and its token

    Starts and changes nothing.
    """
    from builder import pipeline
    from builder.setup import examine

    found = list(examine(config, pipeline.campaign(config)))
    return Health(not any(each.advice for each in found), found)


def code(result: Health) -> int:
    """1 when something needs attention."""
    return 0 if result.well else 1


def show(result: Health) -> Shown:
    """One line per thing, and what to do about those that need it."""
    table = table_of("This machine", "what", "found", "to do")
    for each in result.examined:
        table.add_row(each.name, each.found, each.advice or "fine")
    yield table
