"""`builder prepare`: the tables stand in its stage, a second run does nothing, and two runs at once do not mix."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from builder.commands.prepare import prepare
from builder.config import Config, Paths
from builder.corpus import prepare as corpus
from builder.corpus.settings import Chunking, Selection
from builder.engine_settings import Engine
from builder.errors import BuilderError, ConfigError
from builder.store import read_table
from builder.tables import CHUNKS
from tests.samples import scheme

Make = Callable[..., Config]


def console() -> Console:
    return Console(file=io.StringIO(), width=100)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Configurations over one raw folder with an article and one workspace."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.txt").write_text("Tokyo and Kyiv struck a deal on Monday.\nNobody else was in the room.")

    def make(**groups: Any) -> Config:
        paths = Paths(raw=str(tmp_path / "raw"), workspace=str(tmp_path / "work"))
        labels = scheme(entities=["ORG"], stance=[])
        return Config(**{"paths": paths, "labels": labels, "engine": Engine(workers=1), **groups})

    return make


def test_nothing_new_means_nothing_done(make: Make) -> None:
    config = make()
    first = prepare(config, console())
    before = config.stage("prepare").table("articles").stat().st_mtime_ns
    screen = console()
    assert prepare(config, screen) == first
    assert "nothing changed" in screen.file.getvalue()  # type: ignore[attr-defined]
    assert config.stage("prepare").table("articles").stat().st_mtime_ns == before


def test_two_runs_at_once_do_not_mix(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = corpus.join_tables

    def join(*arguments: Any) -> None:
        with pytest.raises(BuilderError, match=r"Another `builder prepare` .* is running"):
            prepare(make(chunking=Chunking(max_tokens=30)), console())
        plain(*arguments)

    monkeypatch.setattr(corpus, "join_tables", join)
    prepare(make(), console())


def test_keywords_are_the_aliases_of_targets_unless_they_are_given(make: Make) -> None:
    with pytest.raises(ConfigError, match=r"Set selection\.keywords"):
        prepare(make(selection=Selection(method="keywords")), console())
    labels = scheme(targets={"japan": ["Tokyo"]})

    def selected(*keywords: str) -> list[str]:
        chosen = Selection(method="keywords", keywords=list(keywords))
        config = make(labels=labels, selection=chosen, chunking=Chunking(max_tokens=10))
        prepare(config, console())
        found = read_table(config.stage("prepare").table("selected"), CHUNKS, "prepare")
        return [text.split()[0] for text in found["text"].to_pylist()]

    assert selected() == ["Tokyo"]
    assert selected("room") == ["Nobody"]
