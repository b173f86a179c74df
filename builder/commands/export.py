"""The next release, from what adjudication decided."""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import GateError, ReleaseError, StoreError
from builder.store import canonical, digest, read_json, write_text

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from builder.config import Config
    from builder.release.inputs import Tables
    from builder.release.versions import Version

#: Groups of the configuration that decide what a release holds, and stand in its manifest.
SECTIONS = (
    "dataset",
    "source",
    "cleaning",
    "dedup",
    "chunking",
    "selection",
    "labels",
    "quality",
    "aggregation",
    "split",
    "export",
)


def export(config: "Config", console: "Console") -> dict[str, Any]:
    """The release folder holds the next version, unless nothing changed.

    Returns name, version, folder, whether it is new, rows by configuration and split, and what changed since the
    version before. Raises `StoreError` when a stage is missing, `ReleaseError` when there is nothing to release.
    """
    _adjudicated(config)
    from builder.release import versions

    folder = release_folder(config)
    stage = config.stage(f"export-{config.export.variant}" if config.export.variant else "export")
    before = versions.releases(folder)
    if before and stage.is_current(_fingerprint(config, before[-1][0])):
        return _unchanged(config, before[-1][1], console)
    with _building(stage.folder) as root:
        manifest = _write(config, root, before)
        if manifest["changes"]["level"] == "none":
            summary = _unchanged(config, before[-1][1], console)
        else:
            release = folder / f"v{manifest['version']}"
            _publish(root, release)
            summary = _summary(config, release, manifest, new=True)
            _report(summary, console)
    with stage.rewrite(_fingerprint(config, versions.releases(folder)[-1][0])) as kept:
        kept.update(summary)
    return summary


def release_folder(config: "Config") -> Path:
    """Holds one folder a version of this dataset, or of this variant of it."""
    return config.release_folder.with_name(release_name(config))


def release_name(config: "Config") -> str:
    """The dataset's name, with the variant behind it when there is one."""
    return f"{config.dataset.name}-{config.export.variant}" if config.export.variant else config.dataset.name


def _adjudicated(config: "Config") -> None:
    """Gold is of the aggregation asked for: a sweep over several exports each of them from the same pull.

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
    from builder.quality.gates import Verdict, failed

    stages = (config.stage(name).summary() or {} for name in ("validate", "adjudicate"))
    return failed([Verdict(**verdict) for summary in stages for verdict in summary.get("gates", [])])


def _fingerprint(config: "Config", last: "Version") -> str:
    from builder.release import manifest

    return digest(
        "export",
        _json(_public(config)),
        canonical({"annotators": config.annotators.kind, "code": manifest.code(), "libraries": manifest.libraries()}),
        *(config.stage(name).fingerprint() for name in ("prepare", "validate", "adjudicate")),
        last.folder,
    )


@contextlib.contextmanager
def _building(folder: Path) -> Iterator[Path]:
    """An empty folder in the workspace for the release being made; one export at a time, leftovers cleared away."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise StoreError("Another export of this dataset is running.", "Wait for it, then run again.") from e
        for left in folder.glob("building-*"):
            shutil.rmtree(left)
        root = Path(tempfile.mkdtemp(prefix="building-", dir=folder))
        root.chmod(0o755)
        try:
            yield root
        finally:
            shutil.rmtree(root, ignore_errors=True)


def _write(config: "Config", root: Path, before: "list[tuple[Version, Path]]") -> dict[str, Any]:
    """Everything but the place: data, manifest, card and changelog stand in `root`; returns the manifest."""
    from builder.release import card, changelog, croissant, figures, formats, manifest, pieces, provenance, versions
    from builder.release.build import build
    from builder.release.diff import Release, diff

    earlier = versions.manifest(before[-1][1]) if before else None
    tables = _tables(config)
    built = build(
        root,
        tables,
        config.labels,
        config.export,
        config.split,
        provenance.earlier_splits([path for _, path in before]),
        earlier["labels"] if earlier else {},
        config.dataset.language,
    )
    provenance.write(root, tables.articles, built)
    present = {name: list(dict.fromkeys(s.split for s in shards)) for name, shards in built.shards.items()}
    formats.write(root, config.export.formats, built.features, present)
    found: dict[str, Any] = {
        "format": manifest.FORMAT,
        "name": release_name(config),
        "version": "",
        "previous": str(before[-1][0]) if before else "",
        "configuration": _public(config),
        "recorded": config.annotators.kind == "recorded",
        "pull": _pull(config, tables.annotations),
        "tokenizer": "" if config.export.tokenizer == "words" else pieces.tokenizer_digest(config.export.tokenizer),
        "code": manifest.code(),
        "libraries": manifest.libraries(),
        "labels": built.labels,
        "configs": manifest.describe(built),
        "counts": built.counts,
        "losses": built.losses,
        "leakage": built.leakage,
        "below_gates": _below(config),
        "agreement": figures.figures(read_json(config.stage("validate").folder / "agreement.json") or {}),
    }
    if earlier:
        changes = diff(Release(before[-1][1], earlier), Release(root, found))
        version = before[-1][0].after(changes["level"])
    else:
        changes, version = {"level": "first"}, versions.FIRST
    found |= {"version": str(version), "changes": changes | {"new": str(version)}}
    write_text(root / "README.md", card.card(found, asdict(config.dataset), config.labels, found["recorded"]))
    log = (before[-1][1] / "CHANGELOG.md").read_text(encoding="utf-8") if before else ""
    day = provenance.last_day(tables.annotations)
    write_text(root / "CHANGELOG.md", changelog.changelog(version.folder, day, found["changes"], log))
    data = manifest.files(root)
    described = croissant.croissant(found, asdict(config.dataset), data, day)
    write_text(root / "croissant.json", _json(described) + "\n")
    # In the order of the scheme, which a rebuild takes up again: keys are not sorted.
    write_text(root / "manifest.json", _json(found | {"files": manifest.files(root)}) + "\n")
    return found


