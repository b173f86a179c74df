"""`builder diff`: what changed between two releases."""

from typing import Any

from builder.commands import Shown
from builder.config import Config
from builder.stage import Progress, silent

#: How many changes of each configuration are printed.
_SHOWN = 5


def diff(config: Config, old: str, new: str, *, progress: Progress = silent) -> Any:
    """Compare two releases: rows, labels, boundaries, splits

    `old` and `new` are versions, or folders. Raises `ReleaseError` when one is not there.
    """
    from builder import releases
    from builder.release.diff import ReleaseFiles
    from builder.release.diff import diff as compare
    from builder.release.manifest import read
    from builder.release.versions import find_release

    roots = [find_release(releases.release_folder(config), name) for name in (old, new)]
    return compare(*(ReleaseFiles(root, read(root)) for root in roots))


def show(result: Any) -> Shown:
    """One line per kind of change, and a few changes of each configuration."""
    from builder.release.diff import lines

    found = lines(result)
    yield f"diff v{result.old} v{result.new}: {result.level}"
    for line in found or ["Nothing that counts changed."]:
        yield f"  {line}"
    for name, rows in result.rows.items():
        for example in rows.examples[:_SHOWN]:
            values = " -> ".join(filter(None, (example.old, example.new)))
            words = values if values == example.what else f"{example.what} {values}"
            yield f"    {name} {example.id}: {words}"
