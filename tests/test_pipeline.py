"""Stages are made from what the configuration says, and differ from it where a setting does."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from builder import pipeline
from builder.config import Config, Dataset, Paths
from builder.corpus.settings import Selection, Source
from builder.errors import ConfigError, StoreError
from builder.pipeline import KeptPull
from builder.quality.gates import Verdict
from builder.quality.settings import Quality
from builder.stage import settings_digests
from builder.store import write_table
from builder.studio.pulls import ensure_key
from builder.studio.settings import Annotators
from tests.pulls import keep_pull
from tests.samples import scheme


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration in folders of its own, where nothing is made yet."""
    paths = Paths(str(tmp_path / "raw"), str(tmp_path / "work"), str(tmp_path / "exports"))
    return Config(paths=paths, dataset=Dataset(name="news", description="About news."), labels=scheme())


def test_each_stage_has_the_settings_that_it_reads(config: Config) -> None:
    config.annotators.overlap = 7
    config.dataset.language = "DE"
    config.selection = Selection(method="keywords")
    assert pipeline.settings_of(config, "validate") == {"labels": scheme(), "quality": Quality(), "overlap": 7}
    assert pipeline.settings_of(config, "adjudicate") == {"aggregation": config.aggregation, "quality": Quality()}
    assert pipeline.settings_of(config, "prepare") == {
        "cleaning": config.cleaning,
        "dedup": config.dedup,
        "chunking": config.chunking,
        "selection": config.selection,
        "source": pipeline.reading(config.source),
        "language": "de",
        "keywords": ["Ukraine", "Kyiv", "Japan", "Tokyo"],
    }


def test_how_files_are_reached_decides_nothing_that_is_read() -> None:
    others = {"include": ["x"], "exclude": ["y"], "shard_mb": 1, "follow_links": True, "storage_options": {"a": 1}}
    assert pipeline.reading(replace(Source(), **others)) == pipeline.reading(Source())  # type: ignore[arg-type]
    assert pipeline.reading(Source()).keys() == {field.name for field in fields(Source)} - others.keys()
    assert pipeline.reading(Source(recall=True))["recall"] is True


def test_keywords_are_those_of_the_setting_or_the_names_of_targets(config: Config) -> None:
    assert pipeline.keywords(config) == []
    config.selection = Selection(method="keywords", keywords=["war"])
    assert pipeline.keywords(config) == ["war"]
    config.selection.keywords = []
    config.labels = scheme(targets={"nobody": []})
    with pytest.raises(ConfigError, match=r"targets have no aliases\. Set selection\.keywords"):
        pipeline.keywords(config)


def test_groups_that_differ_from_the_stage_are_named_in_order(config: Config) -> None:
    made: Any = SimpleNamespace(name="prepare", made_from={})
    now = settings_digests(pipeline.settings_of(config, "prepare"))
    assert pipeline.changed(config, made) == sorted(now)
    made.made_from = {f"settings {key}": value for key, value in now.items()}
    assert pipeline.changed(config, made) == []
    config.chunking.max_tokens, config.cleaning.phones = 3, True
    assert pipeline.changed(config, made) == ["chunking", "cleaning"]


def test_new_and_lost_chunks_are_counted(tmp_path: Path) -> None:
    def stage(name: str, ids: str) -> Any:
        write_table(tmp_path / name, pa.table({"chunk_id": pa.array(list(ids), pa.string())}))
        return SimpleNamespace(table_path=lambda table: tmp_path / name if table == "chunks" else None)

    old, new, nothing = stage("old", "abc"), stage("new", "cdefg"), stage("nothing", "")
    assert pipeline.chunk_changes(old, new) == (4, 2)
    assert pipeline.chunk_changes(old, old) == (0, 0)
    assert pipeline.chunk_changes(nothing, new) == (5, 0)
    assert pipeline.chunk_changes(new, nothing) == (0, 5)


def test_raw_files_are_read_by_the_path_of_their_articles(config: Config) -> None:
    assert pipeline.raw_opener(config)("a.txt") is None
    config.raw.mkdir()
    (config.raw / "a.txt").write_bytes(b"raw")
    read = pipeline.raw_opener(config)
    assert (read("a.txt"), read("b.txt")) == (b"raw", None)


def test_the_pull_is_the_latest_or_the_one_that_is_named(config: Config) -> None:
    with pytest.raises(StoreError, match=r"Nothing was pulled yet\. Run `builder pull` first"):
        pipeline.chosen_pull(config)
    for line in ("{}\n", "[]\n"):
        keep_pull(config, line, {"1": {"email": "ada@example.org"}})
    with pytest.raises(StoreError, match=r"pseudonyms\.key is missing"):
        pipeline.chosen_pull(config)
    ensure_key(config.workspace / "pseudonyms.key")
    latest = pipeline.chosen_pull(config)
    (other,) = set((config.dataset_folder / "pulls").glob("[0-9a-f]*")) - {latest.folder}
    config.dataset.pull = other.name[:6]
    named = pipeline.chosen_pull(config)
    assert (named.folder, named.hash[:16], latest.hash[:16]) == (other, other.name, latest.folder.name)
    assert (named.key, named.given) == (latest.key, {})
    (other / "tasks.jsonl").write_text("{ }\n")
    with pytest.raises(StoreError, match="is not what its hash says"):
        pipeline.chosen_pull(config)


def test_a_pull_is_its_tasks_the_key_and_the_names_that_people_were_given(tmp_path: Path) -> None:
    pulls = [
        KeptPull(tmp_path, "a", b"k", {}),
        KeptPull(tmp_path, "b", b"k", {}),
        KeptPull(tmp_path, "a", b"l", {}),
        KeptPull(tmp_path, "a", b"k", {"ada@example.org": "one"}),
    ]
    assert len({pull.fingerprint for pull in pulls}) == 4
    assert KeptPull(tmp_path / "moved", "a", b"k", {}).fingerprint == pulls[0].fingerprint
    assert "secret" not in repr(KeptPull(tmp_path, "a", b"secret", {}))


def test_gates_of_all_stages_that_do_not_hold_are_in_one_sentence() -> None:
    def stage(*verdicts: Verdict) -> Any:
        return SimpleNamespace(summary={"gates": [asdict(verdict) for verdict in verdicts]})

    low, good, many = (
        Verdict("min_alpha", "", 0.1, 0.5, False, "alpha is 0.1"), Verdict("x", "", 1, 1, True, "fine"),
        Verdict("max_unresolved", "", 0.3, 0.2, False, "30 % are unresolved"),
    )  # fmt: skip
    said = "alpha is 0.1 (min_alpha is 0.5); 30 % are unresolved (max_unresolved is 0.2)"
    assert pipeline.gates(stage(low, good), stage(many)) == said
    assert pipeline.gates(stage(good)) == ""


def test_the_room_of_label_studio_knows_the_whole_configuration(config: Config) -> None:
    config.annotators, config.selection = Annotators(overlap=5), Selection(method="random")
    made = pipeline.campaign(config)
    assert (made.dataset, made.description, made.selection) == ("news", "About news.", "random")
    assert (made.folder, made.workspace) == (config.dataset_folder, config.workspace)
    assert made.scheme is config.labels
    assert made.annotators is config.annotators
    assert made.server is config.label_studio
    assert made.suggestions is config.suggestions
