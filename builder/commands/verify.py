"""`builder verify`: a release is what it says, and the same inputs give it again."""

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from builder.config import Config
from builder.errors import ReleaseError
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from rich.console import Console

    from builder.release.manifest import Manifest


@dataclass(frozen=True)
class Verified:
    """A release whose files are as released; what its splits share, and how a rebuild compares, where that was asked.

    `rebuilt` is "same bytes", or "same contents" when other versions of libraries or of the builder wrote other bytes
    around the same values.
    """

    folder: Path
    version: str
    files: int
    shared: dict[str, int] = field(default_factory=dict)
    rebuilt: str = ""


def verify(
    config: Config,
    release: str = "",
    *,
    hashes_only: Annotated[bool, "check hashes alone, without rebuilding"] = False,
    progress: Progress = silent,
) -> Verified:
    """Check a release's hashes and rebuild it from its pull

    `release` is a version, a folder, or empty for the latest. The rebuild reads raw articles and the pull of the
    workspace, takes the configuration from the manifest, and needs no network. Raises `ReleaseError` with every problem.
    """
    from builder import pipeline
    from builder.release.manifest import read
    from builder.release.verify import certify, check_files, compare_rebuilt
    from builder.release.versions import find_release

    root = find_release(pipeline.release_folder(config), release)
    manifest = read(root)
    problems = check_files(root, manifest.files)
    found = Verified(root, manifest.version, len(manifest.files))
    if not problems and not hashes_only:
        found = replace(found, shared=certify(root, manifest))
        problems += [f"{count} {what} are in several splits" for what, count in found.shared.items() if count]
    if not problems and not hashes_only:
        with tempfile.TemporaryDirectory(prefix="verify-") as name:
            rebuilt, problems = compare_rebuilt(root, _rebuild(config, root, manifest, Path(name), progress))
        found = replace(found, rebuilt=rebuilt)
    if problems:
        raise ReleaseError(f"{root}: {'; '.join(problems)}.", "Do not train on it; export again, or restore it.")
    return found


def _rebuild(config: Config, root: Path, manifest: "Manifest", there: Path, progress: Progress) -> Path:
    """The release made again in a workspace and an exports folder of its own, from what the workspace keeps."""
    from builder import pipeline
    from builder.release import versions
    from builder.store import write_json

    pull = config.dataset_folder / "pulls" / manifest.pull.hash[:16]
    again = _as_released(config, manifest, there)
    again.dataset_folder.mkdir(parents=True)
    for path in pipeline.pseudonym_files(config.workspace):
        if not path.exists() or not (pull / "tasks.jsonl").exists():
            missing = path if not path.exists() else pull
            raise ReleaseError(
                f"{missing} is missing, so the release cannot be rebuilt.",
                "Restore the workspace it was made in, or check hashes alone with --hashes-only.",
            )
        shutil.copy(path, again.workspace / path.name)
    (again.dataset_folder / "pulls").mkdir()
    (again.dataset_folder / "pulls" / pull.name).symlink_to(pull.resolve())
    write_json(again.dataset_folder / "pulls" / "latest.json", {"hash": manifest.pull.hash})
    folder = there / "exports" / root.parent.name
    folder.mkdir(parents=True)
    own = versions.parse(manifest.version)
    # The releases before this one decided splits and label ids.
    before = [path for version, path in versions.releases(root.parent) if own and version < own]
    if manifest.previous and not any(path.name == f"v{manifest.previous}" for path in before):
        raise ReleaseError(
            f"v{manifest.previous}, on which {root.name} builds, is missing.", f"Put it back into {root.parent}."
        )
    for path in before:
        (folder / path.name).symlink_to(path.resolve())
    pipeline.released(again, progress, hold_gates=False)
    return versions.releases(folder)[-1][1]


def _as_released(config: Config, manifest: "Manifest", there: Path) -> Config:
    """The configuration of the manifest, in folders of its own; what the manifest keeps private comes from `config`."""
    import msgspec

    from builder import pipeline
    from builder.questions import scheme_from
    from builder.release.manifest import revealed

    sections: dict[str, Any] = {}
    own = pipeline.public_sections(config)
    for name, shown in manifest.configuration.items():
        told, section = revealed(shown, own[name]), getattr(config, name)
        whole = scheme_from(told) if name == "labels" else {**msgspec.to_builtins(section), **told}
        sections[name] = whole if name == "labels" else msgspec.convert(whole, type(section))
    kind = "recorded" if manifest.recorded else "human"
    annotators = replace(config.annotators, kind=kind, recorded=config.annotators.recorded or "recorded")
    paths = replace(config.paths, workspace=str(there / "workspace"), exports=str(there / "exports"))
    return replace(config, paths=paths, annotators=annotators, **sections)


def show(result: Verified, console: "Console") -> None:
    """Prints what holds."""
    rebuilt = f", rebuilt offline: {result.rebuilt}" if result.rebuilt else ""
    console.print(f"verify: {result.folder}: {result.files} files as released{rebuilt}", soft_wrap=True)
