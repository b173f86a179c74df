"""`run` goes through the steps in their order, as far as people have annotated, and says what each of them did."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from builder import run
from builder.commands import function_of, plain_of
from builder.commands import run as module
from builder.commands.annotation import Server
from builder.commands.run import Run
from builder.config import Config, Paths
from builder.errors import GateError
from builder.reporting.settings import Report
from builder.reports import WrittenReport
from builder.studio.push import Pushed
from builder.studio.serving import AnnotationProgress, PersonCounts
from builder.studio.settings import Annotators, LabelStudio
from tests import samples
from tests.results import printed

REPORT = WrittenReport(Path("report.html"), 12, ())


def progress(what: str, done: int, total: int | None) -> None:
    """Progress that is told apart from `silent`."""


class Steps:
    """Every step only says that it was taken; `failing` is the one that a gate stops."""

    def __init__(self, tasks: int, done: int, failing: str = "") -> None:
        self.taken: list[str] = []
        self.failing = failing
        self.state = AnnotationProgress(tasks, done)
        self.kept: bool | None = None

    def step(self, name: str, result: Any = None) -> Any:
        def take(config: Config, watched: Any = None, progress: Any = None) -> Any:
            assert (watched or progress).__name__ == "progress"
            self.taken.append(name)
            if name == self.failing:
                raise GateError("Below.", "Mend it.", self)  # type: ignore[arg-type]
            return result or name

        return take

    @contextlib.contextmanager
    def server(self, of: Any, watched: Any, keep: bool) -> Iterator[None]:
        self.taken.append("start")
        self.kept = keep
        yield
        self.taken.append("stop")

    def __call__(self, config: Config) -> Run:
        steps = {
            "prepare": self.step("prepare"), "annotation.push": self.step("push"), "annotation.pull": self.step("pull"),
            "annotation.serve": self.step("serve"), "validate": self.step("validate"), "open_server": self.server,
            "adjudicate": self.step("adjudicate"), "releases.export": self.step("export"),
            "reports.write_report": self.step("report", REPORT), "annotation_progress": self.step("count", self.state),
        }  # fmt: skip
        with contextlib.ExitStack() as patched:
            for name, step in steps.items():
                patched.enter_context(mock.patch(f"builder.commands.run.{name}", step))
            made: Run = run(config, progress=progress)
        return made


def configured(tmp_path: Path, kind: str = "human", url: str = "", public: bool = False) -> Config:
    return Config(
        paths=Paths(workspace=str(tmp_path / "work"), exports=str(tmp_path / "exports")),
        labels=samples.scheme(),
        annotators=Annotators(kind=kind, recorded="there", overlap=2),
        label_studio=LabelStudio(url=url),
        report=Report(public=public),
    )


@pytest.mark.parametrize("kind", ["human", "recorded"])
def test_everything_is_done_once_every_chunk_is(tmp_path: Path, kind: str) -> None:
    steps = Steps(2, 2)
    made = steps(configured(tmp_path, kind))
    before = ["prepare", "start", "push", "count", "pull", "stop"]
    assert steps.taken == [*before, "validate", "adjudicate", "export", "report"]
    assert steps.kept == (kind == "human")
    assert vars(made) == {
        "overlap": 2, "prepare": "prepare", "push": "push", "progress": steps.state, "serve": None, "pull": "pull",
        "validate": "validate", "adjudicate": "adjudicate", "export": "export", "report": REPORT,
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "url", "served"), [("human", "", 1), ("human", "http://x", 0), ("recorded", "", 0)])
def test_people_get_a_server_while_they_have_work(tmp_path: Path, kind: str, url: str, served: int) -> None:
    """Unless they have one elsewhere."""
    steps = Steps(3, 2)
    made = steps(configured(tmp_path, kind, url))
    assert steps.taken == ["prepare", "start", "push", "count", *["serve"] * served, "report", "stop"]
    assert (made.serve, made.pull, made.export, made.report) == ("serve" if served else None, None, None, REPORT)


@pytest.mark.parametrize("public", [False, True])
def test_below_a_gate_there_is_a_page_that_says_why(tmp_path: Path, public: bool) -> None:
    """But for a public one, which shows releases alone."""
    steps = Steps(2, 2, failing="validate")
    with pytest.raises(GateError, match="Below") as error:
        steps(configured(tmp_path, public=public))
    assert steps.taken[-2:] == (["stop", "validate"] if public else ["validate", "report"])
    assert error.value.hint == ("Mend it." if public else "Mend it. See also report.html.")
    assert error.value.result is steps


def waiting(**more: Any) -> Run:
    people = {"ben@x": PersonCounts(1, 2), "ada@x": PersonCounts(3, 4)}
    state = AnnotationProgress(7, 2, by_annotator=people)
    counts = dict.fromkeys(("files", "records", "articles", "kept", "chunks", "selected"), 1)
    groups: dict[str, Any] = {name: {} for name in ("encodings", "languages", "rejected", "unused_fields")}
    prepared: Any = SimpleNamespace(summary={**counts, **groups, "unmatched": []}, new=0, gone=0)
    return Run(3, prepared, Pushed("http://x", "1"), state, **more)


def test_a_run_says_who_has_to_annotate_yet() -> None:
    made = waiting(report=REPORT)
    said = [" ".join(line.split()) for line in printed("run", made).splitlines()]
    assert said.index("run: 2 of 7 chunks are annotated.") < said.index("ada@x 3 4") < said.index("ben@x 1 2")
    last = "A chunk is done when 3 people annotated or skipped it; run the same command then."
    assert said[-2:] == [last, "report: report.html, 12 bytes. Open it in a browser."]
    made.progress.by_annotator.clear()
    assert "Annotators" not in printed("run", made)
    assert function_of("run", "code")(made) == 3
    plain = plain_of("run", made)
    assert (plain["state"], sorted(plain)) == (
        "waiting for annotators",
        ["prepare", "progress", "push", "report", "state"],
    )


def test_a_finished_run_does_not_count_who_annotated() -> None:
    done: Any = SimpleNamespace(stopped=True)
    served = Server(None, stopped=True)  # type: ignore[arg-type]
    lost = SimpleNamespace(projects=[], described=lambda: "")
    counts = {"tasks": 4, "annotations": 9, "skipped": 1, "drafts": 2, "duplicates": 0}
    pulled: Any = SimpleNamespace(hash="0" * 64, new=True, record={"counts": counts}, losses=lost)
    made = waiting(pull=pulled, serve=served)
    said = printed("run", made)
    assert "chunks are annotated" not in said
    assert "serve: stopped." in said
    assert "pull 0000000000000000 (new): 4 tasks" in said
    made.export = done
    assert function_of("run", "code")(made) == 0
    with mock.patch.object(module, "plain_of", lambda step, result: step):
        assert plain_of("run", made) == {
            "state": "released", **{step: step for step in ("prepare", "push", "progress", "serve", "pull", "export")}
        }  # fmt: skip
