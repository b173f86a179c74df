"""`evidence`: the words for which annotators gave an answer (gold rationales), one row per span and target."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from builder.release.arrays import flat, matching, numbers, small, text_array
from builder.release.configuration import (
    DECIDING,
    DECISION,
    KEPT,
    KEYS,
    Column,
    Configuration,
    Maker,
    Spec,
    decided,
    decisions,
)
from builder.release.features import INT, NUMBER, STRING
from builder.release.passages import Index, Passages
from builder.release.settings import Export
from builder.scheme import Scheme

_COLUMNS = (
    *KEYS,
    Column("text", STRING, "the window that annotators saw"),
    Column("target", STRING, "the target whose answer the span supports"),
    Column("start", INT, "start of the span in `text`, in code points", judged=True),
    Column("end", INT, "end of the span in `text`, exclusive", judged=True),
    Column("span", STRING, "`text[start:end]`"),
    Column("votes_for", INT, "how many annotators marked the span", judged=True),
    Column("votes_against", INT, "how many annotators saw the window and did not mark it", judged=True),
    Column("share", NUMBER, "smoothed share of the votes for it"),
    Column("probability", NUMBER, "probability of the span after aggregation", judged=True),
    Column("entropy", NUMBER, "entropy of what the votes say about it, in nats"),
    Column("status", STRING, "how it was decided: agreed, single (one annotator), adjudicated or expert", judged=True),
)


def _declare(scheme: Scheme, _: Export, __: Mapping[str, list[str]]) -> list[Configuration]:
    """One configuration per question that asks for evidence."""
    return [Configuration(found.name, "evidence", _COLUMNS, found) for found in scheme.of_kind("evidence")]


def evidence_spans(index: Index, settings: Export) -> tuple[pa.Table, dict[str, int]]:
    """Released spans of evidence, one row per span and target, and how many are left out, by reason.

    Columns of GOLD_SPANS, `window` (number of the window, in whose order they are), `target` and those of `DECISION`.
    """
    gold = index.inputs["gold_spans"]
    gold = gold.append_column("window", pa.array(index.window_numbers(gold["chunk_id"])))
    gold = gold.filter(pc.and_(pc.equal(gold["kind"], "evidence"), pc.greater_equal(gold["window"], 0)))
    state, left_out = decided(gold, settings)
    gold = gold.filter(pa.array(state == KEPT))
    for name, column in decisions(gold).items():
        if name not in gold.column_names:
            gold = gold.append_column(name, column)
    targets = flat(gold["targets"])
    gold = gold.take(pc.list_parent_indices(targets)).append_column("target", pc.list_flatten(targets))
    if settings.targets:
        gold = gold.filter(pc.is_in(gold["target"], text_array(settings.targets)))
    order = [(name, "ascending") for name in ("window", "start", "end", "target")]
    return gold.sort_by(order).combine_chunks(), left_out


def _rows(_: Configuration, index: Index, settings: Export) -> Maker:
    """One row per released span and target, in the order of windows, places and targets."""
    gold, left_out = evidence_spans(index, settings)
    windows = numbers(gold["window"])
    starts, ends = (numbers(gold[edge]) - index.starts[windows] for edge in ("start", "end"))

    def columns(passages: Passages) -> dict[str, pa.Array]:
        owner, picked = matching(windows, passages.numbers)
        made, part = passages.columns(owner), gold.take(pa.array(picked))
        made |= {name: flat(part[name]) for name in ("target", *DECISION)}
        made |= {"start": small(starts[picked]), "end": small(ends[picked]), "span": flat(part["text"])}
        place = [made[edge].cast(pa.string()) for edge in ("start", "end")]
        return made | {"id": pc.binary_join_element_wise(made["chunk_id"], *place, made["target"], ":")}

    return Maker(columns, left_out=left_out)


def _about(_: Configuration, __: Mapping[str, Any]) -> str:
    """What one row is."""
    return (
        "one row per span of evidence and target: `text[start:end]` is the `span` for which annotators answered as "
        "they did about the `target`. `votes_for` and `votes_against` count annotators; `status` says how it was "
        "decided."
    )


def _supports(row: Mapping[str, Any], gold: Mapping[str, Any]) -> bool:
    here = gold["kind"] == "evidence" and gold["chunk_id"] == row["chunk_id"]
    return bool(here and row["target"] in gold["targets"] and gold["text"] == row["span"])


SPEC = Spec(
    texts="windows",
    declare=_declare,
    reads={"gold_spans": ("chunk_id", "kind", "start", "end", "text", "targets", *DECIDING)},
    rows=_rows,
    noun=("span of evidence", "spans of evidence"),
    about=_about,
    gold="spans of evidence",
    task="token-classification",
    tag="rationales",
    moves=False,
    traced={"gold_spans": _supports},
)
