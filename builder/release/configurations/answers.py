"""Configurations of answers, one per question and called after it: such as the stance toward each target."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import flat, list_of, mask, numbers, places, positions_in, records, small, text_array
from builder.errors import ConfigError
from builder.release import decisions
from builder.release.compare import value_changes
from builder.release.configuration import (
    INT,
    NUMBER,
    STRING,
    Column,
    Configuration,
    Maker,
    Spec,
    class_label,
    numbering,
    of_windows,
    sequence,
)
from builder.release.configurations import evidence
from builder.release.decisions import KEPT, OPEN
from builder.release.passages import Index
from builder.release.settings import Export
from builder.scheme import Question, Scheme

_LABELS = ("label", "labels")


def _declare(scheme: Scheme, settings: Export, earlier: Mapping[str, list[str]]) -> Iterator[Configuration]:
    """One configuration per question with fixed answers, and one for what was not decided."""
    for name, question in scheme.questions.items():
        if question.gives != "answers":
            continue
        labels = numbering(question, scheme, settings, earlier)
        if question.many:
            yield Configuration(name, tuple(_many(labels.labels)), question, labels)
            continue
        reasons = bool(scheme.of_kind("evidence")) and question.mode in ("fixed", "article")
        yield Configuration(name, tuple(_one(labels.labels, question, False, reasons)), question, labels)
        if settings.unresolved == "apart":
            columns = tuple(_one(labels.labels, question, True, False))
            yield Configuration(f"{name}_unresolved", columns, question, labels, open=True)


def _one(labels: list[str], question: Question, open_: bool, reasons: bool) -> Iterator[Column]:
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
    yield from decisions.DIFFICULTIES
    if not open_:
        yield Column("probability", NUMBER, "probability of the label after aggregation", judged=True)
    yield Column("status", STRING, "how it was decided: agreed, single, adjudicated, expert or unresolved", judged=True)
    if reasons:
        span = {"start": INT, "end": INT, "text": STRING, **decisions.COLUMNS}
        yield Column("evidence", [span], "spans of `text` for which annotators answered so", judged=True)


def _many(labels: list[str]) -> Iterator[Column]:
    options = sequence(class_label(labels))
    yield Column("labels", options, "the options that hold", judged=True)
    yield Column("undecided", options, "options that annotators could not decide on: neither held nor not", judged=True)
    yield Column("votes", dict.fromkeys(labels, INT), "how many annotators chose each option", judged=True)
    yield Column("annotators", INT, "how many annotators answered", judged=True)
    yield Column(
        "difficulty", dict.fromkeys(labels, NUMBER), "logits by which annotators err on each option; null: one vote"
    )


def _rows(configuration: Configuration, index: Index, settings: Export) -> Maker:
    """One row per window and target; for a question with many answers one row per window."""
    question = configuration.question
    assert question is not None
    if not configuration.numbering.labels:
        raise ConfigError(
            f"export.{question.name} leaves no label of `{question.name}`.",
            "Keep one, or name the other configurations in export.configs.",
        )
    columns = ("chunk_id", "question", "target", "start", "end", "posterior", *decisions.READS)
    gold = index.inputs.read("gold_answers", *columns)
    gold = gold.filter(pc.equal(gold["question"], question.name))
    if settings.targets and question.mode:
        gold = gold.filter(pc.is_in(gold["target"], text_array(settings.targets)))
    # Targets in the order of the scheme; others follow by name.
    others = sorted(set(pc.unique(gold["target"]).to_pylist()) - set(question.targets))
    rank = positions_in(gold["target"], text_array([*question.targets, *others]))
    gold = index.of_windows(gold.append_column("rank", pa.array(rank)), "rank", "start")
    return (_rows_many if question.many else _rows_one)(configuration, question, gold, index, settings)


def _rows_one(
    configuration: Configuration, question: Question, gold: pa.Table, index: Index, settings: Export
) -> Maker:
    numbering = configuration.numbering
    state, left_out = decisions.decided(gold, settings)
    labels = np.where(state == KEPT, numbering.ids(gold["label"]), -1)
    chosen = (labels >= 0) & (not configuration.open)
    if configuration.open or settings.unresolved == "rows":
        left_out = {reason: count for reason, count in left_out.items() if reason == "rejected"}
        chosen |= state == OPEN
    gold, labels = gold.filter(pa.array(chosen)).combine_chunks(), labels[chosen]
    windows = numbers(gold["window"])
    rows = {name: flat(gold[name]) for name in ("target", "probability", "entropy", "status", *decisions.DIFFICULTY)}
    rows |= {name: decisions.soft_labels(gold, name, numbering) for name in ("shares", "posterior")}
    rows |= {"label": pa.array(labels, mask=labels < 0), "votes": decisions.votes(gold, numbering)}
    key = [rows["target"]] if question.mode else []
    if question.mode == "mention":
        rows |= {"mention": rows["target"], "polarity": text_array(numbering.labels).take(rows["label"])}
        rows |= places(gold, index.starts[windows], ("from", "to"))
        key = [rows[edge].cast(pa.string()) for edge in ("from", "to")]
    if "evidence" in configuration.features:
        rows["evidence"] = _reasons(index, settings, gold)
    rows["id"] = pc.binary_join_element_wise(flat(gold["chunk_id"]), *key, ":")
    known = labels >= 0
    return Maker(of_windows(windows, rows), index.article_codes[windows][known], labels[known], left_out)


def _reasons(index: Index, settings: Export, gold: pa.Table) -> pa.Array:
    """The released spans of evidence for each row of gold answers, in the order of the text."""
    spans, _ = evidence.evidence_spans(index, settings)
    ids, asked = (pc.binary_join_element_wise(t["chunk_id"], t["target"], " ") for t in (spans, gold))
    owners = positions_in(ids, flat(asked))
    order = np.argsort(owners, kind="stable")
    order = order[owners[order] >= 0]
    spans = spans.take(pa.array(order))
    shown = {name: flat(spans[name]) for name in ("start", "end", "text", *decisions.COLUMNS)}
    return list_of(owners[order], gold.num_rows, records(**shown))


def _rows_many(configuration: Configuration, _: Question, gold: pa.Table, index: Index, settings: Export) -> Maker:
    ids = configuration.numbering.labels
    options = configuration.numbering.ids(gold["target"])
    gold, options = gold.filter(pa.array(options >= 0)).combine_chunks(), options[options >= 0]
    # Left out are options of a window, not windows: what a window has decided is released.
    state, left_out = decisions.decided(gold, settings)
    kept = state == KEPT
    windows = numbers(gold["window"])
    shown = np.unique(windows[kept | (state == OPEN) if settings.unresolved == "rows" else kept])
    width = max(len(ids), 1)
    at = np.searchsorted(shown, windows)
    cell, in_row = at * width + options, np.isin(windows, shown)
    votes = flat(gold["votes"])
    cast, parents = pc.list_flatten(votes), numbers(pc.list_parent_indices(votes))
    yes = mask(pc.equal(pc.struct_field(cast, "label"), "yes")) & in_row[parents]
    # Where options were merged, one annotator may have chosen several of them and counts once.
    people = numbers(pc.struct_field(cast, "annotator").dictionary_encode().indices)
    pairs = np.unique(np.stack([cell[parents[yes]], people[yes]]), axis=1)
    chosen = np.bincount(pairs[0], minlength=len(shown) * width).reshape(-1, width)
    asked = np.zeros(len(shown), np.int64)
    np.maximum.at(asked, at[in_row], numbers(pc.list_value_length(votes))[in_row])
    # Options that were merged hold when one of them does.
    held = np.unique(cell[kept & mask(pc.equal(gold["label"], "yes"))])
    open_ = np.setdiff1d(cell[~kept & in_row], held)
    rows = {"annotators": small(asked), "votes": records(**dict(zip(ids, map(small, chosen.T), strict=True)))}
    hardness = np.full(chosen.size, np.nan)
    hardness[cell[in_row]] = gold["difficulty"].to_numpy()[in_row]
    columns = (pa.array(column, from_pandas=True) for column in hardness.reshape(-1, width).T)
    rows["difficulty"] = records(**dict(zip(ids, columns, strict=True)))
    for name, cells in (("labels", held), ("undecided", open_)):
        rows[name] = list_of(cells // width, len(shown), pa.array(cells % width))
    return Maker(of_windows(shown, rows), index.article_codes[shown[held // width]], held % width, left_out)


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
