"""Patterns for paths mean what fsspec says, and no pattern makes a path take long."""

import hashlib
import os
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.utils import glob_translate
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.files import RawFile, _split_glob, list_files, matcher
from builder.corpus.records import Reject
from builder.corpus.settings import Source
from builder.errors import ConfigError, SourceError

SEGMENTS = ["*", "**", "a", "a*", "*a", "*a*b", "?b", "[ab]*", "[!a]", "b*a*", "[*]", "x.y", "*.*", "[]a]"]
NAMES = ["a", "b", "ab", "ba", "aab", "bab", "abab", "x.y", "*", "xxy", "]", "b.b"]


@given(
    st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=5).map("/".join),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=6).map("/".join),
)
def test_a_pattern_means_what_it_means_elsewhere(pattern: str, path: str) -> None:
    assert bool(matcher([pattern]).match(path)) == bool(re.match(glob_translate(pattern), path))


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("**/" * 12 + "x", "a/" * 5000 + "y"),
        ("/".join(["**", "a"] * 12) + "/x", "a/" * 5000 + "y"),
        ("*a" * 12 + "x", "a" * 10_000 + "y"),
        ("**/" + "*a" * 6 + "*/**/x", "aaaaaaaa/" * 2000 + "y"),
        ("**/*/" * 12 + "x", "a/" * 5000 + "y"),
    ],
)
@pytest.mark.timeout(20)
def test_no_pattern_takes_long(pattern: str, path: str) -> None:
    """Tried in every way, each of these would take years."""
    assert not matcher([pattern]).match(path)
    assert matcher([pattern]).match(re.sub("y$", "a/x" if pattern.endswith("/x") else "ax", path))


def test_several_patterns_are_alternatives() -> None:
    either = matcher(["a/*", "b/**"])
    assert [bool(either.match(path)) for path in ("a/x", "a/x/y", "b/x/y", "c")] == [True, False, True, False]
    assert not matcher([]).match("a")
    with pytest.raises(ConfigError, match=r"patterns x, a\*\* is not valid"):
        matcher(["x", "a**"])


def test_what_cannot_be_listed_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="none does not exist"):
        list_files(str(tmp_path / "none"), Source())
    with pytest.raises(SourceError, match="holds no files to read"):
        list_files(str(tmp_path), Source())
    with pytest.raises(SourceError, match=r"^nosuch://bucket/ cannot be listed: ValueError: "):
        list_files("nosuch://bucket/", Source())

    def missing(*_: object, **__: object) -> Any:
        raise ImportError("install s3fs")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(SourceError, match="s3://bucket needs a package that is not installed: install s3fs"):
        list_files("s3://bucket", Source())


def test_files_at_an_address_are_listed_like_those_of_a_folder() -> None:
    system = fsspec.filesystem("memory")
    for name in ("b.txt", "in/a.txt", ".hidden/a.txt", "in/.a.txt", "in/c.md"):
        system.pipe(f"/listed/{name}", b"text of " + name.encode())
    files, rejects = list_files("memory://listed", Source(include=["**/*.txt"]))
    assert [(f.path, f.address, f.size, f.changed) for f in files] == [
        ("b.txt", "memory://listed/b.txt", 13, 0), ("in/a.txt", "memory://listed/in/a.txt", 16, 0),
    ]  # fmt: skip
    assert rejects == []
    before = files[0].stamp
    assert before > 0
    assert list_files("memory://listed", Source())[0][0].stamp == before
    assert [f.path for f in list_files("memory://listed/in/*.md", Source())[0]] == ["c.md"]
    (one,) = list_files("memory://listed/b.txt", Source())[0]
    assert (one.path, one.address, one.stamp) == ("b.txt", "memory://listed/b.txt", before)


def test_a_listing_says_of_each_file_what_its_system_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    system = fsspec.filesystem("memory")
    listing: dict[str, dict[str, Any]] = {
        "/told/a.txt": {"type": "file", "size": 3},
        "/told/b.txt": {"type": "file", "size": None, "ETag": "x", "mtime": 7, "color": "red"},
        "/told/c": {"type": "link", "size": 1},
        "/told/d.txt": {"type": "directory", "size": 0},
        "/told/e?f.txt": {"size": 1, "ETag": "x", "mtime": 8},
    }
    monkeypatch.setattr(type(system), "find", lambda *_, **__: listing)
    files, rejects = list_files("memory://told", Source())

    def stamp(marks: bytes) -> int:
        """Less than what a column of the inventory holds."""
        return int.from_bytes(hashlib.sha256(marks).digest()[:7], "big")

    assert files == [
        RawFile("a.txt", "memory://told/a.txt", 3, 0),
        RawFile("b.txt", "memory://told/b.txt", 0, stamp(b"x:7")),
        RawFile("e?f.txt", "memory://told/e?f.txt", 1, stamp(b"x:8")),
    ]
    assert rejects == [Reject("c", None, "not-a-file", "is a link")]


