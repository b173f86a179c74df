"""`evidence`: the words for which annotators gave an answer (gold rationales), one row per span and target."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.arrays import flat, matching, numbers, strings
from builder.release.configuration import KEYS, Column, Configuration, Maker, Numbering, Source, Spec
from builder.release.features import INT, NUMBER, STRING, arrow_schema
from builder.release.gold import released, votes_for
from builder.release.passages import Passages
from builder.release.settings import Export
from builder.scheme import Question, Scheme


def declare(scheme: Scheme, settings: Export, number: Callable[[Question], Numbering]) -> list[Configuration]:
    """One configuration per question that asks for evidence."""
    columns = (
        *KEYS,
        Column("text", STRING, "the window that annotators saw"),
        Column("target", STRING, "the target whose answer the span supports"),
        Column("start", INT, "start of the span in `text`, in code points", judged=True),
        Column("end", INT, "end of the span in `text`, exclusive", judged=True),
        Column("span", STRING, "`text[start:end]`"),
        Column("votes_for", INT, "how many annotators marked the span", judged=True),
        Column("votes_against", INT, "how many annotators saw the window and did not mark it", judged=True),
        Column("probability", NUMBER, "probability of the span after aggregation", judged=True),
        Column("status", STRING, "how it was decided: agreed, adjudicated or expert", judged=True),
    )
    asked = [question for question in scheme.questions.values() if question.kind == "evidence"]
    return [Configuration(question.name, "evidence", columns, question) for question in asked]


def rows(configuration: Configuration, source: Source) -> Maker:
    """One row per released span and target, in the order of windows, places and targets."""
    gold, question = source.tables["gold_spans"], configuration.question
    assert question is not None
    windows = source.index.window_numbers(gold["chunk_id"])
    gold = gold.filter(pc.and_(pc.equal(gold["kind"], question.span_kind), pa.array(windows >= 0)))
    gold, left_out = released(gold, source.settings)
    total, votes = votes_for(gold)
    targets = flat(gold["targets"])
    owner = numbers(pc.list_parent_indices(targets))
    gold = gold.take(pa.array(owner)).append_column("target", pc.list_flatten(targets))
    gold = gold.append_column("for", pa.array(votes[owner])).append_column("against", pa.array((total - votes)[owner]))
    if source.settings.targets:
        gold = gold.filter(pc.is_in(gold["target"], strings(source.settings.targets)))
    gold = gold.append_column("window", pa.array(source.index.window_numbers(gold["chunk_id"])))
    gold = gold.sort_by([(name, "ascending") for name in ("window", "start", "end", "target")]).combine_chunks()
    numbered = numbers(gold["window"])
    starts = numbers(gold["start"]) - source.index.starts[numbered]
    ends = numbers(gold["end"]) - source.index.starts[numbered]
    schema = arrow_schema(configuration.features)

    def table(passages: Passages) -> pa.Table:
        owner, picked = matching(numbered, passages.numbers)
        parent, at = pa.array(owner), pa.array(picked)
        chunk_ids, part = passages.chunk_ids.take(parent), gold.take(at)
        place = [pa.array(edge[picked].astype(np.int32)) for edge in (starts, ends)]
        parts = [chunk_ids, *(edge.cast(pa.string()) for edge in place), flat(part["target"])]
        columns = {
            "id": pc.binary_join_element_wise(*parts, ":"),
            "article_id": passages.article_ids.take(parent),
            "chunk_id": chunk_ids,
            "text": passages.text.take(parent),
            "target": parts[-1],
            "start": place[0],
            "end": place[1],
            "span": flat(part["text"]),
            "votes_for": flat(part["for"]),
            "votes_against": flat(part["against"]),
            "probability": flat(part["probability"]),
            "status": flat(part["status"]),
        }
        return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)

    return Maker(table, left_out=left_out)


def about(_: Configuration, __: Mapping[str, Any]) -> str:
    """What one row is."""
    return (
        "one row per span of evidence and target: `text[start:end]` is the `span` for which annotators answered as "
        "they did about the `target`. `votes_for` and `votes_against` count annotators; `status` says how it was "
        "decided."
    )


SPEC = Spec(
    texts="windows",
    declare=declare,
    reads={
        "gold_spans": (
            "chunk_id", "kind", "start", "end", "label", "text", "targets", "probability", "votes", "status",
        )
    },
    rows=rows,
    noun=("span of evidence", "spans of evidence"),
    about=about,
    gold="spans of evidence",
    task="token-classification",
    tag="rationales",
    moves=False,
    traced={
        "gold_spans": lambda row, gold: bool(
            gold["kind"] == "evidence"
            and gold["chunk_id"] == row["chunk_id"]
            and row["target"] in gold["targets"]
            and gold["text"] == row["span"]
        )
    },
)  # fmt: skip
