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
    mention_edges,
    numbers,
    positions_in,
    records,
    small,
    text_array,
)
from builder.release.compare import value_changes
from builder.release.configuration import (
    DECIDING,
    DECISION,
    KEPT,
    KEYS,
    OPEN,
    Column,
    Configuration,
    Maker,
    Numbering,
    Spec,
    decided,
    numbering,
    soft_labels,
)
from builder.release.configurations import evidence
from builder.release.features import INT, NUMBER, STRING, class_label, sequence
from builder.release.passages import Index, Passages
from builder.release.settings import Export
from builder.scheme import Question, Scheme
from builder.text import Ints

_LABELS = ("label", "labels")


def _declare(scheme: Scheme, settings: Export, earlier: Mapping[str, list[str]]) -> list[Configuration]:
    """One configuration per question with fixed answers, and one for what was not decided."""
    text, found = Column("text", STRING, "the window that annotators saw"), []
    reasons = scheme.of_kind("evidence")
    for name, question in scheme.questions.items():
        if question.gives != "answers":
            continue
        labels = numbering(question, scheme, settings, earlier)
        if question.many:
            found.append(Configuration(name, "answers", (*KEYS, text, *_many(labels.labels)), question, labels))
            continue
        reason = bool(reasons) and question.mode in ("fixed", "article")
        for open_ in (False, True) if settings.unresolved == "apart" else (False,):
            columns = (*KEYS, text, *_one(labels.labels, question, open_, reason))
            whole = f"{name}_unresolved" if open_ else name
            found.append(Configuration(whole, "answers", columns, question, labels, open_))
    return found


def _one(labels: list[str], question: Question, open_: bool, reason: bool) -> Iterator[Column]:
    if question.mode:
        yield Column("target", STRING, "what the answer is about")
    if question.mode == "mention":
        yield Column("mention", STRING, "the words that name the target: `text[from:to]`")
        yield Column("from", INT, "start of the mention in `text`, in code points")
        yield Column("to", INT, "end of the mention in `text`, exclusive")
    if not open_:
        yield Column("label", class_label(labels), "the answer; null where it was not decided", judged=True)
        if question.mode == "mention":
            yield Column("polarity", STRING, "the label by name", judged=True)
    yield Column("votes", dict.fromkeys(labels, INT), "how many annotators gave each answer", judged=True)
    soft = dict.fromkeys(labels, NUMBER)
    yield Column("shares", soft, "smoothed shares of the votes")
    yield Column("posterior", soft, "probability of each answer after aggregation")
    yield Column("entropy", NUMBER, "entropy of `posterior`, in nats")
    if not open_:
        yield Column("probability", NUMBER, "probability of the label after aggregation", judged=True)
    yield Column("status", STRING, "how it was decided: agreed, single, adjudicated, expert or unresolved", judged=True)
    if reason and not open_:
        span = {"start": INT, "end": INT, "text": STRING, **DECISION}
        yield Column("evidence", [span], "spans of `text` for which annotators answered so", judged=True)


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
    numbering, mention = configuration.numbering, question.mode == "mention"
    state, left_out = decided(gold, settings)
    labels = np.where(state == KEPT, numbering.ids(gold["label"]), -1)
    if configuration.open or settings.unresolved == "rows":
        left_out = {reason: count for reason, count in left_out.items() if reason == "rejected"}
    chosen = (labels >= 0) & (not configuration.open)
    if configuration.open or settings.unresolved == "rows":
        chosen |= state == OPEN
    # Targets in the order of the scheme; others follow by name.
    others = sorted(set(pc.unique(gold["target"]).to_pylist()) - set(question.targets))
    rank = positions_in(gold["target"], text_array([*question.targets, *others]))
    order = np.lexsort((numbers(pc.fill_null(gold["start"], -1)), rank, numbers(gold["window"])))
    order = order[chosen[order]]
    gold, labels = gold.take(pa.array(order)).combine_chunks(), labels[order]
    windows, votes = numbers(gold["window"]), _votes(gold, numbering)
    soft = {name: soft_labels(gold, name, numbering) for name in ("shares", "posterior")}
    names = text_array(numbering.labels)
    reasons = _Reasons(index, settings, gold) if "evidence" in configuration.features else None

    def columns(passages: Passages) -> dict[str, pa.Array]:
        owner, picked = matching(windows, passages.numbers)
        made, part = passages.columns(owner), gold.take(pa.array(picked))
        made |= {name: flat(part[name]) for name in ("target", "probability", "entropy", "status")}
        made |= {name: column.take(pa.array(picked)) for name, column in soft.items()}
        made["label"] = pa.array(labels[picked], mask=labels[picked] < 0)
        made["votes"] = _counted(votes[picked], numbering.labels)
        keys = [made["chunk_id"], *([made["target"]] if question.mode else [])]
        if mention:
            made |= {"mention": made["target"], "polarity": names.take(made["label"])}
            made |= mention_edges(part, index.starts[windows[picked]])
            keys = [made["chunk_id"], *(made[name].cast(pa.string()) for name in ("from", "to"))]
        if reasons:
            made["evidence"] = reasons.of(picked)
        return made | {"id": pc.binary_join_element_wise(*keys, ":")}

    known = labels >= 0
    return Maker(columns, index.article_codes[windows][known], labels[known], left_out)


