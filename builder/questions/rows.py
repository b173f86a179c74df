"""Columns that fill annotation by annotation and leave as Arrow tables.

What all rows of an annotation share is stored once and repeated by Arrow, so a row costs only what is its own. Values
are appended column by column: making a tuple per row and taking the tuples apart again takes several times as long.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.questions.raw import TaskData
from builder.tables import ANNOTATIONS, ANSWERS, ISSUES, SPANS, WINDOWS, build

_SHARED = ("annotation_id", "chunk_id", "article_id", "annotator")
#: Columns that are added in the end: places of mentions, which are those of their spans, and what was suggested.
_LATER = {"start", "end", "suggested", "suggestion_model", "suggestion_score"}
_OWN_SPANS = pa.schema([field for field in SPANS if field.name not in _LATER - {"start", "end"}])
_OWN_ANSWERS = pa.schema([field for field in ANSWERS if field.name not in _LATER])
_SUGGESTION = pa.schema([SPANS.field(name) for name in ("annotation_id", "suggestion_model", "suggestion_score")])
_BATCH = 4_096


@dataclass
class Decoded:
    """Tables of the schemas ANNOTATIONS, SPANS, ANSWERS, ISSUES and WINDOWS."""

    annotations: pa.Table
    spans: pa.Table
    answers: pa.Table
    issues: pa.Table
    windows: pa.Table


class Columns:
    """Rows of one schema that belong to annotations: `lists` are its columns but for what an annotation shares."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.lists: tuple[list[Any], ...] = tuple([] for name in schema.names if name not in _SHARED)
        self._counts: list[int] = []
        self._closed = 0
        self._batches: list[pa.RecordBatch] = []

    def add(self, *row: Any) -> None:
        """Appends a row."""
        for column, value in zip(self.lists, row, strict=True):
            column.append(value)

    def drop(self) -> None:
        """Takes back what was appended since the last `close`."""
        for column in self.lists:
            del column[self._closed :]

    def close(self) -> None:
        """What was appended since the last call belongs to one annotation."""
        end = len(self.lists[0])
        self._counts.append(end - self._closed)
        self._closed = end

    def flush(self, annotations: pa.RecordBatch) -> None:
        """Turns the rows into a record batch, with what they share with the annotations that they belong to."""
        owners = pa.array(np.repeat(np.arange(len(self._counts)), self._counts))
        own = iter(self.lists)
        columns = [
            annotations[field.name].take(owners) if field.name in _SHARED else pa.array(next(own), field.type)
            for field in self.schema
        ]
        self._batches.append(pa.record_batch(columns, self.schema))
        for column in self.lists:
            column.clear()
        self._counts.clear()
        self._closed = 0

    def table(self) -> pa.Table:
        return pa.Table.from_batches(self._batches, self.schema).combine_chunks()


