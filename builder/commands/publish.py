"""A release on the Hugging Face Hub."""

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from builder.errors import ConfigError, ReleaseError

if TYPE_CHECKING:
    from rich.console import Console

    from builder.config import Config


def publish(config: "Config", console: "Console", release: str = "", *, upload: bool = False) -> dict[str, Any]:
    """The release is on the Hub in one commit under a tag; without `upload` only what would be uploaded is shown.

    `release` is a version, a folder, or empty for the latest. Raises `ConfigError` without `export.repo`, and
    `ReleaseError` when a file is not as it was released or the Hub refuses.
    """
    from builder.commands.export import release_folder
    from builder.release import manifest, publish, verify, versions

    root = versions.find_release(release_folder(config), release)
    found = manifest.read(root)
    if problems := verify.check_files(root, found.files):
        raise ReleaseError(f"{root} is not as it was released: {'; '.join(problems)}.", "Restore it, or export again.")
    repo = config.export.repo
    if not upload:
        would = publish.Published(repo, f"v{found.version}", files=publish.files_of(found))
        size = sum(file.bytes for file in found.files)
        console.print(
            f"publish: would upload {len(would.files)} files, {size:,} bytes, to {repo or '(export.repo is empty)'} as "
            f"{would.tag}; add --upload to do it.",
        )
        return asdict(would) | {"dry_run": True}
    if not repo:
        raise ConfigError("export.repo is empty.", "Name the repository, as export.repo=owner/name.")
    done = publish.upload(root, found, repo, config.export.private, os.environ.get("HF_ENDPOINT"))
    console.print(
        f"publish: {repo} {done.tag}: {f'{len(done.files)} files in one commit' if done.new else 'there already'}"
    )
    return asdict(done) | {"dry_run": False}