class _Reasons:
    """The released spans of evidence for each row of gold answers."""

    def __init__(self, index: Index, settings: Export, gold: pa.Table) -> None:
        spans, _ = evidence.evidence_spans(index, settings)
        ids, asked = (pc.binary_join_element_wise(t["chunk_id"], t["target"], " ") for t in (spans, gold))
        self._owners = positions_in(ids, flat(asked))
        # In the order of the answers, and of the text for each.
        order = np.argsort(self._owners, kind="stable")
        order = order[self._owners[order] >= 0]
        self._owners, spans = self._owners[order], spans.take(pa.array(order))
        windows = numbers(spans["window"])
        place = {edge: small(numbers(spans[edge]) - index.starts[windows]) for edge in ("start", "end")}
        self._spans = records(**place, **{name: flat(spans[name]) for name in ("text", *DECISION)})

    def of(self, picked: Ints) -> pa.Array:
        """One list per picked answer."""
        owner, at = matching(self._owners, picked)
        return list_of(owner, len(picked), self._spans.take(pa.array(at)))


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
    state, left_out = decided(gold, settings)
    kept = state == KEPT
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

    def columns(passages: Passages) -> dict[str, pa.Array]:
        owner, picked = matching(shown, passages.numbers)
        made = passages.columns(owner)
        made |= {"id": made["chunk_id"], "annotators": small(asked[picked])}
        made |= {"votes": _counted(chosen[picked], ids)}
        for name, cells in (("labels", yes_cells), ("undecided", open_cells)):
            row, found = matching(cells // width, picked)
            made[name] = list_of(row, len(picked), pa.array(cells[found] % width))
        return made

    return Maker(columns, index.article_codes[shown[yes_cells // width]], yes_cells % width, left_out)


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
    unit = {"": "window", "mention": "mention of a target"}.get(question.mode, "window and target")
    if configuration.open:
        return f"{asked}one row per {unit} without a decision, with the annotators' `votes`."
    held = "`label`, the annotators' `votes`, the `probability` of the label, and its `status`"
    return f"{asked}one row per {unit}. {held}."


def _supports(row: Mapping[str, Any], gold: Mapping[str, Any]) -> bool:
    """Whether a gold answer is that of the row; mentions are told apart by their place."""
    here = gold["chunk_id"] == row["chunk_id"] and gold["target"] == row.get("target", gold["target"])
    place = "from" not in row or gold["start"] == row["place"][0] + row["from"]
    return bool(here and place and gold["question"] == row["question"])


def _tally(configuration: Configuration, rows: pa.Table) -> pa.Array:
    names, many = text_array(configuration.labels), "labels" in rows.column_names
    if configuration.open:
        return text_array([])
    return names.take(pc.list_flatten(flat(rows["labels"])) if many else flat(rows["label"])).drop_null()


SPEC = Spec(
    texts="windows",
    declare=_declare,
    reads={
        "gold_answers": ("chunk_id", "question", "target", "start", "end", "posterior", *DECIDING),
        **evidence.SPEC.reads,
    },
    rows=_rows,
    noun=("answer", "answers"),
    about=_about,
    gold="answers",
    task="text-classification",
    tag="{name}-detection",
    by_name=_LABELS,
    changes=lambda both: value_changes(both, _LABELS),
    tally=_tally,
    traced={"gold_answers": _supports},
)
