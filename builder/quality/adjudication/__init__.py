"""Adjudication: one gold label per answer and one per span, with the votes that led to it.

An answer wins when it holds more than `min_share` of the belief: of the annotators who answered (majority), of their
weight, or of the posterior of a model. More than half is needed rather than the largest share, because with five
annotators two could otherwise outvote three who agree that it is something else. A tie, and anything else without a
winner, is unresolved and has no label. So is what everybody answered when a model believes none of them.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.quality.adjudication.spans import SILENCE, decision, gold_spans
from builder.quality.aggregation.believe import Decider, soft_columns
from builder.quality.aggregation.majority import winners
from builder.quality.agreement.models import difficulties, model_posterior
from builder.quality.anchoring import one_place_each
from builder.quality.gates import Verdict, check_unresolved
from builder.quality.settings import Aggregation, Quality
from builder.quality.votes import Voter, Voters, Votes, voting
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

    `accuracy` is what annotators reached on the gold questions. Of the quality settings `asked`, `confidence` and
    `gates.max_unresolved` are used.
    """
    decider = Decider(Voters(annotations, aggregation.experts, quality.asked), aggregation, accuracy)
    answers = one_place_each(answers, spans, voting(annotations)["annotation_id"].to_pylist())
    marked = with_difficulty(gold_spans(spans, windows, decider), "kind", quality.confidence)
    answered = with_difficulty(gold_answers(answers, decider), "question", quality.confidence)
    counts = [dict(sorted(Counter(table["status"].to_pylist()).items())) for table in (marked, answered)]
    unresolved = sum(c.get("unresolved", 0) for c in counts)
    decided = sum(c.get(status, 0) for c in counts for status in ("agreed", "single", "adjudicated", "expert"))
    gates = check_unresolved(quality.gates, unresolved, decided)
    chunks = len(decider.voters.chunks)
    empty = windows.num_rows - chunks
    summary = AdjudicationSummary(aggregation.method, decider.chosen, chunks, empty, counts[0], counts[1], gates)
    return Adjudicated(marked, answered, summary)


def gold_answers(answers: pa.Table, decider: Decider) -> pa.Table:
    """GOLD_ANSWERS in the order of chunk, question, target and place; two mentions of one name are two answers.

    `status` is "expert" when an expert decided, "single" when one annotator answered, "agreed" when everyone gave the
    winning label, "adjudicated" when the method decided, and "unresolved" otherwise.
    """
    voters = decider.voters
    chunk_of = {v.annotation_id: chunk for chunk in voters.chunks for v in voters.of(chunk)}
    given: dict[str, dict[Item, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    columns = ("annotation_id", "question", "target", "start", "end", "label")
    for annotation, question, target, start, end, label in rows_of(answers, *columns):
        if annotation in chunk_of:
            place = (-1, -1) if start is None else (start, end)
            given[question][chunk_of[annotation], target, *place][annotation] = label
    rows = [row for name in given for row in _gold_of(name, given[name], decider)]
    # A stable sort: rows of one question are in the order of chunk, target and place.
    rows.sort(key=lambda r: (str(r["chunk_id"]), str(r["question"])))
    return build(rows, GOLD_ANSWERS)


def with_difficulty(gold: pa.Table, about: str, confidence: float) -> pa.Table:
    """The gold with its columns of difficulty; `about` is the column of the question or kind of span.

    What an expert decided is right; else it is believed as Dawid and Skene's model believes it.
    """
    kinds = np.array(gold[about].to_pylist(), dtype=object)
    found = np.full((gold.num_rows, 3), np.nan)
    for kind in set(kinds.tolist()):
        here = np.flatnonzero(kinds == kind)
        rows = list(rows_of(gold.take(pa.array(here)), "votes", "label", "status"))
        given = [(i, v["annotator"], v["label"] or SILENCE) for i, (votes, *_) in enumerate(rows) for v in votes]
        labels = sorted({label for *_, label in given})
        votes = Votes.of(given, len(rows), labels)
        posterior = model_posterior(votes)
        for i, (_, label, status) in enumerate(rows):
            if status == "expert":
                posterior[i] = [label == one for one in labels]
        found[here] = difficulties(votes, posterior, confidence)
    for name, values in zip(("difficulty_low", "difficulty", "difficulty_high"), found.T, strict=True):
        column = pa.array(values, pa.float64(), from_pandas=True)
        gold = gold.set_column(gold.column_names.index(name), gold.schema.field(name), column)
    return gold


def _gold_of(question: str, given: Mapping[Item, Mapping[str, str]], decider: Decider) -> list[dict[str, object]]:
    """Rows of GOLD_ANSWERS of one question; `given` holds the label of each annotation by item."""
    items = sorted(given)
    labels = sorted({label for said in given.values() for label in said.values()})
    voters, min_share = decider.voters, decider.settings.min_share

    def votes(side: Mapping[str, list[Voter]]) -> Votes:
        rows = [
            (i, v.annotator, given[item][v.annotation_id])
            for i, item in enumerate(items)
            for v in side.get(item[0], ())
            if v.annotation_id in given[item]
        ]
        return Votes.of(rows, len(items), labels)

    believed = decider.believe(question, votes(voters.crowd), votes(voters.experts))
    best_of = winners(believed.decides, min_share).tolist()
    out: list[dict[str, object]] = []
    for item, best, soft, counted, expert in zip(
        items, best_of, believed.soft, believed.shares, believed.expert, strict=True
    ):
        chunk, target, start, end = item
        said = given[item]
        own = [{**v._asdict(), "label": said[v.annotation_id]} for v in voters.of(chunk) if v.annotation_id in said]
        unanimous = len(set(said.values())) == 1
        status, probability = "unresolved", float(soft.max() if best < 0 else soft[best])
        # What everybody answered is not overruled by a model.
        if best >= 0 and not (unanimous and labels[best] not in said.values()):
            sure = unanimous and probability > min_share
            status = "expert" if expert else decision(believed.method, len(own), sure)
        out.append({
            "chunk_id": chunk, "article_id": voters.article[chunk], "question": question, "target": target,
            "start": None if start < 0 else start, "end": None if start < 0 else end,
            "label": None if status == "unresolved" else labels[best], "probability": probability,
            **soft_columns(labels, soft, counted), "method": "expert" if expert else believed.method, "votes": own,
            "status": status,
        })  # fmt: skip
    return out
