"""Short ways to look at what commands return."""

import importlib
import io
from typing import Any

from rich.console import Console


def counts(pulled: Any, *names: str) -> tuple[int, ...]:
    """Counts of a pull, such as "tasks" and "annotations"."""
    return tuple(pulled.record["counts"][name] for name in names)


def printed(command: str, result: Any) -> str:
    """What the command line prints about the result of a command."""
    console = Console(file=io.StringIO(), width=200)
    for part in importlib.import_module(f"builder.commands.{command}").show(result):
        console.print(part, soft_wrap=isinstance(part, str))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]
