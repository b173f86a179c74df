"""What exporting a sample project gives: the bytes of the release, or the error.

Opening each release with `datasets` takes most of the time of a small export, and its page for people most of the
rest; these exports leave both out. `tests/release/` and `tests/reporting/` show that they are done.
"""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import builder
from builder import BuilderError
from builder.config import Config
from builder.stage import Progress, silent
from builder.tables import ARTICLES, CHUNKS
from tests.samples import Project

Outcome = dict[str, bytes] | str


def pulled(project: Project) -> None:
    """The project has a pull, and nothing else that was made from its raw files."""
    stage = builder.prepare(project.config)
    project.pull(stage.table("articles", ARTICLES).to_pylist(), stage.table("selected", CHUNKS).to_pylist())
    for path in project.config.dataset_folder.iterdir():
        if path.name != "pulls":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def elsewhere(config: Config, workspace: Path, exports: Path) -> Config:
    """The same configuration with another workspace and another place for releases."""
    return replace(config, paths=replace(config.paths, workspace=str(workspace), exports=str(exports)))


@contextlib.contextmanager
def short_exports() -> Iterator[None]:
    """Inside, a release is not opened, and its page is empty."""
    loads, page = mock.patch("builder.release.export.check_loads"), mock.patch("builder.reports.public_page")
    with loads, page as shown:
        shown.return_value = ""
        yield


def outcome(config: Config, progress: Progress = silent) -> Outcome:
    """The files of the release by name, or what the error says."""
    try:
        with short_exports():
            return contents(Path(builder.export(config, progress=progress).folder))
    except BuilderError as error:
        return str(error)


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def difference(one: Outcome, other: Outcome) -> str:
    """Which files differ, in a few words; empty when nothing does."""
    if isinstance(one, str) or isinstance(other, str):
        return "" if one == other else f"{_short(one)} / {_short(other)}"
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return ", ".join(names)


def _short(one: Outcome) -> str:
    return one if isinstance(one, str) else f"a release of {len(one)} files"
