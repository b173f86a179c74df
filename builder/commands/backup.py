"""`builder backup`: one file with everything that cannot be made again, and the way back from it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from builder.commands import Shown
from builder.config import Config
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.backups import Backup


def backup(
    config: Config,
    file: str,
    *,
    restore: Annotated[bool, "make the workspace from the file, where there is none"] = False,
    progress: Progress = silent,
) -> "Backup":
    """Keep pulls, keys, accounts and Label Studio's data in one file

    The file is readable by its owner alone. A database on PostgreSQL is not in it. Raises `StoreError` when the file
    is there already, or to restore, when the workspace is not empty or the file is damaged.
    """
    from builder.backups import make_backup, restore_backup

    if restore:
        return restore_backup(Path(file), config.workspace, progress)
    return make_backup(config.workspace, Path(file), progress)


def show(result: "Backup") -> Shown:
    """What is in the file."""
    yield f"backup: {result.file}, of {result.made}: {result.files} files, {result.bytes:,} bytes."
