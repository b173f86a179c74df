"""One function per command: a typed result for scripts, and `show`, which says in words what came out."""

import importlib
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from rich.table import Column, Table

#: The commands in the order in which they are used.
COMMANDS = (
    "init", "labels", "run", "prepare", "push", "pull", "validate", "adjudicate", "review", "export", "serve", "people",
    "status", "diff", "log", "verify", "trace", "publish", "reopen", "restore", "clean", "backup", "doctor",
)  # fmt: skip
#: What `show` yields: lines and tables, in order.
Shown: TypeAlias = "Iterator[str | Table]"


def module_of(command: str) -> ModuleType:
    """The module of a command: a function of its name and `show`; where the result needs them, `plain` and `code`."""
    return importlib.import_module(f"builder.commands.{command}")


def plain_of(command: str, result: Any) -> Any:
    """A command's result as JSON can hold it: what its module's `plain` gives, its summary, or all of it."""
    import msgspec

    plain = getattr(module_of(command), "plain", None) if command in COMMANDS else None
    made = plain(result) if plain else getattr(result, "summary", result)
    return msgspec.to_builtins(made, str_keys=True, enc_hook=str)


def table_of(title: str, *columns: "str | Column") -> "Table":
    """An empty table for the terminal."""
    from rich.box import SIMPLE
    from rich.table import Table

    return Table(*columns, title=title, title_justify="left", box=SIMPLE, pad_edge=False)


def right(name: str) -> "Column":
    """A column of numbers."""
    from rich.table import Column

    return Column(name, justify="right")
