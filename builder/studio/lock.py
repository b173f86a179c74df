"""One builder process at a time."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from builder.errors import StudioError


@contextlib.contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Nobody else holds the lock inside the block; the kernel drops it when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StudioError(f"Another `builder {what}` of this dataset is running.", "Wait until it ends.") from None
        yield
