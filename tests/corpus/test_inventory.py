"""Shards hold every byte once, whatever their size, and new files disturb few of them."""

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus import inventory as inventory_module
from builder.corpus.files import RawFile, list_files, matcher
from builder.corpus.inventory import (
    SLICES,
    FileSlice,
    Inventory,
    file_slices,
    hash_files,
    shard_key,
    slice_files,
)
from builder.corpus.parts import read_sealed
from builder.corpus.records import Record
from builder.corpus.settings import Source
from builder.corpus.shard_tables import read_shard
from builder.errors import ConfigError, SourceError


def here(function: Callable[[Any], Any], items: Sequence[Any], light: bool = False) -> Iterator[tuple[int, Any]]:
    """Runs a function over items in this process."""
    return enumerate(map(function, items))


def lines(path: Path, count: int, size: int = 100) -> RawFile:
    path.write_text("".join(json.dumps({"text": f"{i} " + "x" * size}) + "\n" for i in range(count)))
    return RawFile(path.name, str(path), path.stat().st_size, 0)


def shard_of(cut: list[FileSlice]) -> pa.Table:
    return pa.Table.from_pylist([s._asdict() for s in cut], SLICES)


def shards_of(*slices: tuple[str, int], shard_mb: int = 1) -> list[pa.Table]:
    """The shards of whole files of these names and sizes."""
    hashes = [hashlib.sha256(name.encode()).digest() for name, _ in slices]
    rows = [FileSlice(name, b"", 0, -1, 0, size, h)._asdict() for (name, size), h in zip(slices, hashes, strict=True)]
    return Inventory(len(rows), pa.Table.from_pylist(rows, SLICES), (), shard_mb).shards


