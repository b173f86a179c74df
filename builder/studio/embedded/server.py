"""Finds or starts the embedded Label Studio of a workspace, which every builder process of the workspace shares.

Started by a run, it ends with the last run that uses it; started by `builder serve`, it stays until
`builder serve --stop`. See supervise.py for how that holds when a run crashes.
"""

import time
from typing import Any

from filelock import FileLock, Timeout

from builder.studio import Progress
from builder.studio.embedded.boot import start
from builder.studio.embedded.process import (
    STOP_SECONDS,
    is_process,
    lives,
    stop,
    supervisor_mark,
    wait_gone,
    whoami,
)
from builder.studio.embedded.vault import Vault
from builder.studio.settings import LabelStudio

#: How long a running server may be silent, as it is during a large import, before another is started in its place.
BUSY_SECONDS = 60.0
_POLL = 0.3


class Server:
    """A Label Studio that answered: its address and the token it takes. Close it, or use it in a `with` block."""

    def __init__(self, url: str, token: str, vault: Vault | None = None, lock: FileLock | None = None) -> None:
        self.url = url
        self.token = token
        self.vault = vault
        self._lock = lock

    def __repr__(self) -> str:
        return f"Server({self.url!r})"

    @property
    def embedded(self) -> bool:
        return self.vault is not None

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """This process does not use the server any more; the embedded one has ended if nobody else uses or keeps it."""
        if self._lock is None or self.vault is None:
            return
        self._lock.release()
        self._lock = None
        record = self.vault.server()
        if record is None or self.vault.is_kept(record["supervisor"]) or self.vault.is_used():
            return
        if is_process(record["supervisor"], supervisor_mark(self.vault)):
            wait_gone(record["supervisor"], STOP_SECONDS)
            return
        # The supervisor, whose work this is, was killed.
        with self.vault.turn():
            if not self.vault.is_used():
                stop(self.vault)


def open_embedded(vault: Vault, settings: LabelStudio, progress: Progress, keep: bool = False) -> Server:
    """The embedded server of a workspace, started when it does not run.

    With `keep` it stays when this process ends. `progress` gets what is waited for, and how many seconds it has taken.
    """
    vault.create()
    turn = vault.turn()
    try:
        turn.acquire(blocking=False)
    except Timeout:
        progress("Another builder process is starting or stopping Label Studio", 0, None)
        turn.acquire()
    try:
        lock = vault.use()
        try:
            record = _running(vault, progress) or start(vault, settings, progress)
            if keep:
                vault.keep.write_text(str(record["supervisor"]), encoding="utf-8")
        except BaseException:
            lock.release()
            raise
    finally:
        turn.release()
    return Server(record["url"], vault.secrets().token, vault, lock)


def _running(vault: Vault, progress: Progress) -> dict[str, Any] | None:
    """The server that runs; None when there is none that takes our token. A busy server is waited for."""
    start = time.monotonic()
    while (record := lives(vault)) is not None:
        status = whoami(record["url"], vault.secrets().token)
        waited = time.monotonic() - start
        if status or waited > BUSY_SECONDS:
            return record if status == 200 else None
        progress(f"Label Studio on {record['url']} runs but does not answer", int(waited), None)
        time.sleep(_POLL)
    return None
