"""Releases: made, compared, listed, verified, traced and published."""

import os
from dataclasses import asdict, dataclass
from typing import Any

from builder import releases
from builder.commands import working
from builder.config import Config
from builder.errors import ConfigError, ReleaseError
from builder.pseudonyms import refuse_unknown_people
from builder.release import diff as comparison
from builder.release import trace as tracing
from builder.release import verify as verification
from builder.release.manifest import DAMAGED, Changes, Exported, Manifest, read
from builder.release.manifest import releases as finished
from builder.release.publish import Published, publish_release
from builder.reporting.terminal import Shown
from builder.stage import Progress, silent

#: How many changes of each configuration `diff` prints.
_CHANGES = 5


@dataclass(frozen=True)
class Release(Exported):
    """A release on disk, and whether it was made now."""

    @property
    def version(self) -> str:
        return self.folder.name

    @property
    def rows(self) -> dict[str, dict[str, int]]:
        """Counts by configuration and split."""
        return self.manifest.rows

    def load(self, name: str) -> Any:
        """One configuration, as `datasets.load_dataset` gives it."""
        from datasets import load_dataset

        return load_dataset(str(self.folder), name)


@working
def export(config: Config, *, progress: Progress = silent) -> Release:
    """The next release, or the last one when nothing changed; what it is made from is made first, where it is missing.

    Raises `GateError` below a quality gate, `ConfigError` when settings name nobody, and `ReleaseError` when there is
    nothing to release.
    """
    refuse_unknown_people(config)
    return Release(**vars(releases.released(config, progress)))


def plain_export(result: Release) -> dict[str, Any]:
    made = result.manifest
    calls = [f'load_dataset("{result.folder}", "{name}")' for name, splits in result.rows.items() if splits]
    about: dict[str, Any] = {
        "name": made.name,
        "version": result.version,
        "previous": f"v{made.previous}" if made.previous else "",
    }
    about |= {"new": result.new, "folder": result.folder, "rows": made.rows}
    return {**about, "changes": made.changes, "load": calls}


def show_export(result: Release) -> Shown:
    if not result.new:
        yield f"export: nothing changed since {result.version}, so there is no new version."
    yield f"export: {result.folder}"
    for name, splits in result.rows.items():
        counted = ", ".join(f"{count} {split}" for split, count in splits.items())
        yield f"  {name}: {counted or 'no rows'}"
    changes = result.manifest.changes
    for line in comparison.lines(changes) if result.new else changes.notes:
        yield f"  {line}"
    yield "Load it with:"
    yield "  from datasets import load_dataset"
    for name in (name for name, splits in result.rows.items() if splits):
        yield f'  {name} = load_dataset("{result.folder}", "{name}")'


def diff(config: Config, old: str, new: str, *, progress: Progress = silent) -> Changes:
    """What changed between two releases, each a version or a folder. Raises `ReleaseError` when one is not there."""
    return comparison.diff(*(releases.readable_release(config, name) for name in (old, new)))


def show_diff(result: Changes) -> Shown:
    yield f"diff v{result.old} v{result.new}: {result.level}"
    for line in comparison.lines(result) or ["Nothing that counts changed."]:
        yield f"  {line}"
    for name, rows in result.rows.items():
        for example in rows.examples[:_CHANGES]:
            values = " -> ".join(filter(None, (example.old, example.new)))
            words = values if values == example.what else f"{example.what} {values}"
            yield f"    {name} {example.id}: {words}"


def log(config: Config, *, progress: Progress = silent) -> list[Manifest]:
    """The manifests of all releases, oldest first. Raises `ReleaseError` when one cannot be read."""
    return [read(path) for _, path in finished(config.release_folder)]


def plain_log(result: list[Manifest]) -> list[dict[str, Any]]:
    return [
        {
            "version": f"v{made.version}",
            "level": made.changes.level,
            "articles": made.counts.articles,
            "annotators": made.counts.annotators,
            "rows": {name: sum(splits.values()) for name, splits in made.rows.items()},
            "agreement": made.agreement,
            "pull": made.pull.hash,
            "digest": made.digest,
        }
        for made in result
    ]


def show_log(result: list[Manifest]) -> Shown:
    for made in plain_log(result):
        yield (
            f"{made['version']} ({made['level']}): {made['articles']} articles, {made['annotators']} annotators, "
            f"pull {made['pull'][:16]}, manifest {made['digest'][:16]}"
        )
        yield f"  {', '.join(f'{count} {name}' for name, count in made['rows'].items())}"
        yield from (f"  {name}: {value:.3g}" for name, value in made["agreement"].items())
    if not result:
        yield "log: no release yet. Run `builder export` first."


