"""Chunks that need an expert: what is unresolved or in quarantine there, and who voted how, without names."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.votes import SUBMITTED, reviewed_chunks, reviews
from builder.scheme import Scheme
from builder.store import digest
from builder.tables import rows_of

Row = dict[str, Any]
#: By chunk, annotations under letters.
People = dict[str, list[tuple[str, Row]]]
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+|~!$-])")
_LONGEST = 80
#: Characters shown on each side of a span.
_AROUND = 40
_SETTLED = ("agreed", "single", "adjudicated", "expert")


@dataclass
class Suggestion:
    """Labels shown to the expert as one suggestion: whose they are, rows of SPANS and ANSWERS, problems and comment."""

    by: str
    spans: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    comment: str = ""


@dataclass
class ReviewCase:
    """One chunk for the expert. `why` is Markdown; `review_of` are the annotations that the decision replaces."""

    chunk_id: str
    why: str
    review_of: list[str]
    suggestions: list[Suggestion]


def review_cases(
    annotations: pa.Table, spans: pa.Table, answers: pa.Table, issues: pa.Table, gold_spans: pa.Table,
    gold_answers: pa.Table, windows: pa.Table, scheme: Scheme,
) -> list[ReviewCase]:  # fmt: skip
    """The open cases in the order of chunk id: unresolved gold, or an annotation in quarantine without a review.

    Annotators appear under letters that are drawn anew for each chunk, so that nobody can be followed from chunk to
    chunk.
    """
    questions = scheme.questions
    people = _people(annotations)
    letters = {row["annotation_id"]: letter for made in people.values() for letter, row in made}
    texts = {chunk: (start, text) for chunk, start, text in rows_of(windows, "chunk_id", "start", "text")}
    why = _unresolved(gold_spans, gold_answers, scheme, letters, texts)
    for chunk, quarantined in _quarantined(annotations, issues, people).items():
        why[chunk] += quarantined
    places = {chunk: (start, end) for chunk, start, end in rows_of(windows, "chunk_id", "start", "end")}
    notes = {label for q in questions.values() if q.gives == "notes" for label in q.labels}
    # Gold answers about mentions are not tied to one marked span, so there is nothing to fill in.
    of_mentions = pa.array([q.name for q in questions.values() if q.mode == "mention"], pa.string())
    fillable = gold_answers.filter(pc.invert(pc.is_in(gold_answers["question"], of_mentions)))
    settled = (_of_status(gold, *_SETTLED) for gold in (gold_spans, fillable))
    settled_spans, settled_answers = (_by([{**row, "span_id": None} for row in rows], "chunk_id") for rows in settled)
    own_spans, own_answers = (_by(table.to_pylist(), "annotation_id") for table in (spans, answers))
    out = []
    for chunk in sorted(c for c, reasons in why.items() if reasons):
        low, high = places[chunk]
        suggestions = [
            Suggestion(
                by=f"annotator {letter}",
                spans=[s for s in own_spans[row["annotation_id"]] if low <= s["start"] < s["end"] <= high],
                answers=own_answers[row["annotation_id"]],
                problems=[p for p in row["problems"] or [] if p in notes],
                comment=row["comment"] or "",
            )
            for letter, row in people[chunk]
        ]
        # The page opens with the last suggestion: it fills in what is settled and leaves the rest to the expert.
        suggestions.append(Suggestion("agreed so far", settled_spans[chunk], settled_answers[chunk]))
        text = "**Why this chunk is here**\n\n" + "\n".join(f"- {reason}" for reason in why[chunk])
        out.append(ReviewCase(chunk, text, sorted(row["annotation_id"] for _, row in people[chunk]), suggestions))
    return out


def _unresolved(
    gold_spans: pa.Table, gold_answers: pa.Table, scheme: Scheme, letters: dict[str, str],
    texts: dict[str, tuple[int, str]],
) -> dict[str, list[str]]:  # fmt: skip
    """By chunk, who gave what to each question and span that is unresolved, each span with the words around it."""
    why: dict[str, list[str]] = defaultdict(list)

    def add(row: Row, about: str, shown: dict[str | None, str]) -> None:
        known = [vote for vote in row["votes"] if vote["annotation_id"] in letters]
        votes = sorted(f"{letters[v['annotation_id']]} {shown.get(v['label'], v['label'])}" for v in known)
        why[row["chunk_id"]].append(f"{about}: {', '.join(votes)}")

    for row in _of_status(gold_answers, "unresolved"):
        question, target = scheme.questions[row["question"]], row["target"]
        about = f"{_plain(question.name)} for {_plain(question.title(target))}" if target else _plain(question.name)
        add(row, about, {label: _plain(question.label_title(label)) for label in question.labels})
    for row in _of_status(gold_spans, "unresolved"):
        start, text = texts[row["chunk_id"]]
        first, end = row["start"] - start, row["end"] - start
        before, after = text[max(0, first - _AROUND) : max(0, first)], text[end : end + _AROUND]
        words = f"**{_plain(row['text'][:_LONGEST])}{'…' * (len(row['text']) > _LONGEST)}**"
        place = f"{_plain(before)}{' ' * before[-1:].isspace()}{words}{' ' * after[:1].isspace()}{_plain(after)}"
        cut = "…" * (first > _AROUND), "…" * (end + _AROUND < len(text))
        place = place.join(cut)
        add(row, f"{_plain(row['label'])} in “{place}”", {None: "nothing"})
    return why


def _quarantined(annotations: pa.Table, issues: pa.Table, people: People) -> dict[str, list[str]]:
    """By chunk without a review, which annotations are in quarantine, and for what."""
    errors: dict[str, list[str]] = defaultdict(list)
    found = issues.filter(pc.and_(pc.equal(issues["severity"], "error"), pc.is_valid(issues["annotation_id"])))
    for annotation, check, message in rows_of(found, "annotation_id", "check", "message"):
        errors[annotation].append(f" ({check}): {_plain(message[: 2 * _LONGEST])}")
    reviewed = reviewed_chunks(annotations)
    return {
        chunk: [
            f"{letter} is in quarantine{what}"
            for letter, row in made
            for what in errors.get(row["annotation_id"], [""] if row["quarantined"] else [])
        ]
        for chunk, made in people.items()
        if chunk not in reviewed
    }


def _people(annotations: pa.Table) -> People:
    """By chunk, what was submitted there except reviews, each under a letter that does not reveal the annotator."""
    table = annotations.filter(pa.array([not r for r in reviews(annotations)], pa.bool_()))
    table = table.filter(pc.is_in(table["state"], pa.array(SUBMITTED)))
    names = ["annotation_id", "chunk_id", "annotator", "quarantined", "problems", "comment"]
    by_chunk = _by(table.select(names).to_pylist(), "chunk_id")
    return {
        chunk: list(zip(_letters(len(rows)), sorted(rows, key=_hidden_order), strict=True))
        for chunk, rows in by_chunk.items()
    }


def _hidden_order(row: Row) -> str:
    return digest(row["chunk_id"], row["annotator"], row["annotation_id"])


def _letters(n: int) -> list[str]:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [alphabet[i] if n <= len(alphabet) else f"{alphabet[i % 26]}{i // 26 + 1}" for i in range(n)]


def _of_status(gold: pa.Table, *statuses: str) -> list[Row]:
    rows: list[Row] = gold.filter(pc.is_in(gold["status"], pa.array(statuses))).to_pylist()
    return rows


def _by(rows: list[Row], column: str) -> dict[str, list[Row]]:
    out: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        out[row[column]].append(row)
    return out


def _plain(text: str) -> str:
    """Text that Markdown and HTML show literally, on one line."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(_SPECIAL.sub(r"\\\1", escaped).split())
