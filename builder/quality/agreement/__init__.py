"""How far annotators agree: the report that `validate` writes as agreement.json. A number without a basis is null."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.quality.agreement.answers import AnswerAgreement, AnswerPairs, answer_pairs, answer_votes
from builder.quality.agreement.spans import SpanAgreement, exact_f1_by_annotator
from builder.quality.known_answers import KnownAnswerScore
from builder.quality.settings import Quality
from builder.scheme import Question
from builder.tables import rows_of


@dataclass
class AnnotatorReport:
    """What one annotator did. `labelled`, `empty`, `skipped`, `drafts` and `quarantined` count annotations.

    `coverage` is the share of all chunks submitted. `seconds` are the lower quartile, median and upper quartile of the
    lead time. `predictions` counts what became of suggestions. `answers` is by question, `span_f1` exact.
    """

    labelled: int
    empty: int
    skipped: int
    drafts: int
    quarantined: int
    coverage: float | None
    seconds: list[float] | None
    predictions: dict[str, int]
    answers: dict[str, AnswerPairs]
    span_f1: float | None


@dataclass
class AgreementReport:
    """Agreement by question, by kind of span and by annotator, and the scores on the gold questions by annotator."""

    answers: dict[str, AnswerAgreement]
    spans: dict[str, SpanAgreement]
    annotators: dict[str, AnnotatorReport]
    known_answers: dict[str, KnownAnswerScore]


def annotator_reports(
    annotations: pa.Table, spans: pa.Table, answers: pa.Table, chunks: int, questions: Collection[Question],
    settings: Quality,
) -> dict[str, AnnotatorReport]:  # fmt: skip
    """The report of every annotator, by pseudonym in alphabetical order.

    `questions` are those of the scheme that give answers; `chunks` is how many chunks there are to annotate.
    """
    columns = ("annotator", "state", "quarantined", "lead_time", "prediction", "chunk_id")
    made: dict[str, list[tuple[str, bool | None, float | None, str, str]]] = defaultdict(list)
    for name, *row in rows_of(annotations, *columns):
        made[name].append(tuple(row))
    pairs = {q.name: answer_pairs(answer_votes(annotations, answers, q)[0]) for q in questions}
    f1 = exact_f1_by_annotator(annotations, spans, "entity", settings)
    out: dict[str, AnnotatorReport] = {}
    for name in sorted(made):
        count = Counter(row[0] for row in made[name])
        done = [row for row in made[name] if row[0].startswith("labelled")]
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
            answers={question: found.get(name, AnswerPairs(0, None)) for question, found in pairs.items()},
            span_f1=f1.get(name),
        )
    return out
