"""The next release in the folder of releases, unless nothing changed."""

import errno
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from packaging.version import Version

from builder.errors import ReleaseError, StoreError
from builder.release import formats, manifest
from builder.release.build import Built, Progress, Sources, build_release
from builder.release.card import figures, findings, release_pages
from builder.release.croissant import croissant
from builder.release.diff import changelog, diff, lines
from builder.release.manifest import REPORT, Exported, Manifest, Pull
from builder.release.provenance import ARTICLES, earlier_splits, write_annotators, write_articles
from builder.release.settings import Export, release_name
from builder.release.signing import SIGNATURE, sign
from builder.release.tags import tokenizer_digest
from builder.release.verify import check_loads, check_read
from builder.store import PUBLIC, atomic_folder, permit, sync_tree, write_text


def export(sources: Sources, exports: Path, scratch: Path, progress: Progress | None = None) -> Exported:
    """Makes the next version below `exports`, or returns the last one when nothing changed.

    It is made below `scratch` and takes its place in one rename: a failure leaves nothing. Raises `ReleaseError` when
    there is nothing to release or it does not load, `StoreError` when a table is missing or another export was first,
    `ConfigError` when a setting does not fit the scheme.
    """
    name = release_name(sources.configuration["dataset"]["name"], sources.settings.variant)
    before = manifest.releases(exports / name)
    last = Exported(before[-1][1], manifest.read(before[-1][1])) if before else None
    # What earlier releases decided is read from their tables: a damaged one would decide something else.
    for _, path in before[:-1]:
        check_read(path, ARTICLES)
    if last:
        check_read(last.folder, "*.parquet", "CHANGELOG.md")
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="building-", dir=scratch, ignore_cleanup_errors=True) as folder:
        root = Path(folder) / "release"
        root.mkdir()
        splits, labels = earlier_splits(path for _, path in before), last.manifest.labels if last else {}
        built = build_release(root, sources, splits, labels, progress)
        made, version = _manifest(name, sources, built), Version("1.0.0")
        smallest = sources.configuration["dataset"]["min_group"]
        write_annotators(root, built.index.of_windows(built.index.annotations), sources.experts, sources.said, smallest)
        if last:
            made.previous = last.manifest.version
            made.changes = diff(last, Exported(root, made))
            made.changes.notes = _notes(last.manifest.configuration["split"], made, built)
            version = manifest.next_version(before[-1][0], made.changes.level)
        if last and made.changes.level == "none":
            kept = _completed(last.folder, sources.settings)
            kept.changes.notes = made.changes.notes
            return Exported(last.folder, kept)
        made.version = made.changes.new = str(version)
        _describe(root, made, built, sources, last)
        if progress:
            progress("load", 0, len(made.configs))
        check_loads(root, made)
        release = exports / name / f"v{version}"
        _place(root, release)
    return Exported(release, made, new=True)


def _manifest(name: str, sources: Sources, built: Built) -> Manifest:
    everything = list(sources.scheme.questions.values())
    asked = [
        question
        for found in built.configurations.values()
        for question in ([found.question] if found.question else everything)
    ]
    shown = {name for question in asked for name in (question.name, question.span_kind)}
    # What the release says of agreement is about what it holds.
    agreement = {
        part: {name: measured for name, measured in sources.agreement.get(part, {}).items() if name in shown}
        for part in ("answers", "spans")
    }
    return Manifest(
        name=name,
        configuration={name: dict(group) for name, group in sources.configuration.items()},
        recorded=sources.recorded,
        pull=_pull_of(built.index.annotations, sources.pull),
        tokenizer="" if (path := sources.settings.tokenizer) == "words" else tokenizer_digest(path),
        code=manifest.code(),
        libraries=manifest.libraries(),
        stages=dict(sources.stages),
        labels=built.labels,
        configs=built.configs,
        counts=built.counts,
        losses=built.losses,
        leakage=built.leakage,
        below_gates=sources.below_gates,
        agreement=figures(agreement),
        chosen=dict(sources.chosen),
        findings=findings(agreement),
    )


def _pull_of(annotations: pa.Table, record: Mapping[str, Any]) -> Pull:
    """The one pull of the annotations, else `ReleaseError`; `record` is what was noted when it was made."""
    hashes = sorted({h for h in annotations["pull"].unique().to_pylist() if h})
    if len(hashes) != 1:
        raise ReleaseError(f"The annotations come from {len(hashes)} pulls.", "Run `builder validate` again.")
    server = record.get("server_version") or record.get("version")
    return Pull(hashes[0], server, record.get("scheme_version"))


def _notes(before: Mapping[str, Any], made: Manifest, built: Built) -> list[str]:
    """What the settings of splits cannot change any more, because articles keep their split."""
    now = made.configuration["split"]
    changed = [f"split.{name}" for name in now if name != "near" and before.get(name) != now[name]]
    if not changed or not built.assignment.kept:
        return []
    return [f"{', '.join(changed)} differ: {built.assignment.kept:,} articles keep the split of earlier releases."]


def _completed(root: Path, settings: Export) -> Manifest:
    """The manifest of a release, which has files of all formats and the signature that are asked for afterwards."""
    made = manifest.read(root)
    has = made.configuration["export"]["formats"]
    if missing := [name for name in settings.formats if name not in has]:
        with tempfile.TemporaryDirectory(prefix=".formats-", dir=root.parent) as folder:
            formats.write(root, missing, made.configs, Path(folder))
            for written in Path(folder).iterdir():
                shutil.rmtree(root / written.name, ignore_errors=True)
                written.rename(root / written.name)
        has += missing
        manifest.seal(root, made, settings.sign)
    elif settings.sign and not (root / SIGNATURE).exists():
        sign(root, settings.sign)
    return made


def _describe(root: Path, made: Manifest, built: Built, sources: Sources, last: Exported | None) -> None:
    """Writes everything beside the data files."""
    write_articles(root, built.index.about, built.assignment)
    formats.write(root, sources.settings.formats, made.configs)
    for name, text in release_pages(root, made, built.configurations, sources.scheme).items():
        write_text(root / name, text)
    # The day of the newest annotation: the same whenever the release is built.
    newest = pc.max(built.index.annotations["updated"]).as_py()
    day = newest.date().isoformat() if newest else ""
    log = (last.folder / "CHANGELOG.md").read_text(encoding="utf-8") if last else ""
    write_text(root / "CHANGELOG.md", changelog(f"v{made.version}", day, lines(made.changes), log))
    if sources.report:
        write_text(root / REPORT, sources.report(root, made))
    made.files = manifest.files(root, built.hashes)
    write_text(root / "croissant.json", manifest.encode(croissant(made, day)))
    manifest.seal(root, made, sources.settings.sign)


def _place(root: Path, release: Path) -> None:
    """The finished folder takes its place in one rename, after everything in it has reached the disk."""
    permit(root, PUBLIC)
    sync_tree(root)
    release.parent.mkdir(parents=True, exist_ok=True)
    if release.exists():
        raise StoreError(f"{release} exists already.", "Another run finished first; run the command again.")
    try:
        root.rename(release)
    except OSError as e:
        if e.errno != errno.EXDEV:
            raise
        # The scratch folder is on another disk.
        with atomic_folder(release, PUBLIC) as beside:
            shutil.copytree(root, beside, dirs_exist_ok=True)
            sync_tree(beside)
    sync_tree(release.parent)
