"""A release on the Hugging Face Hub: one commit, then a tag."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.errors import ReleaseError
from builder.release.manifest import Manifest

_OF_THE_HUB = ".gitattributes"


@dataclass(frozen=True)
class Published:
    """What is on the Hub, or would be. `new` is False when the tag was there already, or nothing was uploaded."""

    repo: str
    tag: str
    new: bool = False
    commit: str = ""
    files: list[str] = field(default_factory=list)


def files_of(manifest: Manifest) -> list[str]:
    """Paths of the files of a release, which are uploaded."""
    return sorted(["manifest.json", *(file.path for file in manifest.files)])


def upload(root: Path, manifest: Manifest, repo: str, private: bool, endpoint: str | None) -> Published:
    """Makes the main branch hold exactly this release, in one commit, and tags it with the version.

    Files of earlier releases are deleted in the same commit; `.gitattributes`, which is the Hub's, stays. When the tag
    exists, the release was published before and nothing is done. The token comes from the environment (HF_TOKEN) or the
    login of the Hub's own client. Raises `ReleaseError` when the Hub refuses.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api = HfApi(endpoint=endpoint)
    tag = f"v{manifest.version}"
    try:
        api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        if tag in {ref.name for ref in api.list_repo_refs(repo, repo_type="dataset").tags}:
            return Published(repo, tag)
        # Not `upload_folder`, which may make several commits: a reader in between would load a mixture.
        files = files_of(manifest)
        old = [path for path in api.list_repo_files(repo, repo_type="dataset") if path not in (*files, _OF_THE_HUB)]
        operations: list[Any] = [
            *(CommitOperationDelete(path) for path in sorted(old)),
            *(CommitOperationAdd(path, root / path) for path in files),
        ]
        commit = api.create_commit(
            repo, operations, commit_message=f"{manifest.name} {tag}", repo_type="dataset", revision="main"
        )
        api.create_tag(repo, tag=tag, revision=commit.oid, repo_type="dataset")
    except Exception as e:  # the client's HTTP library, and so its errors, change from version to version
        raise ReleaseError(
            f"The Hub did not take {repo} {tag}: {e}.", "Check HF_TOKEN and export.repo, then run again."
        ) from e
    return Published(repo, tag, True, commit.oid, files)
