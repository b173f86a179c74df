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
from typing import TYPE_CHECKING, Any

from builder.commands import COMMANDS

if TYPE_CHECKING:
    # isort: off
    from builder.backups import Backup as Backup
    from builder.commands.adjudicate import adjudicate as adjudicate
    from builder.commands.backup import backup as backup
    from builder.commands.clean import Cleaned as Cleaned, clean as clean
    from builder.commands.diff import diff as diff
    from builder.commands.doctor import Health as Health, doctor as doctor
    from builder.commands.export import Release as Release, export as export
    from builder.commands.init import NewProject as NewProject, init as init
    from builder.commands.labels import Labels as Labels, labels as labels
    from builder.commands.log import log as log
    from builder.commands.people import People as People, people as people
    from builder.commands.prepare import prepare as prepare
    from builder.commands.publish import publish as publish
    from builder.commands.pull import pull as pull
    from builder.commands.push import push as push
    from builder.commands.reopen import reopen as reopen
    from builder.commands.restore import restore as restore
    from builder.commands.review import Review as Review, review as review
    from builder.commands.run import Run as Run, run as run
    from builder.commands.serve import Server as Server, serve as serve
    from builder.commands.status import Status as Status, status as status
    from builder.commands.trace import trace as trace
    from builder.commands.validate import validate as validate
    from builder.commands.verify import verify as verify
    from builder.composing import compose as compose
    from builder.config import Config as Config
    from builder.errors import BuilderError as BuilderError
    from builder.library import (
        aggregate as aggregate,
        agreement as agreement,
        chunk_text as chunk_text,
        decode_export as decode_export,
    )
    from builder.stage import Stage as Stage

__version__ = "0.1.0"
#: Name to the module it is in. Importing this package imports none of them.
_PUBLIC = {
    **{name: f"builder.commands.{name}" for name in COMMANDS},
    **dict.fromkeys(("aggregate", "agreement", "chunk_text", "decode_export"), "builder.library"),
    "Backup": "builder.backups",
    "Cleaned": "builder.commands.clean",
    "Health": "builder.commands.doctor",
    "Labels": "builder.commands.labels",
    "People": "builder.commands.people",
    "NewProject": "builder.commands.init",
    "Release": "builder.commands.export",
    "Review": "builder.commands.review",
    "Run": "builder.commands.run",
    "Server": "builder.commands.serve",
    "Status": "builder.commands.status",
    "BuilderError": "builder.errors",
    "Config": "builder.config",
    "Stage": "builder.stage",
    "compose": "builder.composing",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'builder' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
