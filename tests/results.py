"""Short ways to look at what commands return."""

import io
from typing import Any

from rich.console import Console

from builder.commands import function_of


def counts(pulled: Any, *names: str) -> tuple[int, ...]:
    """Counts of a pull, such as "tasks" and "annotations"."""
    return tuple(pulled.record["counts"][name] for name in names)


def printed(command: str, result: Any) -> str:
    """What the command line prints about the result of a command."""
    console = Console(file=io.StringIO(), width=200, markup=False)
    for part in function_of(command, "show")(result):
        console.print(part, soft_wrap=isinstance(part, str))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]
