"""`builder publish`: a release on the Hugging Face Hub."""

import os
from typing import TYPE_CHECKING, Annotated

from builder.commands import Shown
from builder.config import Config
from builder.errors import ConfigError, ReleaseError
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.release.versions import Published


def publish(
    config: Config,
    release: str = "",
    *,
    upload: Annotated[bool, "really upload; without it only what would be uploaded is shown"] = False,
    progress: Progress = silent,
) -> "Published":
    """Upload a release to the Hugging Face Hub in one commit with a tag

    `release` is a version, a folder, or empty for the latest. Raises `ConfigError` without `export.repo`, and
    `ReleaseError` when a file is not as it was released or the Hub refuses.
    """
    from builder import releases
    from builder.release.manifest import read
    from builder.release.verify import check_files
    from builder.release.versions import Published, files_of, find_release
    from builder.release.versions import upload as upload_release

    root = find_release(releases.release_folder(config), release)
    manifest = read(root)
    if problems := check_files(root, manifest.files):
        raise ReleaseError(f"{root} is not as it was released: {'; '.join(problems)}.", "Restore it, or export again.")
    repo = config.export.repo
    if not upload:
        return Published(repo, f"v{manifest.version}", files=files_of(manifest))
    if not repo:
        raise ConfigError("export.repo is empty.", "Name the repository, as export.repo=owner/name.")
    return upload_release(root, manifest, repo, config.export.private, os.environ.get("HF_ENDPOINT"))


def show(result: "Published") -> Shown:
    """What was uploaded, or would be."""
    if result.commit:
        yield f"publish: {result.repo} {result.tag}: {len(result.files)} files in one commit"
    elif result.files:
        yield (
            f"publish: would upload {len(result.files)} files to {result.repo or '(export.repo is empty)'} as "
            f"{result.tag}; add --upload to do it."
        )
    else:
        yield f"publish: {result.repo} {result.tag}: it is there already"
