"""Remembered stages: made once, never mixed up, and never read when they are not what was written."""

import json
import multiprocessing
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from builder import stage as stages
from builder.errors import StoreError
from builder.scheme import Label
from builder.stage import Stage, Stages, code_digest, exclusive, load_stage, remove
from builder.store import write_table

MADE: list[str] = []


def make(folder: Path, inputs: Any, settings: Any, progress: Any) -> dict[str, Any]:
    MADE.append(settings["word"])
    write_table(folder / "words.parquet", pa.table({"word": [str(settings["word"])]}))
    (folder / "parts").mkdir()
    (folder / "parts" / "a.txt").write_text(inputs["raw"].fingerprint)
    return {"rows": 1}


def fail(folder: Path, inputs: Any, settings: Any, progress: Any) -> dict[str, Any]:
    (folder / "half.txt").write_text("half")
    raise ValueError("stopped")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    MADE.clear()
    return tmp_path / "dataset"


def get(root: Path, word: Any = "a", raw: str = "1", name: str = "words", **more: Any) -> Stage:
    given = {"inputs": {"raw": SimpleNamespace(fingerprint=raw)}, "settings": {"word": word}, "rooms": ()}
    return Stages(root).get(name, make, **{**given, **more})


def test_a_result_is_made_once_and_found_again(root: Path) -> None:
    first, again = get(root), get(root)
    assert MADE == ["a"]
    assert first == again
    assert first.table("words", pa.schema([("word", pa.string())])).to_pylist() == [{"word": "a"}]
    assert first.summary == {"rows": 1}
    assert (first.path("parts") / "a.txt").read_text() == "1"
    assert sorted(first.files) == ["parts/a.txt", "summary.json", "words.parquet"]


@pytest.mark.parametrize(
    "change", [{"word": "b"}, {"raw": "2"}, {"name": "other"}, {"rooms": ("quality",)}, {"libraries": ("pyarrow",)}]
)
def test_everything_it_is_made_from_is_in_the_key(root: Path, change: dict[str, Any]) -> None:
    first, other = get(root), get(root, **change)
    assert first.key != other.key
    assert first.folder.exists()
    assert get(root).key == first.key


def test_choices_lie_side_by_side_forwards_and_backwards(root: Path) -> None:
    a, b = get(root, "a"), get(root, "b")
    assert [get(root, "a").table("words")["word"][0].as_py(), get(root, "b").table("words")["word"][0].as_py()] == [
        *"ab"
    ]
    assert MADE == ["a", "b"]
    assert a.fingerprint != b.fingerprint


def test_equal_contents_are_equal_inputs(root: Path) -> None:
    """A later stage is not made again because something changed that made no difference."""
    one, two = get(root, raw="1", name="x"), get(root, raw="1", name="y")
    assert one.key != two.key
    assert one.fingerprint == two.fingerprint
    assert one.only("words").fingerprint == get(root, raw="2", name="x").only("words").fingerprint != one.fingerprint


def test_order_and_class_of_settings_count(root: Path) -> None:
    keys = {
        get(root, word).key
        for word in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, Label("x"), {"title": "x", "description": "", "color": ""})
    }
    assert len(keys) == 4


def test_a_result_that_is_not_good_enough_is_made_again(root: Path) -> None:
    first = get(root)
    assert get(root, again=lambda stage: stage.summary["rows"] != 1) == first
    assert MADE == ["a"]
    assert get(root, again=lambda stage: stage.summary["rows"] == 1).table("words").num_rows == 1
    assert MADE == ["a", "a"]


def test_a_failed_run_leaves_nothing(root: Path) -> None:
    with pytest.raises(ValueError, match="stopped"):
        Stages(root).get("words", fail, inputs={}, settings={}, rooms=())
    assert [p for p in (root / "words").rglob("*") if p.is_file()] == []
    assert Stages(root).latest("words") is None


def read(folder: Path) -> None:
    """Reads everything that a stage has."""
    found = load_stage("words", folder)
    found.table("words")
    found.path("parts")
    _ = found.summary


