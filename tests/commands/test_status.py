"""What `builder status` says about a workspace, without changing it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from builder import export, status
from builder.config import Paths
from builder.store import read_json, write_json
from builder.studio.settings import LabelStudio
from tests.outcomes import pulled
from tests.results import printed
from tests.samples import Project


def test_only_finished_releases_are_listed_in_their_order(make_sample: Any, tmp_path: Path) -> None:
    config = make_sample(chunks=1).config
    config.paths = Paths(workspace=str(tmp_path / "workspace"), exports=str(tmp_path / "exports"))
    for name in ("v1.10.0", "v1.9.0", "v1.9.0.bak", "v2.0.0"):
        (config.release_folder / name).mkdir(parents=True)
        if name != "v2.0.0":
            (config.release_folder / name / "manifest.json").write_text("{}", encoding="utf-8")
    assert status(config).releases == ["v1.9.0", "v1.10.0"]
    assert not (tmp_path / "workspace" / "studio").exists()


def test_a_server_elsewhere_that_does_not_answer_is_no_error(make_sample: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "0" * 40)
    config = make_sample(chunks=1, label_studio=LabelStudio(url="http://127.0.0.1:9")).config
    found = status(config)
    assert found.label_studio is not None
    assert (found.label_studio.url, found.label_studio.answers) == ("http://127.0.0.1:9", False)
    assert "Nothing answers at http://127.0.0.1:9" in printed("status", found)


def test_how_far_everything_is_fits_a_screen(tmp_path: Path) -> None:
    """Each stage with its date and what it counts, the latest pull and release, and what is next."""
    project = Project(tmp_path, articles=3)
    lines = printed("status", status(project.config)).splitlines()
    assert lines[1:] == [
        "  prepare       not done: builder prepare",
        "  validate      not done: builder validate",
        "  adjudicate    not done: builder adjudicate",
        "  label studio  not running: builder serve",
        "  pull          none: builder pull",
        "  release       none: builder export",
        "  report        none: builder report",
        "  next          builder prepare: the articles are not read yet",
    ]
    for user, label in enumerate(("favor", "against", "neutral")):
        project.dissent[user, 0, 0] = {"stances": {"ukraine": label, "japan": "none"}}
    pulled(project)
    with mock.patch("builder.release.export.check_loads"):
        export(project.config)
    [record] = (project.config.dataset_folder / "pulls").glob("*/pull.json")
    counted = {"counts": {"tasks": 12, "annotations": 1036, "skipped": 1, "drafts": 0}}
    write_json(record, read_json(record) | counted | {"finished": "2026-05-01T10:20:30+00:00"})
    found = status(replace(project.config, chunking=replace(project.config.chunking, max_tokens=20)))
    lines = [
        re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC: ", "DAY: ", line) for line in printed("status", found).splitlines()
    ]
    assert lines[1:] == [
        "  prepare       DAY: 3 articles, 12 chunks, 12 selected (of other chunking)",
        "  validate      DAY: 36 annotations, 0 issues, 0 quarantined",
        "  adjudicate    DAY: 12 chunks, 1 unresolved, 0 without votes",
        "  label studio  not running: builder serve",
        "  pull          DAY: 12 tasks, 1,036 annotations, 1 skipped, 0 drafts",
        "  release       DAY: v1.0.0",
        "  progress      12 of 12 chunks are done, 0 are reopened",
        "                20 seconds per chunk, half of them 20 to 20",
        "  agreement     stance: alpha 0.938 (0.784 to 1.000): reliable",
        "                entity: exact F1 1.000 (1.000 to 1.000)",
        "                evidence: exact F1 1.000 (1.000 to 1.000)",
        "  gold          answers: 23 agreed, 1 unresolved",
        "                spans: 56 agreed",
        "  changes       First release.",
        "  report        none: builder report",
        "  next          builder review: 1 gold labels are unresolved",
    ]