class Rows:
    """Collects the rows of all tables; spans and answers are appended to their `lists` by whoever reads them."""

    def __init__(self) -> None:
        self.spans, self.answers = Columns(_OWN_SPANS), Columns(_OWN_ANSWERS)
        self._annotations: list[tuple[Any, ...]] = []
        self._windows: list[tuple[Any, ...]] = []
        self._batches: dict[str, list[pa.RecordBatch]] = {"annotations": [], "windows": []}
        self._issues: list[dict[str, object]] = []

    def annotation(self, row: tuple[Any, ...], keep: bool) -> None:
        """Adds an annotation (values in the order of ANNOTATIONS), to which the rows belong that were appended last.

        Without `keep` those rows are dropped.
        """
        if not keep:
            self.drop()
        self.spans.close()
        self.answers.close()
        self._annotations.append(row)
        if len(self._annotations) >= _BATCH:
            self._flush()

    def answer(self, question: str, target: str, label: str, region: str | None = None) -> None:
        """Adds a row of ANSWERS."""
        questions, targets, regions, labels = self.answers.lists
        questions.append(question)
        targets.append(target)
        regions.append(region)
        labels.append(label)

    def drop(self) -> None:
        """Takes back the spans and answers that belong to no annotation yet."""
        self.spans.drop()
        self.answers.drop()

    def window(self, data: TaskData) -> None:
        """Adds what a task shows; of several tasks of one chunk the last counts."""
        place = (data.chunk_id, data.article_id, data.start, data.start + len(data.text))
        self._windows.append((*place, data.text, data.title, data.scheme, data.targets, data.selection))
        # Now and then, because as Arrow buffers texts take less memory than as strings.
        if len(self._windows) >= _BATCH:
            self._flush_windows()

    def issue(self, **row: object) -> None:
        """Adds a row of ISSUES."""
        self._issues.append(row)

    def _flush(self) -> None:
        batch = _batch(self._annotations, ANNOTATIONS)
        self._batches["annotations"].append(batch)
        self.spans.flush(batch)
        self.answers.flush(batch)

    def _flush_windows(self) -> None:
        self._batches["windows"].append(_batch(self._windows, WINDOWS))

    def tables(
        self, suggested: "Rows | None" = None, models: Iterable[tuple[str, str | None, float | None]] = ()
    ) -> Decoded:
        """All that was added, in order; windows in the order of chunk id.

        `suggested` are the rows that suggestions would have made if their annotations had taken them over, and `models`
        for each such annotation the model and the score of its suggestion.
        """
        self._flush_windows()
        spans, answers = self._said()
        annotations = pa.Table.from_batches(self._batches["annotations"]).combine_chunks()
        windows = pa.Table.from_batches(self._batches["windows"])
        last = {chunk: row for row, chunk in enumerate(windows["chunk_id"].to_pylist())}
        windows = windows.take(pa.array([last[chunk] for chunk in sorted(last)], pa.int64()))
        given = pa.Table.from_pylist([dict(zip(_SUGGESTION.names, row, strict=True)) for row in models], _SUGGESTION)
        said = (suggested or Rows())._said()
        spans = _beside(spans, SPANS, said[0], ("annotation_id", "kind", "start", "end"), given)
        answers = _beside(answers, ANSWERS, said[1], ("annotation_id", "question", "target", "start", "end"), given)
        return Decoded(annotations, spans, answers, build(self._issues, ISSUES), windows)

    def _said(self) -> tuple[pa.Table, pa.Table]:
        """SPANS and ANSWERS, without what was suggested."""
        self._flush()
        spans = self.spans.table()
        return spans, _placed(self.answers.table(), spans)


def _beside(table: pa.Table, schema: pa.Schema, said: pa.Table, keys: Sequence[str], given: pa.Table) -> pa.Table:
    """A table of `schema`: with what was suggested where each row is, by its `keys`."""
    at = owners = pa.nulls(table.num_rows, pa.int64())
    if said.num_rows:
        here, there = (
            pc.binary_join_element_wise(*(t[key].cast(pa.string()) for key in keys), "\0", null_handling="replace")
            for t in (table, said)
        )
        at = pc.index_in(here, value_set=there)
        owners = pc.index_in(said["annotation_id"].take(at), value_set=given["annotation_id"], skip_nulls=True)
    table = table.append_column("suggested", said["label"].take(at))
    for name in ("suggestion_model", "suggestion_score"):
        table = table.append_column(name, given[name].take(owners))
    return table.select(schema.names).cast(schema)


def _batch(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    """The rows, which are taken from the list."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    rows.clear()
    return pa.record_batch([pa.array(column, f.type) for column, f in zip(columns, schema, strict=True)], schema)


def _placed(answers: pa.Table, spans: pa.Table) -> pa.Table:
    """ANSWERS: with the place of the mention that an answer is about, which is that of its span."""
    places = pa.nulls(answers.num_rows, pa.int64())
    if answers["span_id"].null_count < answers.num_rows:
        ids, known = (pc.binary_join_element_wise(t["annotation_id"], t["span_id"], " ") for t in (answers, spans))
        places = pc.index_in(ids, value_set=known, skip_nulls=True)
    for edge in ("start", "end"):
        answers = answers.append_column(ANSWERS.field(edge), spans[edge].take(places))
    return answers
