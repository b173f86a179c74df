"""One report per annotator: how much, how fast, and how often like the others."""

from collections import Counter, defaultdict
from collections.abc import Collection

import numpy as np
import pyarrow as pa

from builder.quality.agreement.answers import answer_votes
from builder.quality.agreement.report import AnnotatorReport, AnswerPairs
from builder.quality.agreement.spans import exact_f1_by_annotator
from builder.quality.settings import Quality
from builder.quality.votes import Votes
from builder.scheme import Question


def annotator_reports(
    annotations: pa.Table,
    spans: pa.Table,
    answers: pa.Table,
    chunks: int,
    questions: Collection[Question],
    settings: Quality,
) -> dict[str, AnnotatorReport]:
    """The report of every annotator, by pseudonym in alphabetical order.

    `questions` are those of the scheme that give answers; `chunks` is how many chunks there are to annotate.
    """
    columns = ("annotator", "state", "quarantined", "lead_time", "prediction", "chunk_id")
    rows: dict[str, list[tuple[str, bool | None, float | None, str, str]]] = defaultdict(list)
    for name, *row in zip(*(annotations[c].to_pylist() for c in columns), strict=True):
        rows[name].append(tuple(row))
    pairs = {q.name: _pairs(answer_votes(annotations, answers, q.name, list(q.labels))[0]) for q in questions}
    f1 = exact_f1_by_annotator(annotations, spans, "entity", settings)
    out: dict[str, AnnotatorReport] = {}
    for name in sorted(rows):
        count = Counter(row[0] for row in rows[name])
        done = [row for row in rows[name] if row[0].startswith("labelled")]
        seconds = [row[2] for row in done if row[2] is not None]
        out[name] = AnnotatorReport(
            labelled=count["labelled"],
            empty=count["labelled-empty"],
            skipped=count["skipped"],
            drafts=count["draft"],
            quarantined=sum(bool(row[1]) for row in done),
            coverage=round(len({row[4] for row in done}) / chunks, 6) if chunks else None,
            seconds=[round(float(q), 3) for q in np.quantile(seconds, [0.25, 0.5, 0.75])] if seconds else None,
            predictions=dict(sorted(Counter(row[3] for row in done).items())),
            answers={question: found.get(name, AnswerPairs(0, None, {})) for question, found in pairs.items()},
            span_f1=f1.get(name),
        )
    return out


def _pairs(votes: Votes) -> dict[str, AnswerPairs]:
    """By annotator, the pairs with other annotators who answered for the same chunk and target."""
    width, crowd = len(votes.labels), len(votes.annotators)
    if not crowd:
        return {}
    cells = np.bincount(votes.item * width + votes.label, minlength=votes.items * width).reshape(-1, width)
    table = np.zeros((crowd, width, width), dtype=np.int64)
    others = cells[votes.item].copy()
    others[np.arange(len(votes.item)), votes.label] -= 1
    np.add.at(table, (votes.annotator, votes.label), others)
    out: dict[str, AnswerPairs] = {}
    for i, name in enumerate(votes.annotators):
        total = int(table[i].sum())
        confusion = {
            own: {other: int(table[i, r, c]) for c, other in enumerate(votes.labels) if table[i, r, c]}
            for r, own in enumerate(votes.labels)
            if table[i, r].any()
        }
        out[name] = AnswerPairs(total, round(int(np.trace(table[i])) / total, 6) if total else None, confusion)
    return out
