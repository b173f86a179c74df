"""One function per command: a typed result for scripts, and `show`, which prints it for people."""

import importlib
from types import ModuleType
from typing import Any

#: The commands in the order in which they are used.
COMMANDS = (
    "run", "prepare", "push", "pull", "validate", "adjudicate", "review", "export", "serve", "status", "diff",
    "verify", "trace", "publish", "clean",
)  # fmt: skip


def module_of(command: str) -> ModuleType:
    """The module of a command: a function of its name, `show`, and `plain` where its result is not plain data."""
    return importlib.import_module(f"builder.commands.{command}")


def plain_of(command: str, result: Any) -> Any:
    """A command's result as JSON can hold it: what its module's `plain` gives, its summary, or all of it."""
    import msgspec

    plain = getattr(module_of(command), "plain", None) if command in COMMANDS else None
    made = plain(result) if plain else getattr(result, "summary", result)
    return msgspec.to_builtins(made, str_keys=True, enc_hook=str)
