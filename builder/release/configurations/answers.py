"""Configurations of answers, one per question and called after it: such as the stance toward each target."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.arrays import (
    Mask,
    flat,
    list_of,
    mask,
    matching,
    numbers,
    positions_in,
    records,
    small,
    text_array,
)
from builder.release.compare import value_changes
from builder.release.configuration import KEYS, Column, Configuration, Maker, Numbering, Spec, decided, numbering
from builder.release.features import INT, NUMBER, STRING, class_label, sequence
from builder.release.passages import Index, Passages
from builder.release.settings import Export
from builder.scheme import Question, Scheme
from builder.text import Ints

_LABELS = ("label", "labels")


def _declare(scheme: Scheme, settings: Export, earlier: Mapping[str, list[str]]) -> list[Configuration]:
    """One configuration per question with fixed answers."""
    found = []
    for name, question in scheme.questions.items():
        if question.gives == "answers":
            labels = numbering(question, scheme, settings, earlier)
            columns = _many(labels.labels) if question.many else _one(labels.labels, question)
            text = Column("text", STRING, "the window that annotators saw")
            found.append(Configuration(name, "answers", (*KEYS, text, *columns), question, labels))
    return found


def _one(labels: list[str], question: Question) -> Iterator[Column]:
    if question.mode:
        yield Column("target", STRING, "what the answer is about")
    yield Column("label", class_label(labels), "the answer", judged=True)
    yield Column("votes", dict.fromkeys(labels, INT), "how many annotators gave each answer", judged=True)
    yield Column("probability", NUMBER, "probability of the label after aggregation", judged=True)
    yield Column(
        "status", STRING, "how it was decided: agreed, single (one annotator), adjudicated or expert", judged=True
    )


def _many(labels: list[str]) -> Iterator[Column]:
    options = sequence(class_label(labels))
    yield Column("labels", options, "the options that hold", judged=True)
    yield Column("undecided", options, "options that annotators could not decide on: neither held nor not", judged=True)
    yield Column("votes", dict.fromkeys(labels, INT), "how many annotators chose each option", judged=True)
    yield Column("annotators", INT, "how many annotators answered", judged=True)


def _rows(configuration: Configuration, index: Index, settings: Export) -> Maker:
    """One row per window and target; for a question with many answers one row per window."""
    gold, question = index.inputs["gold_answers"], configuration.question
    assert question is not None
    gold = gold.filter(pc.equal(gold["question"], question.name))
    gold = gold.append_column("window", pa.array(index.window_numbers(gold["chunk_id"])))
    gold = gold.filter(pc.greater_equal(gold["window"], 0))
    if question.many:
        return _rows_many(configuration, gold, index, settings)
    if settings.targets and question.mode:
        gold = gold.filter(pc.is_in(gold["target"], text_array(settings.targets)))
    return _rows_one(configuration, question, gold, index, settings)


def _rows_one(
    configuration: Configuration, question: Question, gold: pa.Table, index: Index, settings: Export
) -> Maker:
    numbering = configuration.numbering
    kept, left_out = decided(gold, settings)
    gold = gold.filter(pa.array(kept))
    labels = numbering.ids(gold["label"])
    # Targets in the order of the scheme; others follow by name.
    others = sorted(set(pc.unique(gold["target"]).to_pylist()) - set(question.targets))
    rank = positions_in(gold["target"], text_array([*question.targets, *others]))
    order = np.lexsort((rank, numbers(gold["window"])))
    order = order[labels[order] >= 0]
    gold, labels = gold.take(pa.array(order)).combine_chunks(), labels[order]
    windows, votes = numbers(gold["window"]), _votes(gold, numbering)

    def table(passages: Passages) -> pa.Table:
        owner, picked = matching(windows, passages.numbers)
        columns, part = passages.columns(owner), gold.take(pa.array(picked))
        columns |= {name: flat(part[name]) for name in ("target", "probability", "status")}
        columns |= {
            "label": pa.array(labels[picked]),
            "votes": _counted(votes[picked], numbering.labels),
        }
        keys = [columns["chunk_id"], *([columns["target"]] if question.mode else [])]
        columns["id"] = pc.binary_join_element_wise(*keys, ":")
        return configuration.table(columns)

    return Maker(table, index.article_codes[windows], labels, left_out)


def _votes(gold: pa.Table, numbering: Numbering) -> Ints:
    """How many votes each gold row has for each label; labels that are left out are not counted."""
    votes, width = flat(gold["votes"]), len(numbering.labels)
    cast = numbering.ids(pc.struct_field(pc.list_flatten(votes), "label"))
    cells = numbers(pc.list_parent_indices(votes)) * width + cast
    return np.bincount(cells[cast >= 0], minlength=gold.num_rows * width).reshape(gold.num_rows, width)


def _rows_many(configuration: Configuration, gold: pa.Table, index: Index, settings: Export) -> Maker:
    ids = configuration.numbering.labels
    options = configuration.numbering.ids(gold["target"])
    gold, options = gold.filter(pa.array(options >= 0)).combine_chunks(), options[options >= 0]
    # Left out are options of a window, not windows: what a window has decided is released.
    kept, left_out = decided(gold, settings)
    held = kept & _is_yes(gold["label"])
    windows = numbers(gold["window"])
    shown = np.unique(windows[kept])
    width = max(len(ids), 1)
    at = np.searchsorted(shown, windows)
    cell, in_row = at * width + options, np.isin(windows, shown)
    votes = flat(gold["votes"])
    cast = pc.list_flatten(votes)
    parents = numbers(pc.list_parent_indices(votes))
    yes = _is_yes(pc.struct_field(cast, "label")) & in_row[parents]
    # Where options were merged, one annotator may have chosen several of them and counts once.
    people = numbers(pc.struct_field(cast, "annotator").dictionary_encode().indices)
    pairs = np.unique(np.stack([cell[parents[yes]], people[yes]]), axis=1)
    chosen = np.bincount(pairs[0], minlength=len(shown) * width).reshape(-1, width)
    asked = np.zeros(len(shown), np.int64)
    np.maximum.at(asked, at[in_row], numbers(pc.list_value_length(votes))[in_row])
    # Options that were merged hold when one of them does.
    yes_cells = np.unique(cell[held])
    open_cells = np.setdiff1d(cell[~kept & in_row], yes_cells)

    def table(passages: Passages) -> pa.Table:
        owner, picked = matching(shown, passages.numbers)
        columns = passages.columns(owner)
        columns |= {"id": columns["chunk_id"], "annotators": small(asked[picked])}
        columns |= {"votes": _counted(chosen[picked], ids)}
        for name, cells in (("labels", yes_cells), ("undecided", open_cells)):
            row, found = matching(cells // width, picked)
            columns[name] = list_of(row, len(picked), pa.array(cells[found] % width))
        return configuration.table(columns)

    return Maker(table, index.article_codes[shown[yes_cells // width]], yes_cells % width, left_out)


def _counted(votes: Ints, ids: list[str]) -> pa.StructArray:
    return records(**dict(zip(ids, map(small, votes.T), strict=True)))


def _is_yes(labels: pa.Array | pa.ChunkedArray) -> Mask:
    return mask(pc.fill_null(pc.equal(labels, "yes"), False))


def _about(configuration: Configuration, _: Mapping[str, Any]) -> str:
    """What one row is."""
    question = configuration.question
    assert question is not None
    asked = f"“{question.heading}”: " if question.heading else ""
    if question.many:
        return (
            f"{asked}one row per window. `labels` are the options that hold, `undecided` those that annotators could "
            "not decide on; `votes` says how many of the `annotators` chose each option."
        )
    unit = "window and target" if question.mode else "window"
    held = "`label`, the annotators' `votes`, the `probability` of the label, and its `status`"
    return f"{asked}one row per {unit}. {held}."


SPEC = Spec(
    texts="windows",
    declare=_declare,
    reads={"gold_answers": ("chunk_id", "question", "target", "label", "probability", "votes", "status")},
    rows=_rows,
    noun=("answer", "answers"),
    about=_about,
    gold="answers",
    task="text-classification",
    tag="{name}-detection",
    by_name=_LABELS,
    changes=lambda both: value_changes(both, _LABELS),
    traced={
        "gold_answers": lambda row, gold: (
            gold["chunk_id"] == row["chunk_id"]
            and gold["question"] == row["configuration"]
            and gold["target"] == row.get("target", gold["target"])
        )
    },
)