def test_a_large_file_of_lines_is_cut_at_line_ends(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", 1000)
    cut = list(file_slices(file, 10_000, {}))
    assert len(cut) > 5
    numbers = []
    for piece in cut:
        found = [r for r in read_shard(shard_of([piece]), Source()) if isinstance(r, Record)]
        assert found[0].record == piece.first
        numbers += [(r.record, int(r.raw.split()[0])) for r in found]
    assert numbers == [(i, i) for i in range(1000)]


def test_lines_of_two_bytes_a_character_are_not_slices(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", 1000)
    (tmp_path / "a.jsonl").write_bytes((tmp_path / "a.jsonl").read_text().encode("utf-16"))
    shard = shard_of(list(file_slices(file._replace(size=2 * file.size), 10_000, {})))
    found = [r for r in read_shard(shard, Source()) if isinstance(r, Record)]
    assert [int(r.raw.split()[0]) for r in found] == list(range(1000))


def test_lines_added_at_the_end_change_the_last_piece_only(tmp_path: Path) -> None:
    before = list(file_slices(lines(tmp_path / "a.jsonl", 1000), 10_000, {}))
    after = list(file_slices(lines(tmp_path / "a.jsonl", 1010), 10_000, {}))
    assert before[:-1] == after[: len(before) - 1]


@given(st.lists(st.integers(1, 200_000), max_size=80), st.integers(0, 79))
def test_a_new_file_moves_few_borders(sizes: list[int], where: int) -> None:
    old = [(f"{i:03}", n) for i, n in enumerate(sizes)]
    new = sorted([*old, (f"{where:03}-new", 5000)])
    a, b = {shard_key(s, "") for s in shards_of(*old)}, {shard_key(s, "") for s in shards_of(*new)}
    assert [path for s in shards_of(*new) for path in s["path"].to_pylist()] == [name for name, _ in new]
    # Those that differ lie between the new file and the next border that a file's hash sets.
    assert len(b - a) <= 3


def test_a_shard_is_full_at_its_limit_and_overhead_counts() -> None:
    limit = 1 << 20
    # The hash of these files ends no shard by itself, unless the file is large.
    quiet = [n for n in map(str, range(2000)) if len(shards_of((n, 2048), ("z", 1))) == 1][:2]
    first, second = sorted(quiet)
    assert len(shards_of((first, limit - 2048), ("z", 1))) == 2
    assert len(shards_of((first, 8), (second, limit - 4096 - 8), ("z", 1))) == 2
    assert 1 < len(shards_of(*((f"{i:05}", 0) for i in range(600)))) < 20
    assert shards_of() == []
    (shard,) = shards_of((first, 3), (second, 4))
    assert shard["size"].to_pylist() == [3, 4]
    assert shard_key(shard, "a") != shard_key(shard, "b")
    assert len(shard_key(shard, "a")) == 32
    # A part of a table has the key of a table of its own.
    assert (
        shard_key(shard.slice(1), "a") == shard_key(*shards_of((second, 4)), "a") != shard_key(shard.slice(0, 1), "a")
    )


def test_slices_of_a_file_have_the_digest_of_their_bytes(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", 1000)
    data = Path(file.address).read_bytes()
    slices = list(file_slices(file, 10_000, {}))
    assert [(s.begin, s.end) for s in slices] == list(pairwise([0, *(s.end for s in slices)]))
    assert slices[-1].end == len(data)
    for s in slices:
        assert s.size == s.end - s.begin
        assert s.sha256 == hashlib.sha256(data[s.begin : s.end]).digest()
        assert data[s.end - 1 : s.end] == b"\n"
        assert 10_000 <= s.size < 10_200 or s is slices[-1]
    (whole,) = file_slices(file, len(data), {})
    assert whole[2:] == (0, -1, 0, len(data), hashlib.sha256(data).digest())
    assert len(list(file_slices(file, len(data) - 1, {}))) == 1


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(tmp_path: Path) -> None:
    raw, inventory = tmp_path / "raw", tmp_path / "inventory.parquet"
    raw.mkdir()
    path = raw / "a.txt"
    path.write_text("One.")
    old = time.time_ns() - 10**10
    os.utime(path, ns=(old, old))
    (file,) = list_files(str(raw), Source())[0]
    settled = RawFile(file.path, file.address, file.size, 7, 1)
    first, _ = slice_files([settled], Source(), inventory, here)
    path.write_text("Two.")
    assert slice_files([settled], Source(), inventory, here)[0] == first
    # The change time tells, though size and modification time are the old ones.
    os.utime(path, ns=(old, old))
    (changed,) = list_files(str(raw), Source())[0]
    assert changed.stamp != file.stamp
    assert slice_files([changed], Source(), inventory, here)[0] != first


def test_a_file_just_written_is_not_trusted(tmp_path: Path) -> None:
    raw, inventory = tmp_path / "raw", tmp_path / "inventory.parquet"
    raw.mkdir()
    (raw / "a.txt").write_text("One.")
    files, _ = list_files(str(raw), Source())
    first, _ = slice_files(files, Source(), inventory, here)
    (raw / "a.txt").write_text("Two.")
    assert slice_files(files, Source(), inventory, here)[0] != first


def test_a_file_that_vanishes_is_a_reject(tmp_path: Path) -> None:
    gone = RawFile("a.txt", str(tmp_path / "a.txt"), 1, 0)
    found, rejects = slice_files([gone], Source(), tmp_path / "inventory.parquet", here)
    assert found.num_rows == 0
    assert [r.reason for r in rejects] == ["unreadable"]


def test_rejects_are_in_the_order_of_paths_whichever_is_found_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory_module, "_BATCH", 1)
    gone = [RawFile(name, str(tmp_path / name), 1, 0) for name in ("a.txt", "b.txt", "c.txt")]

    def backwards(function: Callable[[Any], Any], items: Sequence[Any], light: bool) -> Any:
        return reversed(list(here(function, items)))

    _, rejects = slice_files(gone, Source(), tmp_path / "cache", backwards)
    assert [r.source_path for r in rejects] == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.parametrize(("before", "again"), [(2_000_000_000, True), (2_000_000_001, False)])
def test_a_file_changed_two_seconds_before_it_is_listed_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, again: bool
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 10**18)
    file = lines(tmp_path / "a.jsonl", 10)._replace(stamp=1, changed=10**18 - before)
    ran: list[int] = []

    def run(function: Callable[[Any], Any], items: Sequence[Any], light: bool) -> Any:
        ran.append(len(items))
        return here(function, items)

    for _ in range(2):
        slice_files([file], Source(), tmp_path / "cache", run)
    assert ran == [1, int(again)]


def test_an_archive_that_is_replaced_is_hashed_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "news.zip"

    def hashed(text: bytes) -> bytes:
        with zipfile.ZipFile(tmp_path / "new", "w") as archive:
            archive.writestr("a.txt", text)
        (tmp_path / "new").replace(path)
        file = RawFile("news.zip/a.txt", f"zip://a.txt::{path}", len(text), 0)
        ((row,), _) = hash_files(([(0, file)], 1 << 20, {}))
        digest: bytes = row[-1]
        return digest

    for text in (b"One.", b"Two."):
        assert hashed(text) == hashlib.sha256(text).digest()


def test_patterns() -> None:
    names = ["a.txt", "b/c.txt", "b/d/e.md", "b/x1.txt"]

    def chosen(*patterns: str) -> list[str]:
        return [n for n in names if matcher(list(patterns)).match(n)]

    assert chosen("**/*") == names
    assert chosen("*.txt") == ["a.txt"]
    assert chosen("b/**") == names[1:]
    assert chosen("**/[!a-w]?.txt", "**/*.md") == ["b/d/e.md", "b/x1.txt"]
    assert chosen() == []


def test_a_pattern_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match=re.escape("a**")):
        matcher(["a**"])
    assert not matcher(["[z-a]*"]).match("z")