def test_any_flipped_bit_is_an_error_that_names_the_file(root: Path) -> None:
    made = get(root)
    for path in sorted(p for p in made.folder.rglob("*") if p.is_file()):
        whole = path.read_bytes()
        for at in range(0, len(whole), max(1, len(whole) // 25)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
            os.utime(path, ns=(1, at + 1))
            with pytest.raises(StoreError, match=path.name):
                read(made.folder)
        path.write_bytes(whole)
    assert get(root).table("words").num_rows == 1


def test_a_missing_file_or_record_is_an_error(root: Path) -> None:
    made = get(root)
    (made.folder / "words.parquet").unlink()
    with pytest.raises(StoreError, match=r"words\.parquet cannot be read"):
        get(root).table("words")
    with pytest.raises(StoreError, match="is not part of the stage"):
        made.path("other")
    (made.folder / "stage.json").unlink()
    with pytest.raises(StoreError, match=r"stage\.json is missing"):
        get(root)


def test_a_folder_of_another_key_is_no_result(root: Path) -> None:
    made = get(root)
    copy = made.folder.with_name("0" * 16)
    made.folder.rename(copy)
    with pytest.raises(StoreError, match=r"stage\.json is not what was written"):
        load_stage("words", copy)


def test_other_columns_than_asked_for_are_an_error(root: Path) -> None:
    with pytest.raises(StoreError, match="another version"):
        get(root).table("words", pa.schema([("word", pa.int32())]))


def test_latest_is_the_one_used_last(root: Path) -> None:
    a = get(root, "a")
    b = get(root, "b", raw="2")
    found = Stages(root)
    assert found.latest("words") == b
    assert found.find("words", a.key) == a
    assert found.find("words", "0" * 16) is None


def test_unused_names_what_is_not_kept_and_remove_takes_it_away(root: Path) -> None:
    a, b = get(root, "a"), get(root, "b")
    (root / "words" / ".half").mkdir()
    found = Stages(root).unused("words", {b.key})
    assert found == [root / "words" / ".half", a.folder]
    remove(found)
    assert sorted(p.name for p in (root / "words").iterdir()) == sorted([b.key, "latest.json"])
    assert Stages(root).unused("nothing", set()) == []


def _slow(folder: Path, inputs: Any, settings: Any, progress: Any) -> dict[str, Any]:
    with (Path(settings["log"])).open("a") as log:
        log.write("made\n")
    (folder / "x.txt").write_text("x")
    return {}


def _run(root: str, log: str) -> None:
    Stages(Path(root)).get("slow", _slow, inputs={}, settings={"log": log}, rooms=())


def test_processes_that_want_the_same_wait_for_the_one_that_makes_it(root: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.starmap(_run, [(str(root), str(log))] * 3)
    assert log.read_text() == "made\n"


def test_who_does_not_wait_is_refused(root: Path) -> None:
    with (
        exclusive(root / "locks" / "push", "push"),
        multiprocessing.get_context("spawn").Pool(1) as pool,
        pytest.raises(StoreError, match="Another `builder push`"),
    ):
        pool.apply(_enter, (str(root / "locks" / "push"),))
    with exclusive(root / "locks" / "push", "push", wait=False):
        pass


def _enter(path: str) -> None:
    with exclusive(Path(path), "push", wait=False):
        pass


def test_the_code_of_a_room_is_in_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "a.py").write_text("x = 1")
    (tmp_path / "ground.py").write_text("y = 1")
    (tmp_path / "cli.py").write_text("z = 1")
    monkeypatch.setattr(stages, "PACKAGE", tmp_path)

    def now() -> tuple[str, str]:
        code_digest.cache_clear()
        return code_digest(), code_digest("room")

    before = now()
    (tmp_path / "cli.py").write_text("z = 2")
    assert now() == before
    (tmp_path / "room" / "a.py").write_text("x = 2")
    assert now()[0] == before[0]
    assert now()[1] != before[1]
    (tmp_path / "ground.py").write_text("y = 2")
    assert now()[0] != before[0]
    code_digest.cache_clear()


def test_a_record_is_plain_json(root: Path) -> None:
    record = json.loads((get(root).folder / "stage.json").read_text())
    assert set(record) == {"sha256", "name", "key", "files", "made_from"}
    assert set(record["made_from"]) == {"code", "libraries", "input raw", "settings word"}
