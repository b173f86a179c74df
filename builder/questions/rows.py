"""Columns that fill annotation by annotation and leave as Arrow tables.

What all rows of an annotation share is written once and repeated by Arrow, so a row costs only what is its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from builder.tables import ANNOTATIONS, ANSWERS, ISSUES, SPANS, build

_SHARED = ("annotation_id", "chunk_id", "article_id", "annotator")
_BATCH = 16_384


@dataclass
class Decoded:
    """Tables of the schemas ANNOTATIONS, SPANS, ANSWERS and ISSUES."""

    annotations: pa.Table
    spans: pa.Table
    answers: pa.Table
    issues: pa.Table


class _Columns:
    """Rows of one schema as one list a column, turned into a record batch when there are enough."""

    def __init__(self, schema: pa.Schema, own: list[str]) -> None:
        self.schema = schema
        self.own = own
        self.batches: list[pa.RecordBatch] = []
        self.rows: list[tuple[Any, ...]] = []

    def flush(self, shared: dict[str, pa.Array] | None = None) -> dict[str, pa.Array]:
        """Turns the rows into a record batch; `shared` columns are repeated by each row's first value."""
        width = len(self.own) + (shared is not None)
        values: list[Sequence[Any]] = list(zip(*self.rows, strict=True)) if self.rows else [()] * width
        columns: dict[str, pa.Array] = {}
        if shared is not None:
            owner = pa.array(values.pop(0), pa.int32())
            columns = {name: shared[name].take(owner) for name in _SHARED}
        for name, column in zip(self.own, values, strict=True):
            columns[name] = pa.array(column, self.schema.field(name).type)
        self.rows = []
        self.batches.append(pa.record_batch([columns[name] for name in self.schema.names], self.schema))
        return columns

    def table(self) -> pa.Table:
        return pa.Table.from_batches(self.batches, self.schema).combine_chunks()


class Rows:
    """Collects rows; `tables` returns them all."""

    def __init__(self) -> None:
        self._annotations = _Columns(ANNOTATIONS, ANNOTATIONS.names)
        self._spans = _Columns(SPANS, [n for n in SPANS.names if n not in _SHARED])
        self._answers = _Columns(ANSWERS, [n for n in ANSWERS.names if n not in _SHARED])
        self._issues: list[dict[str, object]] = []

    @property
    def owner(self) -> int:
        """Index of the next annotation, by which its spans and answers name it."""
        return len(self._annotations.rows)

    def annotation(self, row: tuple[Any, ...], spans: list[tuple[Any, ...]], answers: list[tuple[Any, ...]]) -> None:
        """Adds an annotation: values in the order of ANNOTATIONS, and its rows, each led by `owner`."""
        self._spans.rows += spans
        self._answers.rows += answers
        self._annotations.rows.append(row)
        if len(self._annotations.rows) >= _BATCH:
            self._flush()

    def issue(self, **row: object) -> None:
        """Adds a row of ISSUES."""
        self._issues.append(row)

    def _flush(self) -> None:
        shared = self._annotations.flush()
        self._spans.flush(shared)
        self._answers.flush(shared)

    def tables(self) -> Decoded:
        """All that was added, in order."""
        self._flush()
        return Decoded(
            self._annotations.table(), self._spans.table(), self._answers.table(), build(self._issues, ISSUES)
        )
