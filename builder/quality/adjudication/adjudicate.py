"""Adjudication of a whole pull: gold spans, gold answers, and whether few enough are unresolved."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from builder.quality.adjudication.answers import gold_answers
from builder.quality.adjudication.spans import gold_spans
from builder.quality.gates import Verdict, check_unresolved
from builder.quality.settings import Aggregation, Quality
from builder.quality.voters import Voters


@dataclass
class AdjudicationSummary:
    """Gold labels counted by status, and the verdicts of the gates on them."""

    method: str
    chunks: int
    without_votes: int  # chunks without an annotation that counts
    gold_spans: dict[str, int]
    gold_answers: dict[str, int]
    gates: list[Verdict]


@dataclass
class Adjudicated:
    """GOLD_SPANS, GOLD_ANSWERS and their summary."""

    gold_spans: pa.Table
    gold_answers: pa.Table
    summary: AdjudicationSummary


def adjudicate(
    annotations: pa.Table,
    spans: pa.Table,
    answers: pa.Table,
    windows: pa.Table,
    aggregation: Aggregation,
    quality: Quality,
    accuracy: Mapping[str, float],
) -> Adjudicated:
    """One gold label for everything that annotators marked or answered, from the tables of `validate`.

    `accuracy` is what annotators reached on the gold questions: `AgreementReport.accuracy`. Of the quality settings
    `asked` and `gates.max_unresolved` are used.
    """
    voters = Voters(annotations, aggregation.experts, quality.asked)
    marked = gold_spans(spans, voters, windows, aggregation, accuracy)
    answered = gold_answers(answers, voters, aggregation, accuracy)
    counts = [dict(sorted(Counter(table["status"].to_pylist()).items())) for table in (marked, answered)]
    unresolved = sum(c.get("unresolved", 0) for c in counts)
    decided = sum(c.get(status, 0) for c in counts for status in ("agreed", "adjudicated", "expert"))
    summary = AdjudicationSummary(
        method=aggregation.method,
        chunks=len(voters.chunks),
        without_votes=windows.num_rows - len(voters.chunks),
        gold_spans=counts[0],
        gold_answers=counts[1],
        gates=check_unresolved(quality.gates, unresolved, decided),
    )
    return Adjudicated(marked, answered, summary)