def test_an_address_of_files_alone_or_of_everything_is_listed() -> None:
    fsspec.filesystem("memory").pipe("/single/a.txt", b"a")
    for raw in ("memory://single/a.txt", "memory://single", "memory://single/", "memory://single/*", "memory://sin*/*"):
        (one,) = list_files(raw, Source(include=["**/a.txt"]))[0]
        assert (one.path.split("/")[-1], one.address, one.size) == ("a.txt", "memory://single/a.txt", 1), raw


def test_a_glob_begins_at_the_folder_before_its_first_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _split_glob("/*.txt", []) == ("/", ["*.txt"])
    assert _split_glob("*.txt", []) == (".", ["*.txt"])
    assert _split_glob("a/b/*/c.txt", []) == ("a/b", ["*/c.txt"])
    assert _split_glob("s3://a/b/*/c.txt", []) == ("s3://a/b", ["*/c.txt"])
    assert _split_glob("zip://*.txt::s3://a/b.zip", []) == ("zip://::s3://a/b.zip", ["*.txt"])
    assert _split_glob("a/b", ["x"]) == ("a/b", ["x"])
    for name in ("in/a.txt", "in/b.md", "[x]/a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    for raw, paths in {
        "*/a.txt": ["[x]/a.txt", "in/a.txt"],
        "in/*.txt": ["a.txt"],
        "./in/?.md": ["b.md"],
        "[x]": ["a.txt"],  # the name of a folder that is there
        "[i]n/a.txt": ["in/a.txt"],
        f"{tmp_path}/in/*.md": ["b.md"],
    }.items():
        assert [f.path for f in list_files(raw, Source())[0]] == paths, raw


def test_files_are_in_the_order_of_their_paths_with_their_sizes_and_times(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a.txt", "c/.hidden", ".git/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    for name, year in (("a.txt", 1990), ("a/z.txt", 2090)):  # a time of change may be set to any
        os.utime(tmp_path / name, (0, (year - 1970) * 31_557_600))
    (tmp_path / "odd").symlink_to(tmp_path / "nowhere")
    files, rejects = list_files(str(tmp_path), Source(exclude=["b*"], follow_links=True))
    assert [(f.path, f.address, f.size) for f in files] == [
        (name, str(tmp_path / name), len(name)) for name in ("a.txt", "a/z.txt")
    ]
    stat = (tmp_path / "a.txt").stat()
    assert files[0].changed == stat.st_ctime_ns > stat.st_mtime_ns
    assert files[0].stamp == hash((stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    assert files[1].changed == (tmp_path / "a/z.txt").stat().st_mtime_ns > time.time_ns()
    assert rejects == [Reject("odd", None, "not-a-file", "a broken link, a pipe or a device")]
    assert list_files(f"file://{tmp_path}/a.txt", Source())[0] == [files[0]]
    assert isinstance(files[0], RawFile)


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ({}, ["a.txt", "b.txt"]),
        ({"include": ["news.zip"]}, ["a.txt", "b.txt"]),
        ({"include": ["news.zip/a.*"]}, ["a.txt"]),
        ({"exclude": ["news.zip/a.*"]}, ["b.txt"]),
        ({"exclude": ["news.zip"]}, []),
        ({"include": ["news.zip"], "exclude": ["**/b.txt"]}, ["a.txt"]),
    ],
)
def test_patterns_choose_files_in_an_archive_by_its_path_or_theirs(
    tmp_path: Path, patterns: dict[str, list[str]], names: list[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "news.zip", "w") as archive:
        for name in ("a.txt", "b.txt"):
            archive.writestr(name, name)
    (tmp_path / "other.md").write_text("x")
    files, _ = list_files(str(tmp_path), Source(**{"include": ["**/*"], **patterns}))
    assert [(f.path, f.size) for f in files if f.path != "other.md"] == [(f"news.zip/{name}", 5) for name in names]
