"""Remembered stages: made once, never mixed up, and never read when they are not what was written."""

import json
import multiprocessing
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from builder import stage as stages
from builder.errors import StoreError
from builder.scheme import Label
from builder.stage import Stage, Stages, code_digest, exclusive, in_use, load_stage, remove, settings_digests
from builder.store import digest, write_json, write_table

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


def test_a_stage_is_narrowed_to_tables_and_folders(root: Path) -> None:
    made = get(root)
    assert list(made.only("parts").files) == ["parts/a.txt"]
    assert list(made.only("words", "summary").files) == ["summary.json", "words.parquet"]
    assert list(made.only("a", "words.parquet").files) == []
    assert made.only("words").fingerprint == digest("words.parquet", made.files["words.parquet"])
    with pytest.raises(StoreError, match=r"summary\.json is not part of the stage"):
        _ = made.only("words").summary


def test_columns_and_rows_of_a_table_are_read_as_asked(root: Path) -> None:
    def many(folder: Path, *_: Any) -> dict[str, Any]:
        write_table(folder / "t.parquet", pa.table({"a": [1, 2], "b": ["x", "y"]}))
        write_json(folder / "said.json", [1])
        return {}

    made = Stages(root).get("many", many, inputs={}, settings={}, rooms=())
    schema = pa.schema([("a", pa.int64()), ("b", pa.string())])
    assert made.table("t", schema, ["b"]).to_pylist() == [{"b": "x"}, {"b": "y"}]
    assert made.table("t", rows=pc.field("a") > 1).to_pylist() == [{"a": 2, "b": "y"}]
    assert made.table("t", columns=["a"]).column_names == ["a"]
    with pytest.raises(StoreError, match=r"t\.parquet was written by another version"):
        made.table("t", pa.schema([("a", pa.int64()), ("b", pa.int64())]), ["a", "b"])
    assert made.table_path("t") == made.folder / "t.parquet"
    assert made.json("said") == [1]


def test_what_makes_a_stage_gets_what_it_is_made_from(root: Path) -> None:
    given = {"raw": SimpleNamespace(fingerprint="1")}
    seen: list[Any] = []

    def watched(folder: Path, inputs: Any, settings: Any, progress: Any) -> dict[str, Any]:
        seen.extend([folder.parent, inputs, settings, progress])
        return {}

    made = Stages(root).get("w", watched, inputs=given, settings={"word": 1}, rooms=(), progress=print)  # type: ignore[arg-type]
    assert seen == [root / "w", given, {"word": 1}, print]
    assert (made.name, made.folder) == ("w", root / "w" / made.key)
    assert (len(made.key), made.made_from["input raw"]) == (16, "1")
    assert json.loads((root / "w" / "latest.json").read_text()) == {"key": made.key, "made_from": dict(made.made_from)}
    assert {path.stat().st_mode & 0o777 for path in made.folder.iterdir()} == {0o600}
    remove([made.folder])
    assert Stages(root).latest("w") is None


def test_settings_differ_by_value_order_and_class() -> None:
    found = settings_digests(
        {"a": [1, (2, Path("x", "y"))], "b": [1, [2, "x/y"]], "c": {"k": [None]}, "d": ["k", [None]]}
    )
    assert found["a"] == found["b"]
    assert len(set(found.values())) == 3
    ordered = settings_digests({"a": [{"k": 1, "l": 2}], "b": [{"l": 2, "k": 1}]})
    assert ordered["a"] != ordered["b"], "also inside a list"


@pytest.mark.parametrize("record", ["[]", "{}", '{"sha256": "0"}'])
def test_a_record_of_another_form_is_damaged(root: Path, record: str) -> None:
    made = get(root)
    (made.folder / "stage.json").write_text(record)
    with pytest.raises(
        StoreError, match=r"stage\.json is not what was written.*Delete .*; the next run makes it again"
    ):
        load_stage("words", made.folder)


def test_a_stage_that_another_run_made_better_is_not_made_again(root: Path) -> None:
    """What was not good enough may be gone, or good, when its turn comes."""
    first = get(root)
    asked: list[Stage] = []

    def again(stage: Stage) -> bool:
        asked.append(stage)
        return len(asked) == 1

    assert get(root, again=again) == first
    assert (asked, MADE) == ([first, first], ["a"])


def modes(folder: Path) -> list[int]:
    """Permissions of a folder and of what is in it."""
    return [path.stat().st_mode & 0o777 for path in (folder, *sorted(folder.iterdir()))]


def test_a_lock_is_private_and_who_waits_says_so(root: Path) -> None:
    path, said, entered = root / "locks" / "x", list[tuple[str, int, int | None]](), threading.Event()

    def wait() -> None:
        with exclusive(path, "push", lambda *what: (said.append(what), told.set())):  # type: ignore[arg-type,func-returns-value]
            entered.set()

    told = threading.Event()
    with exclusive(path, "push"):
        assert ((root / "locks").stat().st_mode & 0o777, (root / "locks" / "x.lock").stat().st_mode & 0o777) == (
            0o700,
            0o600,
        )
        with (
            pytest.raises(StoreError, match=r"^Busy\. Wait until it ends\.$"),
            exclusive(path, "", wait=False, busy="Busy."),
        ):
            pass
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert told.wait(60)
        assert not entered.is_set()
    waiting.join(60)
    assert entered.is_set()
    assert said == [("push: waiting for another run that makes the same", 0, None)]


def test_any_number_may_use_a_dataset_but_not_while_it_is_cleaned(root: Path) -> None:
    with in_use(root):
        assert not root.exists()
    root.mkdir()
    with in_use(root), in_use(root):
        assert ((root / "locks").stat().st_mode & 0o777, (root / "locks/use.lock").stat().st_mode & 0o777) == (
            0o700,
            0o600,
        )
        with pytest.raises(StoreError), exclusive(root / "locks" / "use", "clean", wait=False):
            pass
    with (
        exclusive(root / "locks" / "use", "clean"),
        pytest.raises(StoreError, match="is working on this dataset"),
        in_use(root),
    ):
        pass


def test_only_sources_count_as_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates, styles and scripts of a room too, in folders as well; at the top only what is Python."""
    monkeypatch.setattr(stages, "PACKAGE", tmp_path)
    seen = set()
    for name in ("a.py", "b.j2", "room/c.css", "room/in/d.js", "room/e.j2", "room/f.py", "other/g.py", "room/h.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
        code_digest.cache_clear()
        seen.add(code_digest("room") if (tmp_path / "room").exists() else code_digest())
    assert code_digest("room") == digest(*(part for name in CODE for part in (name, b"x")))
    code_digest.cache_clear()
    assert len(seen) == 5


CODE = ("a.py", "room/c.css", "room/e.j2", "room/f.py", "room/in/d.js")
