"""The next release, from what adjudication decided."""

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import GateError, StoreError
from builder.store import canonical, digest, read_json

if TYPE_CHECKING:
    from rich.console import Console

    from builder.config import Config
    from builder.release.export import Exported, Sources

#: Groups of the configuration that decide what a release holds, and stand in its manifest.
SECTIONS = ("dataset", "source", "cleaning", "dedup", "chunking", "selection", "labels", "quality", "aggregation",
            "split", "export")  # fmt: skip


def export(config: "Config", console: "Console") -> dict[str, Any]:
    """The release folder holds the next version, unless nothing changed.

    Returns name, version, folder, whether it is new, rows by configuration and split, and what changed since the
    version before. Raises `StoreError` when a stage is missing, `ReleaseError` when there is nothing to release.
    """
    _adjudicated(config)
    from builder.release import versions
    from builder.release.export import Exported
    from builder.release.export import export as make
    from builder.release.manifest import read

    folder = release_folder(config)
    stage = config.stage(f"export-{config.export.variant}" if config.export.variant else "export")
    before = versions.releases(folder)
    if before and stage.is_current(_fingerprint(config, before[-1][0].folder)):
        made = Exported(before[-1][1], read(before[-1][1]), new=False)
    else:
        with _locked(stage.folder) as scratch:
            made = make(_sources(config), config.labels, config.export, config.split, folder.parent, scratch)
    summary = _summary(made)
    _report(made, summary, console)
    with stage.rewrite(_fingerprint(config, versions.releases(folder)[-1][0].folder)) as kept:
        kept.update(summary)
    return summary


def release_folder(config: "Config") -> Path:
    """Holds one folder per version of this dataset, or of this variant of it."""
    from builder.release.export import release_name

    return Path(config.paths.exports) / release_name(config.dataset.name, config.export)


def table_paths(config: "Config") -> dict[str, Path]:
    """The stage tables that releases are made from."""
    from builder.release.inputs import STAGES

    return {name: config.stage(stage).table(name) for name, stage in STAGES.items()}


def _adjudicated(config: "Config") -> None:
    """Computes gold labels with the configured aggregation, so one sweep can export several from one pull.

    Raises `GateError` when the data is below a gate, unless `export.below_gates` says to release it all the same.
    """
    from rich.console import Console

    from builder.commands.adjudicate import adjudicate

    adjudicate(config, Console(quiet=True))
    if (below := _below(config)) and not config.export.below_gates:
        raise GateError(
            f"Below the quality gates: {below}.",
            "Run `builder review`, change quality.gates, or release it with that on the card: export.below_gates=true.",
        )


def _below(config: "Config") -> str:
    """The gates that do not hold, in one sentence; empty when all do."""
    from builder.quality.gates import failed

    stages = (config.stage(name).summary() or {} for name in ("validate", "adjudicate"))
    return failed([verdict for summary in stages for verdict in summary.get("gates", [])])


def _sources(config: "Config") -> "Sources":
    from builder.release.export import Sources

    pulled = (config.stage("validate").summary() or {}).get("pull", "")
    return Sources(
        tables=table_paths(config),
        configuration={name: asdict(getattr(config, name)) for name in SECTIONS},
        pull=read_json(config.dataset_folder / "pulls" / pulled[:16] / "pull.json") or {},
        agreement=read_json(config.stage("validate").folder / "agreement.json") or {},
        below_gates=_below(config),
        stages={name: config.stage(name).fingerprint() for name in ("prepare", "validate", "adjudicate")},
        recorded=config.annotators.kind == "recorded",
    )


def _fingerprint(config: "Config", last: str) -> str:
    from builder.release import manifest

    sections = manifest.public({name: asdict(getattr(config, name)) for name in SECTIONS})
    tools = {"annotators": config.annotators.kind, "code": manifest.code(), "libraries": manifest.libraries()}
    stages = (config.stage(name).fingerprint() for name in ("prepare", "validate", "adjudicate"))
    return digest("export", manifest.encode(sections), canonical(tools), *stages, last)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    """One export of a dataset at a time; what an export that was killed left is cleared away."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise StoreError("Another export of this dataset is running.", "Wait for it, then run again.") from e
        for left in folder.glob("building-*"):
            shutil.rmtree(left)
        yield folder


def _summary(made: "Exported") -> dict[str, Any]:
    import msgspec

    manifest = made.manifest
    return {
        "name": manifest.name,
        "version": made.folder.name,
        "previous": f"v{manifest.previous}" if manifest.previous else "",
        "new": made.new,
        "folder": str(made.folder),
        "rows": manifest.rows,
        "changes": msgspec.to_builtins(manifest.changes),
        "load": [f'load_dataset("{made.folder}", "{name}")' for name, splits in manifest.rows.items() if splits],
    }


def _report(made: "Exported", summary: dict[str, Any], console: "Console") -> None:
    from builder.release.changelog import lines

    if not made.new:
        console.print(f"export: nothing changed since {made.folder.name}, so there is no new version.")
        return
    console.print(f"export: {made.folder}", soft_wrap=True)
    for name, splits in summary["rows"].items():
        counted = ", ".join(f"{count} {split}" for split, count in splits.items())
        console.print(f"  {name}: {counted or 'no rows'}")
    for line in lines(made.manifest.changes, made.manifest.configs):
        console.print(f"  {line}")
