"""A small scheme, and annotations as they stand in a pull."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from builder.questions.decode import decode
from builder.questions.rows import Decoded
from builder.scheme import EntityLabel, Migration, Scheme, StanceLabel, Target

START = 1000


@pytest.fixture
def scheme() -> Scheme:
    """Version 2 of a scheme whose GPE was COUNTRY, and whose japan was nippon."""
    return Scheme(
        name="demo",
        version="2",
        entities={"PERSON": EntityLabel(), "GPE": EntityLabel()},
        stance={"favor": StanceLabel("Favor"), "against": StanceLabel("Against"), "none": StanceLabel("None")},
        targets={"japan": Target("Japan"), "china": Target("China")},
        problems={"garbled": "Garbled", "cut": "Cut off"},
        migrations={"1": Migration(entities={"COUNTRY": "GPE"}, stance={"pro": "favor"}, targets={"nippon": "japan"})},
    )


@pytest.fixture
def region() -> Callable[..., dict[str, Any]]:
    """Makes a marked span: `region(start, end, text, label, ..., name=region id)`."""

    def make(start: Any, end: Any, text: str | None, *labels: str, name: str = "r1") -> dict[str, Any]:
        value = {"start": start, "end": end, "text": text, "labels": list(labels)}
        return {"id": name, "from_name": "entity", "to_name": "text", "type": "labels", "value": value}

    return make


@pytest.fixture
def choice() -> Callable[..., dict[str, Any]]:
    """Makes chosen answers: `choice(control, answer, ..., name=region id)`."""

    def make(control: str, *chosen: str, name: str = "x") -> dict[str, Any]:
        value = {"choices": list(chosen)}
        return {"id": name, "from_name": control, "to_name": "text", "type": "choices", "value": value}

    return make


@pytest.fixture
def task() -> Callable[..., dict[str, Any]]:
    """Makes a task with one annotation: `task(result, text=..., version=..., targets=..., annotation fields)`."""

    def make(result: list[Any], text: str = "Japan and China", version: str = "2", **fields: Any) -> dict[str, Any]:
        data = {"chunk_id": "c", "article_id": "a", "start": START, "text": text, "scheme": f"demo@{version}"}
        data |= {"targets": fields.pop("targets")} if "targets" in fields else {}
        made = {"id": 1, "completed_by": 7, "result": result, "created_at": "2026-03-02T10:00:00.5Z", **fields}
        return {"id": 3, "project": 2, "data": data, "annotations": [made], "drafts": [], "predictions": []}

    return make


@pytest.fixture
def read(scheme: Scheme) -> Callable[..., Decoded]:
    """Decodes tasks: `read(task, ..., scheme=...)`."""

    def run(*tasks: dict[str, Any], scheme: Scheme = scheme) -> Decoded:
        lines = [json.dumps(task).encode() for task in tasks]
        return decode(lines, {7: "ana@example.com", 8: "ben@example.com"}, b"salt", scheme, "pull")

    return run
