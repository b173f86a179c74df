"""A release on the Hugging Face Hub: one commit, then a tag."""

from pathlib import Path
from typing import Any

from builder.errors import ReleaseError

KEPT = (".gitattributes",)


def plan(root: Path, manifest: dict[str, Any], there: list[str]) -> dict[str, list[str]]:
    """Files to upload and files of an earlier release to delete, as paths in the repository."""
    upload = ["manifest.json", *(facts["path"] for facts in manifest["files"])]
    return {
        "upload": sorted(upload),
        "delete": sorted(path for path in there if path not in upload and path not in KEPT),
    }


def publish(root: Path, manifest: dict[str, Any], repo: str, private: bool, endpoint: str | None) -> dict[str, Any]:
    """The repository's main branch holds exactly this release, in one commit, under the tag of its version.

    A tag that is there already means the release was published: nothing is done. The token comes from the environment
    (HF_TOKEN) or the login of the Hub's own client. Raises `ReleaseError` when the Hub refuses.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi(endpoint=endpoint)
    tag = f"v{manifest['version']}"
    try:
        api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        tags = {ref.name for ref in api.list_repo_refs(repo, repo_type="dataset").tags}
        if tag in tags:
            return {"repo": repo, "tag": tag, "new": False, "upload": [], "delete": []}
        found = plan(root, manifest, list(api.list_repo_files(repo, repo_type="dataset")))
        operations: list[Any] = [CommitOperationDelete(path) for path in found["delete"]]
        operations += [CommitOperationAdd(path, root / path) for path in found["upload"]]
        commit = api.create_commit(
            repo, operations, commit_message=f"{manifest['name']} {tag}", repo_type="dataset", revision="main"
        )
        api.create_tag(repo, tag=tag, revision=commit.oid, repo_type="dataset")
    except (HfHubHTTPError, OSError) as e:
        raise ReleaseError(
            f"The Hub did not take {repo} {tag}: {e}.", "Check HF_TOKEN and export.repo, then run again."
        ) from e
    return {"repo": repo, "tag": tag, "new": True, "commit": commit.oid, **found}
