"""`builder validate` and `builder adjudicate` over a pull on disk, as users run them."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from builder.commands.adjudicate import adjudicate
from builder.commands.validate import validate
from builder.config import Config, Dataset, Paths
from builder.errors import StoreError
from builder.labels.encode import results, scheme_name
from builder.store import read_json, read_table, write_json
from builder.tables import GOLD_SPANS, GOLD_STANCES, ISSUES

TEXT = "Tokyo will build Patriot missiles for Ukraine."
QUIET = Console(file=io.StringIO())


def annotation(
    number: int, user: int, spans: list[dict[str, Any]], stances: dict[str, str], scheme: Any
) -> dict[str, Any]:
    answers = [{"target": t, "span_id": None, "label": x} for t, x in stances.items()]
    return {
        "id": number,
        "completed_by": user,
        "result": results(spans, answers, [], None, 100, TEXT, scheme),
        "created_at": "2026-03-02T10:00:00Z",
        "updated_at": "2026-03-02T10:00:00Z",
        "lead_time": 20.0,
    }


def span(start: int, end: int, label: str) -> dict[str, Any]:
    return {"start": 100 + start, "end": 100 + end, "label": label, "kind": "entity", "span_id": None, "targets": []}


@pytest.fixture
def config(tmp_path: Path, scheme: Any) -> Config:
    """A workspace with one pull of one chunk and three annotators."""
    made = Config(paths=Paths(workspace=str(tmp_path)), dataset=Dataset(name="demo"), labels=scheme())
    data = {
        "chunk_id": "c1",
        "article_id": "a1",
        "start": 100,
        "text": TEXT,
        "title": "",
        "scheme": scheme_name(scheme()),
    }
    tokyo, patriot = span(0, 5, "GPE"), span(17, 24, "WEAPON")
    answers = [
        annotation(1, 1, [tokyo, patriot], {"japan": "favor", "ukraine": "favor"}, scheme()),
        annotation(2, 2, [tokyo], {"japan": "favor", "ukraine": "none"}, scheme()),
        annotation(3, 3, [tokyo, patriot], {"japan": "favor", "ukraine": "against"}, scheme()),
    ]
    folder = tmp_path / "demo" / "pulls" / ("ab" * 8)
    folder.mkdir(parents=True)
    task = {"id": 1, "project": 4, "data": data, "annotations": answers, "drafts": [], "predictions": []}
    (folder / "tasks.jsonl").write_text(json.dumps(task) + "\n", encoding="utf-8")
    write_json(folder / "users.json", {str(i): {"email": f"{i}@example.com"} for i in (1, 2, 3)})
    write_json(tmp_path / "demo" / "pulls" / "latest.json", {"hash": "ab" * 32})
    (tmp_path / "pseudonyms.key").write_bytes(b"salt")
    return made


def test_a_pull_becomes_gold(config: Config) -> None:
    assert validate(config, QUIET)["rows"]["annotations"] == 3
    adjudicate(config, QUIET)
    stances = read_table(config.stage("adjudicate").table("gold_stances"), GOLD_STANCES, "adjudicate").to_pylist()
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
