"""Gold questions: chunks whose answers are known, and how well each annotator answered them.

The known answers are JSON Lines in the format of recorded labels: one chunk per line with `article_id`, `start`, `end`,
one field per question. The field of a question for entities lists spans (start, end and label, in article coordinates).
That of a question for answers maps each target to a label; for a question about the whole chunk it is the label, or the
list of the chosen options.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from builder.errors import SourceError
from builder.quality.votes import voting_unreviewed
from builder.scheme import Question, Scheme
from builder.tables import rows_of

#: Article, start and end of a chunk.
Key = tuple[str, int, int]
Row = Mapping[str, Any]


@dataclass
class KnownAnswers:
    """What is right for one chunk: entity spans (start, end, label) or None, and the label by question and target."""

    spans: set[tuple[int, int, str]] | None = None
    answers: dict[tuple[str, str], str] = field(default_factory=dict)


@dataclass
class KnownAnswerScore:
    """How one annotator did on the gold questions; `accuracy` is the mean of the two that have a basis."""

    chunks: int
    answer_accuracy: float | None
    span_f1: float | None
    accuracy: float | None


def read_known_answers(path: Path, scheme: Scheme) -> dict[Key, KnownAnswers]:
    """Known answers by article, start and end of their chunk; raises `SourceError` naming the line that is broken.

    A line without a field for entities says nothing about spans.
    """
    questions = [q for q in scheme.questions.values() if q.gives == "answers"]
    entities = [q.name for q in scheme.questions.values() if q.span_kind == "entity"]
    out: dict[Key, KnownAnswers] = {}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as e:
        raise SourceError(f"{path} cannot be read: {e}.", "Correct quality.questions.") from e
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            key = (str(entry["article_id"]), int(entry["start"]), int(entry["end"]))
            marked = [entry[name] for name in entities if entry.get(name) is not None]
            spans = {(int(m["start"]), int(m["end"]), str(m["label"])) for found in marked for m in found}
            answers = {
                (q.name, target): label for q in questions for target, label in _labels(q, entry.get(q.name)).items()
            }
        except (ValueError, TypeError, KeyError, AttributeError) as e:
            raise SourceError(f"{path}:{number} is no gold question: {e!r}.", "Correct the line or remove it.") from e
        out[key] = KnownAnswers(spans if marked else None, answers)
    return out


def _labels(question: Question, given: Any) -> dict[str, str]:
    """The label per target, from a field of a line."""
    if isinstance(given, list) and question.many:
        return {option: "yes" if option in given else "no" for option in question.asked(None) or ()}
    if isinstance(given, str):
        return {"": given}
    return {str(target): str(label) for target, label in (given or {}).items()}


def known_by_chunk(known: Mapping[Key, KnownAnswers], chunks: pa.Table) -> dict[str, KnownAnswers]:
    """The known answers whose chunk is among CHUNKS or WINDOWS, by chunk id in alphabetical order."""
    rows = sorted(rows_of(chunks, "chunk_id", "article_id", "start", "end"))
    return {row[0]: known[row[1:]] for row in rows if row[1:] in known}


def number_due(chunks: int, rate: float) -> int:
    """How many gold questions to add to `chunks` other chunks, so that they are the share `rate` of all.

    >>> number_due(95, 0.05), number_due(10, 0.05), number_due(10, 0.0)
    (5, 1, 0)
    """
    return ceil(chunks * rate / (1 - rate) - 1e-9)


def spread_among(chunks: Sequence[Row], questions: Sequence[Row]) -> list[Row]:
    """The chunks in their order, with the gold questions among them at even distances.

    >>> spread_among([{"n": n} for n in range(4)], [{"n": "?"}, {"n": "!"}])
    [{'n': 0}, {'n': '?'}, {'n': 1}, {'n': 2}, {'n': '!'}, {'n': 3}]
    """
    out: list[Row] = []
    asked = 0
    for place, chunk in enumerate(chunks, start=1):
        out.append(chunk)
        while asked < len(questions) and place * len(questions) * 2 >= (2 * asked + 1) * len(chunks):
            out.append(questions[asked])
            asked += 1
    return [*out, *questions[asked:]]


def score(
    known: Mapping[str, KnownAnswers],
    annotations: pa.Table,
    spans: pa.Table,
    answers: pa.Table,
    only: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, KnownAnswerScore]:
    """The score of every annotator who answered a gold question, in alphabetical order; `known` is by chunk id.

    Quarantined annotations are scored too: a wrong answer is a wrong answer. Reviews, skips and drafts are not. `only`
    maps annotators to the labels of entities that they were asked for: the others are not scored.
    """
    voters = voting_unreviewed(annotations, quarantined=True)
    voters = voters.filter(pc.is_in(voters["chunk_id"], pa.array(list(known), pa.string())))
    asked = voters["annotation_id"].combine_chunks()
    given: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    answers = answers.filter(pc.is_in(answers["annotation_id"], asked))
    for annotation, *about, label in rows_of(answers, "annotation_id", "question", "target", "label"):
        given[annotation][tuple(about)] = label
    marked: dict[str, set[tuple[int, int, str]]] = defaultdict(set)
    entities = spans.filter(pc.and_(pc.is_in(spans["annotation_id"], asked), pc.equal(spans["kind"], "entity")))
    for annotation, *span in rows_of(entities, "annotation_id", "start", "end", "label"):
        marked[annotation].add(tuple(span))
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for annotation, annotator, chunk in rows_of(voters, "annotation_id", "annotator", "chunk_id"):
        n, right, said, found = totals[annotator], known[chunk], given[annotation], marked[annotation]
        n[0] += 1
        n[1] += sum(said.get(about) == label for about, label in right.answers.items())
        n[2] += len(right.answers)
        if right.spans is not None:
            due, had = ({m for m in some if m[2] in only.get(annotator, (m[2],))} for some in (right.spans, found))
            n[3] += 2 * len(had & due)
            n[4] += len(had) + len(due)
    return {name: _score(*totals[name]) for name in sorted(totals)}


def _score(chunks: int, right: int, asked: int, matched: int, marked: int) -> KnownAnswerScore:
    answers, spans = (part / whole if whole else None for part, whole in ((right, asked), (matched, marked)))
    based = [x for x in (answers, spans) if x is not None]
    accuracy = sum(based) / len(based) if based else None
    return KnownAnswerScore(chunks, *(None if x is None else round(x, 6) for x in (answers, spans, accuracy)))
