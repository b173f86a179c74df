"""`run` leaves a page whatever the state is, and says where; so does `serve`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from builder import run
from builder.commands import annotation
from builder.commands.run import Run
from builder.config import Config
from builder.errors import GateError
from builder.quality.settings import Gates, Quality
from builder.reporting.settings import Report
from builder.studio.serving import AnnotationProgress, Served
from tests.outcomes import pulled
from tests.results import printed
from tests.samples import Project


@contextlib.contextmanager
def studio(done: int) -> Iterator[None]:
    """A Label Studio that is only said to be there, with `done` of 8 chunks annotated."""
    with (
        mock.patch("builder.commands.run.open_server"),
        mock.patch("builder.commands.annotation.push"),
        mock.patch("builder.commands.annotation.pull"),
        mock.patch("builder.commands.run.annotation_progress", return_value=AnnotationProgress(8, done)),
        mock.patch("builder.release.export.check_loads"),
    ):
        yield


def ran(config: Config, done: int) -> Run:
    with studio(done):
        return run(config)


def test_a_run_ends_with_the_page(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=2)
    waiting = ran(project.config, 3)
    assert waiting.report
    assert waiting.report.file == tmp_path / "workspace" / "sample" / "report.html"
    assert "No annotation is known" in waiting.report.file.read_text("utf-8")
    pulled(project)
    done = ran(project.config, 8)
    assert done.export
    assert done.report
    assert "8 of 8 chunks are done" in done.report.file.read_text("utf-8")
    assert printed("report", done.report).startswith(f"report: {done.report.file}, ")


def test_a_run_below_a_gate_leaves_the_page_that_shows_why(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=2, quality=Quality(bootstrap=0, gates=Gates(min_annotators=9)))
    pulled(project)
    with pytest.raises(GateError, match=r"See also .*report\.html\.") as error:
        ran(project.config, 8)
    assert error.value.result is not None
    assert "min_annotators" in (project.config.dataset_folder / "report.html").read_text("utf-8")


def test_a_public_page_is_left_out_before_the_first_release(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=2)
    project.config.report = Report(public=True)
    assert ran(project.config, 3).report is None
    pulled(project)
    done = ran(project.config, 8)
    assert done.export
    assert done.report
    assert done.report.file.read_bytes() == (done.export.folder / "report.html").read_bytes()


def test_serve_says_where_the_page_is(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=0)
    with mock.patch("builder.commands.annotation.serving.serve") as serve:
        serve.return_value.__enter__.return_value = Served("http://x", "1", "admin@x.invalid")
        served = annotation.serve(project.config)
    file = tmp_path / "workspace" / "sample" / "report.html"
    assert f"The report is {file}; `builder report` writes it." in printed("serve", served)
    assert annotation.plain_serve(served)["report"] == str(file)
    file.parent.mkdir(parents=True)
    file.touch()
    assert f"The report is {file}; `builder report` renews it." in printed("serve", served)
