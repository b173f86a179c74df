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

Row = dict[str, Any]
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+|~!$-])")
_LONGEST = 80


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
    annotations: pa.Table,
    spans: pa.Table,
    answers: pa.Table,
    issues: pa.Table,
    gold_spans: pa.Table,
    gold_answers: pa.Table,
    windows: pa.Table,
    scheme: Scheme,
) -> list[ReviewCase]:
    """The open cases in the order of chunk id: unresolved gold, or an annotation in quarantine without a review.

    Annotators appear under letters that are drawn anew for each chunk, so that nobody can be followed from chunk to
    chunk.
    """
    questions = scheme.questions
    reviewed = reviewed_chunks(annotations)
    people = _people(annotations)
    letters = {row["annotation_id"]: letter for made in people.values() for letter, row in made}
    why: dict[str, list[str]] = defaultdict(list)
    for row in _unresolved(gold_answers):
        question, target = questions[row["question"]], row["target"]
        shown = {label: _plain(question.label_title(label)) for label in question.labels}
        votes = [f"{letters[v['annotation_id']]} {shown[v['label']]}" for v in _known(row, letters)]
        about = f"{_plain(question.name)} for {_plain(question.title(target))}" if target else _plain(question.name)
        why[row["chunk_id"]].append(f"{about}: {', '.join(sorted(votes))}")
    for row in _unresolved(gold_spans):
        votes = [f"{letters[v['annotation_id']]} {v['label'] or 'nothing'}" for v in _known(row, letters)]
        words = _plain(row["text"][:_LONGEST])
        why[row["chunk_id"]].append(f"{_plain(row['label'])} “{words}”: {', '.join(sorted(votes))}")
    errors = issues.filter(pc.and_(pc.equal(issues["severity"], "error"), pc.is_valid(issues["annotation_id"])))
    for row in errors.select(["annotation_id", "chunk_id", "check", "message"]).to_pylist():
        if row["chunk_id"] not in reviewed and row["annotation_id"] in letters:
            what = _plain(row["message"][: 2 * _LONGEST])
            why[row["chunk_id"]].append(f"{letters[row['annotation_id']]} is in quarantine ({row['check']}): {what}")
    for chunk, made in people.items():
        whole = [letter for letter, row in made if row["quarantined"] and chunk not in reviewed]
        said = " ".join(why[chunk])
        why[chunk] += [f"{letter} is in quarantine" for letter in whole if f"{letter} is in quarantine" not in said]
    places = dict(zip(*(windows[c].to_pylist() for c in ("chunk_id", "start")), strict=True))
    ends = dict(zip(*(windows[c].to_pylist() for c in ("chunk_id", "end")), strict=True))
    notes = {label for q in questions.values() if q.gives == "notes" for label in q.labels}
    # Gold answers about mentions are not tied to one marked span, so there is nothing to fill in.
    of_mentions = [q.name for q in questions.values() if q.mode == "mention"]
    fillable = gold_answers.filter(pc.invert(pc.is_in(gold_answers["question"], pa.array(of_mentions, pa.string()))))
    settled_spans, settled_answers = _settled(gold_spans), _settled(fillable)
    own_spans, own_answers = _by_annotation(spans), _by_annotation(answers)
    out = []
    for chunk in sorted(c for c, reasons in why.items() if reasons):
        suggestions = [
            Suggestion(
                by=f"annotator {letter}",
                spans=[
                    s for s in own_spans[row["annotation_id"]] if places[chunk] <= s["start"] < s["end"] <= ends[chunk]
                ],
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


def _people(annotations: pa.Table) -> dict[str, list[tuple[str, Row]]]:
    """By chunk, what was submitted there except reviews, each under a letter that does not reveal the annotator."""
    table = annotations.filter(pa.array([not r for r in reviews(annotations)], pa.bool_()))
    table = table.filter(pc.is_in(table["state"], pa.array(SUBMITTED)))
    by_chunk: dict[str, list[Row]] = defaultdict(list)
    names = ["annotation_id", "chunk_id", "annotator", "quarantined", "problems", "comment"]
    for row in table.select(names).to_pylist():
        by_chunk[row["chunk_id"]].append(row)
    return {
        chunk: list(zip(_letters(len(rows)), sorted(rows, key=_hidden_order), strict=True))
        for chunk, rows in sorted(by_chunk.items())
    }


def _hidden_order(row: Row) -> str:
    return digest(row["chunk_id"], row["annotator"], row["annotation_id"])


def _letters(n: int) -> list[str]:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [alphabet[i] if n <= len(alphabet) else f"{alphabet[i % 26]}{i // 26 + 1}" for i in range(n)]


def _unresolved(gold: pa.Table) -> list[Row]:
    rows: list[Row] = gold.filter(pc.equal(gold["status"], "unresolved")).to_pylist()
    return rows


def _settled(gold: pa.Table) -> dict[str, list[Row]]:
    out: dict[str, list[Row]] = defaultdict(list)
    kept = pc.is_in(gold["status"], pa.array(["agreed", "adjudicated", "expert"]))
    for row in gold.filter(kept).to_pylist():
        out[row["chunk_id"]].append({**row, "span_id": None})
    return out


def _known(row: Row, letters: dict[str, str]) -> list[Row]:
    return [vote for vote in row["votes"] if vote["annotation_id"] in letters]


def _by_annotation(table: pa.Table) -> dict[str, list[Row]]:
    out: dict[str, list[Row]] = defaultdict(list)
    for row in table.to_pylist():
        out[row["annotation_id"]].append(row)
    return out


def _plain(text: str) -> str:
    """Text that Markdown and HTML show literally, on one line."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(_SPECIAL.sub(r"\\\1", escaped).split())
