"""Versions: which folders are releases, and how people name them."""

import hashlib
import json
from pathlib import Path

import pytest
from packaging.version import Version

from builder.errors import ReleaseError
from builder.release.manifest import (
    File,
    data_files,
    encode,
    files,
    find_release,
    next_version,
    outline,
    parse,
    read,
    releases,
    seal,
)
from builder.release.settings import Dataset
from tests.release.test_croissant import manifest
from tests.release.world import sample


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "manifest.json").write_text("{}", encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["v01.0.0", "v1.0", "v1.0.0.0", "x1.0.0", "v1.0.0 ", ""])
def test_other_names_are_no_versions(name: str) -> None:
    assert parse(name) is None


def test_releases_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = made(tmp_path, "v1.10.0", "v1.9.0", "v2.0.0", "drafts", "1.5.0")
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


def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"has no manifest\.json"):
        read(tmp_path)
    path = tmp_path / "manifest.json"
    for content in (b"{", b"[]", b'{"format": 3}', b'{"name": "\xff"}'):
        path.write_bytes(content)
        with pytest.raises(ReleaseError, match=r"manifest\.json is no manifest of a release"):
            read(tmp_path)
    root = sample(tmp_path / "world", 3).export().folder
    text = (root / "manifest.json").read_text("utf-8")
    path.write_text(text, "utf-8")
    assert read(tmp_path) == read(root)
    assert outline(tmp_path).digest == read(root).digest
    for old, new in (('"recorded": true', '"recorded": false'), ('"version": "1.0.0"', '"version": "1.0.1"')):
        path.write_text(text.replace(old, new, 1), "utf-8")
        with pytest.raises(ReleaseError, match="was changed after it was written"):
            outline(tmp_path)
    path.write_text(text.replace(f'"digest": "{read(root).digest}"', '"digest": ""'), "utf-8")
    with pytest.raises(ReleaseError, match="was changed after it was written"):
        outline(tmp_path)
    other = json.loads(text) | {"format": 4}
    del other["digest"]
    path.write_text(json.dumps(other), "utf-8")
    assert outline(tmp_path).version == "1.0.0"
    with pytest.raises(ReleaseError, match="has format 4, and this version of the builder reads format 3"):
        read(tmp_path)


def test_files_are_listed_in_order_without_the_manifest_and_its_signature(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a", "manifest.json", "manifest.json.sig", "b/manifest.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, "utf-8")
    found = files(tmp_path, {"b/1": "known"})
    assert [(file.path, file.bytes) for file in found] == [("a", 1), ("b/1", 3), ("b/2", 3), ("b/manifest.json", 15)]
    assert [file.sha256 for file in found if file.path.startswith("b/1")] == ["known"]
    assert found[0].sha256 == hashlib.sha256(b"a").hexdigest()


def test_a_seal_lists_every_file_and_keeps_the_hashes_that_are_known(tmp_path: Path) -> None:
    found = manifest(Dataset(), files=[File("a", 9, "known"), File("gone", 1, "old")])
    (tmp_path / "a").write_text("a", "utf-8")
    (tmp_path / "b").write_text("b", "utf-8")
    (tmp_path / "manifest.json.sig").write_text("of another manifest", "utf-8")
    seal(tmp_path, found, "")
    assert found.files == [File("a", 1, "known"), File("b", 1, hashlib.sha256(b"b").hexdigest())]
    assert (tmp_path / "manifest.json").read_text("utf-8") == encode(found)
    assert read(tmp_path) == found
    assert not (tmp_path / "manifest.json.sig").exists()
    seal(tmp_path, found, "")
    assert read(tmp_path) == found
    with pytest.raises(ReleaseError, match="cannot sign"):
        seal(tmp_path, found, str(tmp_path / "no-key"))


def test_the_files_of_a_split_are_in_order_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("test-00001-of-00002", "test-00000-of-00002", "test-00000", "test_more-00000-of-00001"):
        (tmp_path / "a" / f"{name}.parquet").touch()
    assert [path.stem for path in data_files(tmp_path, "a", "test")] == ["test-00000-of-00002", "test-00001-of-00002"]
