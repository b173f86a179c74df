"""Ends a command whenever something new is on disk, and says as JSON with which code each process ended.

`python -m tests.integration.killing TIMES FOLDERS ARGV`, the last two as JSON; the last folder is that of the releases.
Each process is forked from one that has imported everything; every third gets an interrupt instead of a kill.
"""

import importlib
import json
import os
import signal
import sys
from pathlib import Path

from tests.waiting import until

#: What the command would import anew in each process.
_IMPORTED = (
    *("builder.cli", "builder.composing", "builder.commands.run", "builder.corpus.prepare", "builder.release.export"),
    *("datasets", "dateparser", "jinja2", "label_studio_sdk.client", "trafilatura"),
)


def there(folders: list[str]) -> set[Path]:
    """What lies at the first two levels of the folders."""
    return {path for folder in folders for pattern in ("*", "*/*") for path in Path(folder).glob(pattern)}


def _forked(argv: list[str]) -> int:
    """The number of a new process that runs the command, silently."""
    if pid := os.fork():
        return pid
    code: object = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        sys.argv = ["builder", *argv]
        importlib.import_module("builder.cli").main()
    except SystemExit as ended:
        code = ended.code
    finally:
        os._exit(code if isinstance(code, int) else 1)


def main(times: int, folders: list[str], argv: list[str]) -> list[int]:
    for name in _IMPORTED:
        importlib.import_module(name)
    ended = []
    for number in range(times):
        before, pid = there(folders), _forked(argv)
        result = until(lambda: _ended(pid) or (there(folders) - before and (0, 0)))  # noqa: B023
        if not result[0]:
            os.kill(pid, signal.SIGINT if number % 3 == 2 else signal.SIGKILL)
            result = os.waitpid(pid, 0)
        ended.append(os.waitstatus_to_exitcode(result[1]))
        assert all((path / "manifest.json").exists() for path in Path(folders[-1]).glob("v*"))
    return ended


def _ended(pid: int) -> tuple[int, int] | None:
    """What `waitpid` says of a process that ended by itself."""
    found = os.waitpid(pid, os.WNOHANG)
    return found if found[0] else None


if __name__ == "__main__":
    json.dump(main(int(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])), sys.stdout)
