"""Whether a release is what it says, and whether the same inputs give it again."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import ReleaseError
from builder.store import write_json

if TYPE_CHECKING:
    from rich.console import Console

    from builder.config import Config
    from builder.release.manifest import Manifest


def verify(config: "Config", console: "Console", release: str = "", *, hashes_only: bool = False) -> dict[str, Any]:
    """Every file has its hash, no text stands in two splits, and a rebuild from the stored pull gives the same bytes.

    `release` is a version, a folder, or empty for the latest. The rebuild takes raw articles and pull from the
    workspace and the configuration from the manifest; it reaches for no network. Raises `ReleaseError` with every
    problem found. Returns what was checked; `rebuilt` is "same bytes", or "same contents" when other versions of
    libraries or builder wrote other bytes around the same values.
    """
    from builder.commands.export import release_folder
    from builder.release import verify, versions
    from builder.release.manifest import read

    root = versions.find_release(release_folder(config), release)
    manifest = read(root)
    problems = verify.check_files(root, manifest.files)
    summary: dict[str, Any] = {"folder": str(root), "version": manifest.version, "files": len(manifest.files)}
    if not problems and not hashes_only:
        summary["shared"] = verify.certify(root, manifest)
        problems += [f"{count} {what} stand in several splits" for what, count in summary["shared"].items() if count]
    if not problems and not hashes_only:
        with _rebuilt(config, root, manifest) as again:
            summary["rebuilt"], problems = verify.compare_rebuilt(root, again)
    if problems:
        raise ReleaseError(f"{root}: {'; '.join(problems)}.", "Do not train on it; export again, or restore it.")
    told = f", rebuilt offline: {summary['rebuilt']}" if "rebuilt" in summary else ""
    console.print(f"verify: {root}: {summary['files']} files as released{told}", soft_wrap=True)
    return summary


@contextlib.contextmanager
def _rebuilt(config: "Config", root: Path, manifest: "Manifest") -> Iterator[Path]:
    """The release made again, in a workspace and an exports folder of its own, from what the workspace keeps."""
    from rich.console import Console

    from builder.commands.adjudicate import adjudicate
    from builder.commands.export import export
    from builder.commands.prepare import prepare
    from builder.commands.validate import validate
    from builder.release import versions

    pull = config.dataset_folder / "pulls" / manifest.pull.hash[:16]
    key = config.workspace / "pseudonyms.key"
    for needed in (pull / "tasks.jsonl", key):
        if not needed.exists():
            raise ReleaseError(
                f"{needed} is missing, so the release cannot be rebuilt.",
                "Restore the workspace it was made in, or check hashes alone with --hashes-only.",
            )
    with tempfile.TemporaryDirectory(prefix="verify-") as name:
        there = Path(name)
        again = _as_released(config, manifest, there)
        again.dataset_folder.mkdir(parents=True)
        shutil.copyfile(key, there / "workspace" / key.name)
        (there / "workspace" / key.name).chmod(0o600)
        (again.dataset_folder / "pulls").mkdir()
        (again.dataset_folder / "pulls" / pull.name).symlink_to(pull.resolve())
        write_json(again.dataset_folder / "pulls" / "latest.json", {"hash": manifest.pull.hash})
        folder = there / "exports" / root.parent.name
        folder.mkdir(parents=True)
        _earlier(root, manifest, folder)
        quiet = Console(quiet=True)
        prepare(again, quiet)
        validate(again, quiet, gate=False)
        adjudicate(again, quiet)
        export(again, quiet)
        yield versions.releases(folder)[-1][1]


def _earlier(root: Path, manifest: "Manifest", folder: Path) -> None:
    """Links the releases before this one, which decided splits and label ids, beside the one to be made."""
    from builder.release import versions

    own = versions.parse(manifest.version)
    before = [path for v, path in versions.releases(root.parent) if own and v < own]
    if manifest.previous and not any(path.name == f"v{manifest.previous}" for path in before):
        raise ReleaseError(
            f"v{manifest.previous}, on which {root.name} builds, is missing.", f"Put it back into {root.parent}."
        )
    for path in before:
        (folder / path.name).symlink_to(path.resolve())


def _as_released(config: "Config", manifest: "Manifest", there: Path) -> "Config":
    """The configuration of the manifest, in folders of its own; what the manifest keeps private comes from `config`."""
    from omegaconf import OmegaConf

    from builder.release.manifest import revealed

    sections: dict[str, Any] = {}
    for name, said in manifest.configuration.items():
        here = getattr(config, name)
        merged = OmegaConf.merge(OmegaConf.structured(type(here)), revealed(said, OmegaConf.to_container(
            OmegaConf.structured(here))))  # fmt: skip
        sections[name] = OmegaConf.to_object(merged)
    paths = replace(config.paths, workspace=str(there / "workspace"), exports=str(there / "exports"))
    annotators = config.annotators
    if manifest.recorded and annotators.kind != "recorded":
        annotators = replace(annotators, kind="recorded", recorded=annotators.recorded or "recorded")
    elif not manifest.recorded:
        annotators = replace(annotators, kind="human")
    return replace(config, paths=paths, annotators=annotators, **sections)
