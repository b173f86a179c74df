"""`annotations`: what each annotator submitted for each window, under a pseudonym."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import flat, list_of, mask, numbers, ordered, places, positions_in, records
from builder.masking import KINDS, masked
from builder.release.configuration import (
    ABOUT_ARTICLES,
    FLAG,
    INT,
    KEYS,
    NUMBER,
    STRING,
    WINDOW,
    Column,
    Configuration,
    Maker,
    Spec,
    of_windows,
    sequence,
)
from builder.release.passages import Index, iso
from builder.release.settings import Export
from builder.scheme import Question, Scheme
from builder.text import Ints

SUBMITTED = ("labelled", "labelled-empty", "skipped")
#: What was filled in for a span or an answer, as `builder.tables` has it.
_SUGGESTED = {"suggested": STRING, "suggestion_model": STRING, "suggestion_score": NUMBER}
_PLAIN = ("annotator", "state", "prediction", "quarantined", "problems", "created", "updated", "lead_time")


def _declare(scheme: Scheme, _: Export, __: Mapping[str, list[str]]) -> Iterator[Configuration]:
    """One configuration. Labels are names, because annotators may have used those of an older scheme."""
    span = {"start": INT, "end": INT, "label": STRING, "text": STRING, **_SUGGESTED}
    suggested = "with the label that was suggested there (null: none), by which model, with which score"
    evidence = {"start": INT, "end": INT, "text": STRING, "targets": sequence(STRING)}
    before = (
        Column("annotator", STRING, "a pseudonym, the same in every release"),
        Column("state", STRING, "labelled, labelled-empty (looked and found nothing) or skipped", judged=True),
        Column("prediction", STRING, "what became of a suggestion: none (not shown), accepted, edited or rejected"),
        Column("quarantined", FLAG, "whether a check kept the annotation out of gold", judged=True),
        Column("entities", [span], f"marked entity spans, in code points of `text`, {suggested}", judged=True),
    )
    after = (
        Column("evidence", [evidence], "marked evidence, with the targets that it supports", judged=True),
        Column("problems", sequence(STRING), "problems that the annotator reported", judged=True),
        Column("comment", STRING, "the annotator's comment, without e-mails and numbers of people", judged=True),
        Column("created", STRING, "when the annotation was submitted: UTC, ISO 8601, see `export.times`"),
        Column("updated", STRING, "when it was last changed", judged=True),
        Column("lead_time", NUMBER, "seconds that the annotator spent on it"),
        Column("scheme_version", STRING, "name and version of the scheme that the annotator worked with"),
    )
    taken, answers = {column.name for column in (*KEYS, WINDOW, *before, *after)} | {*ABOUT_ARTICLES}, list[Column]()
    for question in scheme.questions.values():
        if question.gives == "answers":
            column = _column(question)
            while column.name in taken:
                column = replace(column, name=f"answer_{column.name}")
            taken.add(column.name)
            answers.append(column)
    yield Configuration("annotations", (*before, *answers, *after))


def _column(question: Question) -> Column:
    name = question.name
    if question.many:
        return Column(f"{name}s", sequence(STRING), f"options chosen for `{name}`", True, question)
    if not question.mode:
        return Column(name, STRING, f"the answer to `{name}`; null when there is none", True, question)
    place = {"from": INT, "to": INT} if question.mode == "mention" else {}
    pair = {"target": STRING, **place, "label": STRING, **_SUGGESTED}
    unit = "mention: `text[from:to]`" if question.mode == "mention" else "target"
    return Column(f"{name}s", [pair], f"answers to `{name}`, one per {unit}, with what was suggested", True, question)


def _rows(configuration: Configuration, index: Index, export: Export) -> Maker:
    """One row per submitted annotation of a window, in the order of windows and then of ids."""
    read = index.inputs.read
    given = read("annotations", "annotation_id", "chunk_id", "scheme_version", "comment", *_PLAIN)
    given = index.of_windows(given.filter(pc.is_in(given["state"], pa.array(SUBMITTED))), "annotation_id")
    windows, ids = numbers(given["window"]), flat(given["annotation_id"])
    begin = index.starts[windows]
    rows = {"id": ids} | {name: flat(given[name]) for name in ("scheme_version", *_PLAIN)}
    comments = (comment and masked(comment, KINDS, export.names) for comment in given["comment"].to_pylist())
    rows["comment"] = pa.array(comments, pa.string())
    for name in ("created", "updated"):
        exact = iso(rows[name])
        rows[name] = pc.utf8_slice_codeunits(exact, 0, len("2026-01-31")) if export.times == "day" else exact
    spans = read("spans", "annotation_id", "kind", "start", "end", "label", "text", "targets", *_SUGGESTED)
    spans = _owned(spans, ids, "start", "end")
    for kind, name in (("entity", "entities"), ("evidence", "evidence")):
        owner, marked = _those(spans, "kind", kind)
        shown = {key: flat(marked[key]) for key in configuration.features[name][0]} | places(marked, begin[owner])
        rows[name] = list_of(owner, len(ids), records(**shown))
    answers = read("answers", "annotation_id", "question", "target", "start", "end", "label", *_SUGGESTED)
    answers = _owned(answers, ids, "target", "start", "end")
    for column in configuration.columns:
        if question := column.question:
            rows[column.name] = _answered(question, *_those(answers, "question", question.name), begin)
    return Maker(of_windows(windows, rows))


def _owned(table: pa.Table, ids: pa.Array, *order: str) -> pa.Table:
    """The rows of these annotations, in their order and then of these columns; `owner` is the position of each's."""
    owners = positions_in(table["annotation_id"], ids)
    return ordered(table.append_column("owner", pa.array(owners)).filter(pa.array(owners >= 0)), "owner", *order)


def _those(owned: pa.Table, column: str, value: str) -> tuple[Ints, pa.Table]:
    """The owners of the rows with a value, and these rows."""
    found = owned.filter(pc.equal(owned[column], value))
    return numbers(found["owner"]), found


def _answered(question: Question, owner: Ints, answers: pa.Table, begin: Ints) -> pa.Array:
    """One value per annotation in the form of the question's column; answer i belongs to annotation `owner[i]`.

    `begin` has the start of each annotation's window in the article.
    """
    count, target, label = len(begin), flat(answers["target"]), flat(answers["label"])
    if question.many:
        chosen = mask(pc.equal(label, "yes"))
        return list_of(owner[chosen], count, target.filter(pa.array(chosen)))
    if not question.mode:
        return label.take(pc.index_in(pa.array(np.arange(count)), value_set=pa.array(owner)))
    mention = places(answers, begin[owner], ("from", "to")) if question.mode == "mention" else {}
    suggested = {name: flat(answers[name]) for name in _SUGGESTED}
    return list_of(owner, count, records(target=target, **mention, label=label, **suggested))


def _seen_in(row: Mapping[str, Any], gold: Mapping[str, Any]) -> bool:
    return bool(gold["chunk_id"] == row["chunk_id"])


SPEC = Spec(
    texts="windows",
    declare=_declare,
    rows=_rows,
    noun=("annotation", "annotations"),
    about=lambda *_: "one row per annotation: what one annotator, under a pseudonym, submitted for one window.",
    moves=False,
    traced={"gold_spans": _seen_in, "gold_answers": _seen_in},
)
