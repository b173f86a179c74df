"""Adjudication: one gold label per answer and one per span, with the votes that led to it.

An answer wins when it holds more than `min_share` of the belief: of the annotators who answered (majority), of their
weight, or of the posterior of a model. More than half is needed rather than the largest share, because with five
annotators two could otherwise outvote three who agree that it is something else. A tie, and anything else without a
winner, is unresolved and has no label. So is what everybody answered when a model believes none of them.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from builder.quality.adjudication.spans import decision, gold_spans
from builder.quality.aggregation.believe import believe, soft_columns
from builder.quality.aggregation.majority import shares, winners
from builder.quality.gates import Verdict, check_unresolved
from builder.quality.settings import Aggregation, Quality
from builder.quality.votes import Voter, Voters, Votes
from builder.tables import GOLD_ANSWERS, build, rows_of

#: What is answered: chunk, target, and start and end of the mention that is the target (-1 without one).
Item = tuple[str, str, int, int]


@dataclass
class AdjudicationSummary:
    """Gold labels counted by status, and the verdicts of the gates on them.

    `chosen` says which method was used for each question and kind of span; with "auto", and why.
    """

    method: str
    chosen: dict[str, str]
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
    annotations: pa.Table, spans: pa.Table, answers: pa.Table, windows: pa.Table, aggregation: Aggregation,
    quality: Quality, accuracy: Mapping[str, float],
) -> Adjudicated:  # fmt: skip
    """One gold label for everything that annotators marked or answered, from the tables of `validate`.

    `accuracy` is what annotators reached on the gold questions. Of the quality settings `asked` and
    `gates.max_unresolved` are used.
    """
    voters = Voters(annotations, aggregation.experts, quality.asked)
    chosen: dict[str, str] = {}
    marked = gold_spans(spans, voters, windows, aggregation, accuracy, chosen)
    answered = gold_answers(answers, voters, aggregation, accuracy, chosen)
    counts = [dict(sorted(Counter(table["status"].to_pylist()).items())) for table in (marked, answered)]
    unresolved = sum(c.get("unresolved", 0) for c in counts)
    decided = sum(c.get(status, 0) for c in counts for status in ("agreed", "single", "adjudicated", "expert"))
    gates = check_unresolved(quality.gates, unresolved, decided)
    chunks = len(voters.chunks)
    empty = windows.num_rows - chunks
    summary = AdjudicationSummary(aggregation.method, chosen, chunks, empty, counts[0], counts[1], gates)
    return Adjudicated(marked, answered, summary)


def gold_answers(
    answers: pa.Table, voters: Voters, settings: Aggregation, accuracy: Mapping[str, float],
    chosen: dict[str, str] | None = None,
) -> pa.Table:  # fmt: skip
    """GOLD_ANSWERS in the order of chunk, question, target and place; two mentions of one name are two answers.

    `status` is "expert" when an expert decided, "single" when one annotator answered, "agreed" when everyone gave the
    winning label, "adjudicated" when the method decided, and "unresolved" otherwise. `chosen`, where it is given, gets
    the method used for each question, in words.
    """
    said: dict[str, str] = {} if chosen is None else chosen
    chunk_of = {v.annotation_id: chunk for chunk in voters.chunks for v in voters.of(chunk)}
    given: dict[str, dict[Item, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    columns = ("annotation_id", "question", "target", "start", "end", "label")
    for annotation, question, target, start, end, label in rows_of(answers, *columns):
        if annotation in chunk_of:
            place = (-1, -1) if start is None else (start, end)
            given[question][chunk_of[annotation], target, *place][annotation] = label
    rows = [row for name in given for row in _gold_of(name, given[name], voters, settings, accuracy, said)]
    # A stable sort: rows of one question are in the order of chunk, target and place.
    rows.sort(key=lambda r: (str(r["chunk_id"]), str(r["question"])))
    return build(rows, GOLD_ANSWERS)


def _gold_of(
    question: str, given: Mapping[Item, Mapping[str, str]], voters: Voters, settings: Aggregation,
    accuracy: Mapping[str, float], chosen: dict[str, str],
) -> list[dict[str, object]]:  # fmt: skip
    """Rows of GOLD_ANSWERS of one question; `given` holds the label of each annotation by item."""
    items = sorted(given)
    labels = sorted({label for said in given.values() for label in said.values()})

    def votes(side: Mapping[str, list[Voter]]) -> Votes:
        rows = [
            (i, v.annotator, given[item][v.annotation_id])
            for i, item in enumerate(items)
            for v in side.get(item[0], ())
            if v.annotation_id in given[item]
        ]
        return Votes.of(rows, len(items), labels)

    believed = believe(votes(voters.crowd), settings, accuracy)
    chosen[question] = believed.chosen
    of_experts = shares(votes(voters.experts))
    by_method, by_experts = winners(believed.decides, settings.min_share), winners(of_experts, settings.min_share)
    out: list[dict[str, object]] = []
    for i, (chunk, target, *place) in enumerate(items):
        said = given[items[i]]
        start, end = place if place[0] >= 0 else (None, None)
        expert = bool(of_experts[i].any())
        best = int((by_experts if expert else by_method)[i])
        soft, counted = (of_experts[i], of_experts[i]) if expert else (believed.soft[i], believed.shares[i])
        unanimous = len(set(said.values())) == 1
        if unanimous and best >= 0 and labels[best] not in said.values():
            best = -1
        sure = unanimous and float(soft[best]) > settings.min_share
        status = decision(believed.method, len(said), sure, expert) if best >= 0 else "unresolved"
        own = [{**v._asdict(), "label": said[v.annotation_id]} for v in voters.of(chunk) if v.annotation_id in said]
        out.append({
            "chunk_id": chunk, "article_id": voters.article[chunk], "question": question, "target": target,
            "start": start, "end": end, "label": None if status == "unresolved" else labels[best],
            "probability": float(soft[best]) if best >= 0 else float(soft.max()),
            **soft_columns(labels, soft, counted), "method": "expert" if expert else believed.method, "votes": own,
            "status": status,
        })  # fmt: skip
    return out
