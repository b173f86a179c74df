"""Rows to what Label Studio holds: task data from a chunk, and result items from spans and answers."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from builder.errors import SchemeError
from builder.questions import KINDS
from builder.questions.kind import Row, Statement, Writing, kinds
from builder.questions.page import SPANS
from builder.scheme import Scheme


def scheme_name(scheme: Scheme) -> str:
    """What a task says about the scheme it was pushed under: `name@version`."""
    return f"{scheme.name}@{scheme.version}"


def task(
    chunk: Row, article: Row, scheme: Scheme, *, targets: Sequence[str] | None = None, selection: str = ""
) -> dict[str, Any]:
    """The `data` of the task that shows a chunk: a row of CHUNKS, of its article in ARTICLES, the article's targets.

    `targets` are used in article mode only; `selection` says how the chunk was picked. Raises `SchemeError` when
    targets are missing, repeated or too many.
    """
    data: dict[str, Any] = {
        "chunk_id": chunk["chunk_id"],
        "article_id": chunk["article_id"],
        "start": chunk["start"],
        "text": chunk["text"],
        "title": article["title"] or "",
        "byline": byline(chunk, article),
        "context_before": chunk["context_before"] or "",
        "context_after": chunk["context_after"] or "",
        "scheme": scheme_name(scheme),
        "selection": selection,
    }
    if any(question.mode == "article" for question in kinds(scheme)):
        own = list(targets or ())
        if not own or len(set(own)) < len(own):
            raise SchemeError(
                f"Article {chunk['article_id']} lists {'a target twice' if own else 'no targets'}.",
                "Give each article its own list of targets, or choose the mode fixed.",
            )
        data["targets"] = own
        for question in kinds(scheme):
            data |= question.task_data(own)
    return data


def byline(chunk: Row, article: Row) -> str:
    """Date, source and number of the chunk, as far as they are known; `chunks` is how many the article has.

    >>> byline({"ordinal": 2}, {"published": datetime(2026, 3, 2), "source": "Reuters", "chunks": 12})
    '2026-03-02 · Reuters · chunk 3 of 12'
    """
    published = article["published"]
    day = f"{published:%Y-%m-%d}" if isinstance(published, datetime) else ""
    number = f"chunk {chunk['ordinal'] + 1}" + (f" of {article['chunks']}" if article.get("chunks") else "")
    return " · ".join(part for part in (day, article["source"], number) if part)


def results(
    spans: Iterable[Row],
    answers: Sequence[Row],
    problems: Sequence[str],
    comment: str | None,
    chunk_start: int,
    chunk_text: str,
    scheme: Scheme,
    *,
    targets: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Result items that say what the rows say: rows of SPANS and ANSWERS of one annotation, in article coordinates.

    Rows of one interval that share their `span_id` become one region with several labels. A row without `span_id`
    gets one that depends on its interval and label only. `targets` are the article's own, in article mode. Raises
    `ValueError` when a span is outside the chunk, and `SchemeError` when an answer has a target that is not asked.
    """
    if unknown := {row["question"] for row in answers} - set(scheme.questions):
        raise SchemeError(f"There are answers to {', '.join(sorted(unknown))}, which the scheme does not ask.")
    writing = Writing(scheme, targets, answers, problems, comment)
    for region, rows in _regions(spans).items():
        start, end = rows[0]["start"] - chunk_start, rows[0]["end"] - chunk_start
        if not 0 <= start < end <= len(chunk_text):
            raise ValueError(f"span [{rows[0]['start']}, {rows[0]['end']}) is empty or outside its chunk")
        writing.region, writing.place = region, {"start": start, "end": end, "text": as_shown(chunk_text[start:end])}
        writing.item(SPANS, "labels", {**writing.place, "labels": [row["label"] for row in rows]}, region)
        for question in kinds(scheme):
            question.write_region(rows, writing)
    for question in kinds(scheme):
        question.write(writing)
    return writing.items


def statement(
    said: Row, scheme: Scheme, *, targets: Sequence[str] | None = None, text: str | None = None, start: int = 0
) -> Statement:
    """The rows of what plain data says about a chunk: `{name of a question: what was said}`.

        {"entities": [{"start": 3, "end": 8, "label": "GPE", "text": "Japan"}],
         "evidence": [{"start": 20, "end": 31, "targets": ["japan"]}],
         "stance": {"united_states": "favor", "japan": "none"}, "problems": ["unsure"], "comment": ""}

    A value that is missing, null or empty says nothing. Offsets count from the same origin as `start`, the place of
    the chunk's `text`; without a text, places are not checked. `targets` are the article's own. Raises `ValueError`
    that lists everything that does not fit.
    """
    made = Statement(scheme, targets, text, start)
    foreign = [name for name in said if name not in scheme.questions and (said[name] or name not in KINDS)]
    faults = [f"the scheme has no question {name!r}" for name in foreign]
    # Answers may be about spans.
    for question in sorted(kinds(scheme), key=lambda question: question.gives != "spans"):
        try:
            question.state(said.get(question.name), made)
        except KeyError as e:
            faults.append(f"{question.name}: {e} is missing")
        except (ValueError, TypeError, AttributeError) as e:
            faults.append(f"{question.name}: {e}")
    if faults:
        raise ValueError("; ".join(faults))
    return made


def stated(said: Row, chunk_text: str, start: int, scheme: Scheme, targets: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Result items that say what plain data says about a chunk; see `statement`."""
    made = statement(said, scheme, targets=targets, text=chunk_text, start=start)
    return results(made.spans, made.answers, made.problems, made.comment, start, chunk_text, scheme, targets=targets)


def as_shown(text: str) -> str:
    """`value.text` as the page writes it: line breaks as a literal backslash-n, runs of blanks as one.

    >>> as_shown("a  b" + chr(10) + "c")
    'a b\\\\nc'
    """
    return re.sub(r"[ \t]+", " ", re.sub(r"[\r\n]", r"\\n", text))


def _regions(spans: Iterable[Row]) -> dict[str, list[Row]]:
    regions: dict[str, list[Row]] = {}
    for row in spans:
        key = f"{row['kind']} {row['start']} {row['end']} {row['label']}"
        region = row["span_id"] or hashlib.sha256(key.encode()).hexdigest()[:10]
        same = regions.setdefault(region, [])
        if same and (same[0]["start"], same[0]["end"]) != (row["start"], row["end"]):
            raise ValueError(f"span_id {region!r} names two intervals")
        same.append(row)
    return regions
