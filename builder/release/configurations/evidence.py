"""`evidence`: the words for which annotators gave an answer (gold rationales), one row per span and target."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import flat, numbers, ordered, places, text_array
from builder.release import decisions
from builder.release.configuration import INT, NUMBER, STRING, Column, Configuration, Maker, Spec, of_windows
from builder.release.passages import Index
from builder.release.settings import Export
from builder.scheme import Scheme

_COLUMNS = (
    Column("target", STRING, "the target whose answer the span supports; not there where answers are about mentions"),
    Column("start", INT, "start of the span in `text`, in code points", judged=True),
    Column("end", INT, "end of the span in `text`, exclusive", judged=True),
    Column("span", STRING, "`text[start:end]`"),
    Column("votes_for", INT, "how many annotators marked the span", judged=True),
    Column("votes_against", INT, "how many annotators saw the window and did not mark it", judged=True),
    Column("share", NUMBER, "smoothed share of the votes for it"),
    Column("probability", NUMBER, "probability of the span after aggregation", judged=True),
    Column("entropy", NUMBER, "entropy of what the votes say about it, in nats"),
    *decisions.DIFFICULTIES,
    Column("status", STRING, "how it was decided: agreed, single (one annotator), adjudicated or expert", judged=True),
)


def _declare(scheme: Scheme, _: Export, __: Mapping[str, list[str]]) -> Iterator[Configuration]:
    """One configuration per question that asks for evidence; where stances are toward mentions, it names no target."""
    named = any(question.mode in ("fixed", "article") for question in scheme.questions.values())
    columns = tuple(column for column in _COLUMNS if named or column.name != "target")
    return (Configuration(found.name, columns, found) for found in scheme.of_kind("evidence"))


def evidence_spans(index: Index, settings: Export) -> tuple[pa.Table, dict[str, int]]:
    """Released spans of evidence, one row per span and target, and how many are left out, by reason.

    Columns: window (number of the window, in whose order they are), chunk_id, target, start and end (code points of
    the window), text, and those of `decisions`.
    """
    columns = ("chunk_id", "kind", "start", "end", "text", "targets", *decisions.READS)
    gold = index.inputs.read("gold_spans", *columns)
    gold = index.of_windows(gold.filter(pc.equal(gold["kind"], "evidence")))
    state, left_out = decisions.decided(gold, settings)
    gold = gold.filter(pa.array(state == decisions.KEPT))
    sizes = numbers(pc.fill_null(pc.list_value_length(gold["targets"]), 0))
    rows = np.repeat(np.arange(len(sizes)), np.maximum(sizes, 1))
    # Where stances are toward mentions, evidence names no target.
    named = sizes[rows] > 0
    target = pc.list_flatten(flat(gold["targets"])).take(pa.array(np.cumsum(named) - 1, mask=~named))
    shown = {name: flat(gold[name]) for name in ("window", "chunk_id", "text")} | decisions.columns(gold)
    found = pa.table(shown | places(gold, index.starts[numbers(gold["window"])]))
    found = found.take(pa.array(rows)).append_column("target", target)
    if settings.targets:
        found = found.filter(pc.is_in(found["target"], text_array(settings.targets)))
    return ordered(found, "window", "start", "end", "target"), left_out


def _rows(_: Configuration, index: Index, settings: Export) -> Maker:
    """One row per released span and target, in the order of windows, places and targets."""
    found, left_out = evidence_spans(index, settings)
    rows = {name: flat(found[name]) for name in ("target", "start", "end", *decisions.COLUMNS)}
    rows["span"] = flat(found["text"])
    place = [rows[edge].cast(pa.string()) for edge in ("start", "end")]
    rows["id"] = pc.binary_join_element_wise(flat(found["chunk_id"]), *place, rows["target"], ":", null_handling="skip")
    return Maker(of_windows(numbers(found["window"]), rows), left_out=left_out)


def _supports(row: Mapping[str, Any], gold: Mapping[str, Any]) -> bool:
    here = gold["kind"] == "evidence" and gold["chunk_id"] == row["chunk_id"]
    return bool(here and row.get("target") in (gold["targets"] or [None]) and gold["text"] == row["span"])


SPEC = Spec(
    texts="windows",
    declare=_declare,
    rows=_rows,
    noun=("span of evidence", "spans of evidence"),
    about=lambda *_: (
        "one row per span of evidence and target: `text[start:end]` is the `span` for which annotators answered as "
        "they did about the `target`. `votes_for` and `votes_against` count annotators; `status` says how it was "
        "decided."
    ),
    gold="spans of evidence",
    task="token-classification",
    tag="rationales",
    moves=False,
    traced={"gold_spans": _supports},
)
