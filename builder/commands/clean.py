"""`builder clean`: workspace results that nothing refers to any more are removed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from builder.commands import Shown
from builder.config import Config
from builder.stage import Progress, silent


@dataclass(frozen=True)
class Cleaned:
    """Folders that were removed, or would be, with their bytes together, and what is kept and why."""

    dry_run: bool
    removed: list[str] = field(default_factory=list)
    bytes: int = 0
    kept: dict[str, str] = field(default_factory=dict)


def clean(
    config: Config,
    *,
    dry_run: Annotated[bool, "only say what would be removed"] = False,
    progress: Progress = silent,
) -> Cleaned:
    """Remove stage results that no release and no latest run uses

    Pulls, keys and the data of the embedded Label Studio are never touched. Raises `StoreError` while another command
    works on the dataset.
    """
    from builder import releases
    from builder.stage import exclusive, remove

    busy = "Another command works on this dataset."
    with exclusive(config.dataset_folder / "locks" / "use", "clean", wait=False, busy=busy):
        unused, kept = releases.unused(config)
        size = sum(path.stat().st_size for folder in unused for path in folder.rglob("*") if path.is_file())
        if not dry_run:
            remove(unused)
    return Cleaned(dry_run, [str(folder) for folder in unused], size, kept)


def show(result: Cleaned) -> Shown:
    """What was removed and what stays."""
    for folder in result.removed:
        yield f"clean: {'would remove' if result.dry_run else 'removed'} {folder}"
    for folder, why in result.kept.items():
        yield f"clean: kept {Path(folder)}: {why}"
    what = "would be removed" if result.dry_run else "removed"
    yield f"clean: {len(result.removed)} results {what}, {result.bytes:,} bytes; pulls and keys stay."
