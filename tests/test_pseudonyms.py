"""Settings that name people are compared with everybody who may be known, and the file of people says who is asked."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from builder.config import Config, Dataset, Paths
from builder.errors import ConfigError
from builder.pseudonyms import accounts_of, quality_of, refuse_unknown_people
from builder.quality.settings import Aggregation, Quality
from builder.stage import Stages
from builder.store import write_json, write_table
from builder.studio.pull_records import ensure_key
from builder.studio.settings import Annotators
from tests.samples import scheme

PEOPLE = """\
name,email,active,pseudonym,labels
ada,Ada@example.org,yes,one,GPE ORG
ben,ben@example.org,no,two,GPE
cyd,cyd@example.org,yes,three,
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A workspace with a key, and three people of whom two are asked for some labels."""
    (tmp_path / "people.csv").write_text(PEOPLE)
    made = Config(
        paths=Paths(workspace=str(tmp_path)),
        dataset=Dataset(name="news"),
        labels=scheme(),
        annotators=Annotators(file=str(tmp_path / "people.csv"), layout="each"),
    )
    ensure_key(tmp_path / "pseudonyms.key")
    return made


def test_who_is_asked_for_some_entities_is_asked_for_all_other_spans(config: Config) -> None:
    assert quality_of(config) == Quality(asked={"one": ["GPE", "ORG", "EVIDENCE"], "two": ["GPE", "EVIDENCE"]})
    for same in (["ORG", "GPE"], ["EVIDENCE", "ORG", "GPE"]):
        given = replace(config, quality=Quality(asked={"one": same, "other": ["GPE"]}, min_chunks=3))
        asked = {"one": ["GPE", "ORG", "EVIDENCE"], "other": ["GPE"], "two": ["GPE", "EVIDENCE"]}
        assert quality_of(given) == Quality(asked=asked, min_chunks=3)
        assert given.quality.asked["one"] == same
    for other in (["GPE"], ["GPE", "ORG", "PERSON"]):
        with pytest.raises(ConfigError, match=rf"names {', '.join(other)} for one, and \S+people\.csv:2 other labels"):
            quality_of(replace(config, quality=Quality(asked={"one": other})))


def test_without_a_file_or_a_key_the_settings_are_all_there_is(config: Config) -> None:
    plain = replace(config, annotators=Annotators())
    assert quality_of(plain) is plain.quality
    (config.workspace / "pseudonyms.key").unlink()
    assert quality_of(config) is config.quality


def test_accounts_are_those_of_the_pull(config: Config, tmp_path: Path) -> None:
    assert accounts_of(config, tmp_path) == {}
    write_json(tmp_path / "users.json", {"1": {"email": "ada@example.org"}, "2": {"email": "dan@example.org"}})
    (_, ada), (drawn, dan) = sorted((email, name) for name, email in accounts_of(config, tmp_path).items())
    assert (ada, drawn) == ("one", "dan@example.org")
    assert dan.startswith("annotator-")


def unknown(config: Config) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        refuse_unknown_people(config)
    return [fault.key for fault in refused.value.faults]


def test_names_of_nobody_are_refused_wherever_they_are(config: Config) -> None:
    named = {"experts": ["nobody"], "weights": {"somebody": 2.0}}
    config = replace(config, aggregation=Aggregation(**named), quality=Quality(asked={"anybody": []}))  # type: ignore[arg-type]
    assert unknown(config) == ["aggregation.experts", "aggregation.weights", "quality.asked"]
    (config.workspace / "pseudonyms.key").unlink()
    refuse_unknown_people(config)


def test_everybody_who_may_have_annotated_is_known(config: Config) -> None:
    """People of the file, also those who left; of pulls, also of other datasets; and of annotations."""

    def expert(name: str) -> Config:
        return replace(config, aggregation=Aggregation(experts=[name]))

    for name in ("one", "two", "three"):
        refuse_unknown_people(expert(name))
    pull = config.workspace / "other" / "pulls" / "0123"
    write_json(pull / "users.json", {"7": {"email": "dan@example.org"}})
    (dan,) = accounts_of(config, pull)
    refuse_unknown_people(expert(dan))
    (pull / "users.json").unlink()
    assert unknown(expert(dan)) == ["aggregation.experts"]

    def make(folder: Path, *_: object) -> dict[str, int]:
        write_table(folder / "annotations.parquet", pa.table({"annotator": ["seen"]}))
        return {}

    assert unknown(expert("seen")) == ["aggregation.experts"]
    Stages(config.dataset_folder).get("validate", make, inputs={}, settings={}, rooms=())
    refuse_unknown_people(expert("seen"))


def test_people_of_the_settings_are_known_by_their_drawn_names(config: Config, tmp_path: Path) -> None:
    people = {"ada": "ada@example.org", "ben": "ben@example.org", "cyd": "cyd@example.org"}
    write_json(tmp_path / "users.json", {"1": {"email": people["ada"]}})
    config = replace(config, annotators=Annotators(people=people))
    (ada,) = accounts_of(config, tmp_path)
    (tmp_path / "users.json").unlink()
    config = replace(config, aggregation=Aggregation(weights={ada: 1.0}))
    refuse_unknown_people(config)
    # Recorded annotators are read when they are pulled.
    recorded = Annotators(kind="recorded", recorded=str(tmp_path / "gone"), people=people)
    assert unknown(replace(config, annotators=recorded)) == ["aggregation.weights"]
