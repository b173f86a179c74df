"""One command in a process of its own, which may be killed at any moment or write only so many bytes."""

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import builder
from builder import cli
from builder.config import Config
from builder.store import digest
from builder.text import class_of, mentions
from tests.outcomes import contents, elsewhere

#: A process that has imported everything and has no threads: what it forks begins at once.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__, "jinja2", "label_studio_sdk.client"])


# What every command would work out anew: patterns of names, and the classes of characters.
mentions(["Japan"])
class_of(np.arange(0x110000, dtype=np.uint32))


@dataclass(frozen=True)
class Spoil:
    """What happens to the process: `kill` before its n-th change of a file, `full` after n bytes of one, or nothing."""

    kind: str = ""
    n: int = 0


UNDISTURBED = Spoil()


@dataclass
class Ended:
    """How the process ended: killed, with a result, or with an error in one line (`defect`: one nobody foresaw)."""

    killed: bool
    result: str = ""
    error: str = ""
    defect: bool = False
    #: Changes of files that it made.
    moments: int = 0


def _release(config: Config) -> str:
    """The bytes of everything below exports/. Opening the release with `datasets` changes none of them."""
    with mock.patch("builder.release.export.check_loads"):
        builder.export(config)
    return _digest(Path(config.paths.exports))


def _backup(config: Config) -> str:
    """The bytes of a workspace made from a backup of this one."""
    exports = Path(config.paths.exports)
    file, made = exports / "backup.tar.gz", exports / "restored"
    exports.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        builder.backup(config, str(file))
    if not made.exists():
        builder.restore_backup(elsewhere(config, made, exports), str(file))
    return _digest(made)


def _digest(folder: Path) -> str:
    return digest(*(part for name, data in contents(folder).items() for part in (name, data)))


COMMANDS: dict[str, Callable[[Config], str]] = {
    "prepare": lambda config: builder.prepare(config).fingerprint,
    "validate": lambda config: builder.validate(config).fingerprint,
    "adjudicate": lambda config: builder.adjudicate(config).fingerprint,
    "review": lambda config: " ".join(builder.review(config, dry_run=True).open),
    "export": _release,
    "backup": _backup,
    "push": lambda config: str(len(builder.push(config).projects)),
    "pull": lambda config: builder.pull(config).hash,
}


def alone(
    command: str, config: Config, spoil: Spoil = UNDISTURBED, started: Callable[[int], None] = lambda _: None
) -> Ended:
    """Runs the command; `started` gets the id of the process before it begins."""
    ours, theirs = _PROCESSES.Pipe()
    child = _PROCESSES.Process(target=_run, args=(command, config, spoil, theirs), daemon=True)
    child.start()
    theirs.close()
    assert child.pid is not None
    started(child.pid)
    ours.send("begin")
    try:
        ended: Ended = ours.recv()
    except EOFError:
        ended = Ended(killed=True)
    child.join()
    assert not ended.killed or child.exitcode == -signal.SIGKILL, child.exitcode
    return ended


def _run(command: str, config: Config, spoil: Spoil, pipe: Connection) -> None:
    pipe.recv()
    places = tuple(str(Path(place).absolute()) for place in (config.paths.workspace, config.paths.exports))
    moments = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal moments
        if not event.startswith(("os.", "open")) or not arguments or not isinstance(arguments[0], str | bytes | Path):
            return
        if os.fsdecode(arguments[0]).startswith(places):
            moments += 1
            if (spoil.kind, spoil.n) == ("kill", moments):
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    if spoil.kind == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (spoil.n, spoil.n))
    try:
        pipe.send(Ended(killed=False, result=COMMANDS[command](config), moments=moments))
    except Exception as e:  # noqa: BLE001 - what the command line says of it is what counts
        said = str(cli._explain(e))
        pipe.send(Ended(killed=False, error=said, defect=said.startswith("Unexpected"), moments=moments))
