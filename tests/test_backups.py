"""What cannot be made again is in one private file, and comes back exactly; anything damaged is refused."""

import json
import re
import sqlite3
import stat
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from builder import backups
from builder.backups import RECORD, make_backup, unpack_backup
from builder.commands import COMMANDS, function_of
from builder.commands.workspace import backup, show_backup
from builder.config import Config, Dataset, Paths
from builder.errors import StoreError
from builder.stage import exclusive, in_use
from builder.store import file_digest, write_text
from builder.studio.pull_records import ensure_key
from builder.studio.settings import LabelStudio
from tests.pulls import keep_pull


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    config = Config(paths=Paths(workspace=str(root)), dataset=Dataset(name="news"))
    keep_pull(config, '{"id": 7}\n', {"1": {"email": "ada@example.org"}})
    ensure_key(root / "pseudonyms.key")
    for name in (KEPT | LEFT) - set(contents(root)):
        write_text(root / name, f"the contents of {name}\n")
    (root / "studio" / "data" / "label_studio.sqlite3").unlink()
    with closing(sqlite3.connect(root / "studio" / "data" / "label_studio.sqlite3")) as database:
        database.execute("create table task (id integer)")
        database.execute("insert into task values (7)")
        database.commit()
    return root


PULL = "76575f0368d9028b"
KEPT = {
    "pseudonyms.key",
    *(f"news/pulls/{PULL}/{name}" for name in ("pull.json", "tasks.jsonl", "users.json")),
    "news/pulls/latest.json",
    "news/projects.json",
    "news/home/x",
    "studio/parts/x",
    "studio/secrets.json",
    "studio/initialised",
    "studio/data/label_studio.sqlite3",
    "studio/data/media/a.png",
}
LEFT = {
    "news/prepare/0123/chunks.parquet",
    "news/validate/latest.json",
    "news/parts/x",
    "news/locks/export.lock",
    "news/pull.lock",
    "news/adjudicate/0123/gold.parquet",
    "news/scratch/x",
    "news/exported/x.json",
    "runs/2026/x.yaml",
    "sweeps/x.yaml",
    "studio/keep",
    "studio/home/x",
    "studio/server.json",
    "studio/server.log",
    "studio/users/a.lock",
    "studio/data/label_studio.sqlite3-wal",
}


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_backup_comes_back_as_it_was(workspace: Path, tmp_path: Path) -> None:
    made = make_backup(workspace, tmp_path / "b.tar.gz")
    before = contents(workspace)
    assert (made.files, made.bytes) == (len(KEPT), sum(len(before[name]) for name in KEPT))
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600
    again = unpack_backup(made.file, tmp_path / "elsewhere" / "work")
    assert (again.files, again.bytes, again.made) == (made.files, made.bytes, made.made)
    after = contents(tmp_path / "elsewhere" / "work")
    assert after.keys() == KEPT
    assert all(after[name] == before[name] for name in KEPT if not name.endswith("sqlite3"))
    assert all(stat.S_IMODE(p.stat().st_mode) & 0o077 == 0 for p in (tmp_path / "elsewhere" / "work").rglob("*"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.gz", "elsewhere", "work"]


def test_a_backup_is_made_and_unpacked_beside_its_place(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is room for it, in files whose names are hidden; links are followed nowhere."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    (workspace / "news" / "link").symlink_to(workspace / "pseudonyms.key")
    steps: list[tuple[str, int, int | None]] = []
    beside: set[str] = set()

    def progress(*step: Any) -> None:
        steps.append(step)
        beside.update(path.name for path in tmp_path.iterdir())

    made = make_backup(workspace, tmp_path / "b.tar.gz", progress)
    assert steps == [("backup", n, len(KEPT)) for n in range(len(KEPT))]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", made.made)
    assert made.file.read_bytes()[8] != 2, "packed quickly: 2 says that it took the longest way"
    with tarfile.open(made.file) as archive:
        assert archive.getnames() == [*sorted(KEPT), RECORD]
        assert archive.getmember(RECORD).mode == 0o600
        record = archive.extractfile(RECORD)
        assert record is not None
        assert record.read().startswith(b'{\n  "builder": ')
    steps.clear()
    unpack_backup(made.file, tmp_path / "again", progress)
    assert steps == [("restore", 0, None)]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "again").rglob("*") if path.is_dir()} == {0o700}
    assert all(name.startswith((".backup-", ".b.tar.gz.", ".again.")) for name in beside - {"work", "b.tar.gz"})
    assert len(beside) == 5


def test_the_first_files_that_are_damaged_are_named(tmp_path: Path) -> None:
    file = tmp_path / "b.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        for name in (*"gfedcba", RECORD):
            (tmp_path / name).write_text(json.dumps({"files": {"h": ""}}))
            archive.add(tmp_path / name, name)
    with pytest.raises(StoreError, match=r"is damaged: a, b, c, d, e are not what was written"):
        unpack_backup(file, tmp_path / "again")


def test_a_database_in_use_is_kept_as_it_is_at_one_moment(workspace: Path, tmp_path: Path) -> None:
    """What a server committed is in it, also when it is only in the write-ahead log; what it did not is not."""
    with closing(sqlite3.connect(workspace / "studio" / "data" / "label_studio.sqlite3")) as server:
        server.execute("pragma journal_mode=wal")
        server.execute("insert into task values (8)")
        server.commit()
        server.execute("insert into task values (9)")
        made = make_backup(workspace, tmp_path / "b.tar.gz")
    unpack_backup(made.file, tmp_path / "again")
    with closing(sqlite3.connect(tmp_path / "again" / "studio" / "data" / "label_studio.sqlite3")) as restored:
        assert restored.execute("select id from task order by id").fetchall() == [(7,), (8,)]


ALONE = {"init", "labels", "diff", "log", "doctor", "serve", "clean", "backup", "restore-backup"}


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - ALONE))
def test_no_command_works_on_what_is_being_kept(name: str, tmp_path: Path) -> None:
    """Not from Python either, and whether or not there was a lock before."""
    config = Config(paths=Paths(workspace=str(tmp_path / "work")), dataset=Dataset(name="news"))
    words = {"trace": ["a row"], "reopen": ["all"]}.get(name, [])
    config.dataset_folder.mkdir(parents=True)
    with (
        exclusive(config.dataset_folder / "locks" / "use", "backup"),
        pytest.raises(StoreError, match="is working on this dataset"),
    ):
        function_of(name)(config, *words)


