"""Configurations of answers, one per question and called after it: such as the stance toward each target."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.arrays import Mask, codes, flat, list_of, mask, matching, numbers, positions, records, strings
from builder.release.compare import Aligned, Change, value_changes
from builder.release.configuration import KEYS, Column, Configuration, Maker, Numbering, Source, Spec
from builder.release.features import INT, NUMBER, STRING, arrow_schema, class_label, sequence
from builder.release.gold import RELEASED, released
from builder.release.passages import Passages
from builder.release.settings import Export
from builder.scheme import Question, Scheme
from builder.text import Ints

_YES = "yes"
_LABELS = ("label", "labels")
_COLUMNS = ("chunk_id", "question", "target", "label", "probability", "votes", "status")


def declare(scheme: Scheme, settings: Export, number: Callable[[Question], Numbering]) -> list[Configuration]:
    """One configuration per question with fixed answers."""
    found = []
    for name, question in scheme.questions.items():
        if question.gives == "answers":
            numbering = number(question)
            columns = _many(numbering.labels) if question.many else _one(numbering.labels, question)
            text = Column("text", STRING, "the window that annotators saw")
            found.append(Configuration(name, "answers", (*KEYS, text, *columns), question, numbering))
    return found


def _one(labels: list[str], question: Question) -> Iterator[Column]:
    if question.mode:
        yield Column("target", STRING, "what the answer is about")
    yield Column("label", class_label(labels), "the answer", judged=True)
    yield Column("votes", dict.fromkeys(labels, INT), "how many annotators gave each answer", judged=True)
    yield Column("probability", NUMBER, "probability of the label after aggregation", judged=True)
    yield Column("status", STRING, "how it was decided: agreed, adjudicated or expert", judged=True)


def _many(labels: list[str]) -> Iterator[Column]:
    options = sequence(class_label(labels))
    yield Column("labels", options, "the options that hold", judged=True)
    yield Column("undecided", options, "options that annotators could not decide on: neither held nor not", judged=True)
    yield Column("votes", dict.fromkeys(labels, INT), "how many annotators chose each option", judged=True)
    yield Column("annotators", INT, "how many annotators answered", judged=True)


def rows(configuration: Configuration, source: Source) -> Maker:
    """One row per window and target; for a question with many answers one row per window."""
    question = configuration.question
    assert question is not None
    gold = source.tables["gold_answers"]
    gold = gold.filter(pc.equal(gold["question"], question.name))
    gold = gold.filter(pa.array(source.index.window_numbers(gold["chunk_id"]) >= 0))
    if source.settings.targets and question.mode and not question.many:
        gold = gold.filter(pc.is_in(gold["target"], strings(source.settings.targets)))
    return (_rows_many if question.many else _rows_one)(configuration, question, gold, source)


def _rows_one(configuration: Configuration, question: Question, gold: pa.Table, source: Source) -> Maker:
    names, ids = configuration.numbering.names, configuration.numbering.labels
    gold, left_out = released(gold, source.settings)
    windows = source.index.window_numbers(gold["chunk_id"])
    labels = codes(gold["label"], names, ids)
    # Targets in the order of the scheme; others follow by name.
    known = sorted(set(pc.unique(gold["target"]).to_pylist()) - set(question.targets))
    rank = positions(gold["target"], strings([*question.targets, *known]))
    keep = np.flatnonzero(labels >= 0)
    order = keep[np.lexsort((rank[keep], windows[keep]))]
    gold, windows, labels = gold.take(pa.array(order)).combine_chunks(), windows[order], labels[order]
    votes = _votes(gold, names, ids)
    schema = arrow_schema(configuration.features)

    def table(passages: Passages) -> pa.Table:
        owner, picked = matching(windows, passages.numbers)
        parent, at = pa.array(owner), pa.array(picked)
        chunk_ids = passages.chunk_ids.take(parent)
        targets = flat(gold["target"]).take(at)
        columns = {
            "id": pc.binary_join_element_wise(chunk_ids, targets, ":") if question.mode else chunk_ids,
            "article_id": passages.article_ids.take(parent),
            "chunk_id": chunk_ids,
            "text": passages.text.take(parent),
            "target": targets,
            "label": pa.array(labels[picked]),
            "votes": _struct(votes[picked], ids),
            "probability": flat(gold["probability"]).take(at),
            "status": flat(gold["status"]).take(at),
        }
        return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)

    return Maker(table, source.index.article_codes[windows], labels, left_out)


def _votes(gold: pa.Table, names: Mapping[str, str], ids: list[str]) -> Ints:
    """How many votes each gold row has for each label; labels that are left out are not counted."""
    votes = flat(gold["votes"])
    cast = codes(pc.struct_field(pc.list_flatten(votes), "label"), names, ids)
    parents = numbers(pc.list_parent_indices(votes))[cast >= 0]
    cells = np.bincount(parents * len(ids) + cast[cast >= 0], minlength=gold.num_rows * len(ids))
    return cells.reshape(gold.num_rows, len(ids))


def _struct(counts: Ints, ids: list[str]) -> pa.StructArray:
    return records(**{name: pa.array(np.ascontiguousarray(counts[:, i], np.int32)) for i, name in enumerate(ids)})


def _rows_many(configuration: Configuration, _: Question, gold: pa.Table, source: Source) -> Maker:
    names, ids = configuration.numbering.names, configuration.numbering.labels
    options = codes(gold["target"], names, ids)
    gold = gold.filter(pa.array(options >= 0)).combine_chunks()
    options = options[options >= 0]
    # Left out are options of a window, not windows: what a window has decided is released.
    _, left_out = released(gold, source.settings)
    decided = mask(pc.is_in(gold["status"], pa.array(RELEASED)))
    decided[decided] = _survives(gold.filter(pa.array(decided)), source.settings)
    held = decided & mask(pc.fill_null(pc.equal(gold["label"], _YES), False))
    windows = source.index.window_numbers(gold["chunk_id"])
    shown = np.unique(windows[decided])
    width = max(len(ids), 1)
    cell = np.searchsorted(shown, windows) * width + options
    in_row = np.isin(windows, shown)
    votes = flat(gold["votes"])
    cast = pc.list_flatten(votes)
    parents = numbers(pc.list_parent_indices(votes))
    yes = mask(pc.fill_null(pc.equal(pc.struct_field(cast, "label"), _YES), False)) & in_row[parents]
    # Where options were merged, one annotator may have chosen several of them and counts once.
    annotators = pc.struct_field(cast, "annotator").dictionary_encode()
    people = numbers(annotators.indices)[yes]
    pairs = np.unique(np.stack([cell[parents[yes]], people]), axis=1)
    chosen = np.bincount(pairs[0], minlength=len(shown) * width).reshape(-1, width)
    asked = np.zeros(len(shown), np.int64)
    voters = numbers(pc.list_value_length(votes))
    np.maximum.at(asked, np.searchsorted(shown, windows[in_row]), voters[in_row])
    yes_cells, open_cells = np.unique(cell[held]), np.unique(cell[~decided & in_row])
    # Options that were merged hold when one of them does.
    open_cells = np.setdiff1d(open_cells, yes_cells)
    schema = arrow_schema(configuration.features)

    def table(passages: Passages) -> pa.Table:
        owner, picked = matching(shown, passages.numbers)
        parent = pa.array(owner)
        columns = {
            "id": passages.chunk_ids.take(parent),
            "article_id": passages.article_ids.take(parent),
            "chunk_id": passages.chunk_ids.take(parent),
            "text": passages.text.take(parent),
            "labels": _options(yes_cells, picked, width),
            "undecided": _options(open_cells, picked, width),
            "votes": _struct(chosen[picked], ids),
            "annotators": pa.array(asked[picked].astype(np.int32)),
        }
        return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)

    articles = source.index.article_codes[shown[yes_cells // width]]
    return Maker(table, articles, yes_cells % width, left_out)


def _survives(gold: pa.Table, settings: Export) -> Mask:
    """Which decided rows the bounds of the export let through."""
    numbered = gold.append_column("number", pa.array(np.arange(gold.num_rows)))
    kept, _ = released(numbered, settings)
    return np.isin(np.arange(gold.num_rows), numbers(kept["number"]))


def _options(cells: Ints, picked: Ints, width: int) -> pa.Array:
    at, found = matching(cells // width, picked)
    return list_of(at, len(picked), pa.array(cells[found] % width))


def changes(both: Aligned) -> list[Change]:
    """Answers that are other answers now."""
    return value_changes(both, _LABELS)


def about(configuration: Configuration, _: Mapping[str, Any]) -> str:
    """What one row is."""
    question = configuration.question
    assert question is not None
    if question.many:
        return (
            "one row per window. `labels` are the options that hold, `undecided` those that annotators could not "
            "decide on; `votes` says how many of the `annotators` chose each option."
        )
    unit = "window and target" if question.mode else "window"
    return f"one row per {unit}. `label`, the annotators' `votes`, the `probability` of the label, and its `status`."


SPEC = Spec(
    texts="windows",
    declare=declare,
    reads={"gold_answers": _COLUMNS},
    rows=rows,
    noun=("answer", "answers"),
    about=about,
    gold="answers",
    task="text-classification",
    tag="{name}-detection",
    by_name=_LABELS,
    changes=changes,
    traced={
        "gold_answers": lambda row, gold: (
            gold["chunk_id"] == row["chunk_id"]
            and gold["question"] == row["configuration"]
            and gold["target"] == row.get("target", gold["target"])
        )
    },
)
