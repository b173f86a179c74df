"""Files are whole or absent, with exactly the bytes and permissions that were asked for, and names tell formats."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from builder.errors import StoreError
from builder.scheme import Label
from builder.store import (
    PRIVATE,
    PUBLIC,
    atomic,
    atomic_folder,
    canonical,
    digest,
    file_digest,
    permit,
    quick_yaml,
    read_json,
    suffixes,
    sync_tree,
    write_json,
    write_table,
    write_text,
)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("news/2024.JSONL.GZ", (".jsonl", ".gz")),
        ("a.csv.zst", (".csv", ".zst")),
        ("a.xml.xz", (".xml", ".xz")),
        ("a.txt.bz2", (".txt", ".bz2")),
        ("a.b.TXT", (".txt", "")),
        ("a.gz", ("", ".gz")),
        ("x.d/a", ("", "")),
    ],
)
def test_suffixes_name_the_format_and_the_compression(path: str, found: tuple[str, str]) -> None:
    assert suffixes(path) == found


def test_a_digest_tells_where_parts_begin(tmp_path: Path) -> None:
    known = hashlib.sha256(bytes(7) + b"\x02\xc3\xa9" + bytes(7) + b"\x01b").hexdigest()
    assert digest("é", "b") == digest("é".encode(), b"b") == known
    assert digest("ab") != digest("a", "b") != digest("b", "a")
    (tmp_path / "a").write_bytes(b"ab")
    assert file_digest(tmp_path / "a") == hashlib.sha256(b"ab").hexdigest()


def test_canonical_json_leaves_no_choice() -> None:
    found = canonical({"b": [1, None], "a": Path("x", "y"), "é": Label("L")})
    assert found == '{"a":"x/y","b":[1,null],"é":' + canonical(vars(Label("L"))) + "}"
    for value in ({1}, Label):
        with pytest.raises(TypeError, match="has no canonical form"):
            canonical(value)


def test_others_may_read_what_is_public_alone() -> None:
    assert (PRIVATE, PUBLIC) == (0o600, 0o644)


@pytest.mark.parametrize(("asked", "folder"), [(0o600, 0o700), (0o644, 0o755)])
def test_folders_may_be_entered_by_whom_may_read(tmp_path: Path, asked: int, folder: int) -> None:
    root = tmp_path / "root"
    (root / "inside").mkdir(parents=True)
    (root / "inside" / "file").touch(0o777)
    permit(root, asked)
    assert (mode(root), mode(root / "inside"), mode(root / "inside" / "file")) == (folder, folder, asked)


def test_a_file_takes_its_place_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, synced = tmp_path / "new" / "inside" / "file", list[int]()
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    with atomic(path) as temporary:
        temporary.write_text("whole")
        assert (temporary.parent, mode(temporary)) == (path.parent, 0o600)
        assert temporary.name.startswith(".file.")
        assert not path.exists()
    assert (path.read_text(), mode(path), synced) == ("whole", 0o600, [path.stat().st_ino])
    with atomic(path, 0o644) as temporary:
        temporary.write_text("again")
    assert (path.read_text(), mode(path)) == ("again", 0o644)


def test_a_folder_takes_its_place_when_it_is_whole_and_replaces_none(tmp_path: Path) -> None:
    path = tmp_path / "new" / "inside" / "folder"
    with atomic_folder(path) as temporary:
        (temporary / "file").touch(0o644)
        assert temporary.parent == path.parent
        assert temporary.name.startswith(".folder.")
    assert (mode(path), mode(path / "file")) == (0o700, 0o600)
    with pytest.raises(StoreError, match=r"folder exists already"), atomic_folder(path):
        pass
    with atomic_folder(path.with_name("public"), 0o644) as temporary:
        (temporary / "file").touch(0o600)
    assert (mode(path.with_name("public")), mode(path.with_name("public") / "file")) == (0o755, 0o644)
    assert sorted(p.name for p in path.parent.iterdir()) == ["folder", "public"]


@pytest.mark.parametrize("kind", [atomic, atomic_folder])
def test_what_is_not_finished_leaves_nothing(
    tmp_path: Path, kind: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    def stop() -> None:
        with kind(tmp_path / "x") as temporary:
            (temporary / "part" if temporary.is_dir() else temporary).write_text("part")
            raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        stop()
    assert list(tmp_path.iterdir()) == []


def test_text_and_json_are_written_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_text(path, "a\r\nb\né")
    assert (path.read_bytes(), mode(path)) == (b"a\r\nb\n\xc3\xa9", 0o600)
    write_json(path, {"b": [1], "a": Path("x", "y"), "é": Label("L")}, 0o644)
    assert path.read_bytes().decode().startswith('{\n  "a": "x/y",\n  "b": [\n    1\n  ],\n  "é": {\n')
    assert (path.read_bytes()[-3:], mode(path)) == (b"\n}\n", 0o644)
    assert read_json(path) == {"a": "x/y", "b": [1], "é": json.loads(canonical(Label("L")))}
    write_json(path, 1)
    assert mode(path) == 0o600


def test_a_missing_file_is_no_value_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    assert read_json(path) is None
    for damaged in (b"{", b'"\xff"'):
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"file\.json is not what was written there: .*\. Restore it"):
            read_json(path)


def test_a_table_is_written_compressed_and_the_same_gives_the_same_bytes(tmp_path: Path) -> None:
    table = pa.table({"word": ["a", None]})
    for name in "ab":
        write_table(tmp_path / name, table)
    assert pq.read_table(tmp_path / "a").equals(table)
    assert pq.ParquetFile(tmp_path / "a").metadata.row_group(0).column(0).compression == "ZSTD"
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert mode(tmp_path / "a") == 0o600


def test_every_file_and_folder_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is inside a folder before the folder itself; and no handle is left open."""
    root, handles, synced = tmp_path / "root", list[int](), list[int]()
    (root / "a").mkdir(parents=True)
    (root / "a" / "b").touch()

    def fsync(handle: int) -> None:
        handles.append(handle)
        synced.append(os.fstat(handle).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    sync_tree(root)
    assert synced == [path.stat().st_ino for path in (root / "a" / "b", root / "a", root)]
    for handle in handles:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(handle)


def test_quick_yaml_takes_libyaml_and_puts_the_loader_back() -> None:
    loader = yaml.SafeLoader
    with contextlib.suppress(KeyError), quick_yaml():
        assert yaml.SafeLoader is yaml.CSafeLoader
        raise KeyError
    assert yaml.SafeLoader is loader
