"""A release on the Hugging Face Hub."""

import os
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
    from builder.release import hub, integrity, versions

    root = versions.find(release_folder(config), release)
    manifest = versions.manifest(root)
    problems = integrity.check_files(root, manifest)
    if problems:
        raise ReleaseError(f"{root} is not as it was released: {'; '.join(problems)}.", "Restore it, or export again.")
    repo = config.export.repo
    if upload:
        if not repo:
            raise ConfigError("export.repo is empty.", "Name the repository, as export.repo=owner/name.")
        done = hub.publish(root, manifest, repo, config.export.private, os.environ.get("HF_ENDPOINT"))
        told = f"{len(done['upload'])} files in one commit" if done["new"] else "it is there already"
        console.print(f"publish: {repo} {done['tag']}: {told}")
        return done | {"dry_run": False}
    found = hub.plan(root, manifest, [])
    size = sum(facts["bytes"] for facts in manifest["files"])
    console.print(
        f"publish: would upload {len(found['upload'])} files, {size:,} bytes, to {repo or '(export.repo is empty)'} as "
        f"v{manifest['version']}; add --upload to do it.",
    )
    return {"repo": repo, "tag": f"v{manifest['version']}", "new": False, "dry_run": True, **found}
