"""The report of a configuration is right at every stage, and says what is not known yet."""

import contextlib
import html
import json
import re
import shutil
from dataclasses import asdict, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest

import builder
from builder import overview, pipeline, report, reporting, reports
from builder.commands import releases
from builder.config import Paths
from builder.errors import ConfigError, Fault, ReleaseError, StoreError
from builder.quality.agreement import AgreementReport
from builder.release.manifest import Changes, Exported
from builder.release.settings import Export
from builder.reporting.page import About
from builder.reporting.settings import Report
from builder.reports import Known, facts_in_words, internal_page, known_of
from builder.settings import Hint, read_settings
from builder.store import write_text
from builder.studio.settings import Annotators
from tests.outcomes import pulled
from tests.pulls import keep_pull
from tests.results import printed
from tests.samples import DAY, EMAILS, Project, scheme


def shown(file: Path) -> str:
    """The text of the page on one line, without its style and script."""
    body = re.sub(r"(?s)<(style|script)>.*?</\1>", "", file.read_text("utf-8"))
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_an_empty_workspace_has_a_page_that_says_what_to_do(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=0)
    written = report(project.config)
    assert written.file == tmp_path / "workspace" / "sample" / "report.html"
    assert written.file.stat().st_mode & 0o777 == 0o600
    assert written.bytes == written.file.stat().st_size
    [note] = written.notes
    assert note.startswith(f"The raw folder {tmp_path / 'raw'} holds no files to read.")
    text = shown(written.file)
    assert note in text
    assert "No annotation is known, because nothing was pulled: builder push , annotate, builder pull ." in text
    assert printed("report", written).splitlines()[-1].startswith(f"report: {written.file}, ")


def test_articles_alone_are_read_for_the_page(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=2)
    project.config.report = Report(output=str(tmp_path / "out" / "page.html"))
    steps: list[tuple[str, int, int | None]] = []
    written = report(project.config, progress=lambda *step: steps.append(step))
    assert steps[-1] == ("report", 0, None)
    assert written.notes == ()
    assert written.file == tmp_path / "out" / "page.html"
    assert "8 chunks are selected. No annotation is known" in shown(written.file)


def test_a_pull_is_shown_with_the_accounts_of_its_people(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=2)
    project.dissent[0, 0, 0] = {"absent": True}
    project.dissent[1, 0, 0] = {"skip": True}
    pulled(project)
    text = shown(report(project.config).file)
    assert "7 of 8 chunks are done (88 %)" in text
    assert "the last one comes about" not in text  # of one day alone there is no pace
    assert all(email in text for email in EMAILS)
    assert "Median 20.0 seconds" in text


def test_what_cannot_be_made_again_is_shown_as_it_was_last_with_the_reason(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=2)
    pulled(project)
    report(project.config)
    other = replace(project.config, labels=scheme(name="other", stance=[], evidence=False))
    [note] = report(other).notes
    assert "the pull was annotated under" in note
    assert note.endswith("The last result of validate and adjudicate is shown.")
    moved = replace(project.config, paths=Paths(str(tmp_path / "gone"), *list(vars(project.config.paths).values())[1:]))
    [note] = report(moved).notes
    assert note.endswith("The last result of prepare and validate and adjudicate is shown.")
    assert "8 of 8 chunks are done (100 %)" in shown(report(moved).file)


def test_annotations_are_shown_without_their_pull(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=1)
    pulled(project)
    builder.validate(project.config)
    (pull,) = (project.config.dataset_folder / "pulls").glob("[0-9a-f]*")
    shutil.rmtree(pull)
    written = report(project.config)
    assert f"{pull} is missing" in written.notes[0]
    assert "The last result of validate is shown." in shown(written.file)


def test_a_release_holds_the_public_page_which_a_rebuild_gives_again(tmp_path: Path) -> None:
    """Byte for byte, whatever the settings are that are no part of a release; and it has no address and no text."""
    project = Project(tmp_path, articles=3)
    project.dissent[1, 0, 0] = {"stances": {"ukraine": "against", "japan": "none"}, "comment": "ask ada@example.com"}
    pulled(project)
    with mock.patch("builder.release.export.check_loads"):
        made = builder.export(project.config)
        page = made.folder / "report.html"
        assert "report.html" in {file.path for file in made.manifest.files}
        found = releases.verify(replace(project.config, report=Report(idle=1.0)))
    assert found.rebuilt == "same bytes"
    text = shown(page)
    assert "The public report" in text
    assert "Made" not in text
    assert "annotator-" in text
    assert not [email for email in EMAILS if email in page.read_text("utf-8")]
    assert "witnesses of day" not in text
    project.config.report = Report(public=True)
    assert report(project.config).file.read_bytes() == page.read_bytes()
    page.unlink()
    with pytest.raises(ReleaseError, match=r"v1\.0\.0 has no report\.html"):
        report(project.config)


