"""Annotated datasets from raw news articles, through Label Studio.

A configuration is composed from conf/ and overrides, as on the command line. One function per command takes it and
returns a typed result; it prints nothing, and calls `progress(what, done, total)` when one is given:

>>> import builder
>>> config = builder.compose("dataset.name=my-news", "chunking.max_tokens=64")
>>> config.chunking.max_tokens
64

`prepare`, `validate` and `adjudicate` remember their results as Arrow tables, such as
`builder.prepare(config).table("chunks")`.
Functions on plain values need no configuration: `chunk_text`, `decode_export`, `agreement`, `aggregate`. Every error
that a user can act on is a `BuilderError`.
"""

import importlib
from functools import wraps
from typing import TYPE_CHECKING, Any

from builder.commands import COMMANDS

if TYPE_CHECKING:
    # isort: off
    from builder.commands.annotation import (
        people as people, pull as pull, push as push, reopen as reopen, restore as restore, review as review,
        serve as serve,
    )  # fmt: skip
    from builder.commands.releases import (
        diff as diff, export as export, log as log, publish as publish, trace as trace, verify as verify,
    )  # fmt: skip
    from builder.commands.run import run as run
    from builder.commands.stages import adjudicate as adjudicate, prepare as prepare, validate as validate
    from builder.commands.workspace import (
        backup as backup, clean as clean, doctor as doctor, init as init, labels as labels, report as report,
        restore_backup as restore_backup, status as status,
    )  # fmt: skip
    from builder.composing import compose as compose
    from builder.config import Config as Config
    from builder.errors import BuilderError as BuilderError
    from builder.library import (
        aggregate as aggregate, agreement as agreement, chunk_text as chunk_text, decode_export as decode_export,
    )  # fmt: skip
    from builder.stage import Stage as Stage

__version__ = "0.1.0"
#: Name to the module it is in. Importing this package imports none of them.
_PUBLIC = {
    **{name.replace("-", "_"): f"builder.commands.{command.module}" for name, command in COMMANDS.items()},
    **dict.fromkeys(("aggregate", "agreement", "chunk_text", "decode_export"), "builder.library"),
    "BuilderError": "builder.errors",
    "Config": "builder.config",
    "Stage": "builder.stage",
    "compose": "builder.composing",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'builder' has no attribute {name!r}")
    found = getattr(importlib.import_module(_PUBLIC[name]), name)
    return _checked(found) if _PUBLIC[name].startswith("builder.commands") else found


def _checked(command: Any) -> Any:
    """A command that refuses settings which cannot be used; the command line checks them when it composes them."""

    @wraps(command)
    def checked(config: "Config", *words: Any, **flags: Any) -> Any:
        from builder.config import check_config

        check_config(config)
        return command(config, *words, **flags)

    return checked


def __dir__() -> list[str]:
    return [*globals(), *__all__]
