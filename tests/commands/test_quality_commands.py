"""`builder validate`, `adjudicate` and the cases of `review` over a pull on disk, as users run them."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from builder import tables
from builder.commands.adjudicate import adjudicate
from builder.commands.prepare import prepare
from builder.commands.review import review
from builder.commands.validate import validate
from builder.config import Config
from builder.errors import ConfigError, GateError, StoreError
from builder.store import read_json, read_table
from tests.samples import Project, scheme

QUIET = Console(quiet=True)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A workspace with one pull of one article, in which the first annotator has another opinion about Ukraine."""
    project = Project(tmp_path, articles=1)
    for paragraph in range(4):
        project.dissent[0, 0, paragraph] = {"stances": {"ukraine": "against", "japan": "none"}}
    prepare(project.config, QUIET)
    stage = project.config.stage("prepare")
    articles, chunks = (
        read_table(stage.table(name), schema, "prepare").to_pylist()
        for name, schema in (("articles", tables.ARTICLES), ("selected", tables.CHUNKS))
    )
    project.pull(articles, chunks)
    return project.config


def rows(config: Config, name: str) -> list[dict[str, Any]]:
    table = read_table(config.stage("adjudicate").table(name), getattr(tables, name.upper()), "adjudicate")
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def test_a_pull_becomes_gold(config: Config) -> None:
    said = io.StringIO()
    summary = validate(config, Console(file=said, width=160))
    assert summary["rows"]["annotations"] == 12
    assert all(title in said.getvalue() for title in ("Agreement on stance", "Span agreement", "Annotators", "Gates"))
    adjudicate(config, Console(file=said, width=160))
    assert "Gold of 4 chunks by majority" in said.getvalue()
    assert {r["status"] for r in rows(config, "gold_spans")} == {"agreed"}
    ukraine = [r for r in rows(config, "gold_answers") if r["target"] == "ukraine"]
    assert {r["status"] for r in ukraine} <= {"agreed", "adjudicated"}
    report = read_json(config.stage("validate").folder / "agreement.json") or {}
    assert sorted(report) == ["annotators", "answers", "known_answers", "spans"]
    assert review(config, QUIET, dry_run=True)["open"] == 0
    config.aggregation.method = "expert"
    assert review(config, QUIET, dry_run=True)["open"] == sum(r["status"] == "adjudicated" for r in ukraine)


def test_validate_fails_after_it_has_written_what_it_found(config: Config) -> None:
    config.quality.gates.min_alpha_of = {"ukraine": 0.99}
    for _ in range(2):
        with pytest.raises(GateError, match=r"alpha of stance for ukraine is .* \(min_alpha is 0\.99\)"):
            validate(config, QUIET)
    assert (config.stage("validate").folder / "agreement.json").exists()
    assert validate(config, QUIET, gate=False)["gates"]


def test_a_pull_under_other_labels_is_refused(config: Config) -> None:
    config.labels = scheme(name="other")
    with pytest.raises(ConfigError, match="labels is 'other', but the pull was annotated under 'sample@1'"):
        validate(config, QUIET)


def test_what_is_missing_is_named(config: Config) -> None:
    with pytest.raises(StoreError, match="builder validate"):
        adjudicate(config, QUIET)
    (config.dataset_folder / "pulls" / "latest.json").unlink()
    with pytest.raises(StoreError, match="builder pull"):
        validate(config, QUIET)
