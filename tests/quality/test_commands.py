"""`builder validate` and `builder adjudicate` over a pull on disk, as users run them."""

import io

import pytest
from rich.console import Console

from builder.commands.adjudicate import adjudicate
from builder.commands.validate import validate
from builder.config import Config
from builder.errors import StoreError
from builder.store import read_json, read_table
from builder.tables import GOLD_ANSWERS, GOLD_SPANS, ISSUES

TEXT = "Tokyo will build Patriot missiles for Ukraine."
QUIET = Console(file=io.StringIO())


def test_a_pull_becomes_gold(config: Config) -> None:
    assert validate(config, QUIET)["rows"]["annotations"] == 3
    adjudicate(config, QUIET)
    stances = read_table(config.stage("adjudicate").table("gold_answers"), GOLD_ANSWERS, "adjudicate").to_pylist()
    assert {r["target"]: (r["label"], r["status"]) for r in stances} == {
        "japan": ("favor", "agreed"), "ukraine": (None, "unresolved")
    }  # fmt: skip
    spans = read_table(config.stage("adjudicate").table("gold_spans"), GOLD_SPANS, "adjudicate").to_pylist()
    assert {(r["start"], r["end"], r["text"]): r["status"] for r in spans} == {
        (100, 105, "Tokyo"): "agreed", (117, 124, "Patriot"): "adjudicated"
    }  # fmt: skip
    assert read_table(config.stage("validate").table("issues"), ISSUES, "validate").num_rows == 0


def test_a_second_run_does_nothing(config: Config) -> None:
    for command in (validate, adjudicate):
        first = command(config, QUIET)
        stage = config.stage(command.__name__)
        before = {p.name: p.stat().st_mtime_ns for p in stage.folder.iterdir()}
        said = io.StringIO()
        assert command(config, Console(file=said)) == first
        assert "nothing changed" in said.getvalue()
        assert {p.name: p.stat().st_mtime_ns for p in stage.folder.iterdir()} == before


def test_other_settings_are_run_again(config: Config) -> None:
    validate(config, QUIET)
    adjudicate(config, QUIET)
    before = config.stage("adjudicate").fingerprint()
    config.aggregation.min_share = 0.7
    adjudicate(config, QUIET)
    assert config.stage("adjudicate").fingerprint() != before


def test_without_a_pull_the_message_says_what_to_run(config: Config) -> None:
    (config.dataset_folder / "pulls" / "latest.json").unlink()
    with pytest.raises(StoreError, match="builder pull"):
        validate(config, QUIET)


def test_a_pull_that_was_changed_is_not_validated(config: Config) -> None:
    (tasks,) = (config.dataset_folder / "pulls").glob("*/tasks.jsonl")
    tasks.write_text(tasks.read_text("utf-8").replace("favor", "against", 1), encoding="utf-8")
    with pytest.raises(StoreError, match="not what its hash says"):
        validate(config, QUIET)


def test_without_a_validation_the_message_says_what_to_run(config: Config) -> None:
    with pytest.raises(StoreError, match="builder validate"):
        adjudicate(config, QUIET)


def test_the_stage_is_deterministic(config: Config) -> None:
    for command in (validate, adjudicate):
        command(config, QUIET)
    files = [p for name in ("validate", "adjudicate") for p in config.stage(name).folder.iterdir()]
    first = {p: p.read_bytes() for p in files}
    for name in ("validate", "adjudicate"):
        (config.stage(name).folder / "stage.json").unlink()
    for command in (validate, adjudicate):
        command(config, QUIET)
    assert {p: p.read_bytes() for p in files} == first
    assert read_json(config.stage("validate").folder / "stage.json")
