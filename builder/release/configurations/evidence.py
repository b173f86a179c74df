"""`evidence`: the words for which annotators gave an answer (gold rationales), one row per span and target."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from builder.release.arrays import flat, matching, numbers, small, text_array
from builder.release.configuration import KEYS, Column, Configuration, Maker, Spec, decided, votes_for
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
    Column("probability", NUMBER, "probability of the span after aggregation", judged=True),
    Column("status", STRING, "how it was decided: agreed, single (one annotator), adjudicated or expert", judged=True),
)


def _declare(scheme: Scheme, _: Export, __: Mapping[str, list[str]]) -> list[Configuration]:
    """One configuration per question that asks for evidence."""
    asked = [question for question in scheme.questions.values() if question.kind == "evidence"]
    return [Configuration(question.name, "evidence", _COLUMNS, question) for question in asked]


def _rows(configuration: Configuration, index: Index, settings: Export) -> Maker:
    """One row per released span and target, in the order of windows, places and targets."""
    gold, question = index.inputs["gold_spans"], configuration.question
    assert question is not None
    gold = gold.append_column("window", pa.array(index.window_numbers(gold["chunk_id"])))
    gold = gold.filter(pc.and_(pc.equal(gold["kind"], question.span_kind), pc.greater_equal(gold["window"], 0)))
    kept, left_out = decided(gold, settings)
    gold = gold.filter(pa.array(kept))
    total, votes = votes_for(gold)
    gold = gold.append_column("for", small(votes)).append_column("against", small(total - votes))
    targets = flat(gold["targets"])
    gold = gold.take(pc.list_parent_indices(targets)).append_column("target", pc.list_flatten(targets))
    if settings.targets:
        gold = gold.filter(pc.is_in(gold["target"], text_array(settings.targets)))
    gold = gold.sort_by([(name, "ascending") for name in ("window", "start", "end", "target")]).combine_chunks()
    windows = numbers(gold["window"])
    starts, ends = (numbers(gold[edge]) - index.starts[windows] for edge in ("start", "end"))

    def table(passages: Passages) -> pa.Table:
        owner, picked = matching(windows, passages.numbers)
        columns, part = passages.columns(owner), gold.take(pa.array(picked))
        columns |= {name: flat(part[name]) for name in ("target", "probability", "status")}
        columns |= {"start": small(starts[picked]), "end": small(ends[picked]), "span": flat(part["text"])}
        columns |= {"votes_for": flat(part["for"]), "votes_against": flat(part["against"])}
        place = [columns[edge].cast(pa.string()) for edge in ("start", "end")]
        columns["id"] = pc.binary_join_element_wise(columns["chunk_id"], *place, columns["target"], ":")
        return configuration.table(columns)

    return Maker(table, left_out=left_out)


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
    reads={
        "gold_spans": (
            "chunk_id", "kind", "start", "end", "label", "text", "targets", "probability", "votes", "status",
        )
    },
    rows=_rows,
    noun=("span of evidence", "spans of evidence"),
    about=_about,
    gold="spans of evidence",
    task="token-classification",
    tag="rationales",
    moves=False,
    traced={"gold_spans": _supports},
)  # fmt: skip
