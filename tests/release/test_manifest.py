"""Versions: which folders are releases, and how people name them."""

from pathlib import Path

import pytest
from packaging.version import Version

from builder.errors import ReleaseError
from builder.release.manifest import find_release, next_version, parse, releases


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "manifest.json").write_text("{}", encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["v01.0.0", "v1.0", "v1.0.0.0", "x1.0.0", "v1.0.0 ", ""])
def test_other_names_are_no_versions(name: str) -> None:
    assert parse(name) is None


def test_releases_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = made(tmp_path, "v1.10.0", "v1.9.0", "v2.0.0", "drafts")
    (folder / "v3.0.0").mkdir()
    assert [str(version) for version, _ in releases(folder)] == ["1.9.0", "1.10.0", "2.0.0"]
    assert releases(folder / "nowhere") == []


def test_a_release_is_found_by_version_by_path_and_as_the_latest(tmp_path: Path) -> None:
    folder = made(tmp_path / "story", "v1.0.0", "v1.1.0")
    made(tmp_path / "story-stance", "v1.0.0")
    assert find_release(folder, "") == find_release(folder, "latest") == folder / "v1.1.0"
    assert find_release(folder, "1.0.0") == find_release(folder, "v1.0.0") == folder / "v1.0.0"
    assert find_release(folder, str(folder / "v1.0.0")) == folder / "v1.0.0"
    assert find_release(folder, "story-stance/v1.0.0") == tmp_path / "story-stance/v1.0.0"
    with pytest.raises(ReleaseError, match=r"no release v9\.0\.0 .*v1\.0\.0, v1\.1\.0"):
        find_release(folder, "v9.0.0")
    with pytest.raises(ReleaseError, match="no release in"):
        find_release(tmp_path / "nowhere", "latest")


def test_the_next_version_follows_from_the_level() -> None:
    assert [str(next_version(Version("1.2.3"), level)) for level in ("major", "minor", "patch", "none")] == [
        "2.0.0", "1.3.0", "1.2.4", "1.2.3",
    ]  # fmt: skip