def test_without_annotations_in_the_release_its_page_says_nothing_of_single_people(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=3, export=Export(configs=["entities", "stance"]))
    pulled(project)
    with mock.patch("builder.release.export.check_loads"):
        page = builder.export(project.config).folder / "report.html"
    assert "annotator-" not in page.read_text("utf-8")
    assert "2026-03-02" not in page.read_text("utf-8")
    assert "Krippendorff's alpha is" in shown(page)


def test_a_status_says_which_settings_contradict_each_other(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=1)
    pulled(project)
    report(project.config)
    assert "not known" not in facts_in_words(project.config)
    with mock.patch("builder.reports.quality_of", side_effect=ConfigError("quality.asked names PERSON.")):
        assert facts_in_words(project.config)["not known"] == ["quality.asked names PERSON."]


def test_results_of_another_version_say_what_to_do(tmp_path: Path) -> None:
    config = Project(tmp_path, articles=0).config
    earlier = SimpleNamespace(
        table=lambda *_: None, json=lambda _: {"spans": []}, folder=tmp_path, summary={"issues": [], "gates": []}
    )
    known = Known({"validate": earlier}, None, None, (), ())  # type: ignore[dict-item]
    with mock.patch("builder.reports.known_of", return_value=known):
        assert facts_in_words(config)["not known"] == [
            f"{tmp_path / 'agreement.json'} was written by another version of the builder. Run `builder validate`."
        ]


def test_nothing_that_the_page_is_made_from_can_be_changed() -> None:
    """Sections share facts, and the same values give the same page."""
    rooms = [import_module(f"builder.reporting.{found.name}") for found in iter_modules(reporting.__path__)]
    kinds: list[Any] = [
        kind
        for module in (*rooms, reports, overview)
        for kind in vars(module).values()
        if is_dataclass(kind) and kind.__module__ == module.__name__
    ]
    assert [kind for kind in kinds if not kind.__dataclass_params__.frozen] == [Report]


def test_progress_is_told_what_the_settings_and_the_pull_say(tmp_path: Path) -> None:
    config = Project(tmp_path, articles=0, report=Report(idle=7.0)).config
    people = {name: f"{name}@example.org" for name in ("ada", "ben", "cyd")}
    config.annotators = Annotators(overlap=2, overlaps={"100%": 3}, people=people, after_skip="another")
    facts: Any = SimpleNamespace(table=lambda _: pa.table({"chunk_id": ["c"]}))
    record = {"finished": "2026-03-02T23:30:00+00:00", "projects": {}}
    usual = {"idle": 7.0, "overlap": 2, "overlaps": {"c": 3}, "everybody": 3, "reopened": set(), "today": DAY.date()}
    with mock.patch("builder.reporting.progress.progress_section") as asked:
        reports._progress(config, Known({}, tmp_path, record, (), ()), facts)
        asked.assert_called_once_with(facts, **usual)
        asked.reset_mock()
        config.annotators.after_skip = "done"
        reports._progress(config, Known({}, tmp_path, {"projects": {}}, (), ()), facts)
        asked.assert_called_once_with(facts, **{**usual, "everybody": 0, "today": None})
        asked.reset_mock()
        # Settings of people at work are no part of a release.
        reports._progress(config, Known({}, None, record, (), ()), facts)
        asked.assert_called_once_with(facts, idle=900.0)


def test_reopened_are_the_chunks_that_went_back_and_have_no_new_answer(tmp_path: Path) -> None:
    projects = {"again/1/ada": {"id": 7}, "ada": {"id": 8}}
    tasks: list[dict[str, Any]] = [
        {"id": 1, "project": 7, "data": {"chunk_id": "open"}},
        {"id": 2, "project": 7, "data": {"chunk_id": "answered"}, "annotations": [{"id": 5, "completed_by": 1}]},
        {"id": 3, "project": 8, "data": {"chunk_id": "of a first round"}},
    ]
    (tmp_path / "tasks.jsonl").write_text("".join(f"{json.dumps(task)}\n" for task in tasks), encoding="utf-8")
    assert reports._reopened(tmp_path, {"projects": projects}) == {"open"}
    del projects["again/1/ada"]
    (tmp_path / "tasks.jsonl").unlink()
    assert reports._reopened(tmp_path, {"projects": projects}) == set(), "without a need the tasks are not read"


