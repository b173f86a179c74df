"""A release on the Hugging Face Hub: one commit and a tag, and nothing on the repository that people put there."""

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from builder.errors import BuilderError, ReleaseError
from builder.release.manifest import UNLISTED, Manifest, Outline, outline
from builder.release.settings import Export

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_ATTRIBUTES = ".gitattributes"


@dataclass(frozen=True)
class Published:
    """What is on the Hub, or would be: the paths that a release adds, changes and deletes there, and those it keeps.

    `commit` is empty while nothing was uploaded, `new` is False then and when all of it was there already. `kept` are
    files that no release of the builder put there. `pull_request` is the address of one, if one was made.
    """

    repo: str
    tag: str
    new: bool = False
    commit: str = ""
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    pull_request: str = ""


def publish_release(
    root: Path,
    manifest: Manifest,
    settings: Export,
    *,
    upload: bool,
    prune: bool = False,
    pull_request: bool = False,
    endpoint: str | None = None,
) -> Published:
    """Makes the main branch hold this release, in one commit, and tags it with the version.

    Without `upload` the repository is only read. Files that no release put there stay, unless `prune`. A
    `pull_request` gets the commit instead of the main branch, and no tag. The token comes from HF_TOKEN or the login of
    the Hub's own client. Raises `ReleaseError` when the repository holds something newer or of another dataset, is
    public although private was asked for, or the Hub refuses.
    """
    from huggingface_hub import HfApi

    repo, tag = settings.repo, f"v{manifest.version}"
    own = {name: "" for name in UNLISTED if (root / name).exists()}
    own |= {file.path: file.sha256 for file in manifest.files}
    api = HfApi(endpoint=endpoint)
    with _explained(repo, tag):
        exists = bool(repo) and api.repo_exists(repo, repo_type="dataset")
        if not exists and not upload:
            return Published(repo, tag, added=sorted(own))
        if not exists:
            api.create_repo(repo, repo_type="dataset", private=settings.private)
        there = api.dataset_info(repo, files_metadata=True)
        if settings.private and not there.private:
            raise ReleaseError(
                f"{repo} is public, and export.private is true.",
                "Set export.private=false to publish it for everybody, or make the repository private first.",
            )
        if tag in {ref.name for ref in api.list_repo_refs(repo, repo_type="dataset").tags}:
            if _manifest(api, repo, tag).digest != manifest.digest:
                raise ReleaseError(
                    f"{repo} has a tag {tag} with other contents.",
                    "Export a new version, or delete the tag on the Hub if it was a mistake.",
                )
            return Published(repo, tag)
        files = {entry.rfilename: entry for entry in there.siblings or []}
        before = _released_before(api, repo, manifest, pull_request) if "manifest.json" in files else set()
        strangers = sorted(files.keys() - own.keys() - before - {_ATTRIBUTES})
        found = Published(
            repo, tag,
            added=sorted(own.keys() - files.keys()),
            changed=sorted(p for p in own.keys() & files.keys() if not _equal(files[p], root / p, own[p])),
            deleted=sorted((files.keys() & before) - own.keys()) + (strangers if prune else []),
            kept=[] if prune else strangers,
        )  # fmt: skip
        return _uploaded(api, root, found, settings, manifest.name, there.sha, pull_request) if upload else found


def _released_before(api: "HfApi", repo: str, manifest: Manifest, pull_request: bool) -> set[str]:
    """The paths of the release on the main branch; raises `ReleaseError` when this one may not take its place."""
    current = _manifest(api, repo, "main")
    if current.name != manifest.name:
        raise ReleaseError(f"{repo} holds {current.name}, not {manifest.name}.", "Name another export.repo.")
    if Version(current.version) > Version(manifest.version) and not pull_request:
        raise ReleaseError(
            f"{repo} holds v{current.version}, which is newer than v{manifest.version}.",
            "Publish the newest release, or add --pull-request to propose the older one.",
        )
    return {*UNLISTED, *(file.path for file in current.files)}


def _uploaded(
    api: "HfApi", root: Path, found: Published, settings: Export, name: str, parent: str | None, pull_request: bool
) -> Published:
    """The changes are one commit on top of `parent`, which is tagged unless it is proposed."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    if settings.gated != "no":
        api.update_repo_settings(found.repo, gated=settings.gated, repo_type="dataset")  # type: ignore[arg-type]
    commit, address = parent or "", ""
    operations = list[Any](CommitOperationDelete(path) for path in found.deleted)
    operations += [CommitOperationAdd(path, root / path) for path in (*found.added, *found.changed)]
    if operations:
        # Not `upload_folder`, which may make several commits: a reader in between would load a mixture. The parent
        # makes the Hub refuse it when somebody else changed the branch since it was looked at.
        made = api.create_commit(
            found.repo, operations, commit_message=f"{name} {found.tag}", repo_type="dataset", revision="main",
            create_pr=pull_request, parent_commit=parent,
        )  # fmt: skip
        commit, address = made.oid, made.pr_url or ""
    elif pull_request:
        return found
    if not pull_request:
        api.create_tag(found.repo, tag=found.tag, revision=commit, repo_type="dataset")
    return replace(found, new=True, commit=commit, pull_request=address)


@contextlib.contextmanager
def _explained(repo: str, tag: str) -> Iterator[None]:
    try:
        yield
    except BuilderError:
        raise
    except Exception as e:  # the client's HTTP library, and so its errors, change from version to version
        raise ReleaseError(
            f"The Hub did not take {repo} {tag}: {e}.",
            "Check HF_TOKEN and export.repo, then run again: files that arrived are not sent again.",
        ) from e


def _manifest(api: "HfApi", repo: str, revision: str) -> Outline:
    with tempfile.TemporaryDirectory() as folder:
        api.hf_hub_download(repo, "manifest.json", repo_type="dataset", revision=revision, local_dir=folder)
        return outline(Path(folder))


def _equal(entry: Any, path: Path, sha256: str) -> bool:
    """Whether a file of the repository has these contents: by sha256 of large files, else as git hashes them."""
    if entry.lfs:
        return bool(entry.lfs.sha256 == (sha256 or hashlib.sha256(path.read_bytes()).hexdigest()))
    content = path.read_bytes()
    return bool(entry.blob_id == hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest())
