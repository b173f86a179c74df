"""Who annotates: people as configured, recorded annotators by their files."""

from pathlib import Path

import pytest

from builder.errors import ConfigError, SourceError
from builder.studio.people import Annotator, annotators_of
from builder.studio.settings import Annotators


def test_people_are_sorted_by_name() -> None:
    settings = Annotators(overlap=1, people={"ben": "Ben@example.org", "ada": ""} | {"ada": "a@example.org"})
    assert annotators_of(settings) == [Annotator("ada", "a@example.org"), Annotator("ben", "Ben@example.org")]


def test_unnamed_people_are_numbered_by_the_overlap() -> None:
    assert annotators_of(Annotators(overlap=2)) == [
        Annotator("annotator-1", "annotator-1@builder.invalid"),
        Annotator("annotator-2", "annotator-2@builder.invalid"),
    ]


def test_recorded_annotators_are_files(tmp_path: Path) -> None:
    settings = Annotators(kind="recorded", recorded=str(tmp_path), people={"Ben": "ben@example.org"})
    with pytest.raises(SourceError, match="no recorded annotators"):
        annotators_of(settings)
    for name in ("Cyd.jsonl", "Ben.jsonl", "notes.txt"):
        (tmp_path / name).touch()
    assert annotators_of(settings) == [Annotator("Ben", "ben@example.org"), Annotator("Cyd", "cyd@builder.invalid")]


@pytest.mark.parametrize("name", ["a b", "", ".ada", "a/b", "a" * 62, "ada\n"])
def test_a_name_must_be_plain(name: str) -> None:
    with pytest.raises(ConfigError, match="is not a plain name"):
        annotators_of(Annotators(overlap=1, people={name: "a@example.org"}))


def test_projects_of_ones_own_need_as_many_people_as_the_overlap(tmp_path: Path) -> None:
    (tmp_path / "ada.jsonl").touch()
    settings = Annotators(kind="recorded", recorded=str(tmp_path), layout="each", overlap=2)
    with pytest.raises(ConfigError, match=r"overlap is 2, but there are 1 annotators"):
        annotators_of(settings)
    settings.overlap = 1
    assert len(annotators_of(settings)) == 1
    settings.layout, settings.overlap = "shared", 2
    assert len(annotators_of(settings)) == 1
