"""Short ways to write the tables that the tests of this room start from."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from builder.config import Config, Dataset, Paths
from builder.questions.encode import results, scheme_name
from builder.scheme import Scheme
from builder.tables import ANNOTATIONS, ANSWERS, SPANS, WINDOWS
from tests import samples
from tests.pulls import keep_pull

DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXT = "Tokyo will build Patriot missiles for the United States and Ukraine."


@pytest.fixture
def scheme() -> Callable[..., Scheme]:
    """Makes a scheme of two kinds of entity, three stances and two targets, with changes."""
    return _scheme


def _scheme(**changes: Any) -> Scheme:
    given: dict[str, Any] = {
        "name": "test",
        "entities": ["GPE", "WEAPON"],
        "stance": ["favor", "against", "none"],
        "targets": {"japan": ["Tokyo"], "ukraine": ["Ukraine", "Kyiv"]},
        "problems": ["garbled"],
    }
    return samples.scheme(**{**given, **changes})


class Crowd:
    """Collects what annotators did; every call adds one annotation."""

    def __init__(self) -> None:
        self._annotations: list[dict[str, Any]] = []
        self._spans: list[dict[str, Any]] = []
        self._stances: list[dict[str, Any]] = []
        self._windows: dict[str, dict[str, Any]] = {}

    def window(self, chunk: str, text: str = TEXT, start: int = 0, **more: Any) -> "Crowd":
        """What the annotators of a chunk saw; its article is the chunk unless told otherwise."""
        row = {"chunk_id": chunk, "article_id": chunk, "start": start, "end": start + len(text), "text": text}
        self._windows[chunk] = {**row, "title": "", "scheme": "test@1", **more}
        return self

    def add(
        self,
        chunk: str,
        annotator: str,
        spans: tuple[tuple[Any, ...], ...] | list[tuple[Any, ...]] = (),
        stances: dict[str, str] | None = None,
        **more: Any,
    ) -> "Crowd":
        """An annotation; spans are (start, end, label) or (start, end, "EVIDENCE", targets)."""
        if chunk not in self._windows:
            self.window(chunk)
        n = len(self._annotations) + 1
        shown = self._windows[chunk]
        who = {
            "annotation_id": more.pop("annotation_id", f"{more.get('project_id', 1)}:{n}"),
            "chunk_id": chunk,
            "article_id": shown["article_id"],
            "annotator": annotator,
        }
        self._annotations.append(
            {
                **who,
                "task_id": n,
                "project_id": 1,
                "state": "labelled" if spans or stances else "labelled-empty",
                "prediction": "none",
                "problems": [],
                "created": DAY + timedelta(minutes=n),
                "updated": DAY + timedelta(minutes=n),
                "lead_time": 30.0,
                "scheme_version": "1",
                "quarantined": False,
                **more,
            }
        )
        for i, (start, end, label, *targets) in enumerate(spans):
            self._spans.append(
                {
                    **who,
                    "span_id": f"r{i}",
                    "kind": "evidence" if label == "EVIDENCE" else "entity",
                    "start": start,
                    "end": end,
                    "label": label,
                    "text": shown["text"][max(start - shown["start"], 0) : end - shown["start"]],
                    "targets": targets[0] if targets else [],
                }
            )
        for target, label in (stances or {}).items():
            self._stances.append({**who, "target": target, "span_id": None, "label": label})
        return self

    @property
    def annotations(self) -> pa.Table:
        return pa.Table.from_pylist(self._annotations, schema=ANNOTATIONS)

    @property
    def spans(self) -> pa.Table:
        return pa.Table.from_pylist(self._spans, schema=SPANS)

    @property
    def stances(self) -> pa.Table:
        return pa.Table.from_pylist([{"question": "stance", **r} for r in self._stances], schema=ANSWERS)

    @property
    def windows(self) -> pa.Table:
        return pa.Table.from_pylist([self._windows[k] for k in sorted(self._windows)], schema=WINDOWS)


@pytest.fixture
def crowd() -> Crowd:
    """An empty crowd."""
    return Crowd()


PULLED = "Tokyo will build Patriot missiles for Ukraine."


def _annotation(
    number: int, user: int, spans: list[dict[str, Any]], stances: dict[str, str], scheme: Any
) -> dict[str, Any]:
    answers = [{"question": "stance", "target": t, "span_id": None, "label": x} for t, x in stances.items()]
    return {
        "id": number,
        "completed_by": user,
        "result": results(spans, answers, [], None, 100, PULLED, scheme),
        "created_at": "2026-03-02T10:00:00Z",
        "updated_at": "2026-03-02T10:00:00Z",
        "lead_time": 20.0,
    }


def _span(start: int, end: int, label: str) -> dict[str, Any]:
    return {"start": 100 + start, "end": 100 + end, "label": label, "kind": "entity", "span_id": None, "targets": []}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A workspace with one pull of one chunk and three annotators."""
    made = Config(paths=Paths(workspace=str(tmp_path)), dataset=Dataset(name="demo"), labels=_scheme())
    data = {
        "chunk_id": "c1",
        "article_id": "a1",
        "start": 100,
        "text": PULLED,
        "title": "",
        "scheme": scheme_name(_scheme()),
    }
    tokyo, patriot = _span(0, 5, "GPE"), _span(17, 24, "WEAPON")
    answers = [
        _annotation(1, 1, [tokyo, patriot], {"japan": "favor", "ukraine": "favor"}, _scheme()),
        _annotation(2, 2, [tokyo], {"japan": "favor", "ukraine": "none"}, _scheme()),
        _annotation(3, 3, [tokyo, patriot], {"japan": "favor", "ukraine": "against"}, _scheme()),
    ]
    task = {"id": 1, "project": 4, "data": data, "annotations": answers, "drafts": [], "predictions": []}
    keep_pull(made, json.dumps(task) + "\n", {str(i): {"email": f"{i}@example.com"} for i in (1, 2, 3)})
    (tmp_path / "pseudonyms.key").write_bytes(b"salt")
    return made