def test_a_public_page_needs_a_release(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=0)
    project.config.report = Report(public=True)
    with pytest.raises(ReleaseError, match="There is no release"):
        report(project.config)


@pytest.mark.parametrize(
    ("output", "refused"), [("", False), ("a/b.html", False), ("raw/a.jsonl", True), (".html", True)]
)
def test_only_a_page_may_be_written_over(output: str, refused: bool) -> None:
    faults: list[Fault] = []
    read_settings(Hint(Report), {"output": output}, "report.", faults)
    said = [(f"{output!r} is not allowed.", "Allowed: a path that ends in .html.")] if refused else []
    assert [(fault.problem, fault.hint) for fault in faults] == said


def stage(**facts: Any) -> Any:
    return SimpleNamespace(table=lambda *_: None, json=lambda _: asdict(AgreementReport({}, {}, {}, {})), **facts)


def test_a_status_says_what_was_found_decided_and_changed(tmp_path: Path) -> None:
    """Of checks the first six that are no remarks, of gates those that do not hold, of changes the first three."""
    config = Project(tmp_path, articles=0).config
    issues = [{"check": f"check-{n}", "count": 1000 + n, "severity": "info" if n == 1 else "error"} for n in range(7)]
    gates = [{"gate": "one", "message": "0.5", "holds": True}, {"gate": "two", "message": "0.4", "holds": False}]
    last = [{"gate": "three", "message": "9", "holds": False}]
    counts = {"gold_answers": {"agreed": 1200, "single": 0, "rejected": 3}, "gold_spans": {"agreed": 0}}
    checked = stage(summary={"issues": issues, "gates": gates})
    decided = stage(summary={**counts, "gates": last})
    changes = Changes("minor", configurations={"added": [f"c{n}" for n in range(4)]})
    releases = (SimpleNamespace(manifest=SimpleNamespace(changes=changes)),)
    known = Known({"validate": checked, "adjudicate": decided}, None, None, releases, ())  # type: ignore[arg-type]
    none = f"{config.dataset_folder / 'report.html'}"
    with mock.patch("builder.reports.known_of", return_value=known) as asked:
        assert facts_in_words(config) == {
            "checks": ["check-0 1,000, check-2 1,002, check-3 1,003, check-4 1,004, check-5 1,005, check-6 1,006"],
            "gates": ["two: 0.4", "three: 9"],
            "gold": ["answers: 1,200 agreed, 3 rejected", "spans: none"],
            "changes": ["Configuration `c0` added.", "Configuration `c1` added.", "Configuration `c2` added."],
            "report": ["none: builder report"],
        }
        asked.assert_called_once_with(config, make=False)
        issues.append({"check": "more", "count": 1, "severity": "warning"})
        write_text(Path(none), "page")
        said = facts_in_words(config)
        assert said["report"] == [none]
        assert said["checks"][0].endswith("check-6 1,006 ...")
        issues.clear()
        assert "checks" not in facts_in_words(config)
    with mock.patch("builder.reports.known_of", side_effect=StoreError("It is damaged.", "Delete it.")):
        assert facts_in_words(config) == {"not known": ["It is damaged. Delete it."], "report": [none]}


def test_of_the_last_results_some_may_be_there(tmp_path: Path) -> None:
    """Without making anything: the pull is that of the annotations, or the latest; releases are from the oldest on."""
    config = Project(tmp_path, articles=0).config
    assert known_of(config, make=False) == Known({}, None, None, (), ())
    keep_pull(config, "{}\n", {}, finished="2026-03-02T10:00:00+01:00")
    (latest,) = (config.dataset_folder / "pulls").glob("[0-9a-f]*")
    found = known_of(config, make=False)
    assert found.record is not None
    assert (found.stages, found.pull, found.record["finished"]) == ({}, latest, "2026-03-02T10:00:00+01:00")

    def make(folder: Path, *_: object) -> dict[str, str]:
        return {"pull": "0123456789abcdef0123"}

    made = pipeline.stages(config).get("validate", make, inputs={}, settings={}, rooms=())
    found = known_of(config, make=False)
    assert (found.stages, found.pull, found.record) == (
        {"validate": made}, config.dataset_folder / "pulls" / "0123456789abcdef", None,
    )  # fmt: skip


