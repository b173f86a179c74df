"""Gold questions: chunks whose answers are known, and how well each annotator answered them.

The known answers are JSON Lines in the format in which annotators are recorded: one chunk a line with `article_id`,
`start`, `end`, `entities` (start, end, label in article coordinates) and `stance` (target to label).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

import pyarrow as pa

from builder.errors import SourceError
from builder.quality.votes import reviews, voting

Key = tuple[str, int, int]
Row = Mapping[str, Any]


@dataclass
class Question:
    """What is right for one chunk: entity spans (start, end, label), and the stance toward each target asked."""

    spans: set[tuple[int, int, str]] | None = None
    stances: dict[str, str] = field(default_factory=dict)


def read_questions(path: Path) -> dict[Key, Question]:
    """Questions by article, start and end of their chunk; raises `SourceError` naming the line that is broken.

    A line without the field `entities` asks about stances only.
    """
    out: dict[Key, Question] = {}
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
            marked = entry.get("entities")
            spans = None if marked is None else {(int(m["start"]), int(m["end"]), str(m["label"])) for m in marked}
            out[key] = Question(spans, {str(t): str(x) for t, x in (entry.get("stance") or {}).items()})
        except (ValueError, TypeError, KeyError, AttributeError) as e:
            raise SourceError(f"{path}:{number} is no gold question: {e!r}.", "Correct the line or remove it.") from e
    return out


def question_chunks(questions: Mapping[Key, Question], chunks: pa.Table) -> dict[str, Question]:
    """The questions whose chunk is among CHUNKS or WINDOWS, by chunk id in alphabetical order."""
    columns = (chunks[c].to_pylist() for c in ("chunk_id", "article_id", "start", "end"))
    found = {chunk: (article, start, end) for chunk, article, start, end in zip(*columns, strict=True)}
    return {chunk: questions[found[chunk]] for chunk in sorted(found) if found[chunk] in questions}


def due(chunks: int, rate: float) -> int:
    """How many questions go with so many other chunks for the questions to be the share `rate` of them all.

    >>> due(95, 0.05), due(10, 0.05), due(10, 0.0)
    (5, 1, 0)
    """
    return ceil(chunks * rate / (1 - rate) - 1e-9) if rate < 1 else chunks


def mix(chunks: Sequence[Row], questions: Sequence[Row]) -> list[Row]:
    """The chunks in their order, with the questions among them at even distances.

    >>> mix([{"n": n} for n in range(4)], [{"n": "?"}, {"n": "!"}])
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
    questions: Mapping[str, Question], annotations: pa.Table, spans: pa.Table, stances: pa.Table
) -> dict[str, dict[str, Any]]:
    """By annotator: `questions` answered, `stance_accuracy`, `span_f1` (exact) and `accuracy`, each null without basis.

    Accuracy is the mean of the two that have a basis. Quarantined annotations are scored too: a wrong answer is a wrong
    answer; reviews, skips and drafts are not.
    """
    at = annotations.schema.get_field_index("quarantined")
    all_of_them = annotations.set_column(at, "quarantined", pa.array([False] * annotations.num_rows, pa.bool_()))
    voters = voting(all_of_them)
    voters = voters.filter(pa.array([not r for r in reviews(voters)], pa.bool_()))
    asked = {
        annotation: (annotator, questions[chunk])
        for annotation, annotator, chunk in zip(
            *(voters[c].to_pylist() for c in ("annotation_id", "annotator", "chunk_id")), strict=True
        )
        if chunk in questions
    }
    answers: dict[str, dict[str, str]] = {}
    for annotation, target, label in zip(
        *(stances[c].to_pylist() for c in ("annotation_id", "target", "label")), strict=True
    ):
        if annotation in asked:
            answers.setdefault(annotation, {})[target] = label
    marks: dict[str, set[tuple[int, int, str]]] = {}
    columns = (spans[c].to_pylist() for c in ("annotation_id", "kind", "start", "end", "label"))
    for annotation, kind, start, end, label in zip(*columns, strict=True):
        if annotation in asked and kind == "entity":
            marks.setdefault(annotation, set()).add((start, end, label))
    totals: dict[str, list[int]] = {}
    for annotation, (annotator, question) in asked.items():
        n = totals.setdefault(annotator, [0, 0, 0, 0, 0])
        given, found = answers.get(annotation, {}), marks.get(annotation, set())
        n[0] += 1
        n[1] += sum(given.get(target) == label for target, label in question.stances.items())
        n[2] += len(question.stances)
        if question.spans is not None:
            n[3] += 2 * len(found & question.spans)
            n[4] += len(found) + len(question.spans)
    return {name: _score(*totals[name]) for name in sorted(totals)}


def _score(answered: int, right: int, asked: int, matched: int, marked: int) -> dict[str, Any]:
    stance = right / asked if asked else None
    spans = matched / marked if marked else None
    known = [x for x in (stance, spans) if x is not None]
    return {
        "questions": answered,
        "stance_accuracy": None if stance is None else round(stance, 6),
        "span_f1": None if spans is None else round(spans, 6),
        "accuracy": round(sum(known) / len(known), 6) if known else None,
    }
