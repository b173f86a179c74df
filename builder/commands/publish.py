"""`builder publish`: a release on the Hugging Face Hub."""

import os
from typing import TYPE_CHECKING, Annotated

from builder.commands import Shown
from builder.config import Config
from builder.errors import ConfigError, ReleaseError
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.release.publish import Published


def publish(
    config: Config,
    release: str = "",
    *,
    upload: Annotated[bool, "really upload; without it only what would change there is shown"] = False,
    prune: Annotated[bool, "delete files of the repository that no release put there, too"] = False,
    pull_request: Annotated[bool, "propose the release in a pull request, without a tag"] = False,
    progress: Progress = silent,
) -> "Published":
    """Upload a release to the Hugging Face Hub in one commit with a tag

    `release` is a version, a folder, or empty for the latest. Raises `ConfigError` without `export.repo`, and
    `ReleaseError` when a file is not as it was released, or the repository must not hold it.
    """
    from builder import releases
    from builder.release.manifest import read
    from builder.release.publish import publish_release
    from builder.release.verify import check_files
    from builder.release.versions import find_release

    root = find_release(releases.release_folder(config), release)
    manifest = read(root)
    if problems := check_files(root, manifest.files):
        raise ReleaseError(f"{root} is not as it was released: {'; '.join(problems)}.", "Restore it, or export again.")
    if upload and not config.export.repo:
        raise ConfigError("export.repo is empty.", "Name the repository, as export.repo=owner/name.")
    how = {"upload": upload, "prune": prune, "pull_request": pull_request}
    return publish_release(root, manifest, config.export, **how, endpoint=os.environ.get("HF_ENDPOINT"))


def show(result: "Published") -> Shown:
    """What was changed on the repository, or would be."""
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
