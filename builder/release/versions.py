"""Releases in a folder and on the Hugging Face Hub: their versions, and which files are theirs."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.errors import ReleaseError

if TYPE_CHECKING:
    from builder.release.manifest import Manifest

_NAME = re.compile(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\Z")


class Version(NamedTuple):
    """Major: columns or labels changed. Minor: rows were added or removed. Patch: labels or the card were corrected."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def folder(self) -> str:
        """Name of the release's folder."""
        return f"v{self}"

    def after(self, level: str) -> "Version":
        """The next version for a change of this level.

        >>> Version(1, 2, 3).after("minor").folder
        'v1.3.0'
        """
        major, minor, patch = self
        steps = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}
        return Version(*steps.get(level, self))


FIRST = Version(1, 0, 0)


def parse(name: str) -> Version | None:
    """The version of a folder name such as `v1.2.0` (or `1.2.0`), or None."""
    found = _NAME.match(name if name.startswith("v") else f"v{name}")
    return Version(*map(int, found.groups())) if found else None


def releases(folder: Path) -> list[tuple[Version, Path]]:
    """Every finished release in the folder, oldest version first."""
    if not folder.is_dir():
        return []
    found = [(parse(path.name), path) for path in folder.iterdir() if path.name.startswith("v")]
    return sorted((version, path) for version, path in found if version and (path / "manifest.json").is_file())


def find_release(folder: Path, name: str) -> Path:
    """The folder of a release named by version, path or `latest`; raises `ReleaseError` when there is none."""
    known = dict(releases(folder))
    if name in ("", "latest") and known:
        return list(known.values())[-1]
    version = parse(name)
    if version in known:
        return known[version]
    if (Path(name) / "manifest.json").is_file():
        return Path(name)
    if not known:
        raise ReleaseError(f"There is no release in {folder} yet.", "Run `builder export` first.")
    here = ", ".join(v.folder for v in known)
    raise ReleaseError(f"There is no release {name} in {folder}.", f"There are: {here}.")


def data_files(release: Path, configuration: str, split: str) -> list[Path]:
    """The Parquet files of a split, in order."""
    return sorted((release / configuration).glob(f"{split}-?????-of-?????.parquet"))


def release_name(dataset: str, variant: str) -> str:
    """The name of the dataset, followed by the variant when there is one: also the name of its folder of releases."""
    return f"{dataset}-{variant}" if variant else dataset


@dataclass(frozen=True)
class Published:
    """What is on the Hub, or would be. `new` is False when the tag was there already, or nothing was uploaded."""

    repo: str
    tag: str
    new: bool = False
    commit: str = ""
    files: list[str] = field(default_factory=list)


def files_of(manifest: "Manifest") -> list[str]:
    """Paths of the files of a release, which are uploaded."""
    return sorted(["manifest.json", *(file.path for file in manifest.files)])


def upload(root: Path, manifest: "Manifest", repo: str, private: bool, endpoint: str | None) -> Published:
    """Makes the main branch hold exactly this release, in one commit, and tags it with the version.

    The Hub's `.gitattributes` stays. When the tag exists, nothing is done. The token comes from HF_TOKEN or the login
    of the Hub's own client. Raises `ReleaseError` when the Hub refuses.
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
        old = [
            path for path in api.list_repo_files(repo, repo_type="dataset") if path not in (*files, ".gitattributes")
        ]
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
