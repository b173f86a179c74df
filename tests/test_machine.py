"""A machine that lets the builder down: full disks and clocks that jump lose nothing, and are one clear line."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest

from builder import cli, composing, export, prepare, verify
from builder.backups import make_backup
from builder.config import Config
from tests.outcomes import contents, elsewhere, pulled, short_exports
from tests.samples import Project

#: KiB that are free on the disk: from none to nearly enough.
ROOMS = (0, 16, 64, 256)
FULL = re.compile(r"No space left on device.* Make room, as `builder doctor` shows, and run the same command again")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("project"), articles=3)
    pulled(made)
    return made


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() or shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    # Lazily: tables may still be mapped into memory.
    subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def only(room: int, disk: Path) -> Iterator[None]:
    """Inside, only so many KiB are free."""
    filler, free = disk / "filler", os.statvfs(disk)
    filler.write_bytes(bytes(free.f_bavail * free.f_bsize - room * 1024))
    yield
    filler.unlink()


@pytest.fixture(autouse=True)
def short() -> Iterator[None]:
    with short_exports():
        yield


def released(config: Config) -> dict[str, bytes]:
    return contents(export(config).folder)


def line(error: BaseException) -> str:
    """What the command line says."""
    assert isinstance(error, Exception)
    return str(cli._explain(error))


@pytest.mark.parametrize("full", ["workspace", "exports"])
def test_a_full_disk_loses_nothing(project: Project, disk: Path, tmp_path: Path, full: str) -> None:
    """The command that meets it says so in one line; with room again it gives what an undisturbed one does."""
    shutil.copytree(project.config.workspace, tmp_path / "undisturbed")
    right = released(elsewhere(project.config, tmp_path / "undisturbed", tmp_path / "right"))
    for room in ROOMS:
        places = {name: (disk if name == full else tmp_path) / f"{name}-{room}" for name in ("workspace", "exports")}
        # What is released is made from stages that are there, where the disk of releases is full.
        given = project.config.workspace if full == "workspace" else tmp_path / "undisturbed"
        shutil.copytree(given, places["workspace"])
        places["exports"].mkdir()
        config = elsewhere(project.config, **places)
        with only(room, disk), pytest.raises(OSError) as caught:  # noqa: PT011 - what it says is compared below
            released(config)
        assert FULL.search(line(caught.value)), line(caught.value)
        assert released(config) == right
        assert [path for path in disk.rglob("*") if path.name.startswith((".", "building-"))] == []
        for place in places.values():
            shutil.rmtree(place)


def test_a_full_disk_for_backups_and_for_temporary_files(
    project: Project, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(project.config.workspace, tmp_path / "workspace")
    config = elsewhere(project.config, tmp_path / "workspace", tmp_path / "exports")
    released(config)
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    with only(1, disk), pytest.raises(OSError) as caught:  # noqa: PT011
        make_backup(config.workspace, disk / "b.tar.gz")
    assert FULL.search(line(caught.value)), line(caught.value)
    with only(16, disk), pytest.raises(OSError) as caught:  # noqa: PT011
        verify(config)
    assert FULL.search(line(caught.value)), line(caught.value)
    assert list(disk.iterdir()) == []
    assert make_backup(config.workspace, disk / "b.tar.gz").files > 3
    assert verify(config).rebuilt == "same bytes"


@pytest.mark.parametrize("year", [1990, 2090])
def test_a_clock_that_jumps_changes_no_result(project: Project, tmp_path: Path, year: int) -> None:
    """Results are found again, and releases are the same, whatever the times of the files say."""
    shutil.copytree(project.config.workspace, tmp_path / "workspace")
    config = elsewhere(project.config, tmp_path / "workspace", tmp_path / "exports")
    made, right = prepare(config), released(config)
    then = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    for path in [*tmp_path.rglob("*"), *config.raw.rglob("*")]:
        os.utime(path, (then, then))
    again = prepare(config)
    assert (again.key, again.new, again.gone) == (made.key, 0, 0)
    assert released(config) == right


def test_the_log_measures_by_a_clock_that_cannot_jump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)])
    monkeypatch.setattr(composing, "datetime", mock.Mock(now=lambda zone: next(times)))
    with composing.logged(tmp_path, ["prepare"], []):
        pass
    assert re.fullmatch(r"2026-05-01 00:00:00 UTC prepare: \d\.\d s, done\n", (tmp_path / "builder.log").read_text())