def test_a_raw_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="pipe cannot be read"):
        list_files(str(tmp_path / "pipe"), Source())


def test_odd_folders(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "new\nline.txt").write_text("x")
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "nowhere.txt").symlink_to(tmp_path / "gone")
    (tmp_path / "self.txt").symlink_to("self.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    files, rejects = list_files(str(tmp_path), Source())
    assert [f.path for f in files] == ["sub/new\nline.txt"]
    assert {r.source_path: r.reason for r in rejects} == {
        "nowhere.txt": "not-a-file",
        "self.txt": "not-a-file",
        "pipe.txt": "not-a-file",
        "sub/loop": "symlink-loop",
    }


def test_links_that_leave_the_raw_folder_are_read_on_request_only(tmp_path: Path) -> None:
    (tmp_path / "raw" / "in").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    for path in ("out/secret.txt", "raw/in/a.txt"):
        (tmp_path / path).write_text("x")
    (tmp_path / "raw" / "file.txt").symlink_to(tmp_path / "out" / "secret.txt")
    (tmp_path / "raw" / "folder").symlink_to(tmp_path / "out")
    (tmp_path / "raw" / "inside.txt").symlink_to(tmp_path / "raw" / "in" / "a.txt")
    files, rejects = list_files(str(tmp_path / "raw"), Source())
    assert [f.path for f in files] == ["in/a.txt", "inside.txt"]
    assert {r.source_path: r.reason for r in rejects} == {"file.txt": "outside", "folder": "outside"}
    files, rejects = list_files(str(tmp_path / "raw"), Source(follow_links=True))
    assert [f.path for f in files] == ["file.txt", "folder/secret.txt", "in/a.txt", "inside.txt"]
    assert rejects == []


def test_folders_in_folders_beyond_what_python_calls(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("a.txt", os.O_CREAT, dir_fd=here))
    os.close(here)
    found, _ = list_files(str(tmp_path), Source())
    # What Python removes folders with calls itself, too.
    subprocess.run(["rm", "-r", tmp_path / "d"], check=True)
    assert [f.path for f in found] == ["d/" * 1100 + "a.txt"]


def test_a_glob_a_file_and_an_address(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.md"):
        (tmp_path / name).write_text("x")
    assert [f.path for f in list_files(f"{tmp_path}/*.txt", Source())[0]] == ["a.txt", "b.txt"]
    assert [f.path for f in list_files(f"{tmp_path}/c.md", Source())[0]] == ["c.md"]
    assert [f.path for f in list_files(f"file://{tmp_path}", Source())[0]] == ["a.txt", "b.txt", "c.md"]


def test_a_compressed_archive_is_read_from_its_beginning_a_few_times_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raw").mkdir()
    names = [f"{i * 7 % 40:02}.txt" for i in range(40)]
    with tarfile.open(tmp_path / "raw" / "all.tar.gz", "w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 5000
            archive.addfile(member, io.BytesIO(name.encode() + os.urandom(4994)))
    rewinds = []
    plain = gzip.GzipFile.rewind
    monkeypatch.setattr(gzip.GzipFile, "rewind", lambda self: (rewinds.append(1), plain(self)))
    reader = gzip._GzipReader  # type: ignore[attr-defined]
    again = reader._rewind
    monkeypatch.setattr(reader, "_rewind", lambda self: (rewinds.append(1), again(self)))
    files, _ = list_files(str(tmp_path / "raw"), Source())
    assert [f.path for f in files] == [f"all.tar.gz/{name}" for name in names]
    slices, _ = slice_files(files, Source(), tmp_path / "cache", here)
    assert slices["path"].to_pylist() == [f.path for f in files]
    assert slices["size"].to_pylist() == [5000] * 40
    assert len(list(read_shard(slices, Source()))) == 40
    assert 1 <= len(rewinds) <= 4


def test_a_damaged_inventory_is_made_again(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", 10)._replace(stamp=1)
    cache = tmp_path / "inventory.parquet"
    first = slice_files([file], Source(), cache, here)
    whole = cache.read_bytes()
    for damaged in (whole[:-9], whole.replace(b"sha256", b"sha265"), b"\xff"):
        cache.write_bytes(damaged)
        assert slice_files([file], Source(), cache, here) == first
        assert cache.read_bytes() == whole


def test_a_folder_without_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        list_files(str(tmp_path), Source())
    assert caught.value.message == f"The raw folder {tmp_path} holds no files to read."
    assert "source.include" in caught.value.hint


def test_the_key_of_a_shard_depends_on_every_path_place_and_byte_of_it() -> None:
    def key(settings: str = "", **columns: list[Any]) -> str:
        usual = {"path": ["a", "bc"], "address": [b"x", b"y"], "begin": [0, 0], "end": [-1, -1], "first": [0, 0]}
        usual |= {"size": [1, 1], "sha256": [bytes(32), bytes(32)]}
        return shard_key(pa.table([pa.array((usual | columns)[f.name], f.type) for f in SLICES], SLICES), settings)

    others = [
        key("x"), key(path=["a", "bd"]), key(path=["ab", "c"]), key(first=[0, 1]),
        key(sha256=[bytes(32), bytes(31) + b"1"]),
    ]  # fmt: skip
    assert len({key(), *others}) == 6
    assert len(key()) == 32
    assert key(address=[b"x", b"z"]) == key(size=[1, 2]) == key()


def test_progress_counts_the_bytes_that_are_known_and_those_that_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory_module, "_RACE_NS", -(1 << 62))  # every file counts as settled
    (tmp_path / "raw").mkdir()
    said: list[tuple[str, int, int | None]] = []

    def listed() -> list[tuple[str, int, int | None]]:
        said.clear()
        cache = tmp_path / "inventory"
        inventory_module.inventory(
            str(tmp_path / "raw"),
            Source(),
            cache,
            lambda f, some, light: enumerate(map(f, some)),
            lambda *s: said.append(s),
        )
        return said

    (tmp_path / "raw" / "a.txt").write_text("abc")
    assert listed() == [("listing", 0, 3), ("listing", 0, 3), ("listing", 3, 3)]
    (tmp_path / "raw" / "b.txt").write_text("defgh")
    assert listed() == [("listing", 0, 8), ("listing", 3, 8), ("listing", 8, 8)]
    assert listed() == [("listing", 0, 8), ("listing", 8, 8)]


def test_workers_hash_64_megabytes_at_once_and_are_started_for_32(tmp_path: Path) -> None:
    own, mb = 2048, 1 << 20  # what every file counts for besides its size

    def asked(*sizes: int) -> tuple[list[int], bool]:
        """How many files each task has, and whether the work is light."""
        files = [RawFile(f"{i}.txt", "", size, 1) for i, size in enumerate(sizes)]
        tasks: list[int] = []
        how: list[bool] = []

        def run(_: Any, items: Sequence[Any], light: bool) -> Iterator[tuple[int, Any]]:
            tasks.extend(len(batch) for batch, _, _ in items)
            how.append(light)
            return iter(())

        slice_files(files, Source(), tmp_path / "none", run)
        return tasks, how[0]

    assert asked(64 * mb - own, 1, 1) == ([1, 2], False)
    assert asked(64 * mb - own - 1, 1, 1) == ([2, 1], False)
    assert asked(32 * mb - own - 1) == ([1], True)
    assert asked(32 * mb - own) == ([1], False)


def test_the_inventory_is_written_only_when_files_are_new_or_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [lines(tmp_path / name, 10)._replace(stamp=1) for name in ("a.jsonl", "b.jsonl")]
    written: list[Path] = []
    real = inventory_module.write_sealed
    monkeypatch.setattr(inventory_module, "write_sealed", lambda path, data: (written.append(path), real(path, data)))
    for listed, times in ((files, 1), (files, 1), (files[:1], 2), (files[:1], 2), (files, 3)):
        found, _ = slice_files(listed, Source(), tmp_path / "cache", here)
        assert (len(written), found.num_rows) == (times, len(listed))
    held = pq.ParquetFile(pa.py_buffer(read_sealed(tmp_path / "cache")))
    assert held.metadata.row_group(0).column(0).compression == "ZSTD"


def test_slices_of_another_size_are_not_those_that_are_remembered(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", 20, 80_000)._replace(stamp=1)
    for shard_mb, slices in ((1, 2), (2, 1), (1, 2)):
        assert slice_files([file], Source(shard_mb=shard_mb), tmp_path / "cache", here)[0].num_rows == slices
