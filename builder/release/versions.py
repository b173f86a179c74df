"""Releases in a folder: their versions, and which files are theirs."""

import re
from pathlib import Path
from typing import NamedTuple

from builder.errors import ReleaseError

_NAME = re.compile(r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\Z")


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
    found = _NAME.match(name)
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
    # A path, or a path in the folder of all releases, such as `news-stance/v1.0.0`.
    for path in (Path(name), folder.parent / name):
        if (path / "manifest.json").is_file():
            return path
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