def _tables(config: "Config") -> "Tables":
    from builder.release.inputs import STAGES, open_tables

    return open_tables({name: config.stage(stage).table(name) for name, stage in STAGES.items()}, config.export)


def _public(config: "Config") -> dict[str, Any]:
    from builder.release import manifest

    sections = {name: asdict(getattr(config, name)) for name in SECTIONS}
    for place in ("repo", "private"):
        del sections["export"][place]
    spoken = {name: sections.pop(name) for name in ("dataset", "labels")}
    return {**spoken, **manifest.public(sections)}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _pull(config: "Config", annotations: "pa.Table") -> dict[str, Any]:
    """What is known of the pull that the annotations came in, without addresses and names."""
    hashes = sorted({h for h in annotations["pull"].unique().to_pylist() if h})
    if len(hashes) != 1:
        raise ReleaseError(f"The annotations come from {len(hashes)} pulls.", "Run `builder validate` again.")
    record = read_json(config.dataset_folder / "pulls" / hashes[0][:16] / "pull.json") or {}
    return {
        "hash": hashes[0],
        "server_version": record.get("server_version") or record.get("version"),
        "scheme_version": record.get("scheme_version"),
    }


def _publish(root: Path, release: Path) -> None:
    """The finished folder takes its place in one rename, after everything in it has reached the disk."""
    for path in sorted(root.rglob("*")):
        _sync(path)
    _sync(root)
    release.parent.mkdir(parents=True, exist_ok=True)
    if release.exists():
        raise StoreError(f"{release} exists already.", "Another run finished first; run the command again.")
    try:
        root.rename(release)
    except OSError as e:
        if e.errno != errno.EXDEV:
            raise
        _across(root, release)
    _sync(release.parent)


def _across(root: Path, release: Path) -> None:
    """The workspace lies on another disk: the copy is made under a hidden name beside the release, then renamed."""
    beside = Path(tempfile.mkdtemp(prefix=".building-", dir=release.parent))
    try:
        shutil.copytree(root, beside / release.name)
        for path in sorted(beside.rglob("*")):
            _sync(path)
        (beside / release.name).rename(release)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unchanged(config: "Config", release: Path, console: "Console") -> dict[str, Any]:
    from builder.release import versions

    summary = _summary(config, release, versions.manifest(release), new=False)
    console.print(f"export: nothing changed since {release.name}, so there is no new version.")
    return summary


def _summary(config: "Config", release: Path, manifest: dict[str, Any], new: bool) -> dict[str, Any]:
    return {
        "name": manifest["name"],
        "version": release.name,
        "previous": f"v{manifest['previous']}" if manifest["previous"] else "",
        "new": new,
        "folder": str(release),
        "rows": {
            name: {split: facts["rows"] for split, facts in found["splits"].items()}
            for name, found in manifest["configs"].items()
        },
        "changes": manifest["changes"],
        "load": [f'load_dataset("{release}", "{name}")' for name in manifest["configs"]],
    }


def _report(summary: dict[str, Any], console: "Console") -> None:
    from builder.release.changelog import lines

    console.print(f"export: {summary['folder']}", soft_wrap=True)
    for name, splits in summary["rows"].items():
        told = ", ".join(f"{count} {split}" for split, count in splits.items())
        console.print(f"  {name}: {told or 'no rows'}")
    for line in lines(summary["changes"]):
        console.print(f"  {line}")