def test_a_dataset_that_has_no_lock_yet_is_locked(workspace: Path, tmp_path: Path) -> None:
    (workspace / "news" / "locks" / "export.lock").unlink()
    (workspace / "news" / "locks").rmdir()
    with in_use(workspace / "news"), pytest.raises(StoreError, match="Another command works on news"):
        make_backup(workspace, tmp_path / "b.tar.gz")
    (workspace / "news" / "locks" / "use.lock").unlink()
    made = make_backup(workspace, tmp_path / "b.tar.gz")
    assert made.files == len(KEPT)


def test_what_goes_away_while_it_is_read_is_one_line(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = workspace / "studio" / "data" / "media" / "a.png"

    def digest(path: Path) -> str:
        gone.unlink(missing_ok=True)
        return file_digest(path)

    monkeypatch.setattr(backups, "file_digest", digest)
    with pytest.raises(StoreError, match=r"a\.png went away while it was read"):
        make_backup(workspace, tmp_path / "b.tar.gz")
    assert not (tmp_path / "b.tar.gz").exists()


@pytest.mark.parametrize(
    ("setting", "said"),
    [({}, []), ({"database": "postgresql"}, ["PostgreSQL"]), ({"url": "http://127.0.0.1:9"}, ["another server"])],
)
def test_a_database_elsewhere_is_not_in_it_and_that_is_said(
    workspace: Path, tmp_path: Path, setting: dict[str, str], said: list[str]
) -> None:
    config = Config(paths=Paths(workspace=str(workspace)), label_studio=LabelStudio(**setting))  # type: ignore[arg-type]
    _, *more = show_backup(backup(config, str(tmp_path / "b.tar.gz")))
    line = "backup: without the database of Label Studio, which is on {}. Back that up there, too."
    assert more == [line.format(where) for where in said]


def test_nothing_is_overwritten(workspace: Path, tmp_path: Path) -> None:
    made = make_backup(workspace, tmp_path / "b.tar.gz")
    with pytest.raises(StoreError, match="is there already"):
        make_backup(workspace, tmp_path / "b.tar.gz")
    with pytest.raises(StoreError, match="is not empty"):
        unpack_backup(made.file, workspace)
    (tmp_path / "empty").mkdir()
    unpack_backup(made.file, tmp_path / "empty")
    with pytest.raises(StoreError, match="nothing that could not be made again"):
        make_backup(tmp_path / "nowhere", tmp_path / "c.tar.gz")


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "added", "no record", "outside"])
def test_a_damaged_backup_is_refused_and_leaves_nothing(workspace: Path, tmp_path: Path, damage: str) -> None:
    file = make_backup(workspace, tmp_path / "b.tar.gz").file
    with tarfile.open(file) as archive:
        archive.extractall(tmp_path / "x", filter="data")
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-200])
    else:
        if damage == "flipped":
            (tmp_path / "x" / "pseudonyms.key").write_text("another")
        elif damage == "missing":
            (tmp_path / "x" / "pseudonyms.key").unlink()
        elif damage == "added":
            (tmp_path / "x" / "more").write_text("more")
        elif damage == "no record":
            (tmp_path / "x" / RECORD).write_text(json.dumps({"files": 0}))
        with tarfile.open(file, "w:gz") as archive:
            archive.add(tmp_path / "x", "." if damage != "outside" else "../up")
    with pytest.raises(StoreError, match=r"damaged|no whole backup"):
        unpack_backup(file, tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.gz", "work", "x"]


def test_a_backup_in_the_workspace_is_refused(workspace: Path) -> None:
    """It would hold a part of itself, and be lost with what it keeps."""
    with pytest.raises(StoreError, match="is in the workspace and would be lost with it"):
        make_backup(workspace, workspace / "studio" / ".." / "b.tar.gz")
    assert not (workspace / "b.tar.gz").exists()


def test_damage_is_refused_before_it_is_kept(workspace: Path, tmp_path: Path) -> None:
    """One flipped bit in each file of a pull, in the note of the latest one and in the key of the pseudonyms."""
    for name in ("pseudonyms.key", *(name for name in sorted(KEPT) if name.startswith("news/pulls/"))):
        path = workspace / name
        whole = path.read_bytes()
        # A bit that keeps JSON readable where it can: the last letter or digit.
        at = max(i for i, byte in enumerate(whole) if chr(byte).isalnum())
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(StoreError):
            make_backup(workspace, tmp_path / "b.tar.gz")
        path.write_bytes(whole)
        assert not (tmp_path / "b.tar.gz").exists()
    make_backup(workspace, tmp_path / "b.tar.gz")
