"""What releases and runs use stays, what a release says of its settings is public, and its stages are found again."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from builder import pipeline
from builder.config import Config, Dataset, Paths
from builder.errors import StoreError
from builder.questions import plain
from builder.release.passages import STAGES
from builder.releases import GROUPS, public_sections, table_paths, tables_of, to_note, unused
from builder.settings import fields_of, public
from builder.stage import Stage
from tests.samples import scheme


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration in folders of its own, where nothing is made yet."""
    paths = Paths(str(tmp_path / "raw"), str(tmp_path / "work"), str(tmp_path / "exports"))
    return Config(paths=paths, dataset=Dataset(name="news"), labels=scheme())


def stage(config: Config, name: str, number: int) -> Stage:
    """A stage with every table of its name, each a file with the number in it."""

    def make(folder: Path, *_: object) -> dict[str, int]:
        for table, home in STAGES.items():
            if home == name:
                (folder / f"{table}.parquet").write_text(str(number))
        return {}

    return pipeline.stages(config).get(name, make, inputs={}, settings={"number": number}, rooms=())


def release(config: Config, folder: str, **stages: str) -> None:
    path = Path(config.paths.exports) / folder / "manifest.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"stages": stages}))


def test_results_of_releases_of_every_variant_and_of_the_latest_runs_are_kept(config: Config) -> None:
    old, of_one, of_two, other = (stage(config, "prepare", n) for n in range(4))
    gold = stage(config, "adjudicate", 0)
    left = config.dataset_folder / "adjudicate" / ".half"
    left.mkdir()
    release(config, "news/v1.0.0", prepare=of_one.key, adjudicate=gold.key, older="0")
    release(config, "news-small/v1.2.0", prepare=of_two.key)
    # Another dataset, whose name begins alike.
    release(config, "newsroom/v1.0.0", prepare=old.key)
    gone, kept = unused(config)
    assert gone == [old.folder, left]
    assert kept == {
        str(of_one.folder): "release news v1.0.0",
        str(of_two.folder): "release news-small v1.2.0",
        str(other.folder): "the latest run",
        str(gold.folder): "the latest run",
    }


def test_nothing_is_unused_where_nothing_was_made(config: Config) -> None:
    assert unused(config) == ([], {})
    release(config, "news/v1.0.0", prepare="0" * 16)
    assert unused(config) == ([], {})


def test_tables_are_those_of_the_stages_that_a_release_names(config: Config) -> None:
    made = {name: stage(config, name, 1) for name in pipeline.NAMES}
    for name in pipeline.NAMES:
        stage(config, name, 2)
    keys = {name: found.key for name, found in made.items()}
    expected = {table: made[home].folder / f"{table}.parquet" for table, home in STAGES.items()}
    assert tables_of(config, keys) == table_paths(made) == expected
    for name in ("validate", "adjudicate"):
        with pytest.raises(StoreError, match=f"The stage {name} that the release was made from is not in"):
            tables_of(config, {**keys, name: "0" * 16})
    del keys["prepare"]
    with pytest.raises(StoreError, match="The stage prepare that"):
        tables_of(config, keys)
    expected["gold_spans"].write_text("other")
    with pytest.raises(StoreError, match=r"gold_spans\.parquet is not what was written"):
        table_paths(made)


def test_a_release_says_public_settings_and_its_note_all_but_secret_ones(config: Config) -> None:
    config.source.storage_options = {"key": "secret"}
    config.export.names, config.source.include = ["Ada"], ["private/*"]
    said, noted = public_sections(config), to_note(config)
    assert list(said) == list(GROUPS)
    assert noted.keys() == said.keys()
    assert said["labels"] == noted["labels"] == plain(config.labels)
    assert said["export"] == public(config.export)
    assert "names" not in said["export"]
    assert "include" not in said["source"]
    assert (noted["export"]["names"], noted["source"]["include"]) == (["Ada"], ["private/*"])
    assert "secret" not in json.dumps(noted)
    for name in set(GROUPS) - {"labels"}:
        known = fields_of(getattr(config, name).__class__)
        shown = [field.name for field in fields(getattr(config, name)) if not known[field.name].secret]
        assert list(noted[name]) == shown
