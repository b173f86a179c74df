"""`builder verify`: a release is what it says, and the same inputs give it again."""

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from builder.commands import Shown
from builder.config import Config
from builder.errors import ReleaseError
from builder.stage import Progress, silent


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
    workspace, takes the configuration from the manifest, and needs no network. Raises `ReleaseError` with every
    problem.
    """
    from builder import releases
    from builder.release.manifest import read
    from builder.release.verify import certify, check_files, compare_rebuilt
    from builder.release.versions import find_release

    root = find_release(releases.release_folder(config), release)
    manifest = read(root)
    problems = check_files(root, manifest.files)
    found = Verified(root, manifest.version, len(manifest.files))
    if not problems and not hashes_only:
        found = replace(found, shared=certify(root, manifest))
        problems += [f"{count} {what} are in several splits" for what, count in found.shared.items() if count]
    if not problems and not hashes_only:
        with tempfile.TemporaryDirectory(prefix="verify-") as name:
            rebuilt, problems = compare_rebuilt(root, releases.rebuild(config, root, manifest, Path(name), progress))
        found = replace(found, rebuilt=rebuilt)
    if problems:
        raise ReleaseError(f"{root}: {'; '.join(problems)}.", "Do not train on it; export again, or restore it.")
    return found


def show(result: Verified) -> Shown:
    """What holds."""
    rebuilt = f", rebuilt offline: {result.rebuilt}" if result.rebuilt else ""
    yield f"verify: {result.folder}: {result.files} files as released{rebuilt}"
