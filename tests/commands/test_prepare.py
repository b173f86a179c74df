"""`builder prepare`: the tables are in its stage, a second run does nothing, and two runs at once do not mix."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder import compose, prepare
from builder.config import Config, Paths
from builder.corpus import prepare as corpus
from builder.corpus import shard_tables
from builder.corpus.settings import Chunking, Selection
from builder.engine import Engine
from builder.errors import ConfigError
from builder.tables import CHUNKS
from tests.results import printed
from tests.samples import scheme

Make = Callable[..., Config]


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


def test_nothing_new_means_nothing_done(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare(make())
    monkeypatch.setattr(corpus, "prepare", None)
    assert prepare(make()) == first
    assert first.summary["chunks"] == first.table("chunks", CHUNKS).num_rows == 1


def test_a_file_that_could_not_be_read_is_read_by_the_next_run(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make()
    (Path(config.paths.raw) / "b.txt").write_text("Kyiv thanked Tokyo on Tuesday.")
    plain = shard_tables._open

    def refusing(part: Any, source: Any) -> Any:
        if part.path == "b.txt":
            raise PermissionError(13, "Permission denied")
        return plain(part, source)

    with monkeypatch.context() as patch:
        patch.setattr(shard_tables, "_open", refusing)
        assert prepare(config).summary["rejected"] == {"unreadable": 1}
    read = prepare(config).summary
    assert (read["rejected"], read["articles"]) == ({}, 2)


def test_two_runs_at_once_do_not_mix(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, waits, others = corpus.join_tables, threading.Event(), []

    def other() -> None:
        def progress(what: str, *_: Any) -> None:
            if "waiting" in what:
                waits.set()

        others.append(prepare(make(chunking=Chunking(max_tokens=10)), progress=progress))

    thread = threading.Thread(target=other)

    def join(*arguments: Any) -> None:
        if not thread.ident:
            thread.start()
            assert waits.wait(60)
            assert not others
        plain(*arguments)

    monkeypatch.setattr(corpus, "join_tables", join)
    first = prepare(make())
    thread.join()
    (second,) = others
    assert (first.table("chunks").num_rows, second.table("chunks").num_rows) == (1, 2)


def test_keywords_are_the_aliases_of_targets_unless_they_are_given(make: Make) -> None:
    with pytest.raises(ConfigError, match=r"Set selection\.keywords"):
        prepare(make(selection=Selection(method="keywords")))
    labels = scheme(targets={"japan": ["Tokyo"]})

    def selected(*keywords: str) -> list[str]:
        chosen = Selection(method="keywords", keywords=list(keywords))
        made = prepare(make(labels=labels, selection=chosen, chunking=Chunking(max_tokens=10)))
        return [text.split()[0] for text in made.table("selected")["text"].to_pylist()]

    assert selected() == ["Tokyo"]
    assert selected("room") == ["Nobody"]


def test_the_counts_are_shown(make: Make) -> None:
    lines = [line.split() for line in printed("prepare", prepare(make())).splitlines()]
    assert ["articles", "1"] in lines


def test_every_article_of_the_sample_has_a_date(tmp_path: Path) -> None:
    """Otherwise `split=by_time` would refuse the sample."""
    config = compose("experiment=demo", f"paths.workspace={tmp_path / 'workspace'}")
    published = prepare(config).table("articles")["published"]
    assert (len(published), published.null_count) == (17, 0)
