"""Damaged parts: whichever byte is flipped, the next tables are those of a fresh run."""

import os
from pathlib import Path
from typing import Any

import pytest

from builder.corpus.parts import discard, made, read_ranges, read_sealed, sound_counts, storage_at, write_sealed
from builder.corpus.settings import Chunking, Cleaning, Selection
from builder.errors import StoreError
from tests.benchmarks.corpus_data import Writer
from tests.corpus.workspace import Workspace

RAW_FILES = 5


def flip(path: Path, at: int) -> None:
    """Changes one bit of a byte in place, so that hard links change with it."""
    with path.open("r+b") as f:
        f.seek(at, 0 if at >= 0 else 2)
        byte = f.read(1)[0]
        f.seek(-1, 1)
        f.write(bytes([byte ^ 1]))


def groups(**selection: Any) -> dict[str, Any]:
    return {
        "cleaning": Cleaning(repeated_lines=3),
        "chunking": Chunking(max_tokens=40),
        "selection": Selection(**selection),
    }


@pytest.fixture
def work(tmp_path: Path) -> Workspace:
    """A corpus with a repeated line and near-duplicates, prepared once."""
    found = Workspace(str(tmp_path / "raw"), tmp_path / "work")
    writer = Writer()
    texts = ["\n".join([*writer.paragraphs(3), "Share this page"]) for _ in range(RAW_FILES)]
    for i, text in enumerate([*texts, texts[0].replace("\n", " again\n", 1), texts[1]]):
        found.put(f"{i}.txt", text)
    found.prepare(**groups())
    return found


def test_a_flipped_bit_in_any_part_reaches_no_later_table(work: Workspace, tmp_path: Path) -> None:
    fresh = Workspace(work.raw, tmp_path / "fresh")
    fresh.prepare(**groups(method="random", budget=4))
    names = [p.relative_to(work.folder) for p in sorted(work.parts.rglob("*")) if p.is_file()]
    assert {p.suffix for p in names} == {".json", ".bin", ".parquet", ".lines", ""}
    known = {"clusters", "articles", "chunks", "rejects", "index", "bands", "selected", "counts"}
    assert {p.stem for p in names} >= known
    for number, name in enumerate([*names, Path("inventory.parquet")]):
        size = (work.folder / name).stat().st_size
        flip(work.folder / name, (0, size // 2, size - 1)[number % 3])
        work.prepare(**groups(method="random", budget=4))
        assert work.digests() == fresh.digests(), name
        work.prepare(**groups())
        assert (work.folder / name).exists()


def test_a_lost_file_of_a_part_is_made_again(work: Workspace) -> None:
    before = work.digests()
    (articles,) = (path for path in work.parts.glob("*/articles.parquet"))
    articles.unlink()
    work.prepare(**groups())
    assert work.digests() == before


def test_every_bit_of_a_file_counts(tmp_path: Path) -> None:
    path, value = tmp_path / "file", bytes(range(90))
    assert read_sealed(path) is None
    write_sealed(path, value)
    assert read_sealed(path) == value
    data = path.read_bytes()
    for at in range(len(data)):
        flip(path, at)
        assert read_sealed(path) is None
        path.write_bytes(data)
    for size in (0, 1, len(data) // 2):
        path.write_bytes(data[:size])
        assert read_sealed(path) is None


def test_a_folder_is_made_once_and_again_when_it_is_damaged(tmp_path: Path) -> None:
    folder, calls = tmp_path / "part", []

    def make(temporary: Path) -> dict[str, Any]:
        calls.append(temporary)
        (temporary / "a").write_text("text")
        (temporary / "b").write_text("more")
        return {"rows": 1}

    assert sound_counts(folder) is None
    assert made(folder, make) == made(folder, make) == sound_counts(folder) == {"rows": 1}
    assert len(calls) == 1
    flip(folder / "a", 2)
    assert made(folder, make) == {"rows": 1}
    assert (len(calls), (folder / "a").read_text()) == (2, "text")
    (folder / "b").write_text("mor")
    assert made(folder, make) == {"rows": 1}
    assert (len(calls), (folder / "b").read_text()) == (3, "more")
    flip(folder / "counts.json", 20)
    assert sound_counts(folder) is None
    assert not folder.exists()


def test_another_attempt_may_finish_first(tmp_path: Path) -> None:
    folder = tmp_path / "part"

    def late(_: Path) -> dict[str, Any]:
        return made(folder, lambda _: {"rows": 2})

    def failing(_: Path) -> dict[str, Any]:
        raise StoreError("no space", "")

    assert made(folder, late) == {"rows": 2}
    with pytest.raises(StoreError, match="no space"):
        made(tmp_path / "other", failing)


def test_a_storage_at_an_address_keeps_the_same_as_a_folder() -> None:
    folder = storage_at("memory://parts/one")
    assert (folder / "reached").read_bytes() == b""
    assert folder.storage_options["use_listings_cache"] is False  # type: ignore[attr-defined]

    def make(temporary: Path) -> dict[str, Any]:
        (temporary / "a").write_text("text")
        (temporary / "b").write_text("more")
        return {"rows": 1}

    assert made(folder / "x", make) == sound_counts(folder / "x") == {"rows": 1}
    ranges = [(folder / "x" / "b", 1, 3), (folder / "x" / "a", 0, 4), (folder / "x" / "b", 3, 4)]
    assert read_ranges(ranges) == [b"or", b"text", b"e"]
    (folder / "x" / "a").write_bytes(b"fine")  # of files there, the sizes are compared
    assert sound_counts(folder / "x") == {"rows": 1}
    (folder / "x" / "a").write_bytes(b"tex")
    assert sound_counts(folder / "x") is None
    assert not (folder / "x").exists()
    write_sealed(folder / "y", b"data")
    assert read_sealed(folder / "y") == b"data"
    discard(folder / "y")
    discard(folder / "y")
    assert read_sealed(folder / "y") is None


def test_the_counts_of_a_folder_at_an_address_are_put_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever finds them finds all files."""
    folder = storage_at("memory://parts/two") / "x"
    system = type(folder.fs)  # type: ignore[attr-defined]
    put, names = system.put_file, list[str]()
    monkeypatch.setattr(system, "put_file", lambda fs, here, there: (names.append(there), put(fs, here, there)))

    def make(temporary: Path) -> dict[str, Any]:
        for name in "az":
            (temporary / name).write_text(name)
        return {}

    made(folder, make)
    assert sorted(names[:2]) + names[2:] == [f"/parts/two/x/{name}" for name in ("a", "z", "counts.json")]


def test_ranges_of_files_are_read_in_the_order_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    (tmp_path / "b").write_bytes(b"abcdef")
    a, b = tmp_path / "a", tmp_path / "b"
    assert read_ranges([(b, 2, 4), (a, 9, 10), (a, 0, 3), (b, 0, 0)]) == [b"cd", b"9", b"012", b""]
    assert read_ranges([]) == []


@pytest.mark.parametrize("there", [True, False])
def test_what_is_discarded_is_gone(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / "folder" / "in").mkdir(parents=True)
        (tmp_path / "folder" / "in" / "a").touch()
        (tmp_path / "file").touch()
    discard(tmp_path / "folder")
    discard(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_what_another_process_removes_as_well_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "part"
    folder.mkdir()
    for name in "abc":
        (folder / name).touch()
    unlink = os.unlink

    def late(*path: Any, **options: Any) -> None:
        unlink(*path, **options)
        monkeypatch.undo()
        raise FileNotFoundError

    monkeypatch.setattr(os, "unlink", late)
    discard(folder)
    assert not folder.exists()
