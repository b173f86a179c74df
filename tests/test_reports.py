"""The report of a configuration is right at every stage, and says what is not known yet."""

import html
import re
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

import builder
from builder import report
from builder.commands import releases
from builder.config import Paths
from builder.errors import ConfigError, Fault, ReleaseError
from builder.release.settings import Export
from builder.reporting.settings import Report
from builder.reports import facts_in_words
from builder.settings import Hint, read_settings
from tests.outcomes import pulled
from tests.results import printed
from tests.samples import EMAILS, Project, scheme


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
    written = report(project.config)
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
    assert bool(faults) == refused
