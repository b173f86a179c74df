"""The sample scheme with a history, and annotations as they are in a pull."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from builder.memory import without
from builder.questions.decode import decode
from builder.questions.rows import Decoded
from builder.scheme import Scheme
from tests.samples import scheme as sample_scheme

# What the SDK of Label Studio reads a labeling interface with takes seconds to import, and most of them for this.
with without("rfc3987_syntax"):
    import jsonschema  # noqa: F401

START = 1000


@pytest.fixture
def make() -> Callable[..., Scheme]:
    """Makes version 2 of a scheme whose GPE was COUNTRY, and whose japan was nippon, with changes."""

    def made(**changes: Any) -> Scheme:
        given: dict[str, Any] = {
            "name": "demo",
            "version": "2",
            "entities": ["PERSON", "GPE"],
            "stance": ["favor", "against", "none"],
            "targets": {"japan": [], "china": []},
            "problems": {"garbled": "Garbled", "cut": "Cut off"},
            "guidelines": "",
            "migrations": {"1": {"entities": {"COUNTRY": "GPE"}, "stance": {"pro": "favor"}}},
        }
        if changes.get("mode", "fixed") != "fixed":
            given |= {"targets": None}
        else:
            given["migrations"]["1"]["targets"] = {"nippon": "japan"}
        return sample_scheme(**{**given, **changes})

    return made


@pytest.fixture
def scheme(make: Callable[..., Scheme]) -> Scheme:
    return make()


@pytest.fixture
def region() -> Callable[..., dict[str, Any]]:
    """Makes a marked span: `region(start, end, text, label, ..., name=region id)`."""

    def made(start: Any, end: Any, text: str | None, *labels: str, name: str = "r1") -> dict[str, Any]:
        value = {"start": start, "end": end, "text": text, "labels": list(labels)}
        return {"id": name, "from_name": "entity", "to_name": "text", "type": "labels", "value": value}

    return made


@pytest.fixture
def choice() -> Callable[..., dict[str, Any]]:
    """Makes chosen answers: `choice(control, answer, ..., name=region id)`."""

    def made(control: str, *chosen: str, name: str = "x") -> dict[str, Any]:
        value = {"choices": list(chosen)}
        return {"id": name, "from_name": control, "to_name": "text", "type": "choices", "value": value}

    return made


@pytest.fixture
def task() -> Callable[..., dict[str, Any]]:
    """Makes a task with one annotation: `task(result, text=..., version=..., targets=..., annotation fields)`."""

    def made(result: list[Any], text: str = "Japan and China", version: str = "2", **fields: Any) -> dict[str, Any]:
        data = {"chunk_id": "c", "article_id": "a", "start": START, "text": text, "scheme": f"demo@{version}"}
        data |= {"targets": fields.pop("targets")} if "targets" in fields else {}
        one = {"id": 1, "completed_by": 7, "result": result, "created_at": "2026-03-02T10:00:00.5Z", **fields}
        return {"id": 3, "project": 2, "data": data, "annotations": [one], "drafts": [], "predictions": []}

    return made


@pytest.fixture
def read(scheme: Scheme) -> Callable[..., Decoded]:
    """Decodes tasks: `read(task, ..., scheme=...)`."""

    def run(*tasks: dict[str, Any], scheme: Scheme = scheme) -> Decoded:
        lines = [json.dumps(task).encode() for task in tasks]
        return decode(lines, {7: "ana@example.com", 8: "ben@example.com"}, b"salt", scheme, "pull")

    return run
