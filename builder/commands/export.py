"""`builder export`: the next release, unless nothing changed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.commands import Shown
from builder.config import Config
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.release.manifest import Manifest


@dataclass(frozen=True)
class Release:
    """A release on disk, and whether it was made now. `rows` counts by configuration and split."""

    name: str
    version: str
    previous: str
    new: bool
    folder: Path
    rows: dict[str, dict[str, int]]
    changes: dict[str, Any] = field(repr=False)
    manifest: "Manifest" = field(repr=False)

    def load(self, name: str) -> Any:
        """One configuration, as `datasets.load_dataset` gives it."""
        from datasets import load_dataset

        return load_dataset(str(self.folder), name)


def export(config: Config, *, progress: Progress = silent) -> Release:
    """Write the next release, unless nothing changed

    What it is made from is made first, where it is missing. Raises `GateError` below a quality gate, and
    `ReleaseError` when there is nothing to release.
    """
    import msgspec

    from builder import releases

    made = releases.released(config, progress)
    manifest = made.manifest
    return Release(
        name=manifest.name,
        version=made.folder.name,
        previous=f"v{manifest.previous}" if manifest.previous else "",
        new=made.new,
        folder=made.folder,
        rows=manifest.rows,
        changes=msgspec.to_builtins(manifest.changes),
        manifest=manifest,
    )


def plain(result: Release) -> dict[str, Any]:
    """What a script may read."""
    names = ("name", "version", "previous", "new", "rows", "changes")
    calls = [f'load_dataset("{result.folder}", "{name}")' for name, splits in result.rows.items() if splits]
    return {name: getattr(result, name) for name in names} | {"folder": str(result.folder), "load": calls}


def show(result: Release) -> Shown:
    """Where the release is, its rows, what changed, and how it loads."""
    from builder.release.diff import lines

    if not result.new:
        yield f"export: nothing changed since {result.version}, so there is no new version."
    yield f"export: {result.folder}"
    for name, splits in result.rows.items():
        counted = ", ".join(f"{count} {split}" for split, count in splits.items())
        yield f"  {name}: {counted or 'no rows'}"
    for line in lines(result.manifest.changes) if result.new else result.manifest.changes.notes:
        yield f"  {line}"
    yield "Load it with:"
    yield "  from datasets import load_dataset"
    for name in (name for name, splits in result.rows.items() if splits):
        call = f'{name} = load_dataset("{result.folder}", "{name}")'
        yield f"  {call}"
