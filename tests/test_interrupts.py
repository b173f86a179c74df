"""Ctrl-C at any moment of any command is one line and exit code 130, and no work of the next run is spoilt."""

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pyarrow.parquet as pq
import pytest

import builder
from builder import cli, composing
from builder.studio import campaign
from builder.studio.embedded.server import StudioServer
from tests.outcomes import pulled
from tests.samples import Project
from tests.studio.fake import TOKEN, FakeLabelStudio
from tests.test_cli import Typed, typed

__all__ = ["typed"]
#: Calls of functions of the builder, counted from the start and from the start of the command itself, before Ctrl-C.
MOMENTS = [(1, 0), (0, 1), (0, 25)]
OVERRIDES = ["dataset.name=sample", "paths.workspace=workspace"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a pull and a release, and a stand-in for its Label Studio."""
    folder = tmp_path_factory.mktemp("interrupted")
    made = Project(folder, articles=2)
    pulled(made)
    builder.export(made.config)
    fake = FakeLabelStudio(members={})
    fake.start()
    with pytest.MonkeyPatch.context() as patch:

        def opened(vault: Any, *_: object) -> StudioServer:
            vault.create()
            return StudioServer(fake.url, TOKEN, vault)

        patch.setattr(campaign, "open_embedded", opened)
        yield folder
    fake.stop()


def press(calls: int) -> None:
    """Ctrl-C comes after so many calls of functions of the builder; with 0 it does not."""

    def trace(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        # Before the command line is read, nothing can be said.
        if frame.f_globals.get("__name__", "").startswith("builder") and frame.f_code.co_name not in (
            "main",
            "_main",
            "_guarded",
        ):
            calls -= 1
            if calls == 0:
                sys.settrace(None)
                raise KeyboardInterrupt

    sys.settrace(trace if calls else None)


@pytest.fixture(scope="module")
def job() -> composing.Job:
    """What all commands are asked for; composing it each time would take most of the time."""
    return composing.compose_jobs(OVERRIDES)[0]


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_ctrl_c_is_one_line(
    name: str, project: Path, job: composing.Job, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    rows = next(project.glob("exports/sample/v1.0.0/stance/*.parquet"))
    words = {"init": ["mine"], "diff": ["v1.0.0"] * 2, "reopen": ["all"], "backup": ["my.tar.gz"]}
    words["restore-backup"] = words["backup"]
    words["trace"] = [pq.read_table(rows)["id"][0].as_py()]
    before, found = sys.gettrace(), cli.function_of
    monkeypatch.setattr(composing, "compose_jobs", lambda *_, **__: [job._replace(config=copy.deepcopy(job.config))])
    for first, later in MOMENTS:

        def function_of(command: str, kind: str = "", later: int = later) -> Any:
            if not kind:
                press(later)
            return found(command, kind)

        monkeypatch.setattr(cli, "function_of", function_of)
        press(first)
        ended = typed(name, *words.get(name, []), *OVERRIDES)
        sys.settrace(before)
        again = f"builder: Stopped. What is finished is kept: run `builder {name}` again to go on.\n"
        assert ended == (130, "", again), (first, later)


def test_ctrl_c_while_an_error_is_explained(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Exception) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_explain", interrupted)
    code, out, err = typed("trace", "nothing", "paths.workspace=nowhere")
    assert (code, out) == (130, "")
    assert err.startswith("builder: Stopped. ")
    assert err.count("\n") == 1