def test_what_cannot_be_made_is_a_note_that_names_what_is_shown_instead(tmp_path: Path) -> None:
    config = Project(tmp_path, articles=0).config
    config.dataset.pull = "0123"
    last = pipeline.stages(config).get("validate", lambda *_: {"pull": "0123"}, inputs={}, settings={}, rooms=())
    errors = [StoreError("The raw folder is gone."), StoreError("No pull."), StoreError("No pull.")]
    names = ("prepared", "checked", "gold")
    with mock.patch.multiple(pipeline, **{n: mock.Mock(side_effect=e) for n, e in zip(names, errors, strict=True)}):
        found = known_of(config)
    assert found.stages == {"validate": last}
    assert found.notes == ("The raw folder is gone.", "No pull. The last result of validate is shown.")
    config.release_folder.mkdir(parents=True)
    (config.release_folder / "v1.0.0").mkdir()
    (config.release_folder / "v1.0.0" / "manifest.json").write_text("{")
    assert "manifest.json is no manifest of a release" in known_of(config, make=False).notes[-1]


def test_the_head_of_the_page_says_which_pull_and_release_it_shows(tmp_path: Path) -> None:
    config = Project(tmp_path, articles=0).config
    releases = [SimpleNamespace(manifest=SimpleNamespace(version=v)) for v in ("1.0.0", "1.1.0")]
    about: list[About] = []

    def page(given: About, sections: object) -> str:
        about.append(given)
        return "page"

    with (
        mock.patch("builder.reports._sections", return_value={}),
        mock.patch("builder.reporting.page.page", page),
    ):
        record = {"hash": "0123456789abcdefX", "finished": "2026-03-02T10:00:00+01:00"}
        assert internal_page(config, Known({}, None, record, tuple(releases), ("a note",))) == "page"  # type: ignore[arg-type]
        internal_page(config, Known({}, None, {"hash": "0123", "projects": {}}, (), ()))
        internal_page(config, Known({}, None, None, (), ()))
    labels = ("Labels", "sample, version 1")
    pull, last = ("Pull", "0123456789abcdef, of 2026-03-02 09:00 UTC"), ("Latest release", "v1.1.0")
    assert [each.facts for each in about] == [[pull, last, labels], [("Pull", "0123"), labels], [labels]]
    assert (about[0].dataset, about[0].notes, about[0].public) == ("sample", ("a note",), False)
    assert about[0].made is not None


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("versions", [[], ["1.0.0", "1.1.0"]])
def test_each_section_is_told_what_it_needs(tmp_path: Path, public: bool, versions: list[str]) -> None:
    """Of a public page the articles are those of the latest release alone."""
    config = Project(tmp_path, articles=0).config
    done: Any = tuple(SimpleNamespace(folder=Path(v), manifest=SimpleNamespace(version=v)) for v in versions)
    known = Known({}, None, None, done, ())
    with contextlib.ExitStack() as patched:
        made = {
            name: patched.enter_context(mock.patch(f"builder.{name}", return_value=name))
            for name in (
                *("reporting.agreement.agreement_section", "reporting.corpus.corpus_section"),
                *("reporting.disagreements.disagreement_section", "reporting.gold.gold_section"),
                *("reporting.release.release_section", "release.provenance.earlier_splits"),
                *("reports._facts", "reports._progress"),
            )
        }
        found = reports._sections(config, known, public)
    assert list(found) == ["progress", "agreement", "disagreements", "gold", "corpus", "release"]
    made["reports._facts"].assert_called_once_with(config, known, public)
    made["reports._progress"].assert_called_once_with(config, known, "reports._facts")
    splits = "release.provenance.earlier_splits" if public and versions else None
    told = ("reports._facts", "all", splits, config.export.metadata)
    made["reporting.corpus.corpus_section"].assert_called_once_with(*told)
    if splits:
        made["release.provenance.earlier_splits"].assert_called_once_with([Path("1.1.0")])
    last = done[-1].manifest if done else None
    made["reporting.release.release_section"].assert_called_once_with(last, [f"v{version}" for version in versions])


def test_a_public_page_has_no_time_of_its_own(tmp_path: Path) -> None:
    config = Project(tmp_path, articles=0).config
    config.dataset.license = "cc0-1.0"
    manifest: Any = SimpleNamespace(name="news", version="1.1.0", pull=SimpleNamespace(hash="0123456789abcdefX"))
    with (
        mock.patch("builder.reports._sections", return_value="sections") as sections,
        mock.patch("builder.reporting.page.page", return_value="page") as page,
    ):
        assert reports.public_page(config, {}, tmp_path, manifest) == "page"
    facts = [("Version", "1.1.0"), ("Pull", "0123456789abcdef"), ("Licence", "cc0-1.0")]
    page.assert_called_once_with(About("news", None, facts, (), True), "sections")
    known = Known({}, None, None, (Exported(tmp_path, manifest),), ())
    sections.assert_called_once_with(config, known, public=True)
