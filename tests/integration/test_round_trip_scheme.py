"""A scheme changes under a project that people have annotated, and no label is lost."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from builder.commands.pull import pull
from builder.commands.push import push
from builder.errors import Refused
from builder.scheme import EntityLabel, Migration

pytestmark = pytest.mark.studio


def quiet() -> Console:
    return Console(file=io.StringIO())


def labels_of(sample: Any) -> list[str]:
    folder = Path(pull(sample.config, quiet())["folder"])
    tasks = [json.loads(line) for line in (folder / "tasks.jsonl").read_text("utf-8").splitlines()]
    results = [item for t in tasks for a in t["annotations"] for item in a["result"]]
    return [label for item in results if item["type"] == "labels" for label in item["value"]["labels"]]


@pytest.fixture
def annotated(studio: Any) -> Any:
    sample = studio.dataset(chunks=2)
    push(sample.config, quiet())
    sample.config.annotators.partial = True
    for path in sample.recorded.glob("*.jsonl"):
        path.write_text("", encoding="utf-8")
    return sample


def test_an_added_label_applies(annotated: Any) -> None:
    before = labels_of(annotated)
    scheme = annotated.config.labels
    annotated.config.labels = replace(scheme, version="2", entities={**scheme.entities, "EVENT": EntityLabel()})
    assert push(annotated.config, quiet())["projects"][0]["results_rewritten"] == 0
    assert labels_of(annotated) == before


def test_a_renamed_label_rewrites_what_carries_it_once(annotated: Any) -> None:
    before = labels_of(annotated)
    scheme = annotated.config.labels
    entities = {"PLACE": EntityLabel(), "ORG": EntityLabel()}
    migrations = {"1": Migration(entities={"GPE": "PLACE"})}
    annotated.config.labels = replace(scheme, version="2", entities=entities, migrations=migrations)
    assert push(annotated.config, quiet())["projects"][0]["results_rewritten"] == 6
    assert labels_of(annotated) == ["PLACE" if label == "GPE" else label for label in before]
    assert push(annotated.config, quiet())["projects"][0]["results_rewritten"] == 0


def test_a_removed_label_is_refused_with_the_reason(annotated: Any) -> None:
    before = labels_of(annotated)
    scheme = annotated.config.labels
    annotated.config.labels = replace(scheme, version="2", entities={"ORG": EntityLabel()})
    with pytest.raises(Refused, match="drops entity label GPE"):
        push(annotated.config, quiet())
    annotated.config.labels = scheme
    assert labels_of(annotated) == before