@working
def verify(
    config: Config, release: str = "", *, hashes_only: bool = False, progress: Progress = silent
) -> releases.Verified:
    """The files of a release are as released, and the same inputs give it again.

    `release` is a version, a folder, or empty for the latest. The rebuild reads raw articles and the pull of the
    workspace, takes the configuration from the manifest, and needs no network. Raises `ReleaseError` with every
    problem.
    """
    return releases.verified(config, release, progress, hashes_only=hashes_only)


def show_verify(result: releases.Verified) -> Shown:
    rebuilt = f", rebuilt offline: {result.rebuilt}" if result.rebuilt else ""
    signed = f", signed by {result.signed_by}" if result.signed_by else ""
    yield f"verify: {result.folder}: {result.files} files as released{rebuilt}{signed}"
    if result.unchecked:
        yield f"  {result.unchecked}"


@working
def trace(config: Config, row_id: str, *, release: str = "", progress: Progress = silent) -> releases.Traced:
    """What a released row came from is looked for in the stages that the manifest names.

    Raises `ReleaseError` when no row has the id, `StoreError` when the workspace lacks a stage.
    """
    return releases.traced(config, row_id, release)


def plain_trace(result: releases.Traced) -> dict[str, Any]:
    found = asdict(result.trace)
    release = {key: found.pop(key) for key in ("configuration", "split", "row")}
    return {"release": {"folder": result.folder, **release}, **found}


def show_trace(result: releases.Traced) -> Shown:
    found = result.trace
    yield f"row         {found.row['id']} of {found.configuration}/{found.split} in {result.folder}"
    for gold in found.gold:
        about = ", ".join(gold.get("targets") or filter(None, [gold.get("target")]))
        what = f"{gold['label']} {gold['text']!r}" if "text" in gold else f"{gold['question']} {gold['label']}"
        yield f"gold        {what}{f' about {about}' if about else ''}: {gold['status']} by {gold['method']}"
        if "place" in gold:
            place = gold["place"]
            yield f"            article {place.article}, raw {place.raw}, {_bytes_of(place)}"
        for vote in gold["votes"]:
            yield f"  vote      {vote['annotator']}: {vote['label']} ({vote['task'] or vote['annotation_id']})"
    for made in found.annotations:
        when = f"{made['updated']:%Y-%m-%d %H:%M} UTC"
        yield f"annotation  {made['annotator']} {when}, {made['state']}: {made['task']}"
    chunk, place = found.chunk, found.place
    number = f", number {chunk['ordinal'] + 1}" if chunk.get("ordinal") is not None else ""
    yield f"chunk       {chunk['chunk_id']}{number}, [{chunk['start']}, {chunk['end']}) of the article"
    yield f"article     {found.article['article_id']} {found.article['title'] or ''}"
    where = f", {place.where}" if place.where else ""
    yield f"raw         {place.file}, record {place.record}{where}, characters {place.raw}, {_bytes_of(place)}"
    yield f"text        ...{place.before}>>>{place.text}<<<{place.after}..."


def _bytes_of(place: tracing.Place) -> str:
    return f"bytes {place.bytes}" if place.bytes else f"bytes unknown: {place.why}"


@working
def publish(
    config: Config,
    release: str = "",
    *,
    upload: bool = False,
    prune: bool = False,
    pull_request: bool = False,
    progress: Progress = silent,
) -> Published:
    """The release is on the Hugging Face Hub in one commit with a tag; without `upload`, what would change there.

    `release` is a version, a folder, or empty for the latest. Raises `ConfigError` without `export.repo`, and
    `ReleaseError` when a file is not as it was released, or the repository must not hold it.
    """
    root, manifest = releases.found_release(config, release)
    if problems := verification.check_files(root, manifest.files):
        raise ReleaseError(f"{root} is not as it was released: {'; '.join(problems)}.", DAMAGED)
    if upload and not config.export.repo:
        raise ConfigError("export.repo is empty.", "Name the repository, as export.repo=owner/name.")
    how = {"upload": upload, "prune": prune, "pull_request": pull_request}
    return publish_release(root, manifest, config.export, **how, endpoint=os.environ.get("HF_ENDPOINT"))


def show_publish(result: Published) -> Shown:
    parts = {"add": result.added, "change": result.changed, "delete": result.deleted, "keep": result.kept}
    if not result.commit and not any(parts.values()):
        yield f"publish: {result.repo} {result.tag}: it is there already"
        return
    for what, paths in parts.items():
        yield from (f"  {what:6} {path}" for path in paths)
    counted = ", ".join(f"{len(paths)} to {what}" for what, paths in parts.items() if paths) or "nothing to change"
    if result.commit:
        where = f" in {result.pull_request}" if result.pull_request else " in one commit"
        yield f"publish: {result.repo} {result.tag}: {counted}{where}"
    else:
        yield f"publish: {result.repo or '(export.repo is empty)'} {result.tag}: {counted}; add --upload to do it."
