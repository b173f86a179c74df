"""Rows to what Label Studio holds: task data from a chunk, and result items from spans and stances."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from builder.errors import SchemeError
from builder.questions import controls
from builder.scheme import EVIDENCE, Scheme

Row = Mapping[str, Any]


def scheme_name(scheme: Scheme) -> str:
    """What a task says about the scheme it was pushed under: `name@version`."""
    return f"{scheme.name}@{scheme.version}"


def task(chunk: Row, article: Row, scheme: Scheme, *, targets: Sequence[str] | None = None) -> dict[str, Any]:
    """The `data` of the task that shows a chunk: a row of CHUNKS, of its article in ARTICLES, the article's targets.

    `targets` are used in article mode only. Raises `SchemeError` when they are missing, repeated or too many.
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
    }
    if scheme.target_mode == "article" and scheme.stance:
        own = list(targets or ())
        if not own or len(set(own)) < len(own):
            raise SchemeError(
                f"Article {chunk['article_id']} lists {'a target twice' if own else 'no targets'}.",
                "Give each article its own list of targets, or use target_mode fixed.",
            )
        controls.asked(scheme, own)
        data["targets"] = own
        for n in range(1, scheme.max_targets + 1):
            data[f"target_{n}"] = f"{n} · {scheme.title(own[n - 1])}" if n <= len(own) else ""
    return data


def byline(chunk: Row, article: Row) -> str:
    """Date, source and number of the chunk, as far as they are known.

    >>> byline({"ordinal": 2}, {"published": datetime(2026, 3, 2), "source": "Reuters"})
    '2026-03-02 · Reuters · chunk 3'
    """
    published = article["published"]
    day = f"{published:%Y-%m-%d}" if isinstance(published, datetime) else ""
    return " · ".join(part for part in (day, article["source"], f"chunk {chunk['ordinal'] + 1}") if part)


def results(
    spans: Iterable[Row],
    stances: Sequence[Row],
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
    `ValueError` when a span leaves the chunk, and `SchemeError` when a stance has a target that is not asked.
    """
    items: list[dict[str, Any]] = []
    mentions = {row["span_id"]: row["label"] for row in stances if row["span_id"]}
    for region, rows in _regions(spans).items():
        start, end = rows[0]["start"] - chunk_start, rows[0]["end"] - chunk_start
        if not 0 <= start < end <= len(chunk_text):
            raise ValueError(f"span [{rows[0]['start']}, {rows[0]['end']}) is empty or outside its chunk")
        place = {"start": start, "end": end, "text": shown(chunk_text[start:end])}
        labels = [EVIDENCE if row["kind"] == "evidence" else row["label"] for row in rows]
        items.append(_item(controls.ENTITY, "labels", {**place, "labels": labels}, region))
        about = [target for row in rows if row["kind"] == "evidence" for target in row["targets"] or ()]
        if about:
            named = [_evidence_alias(target, scheme, targets) for target in about]
            items.append(_item(controls.EVIDENCE_TARGET, "choices", {**place, "choices": named}, region))
        if region in mentions:
            items.append(_item(controls.MENTION_STANCE, "choices", {**place, "choices": [mentions[region]]}, region))
    by_target = {row["target"]: row["label"] for row in stances if not row["span_id"]}
    for name, target in controls.asked(scheme, targets).items():
        if target in by_target:
            items.append(_item(name, "choices", {"choices": [by_target.pop(target)]}, name))
    if by_target:
        raise SchemeError(f"There are stances toward {', '.join(by_target)}, which the interface does not ask about.")
    if problems:
        items.append(_item(controls.PROBLEM, "choices", {"choices": list(problems)}, controls.PROBLEM))
    if comment:
        items.append(_item(controls.COMMENT, "textarea", {"text": [comment]}, controls.COMMENT))
    return items


def shown(text: str) -> str:
    """`value.text` as the page writes it: line breaks as a literal backslash-n, runs of blanks as one.

    >>> shown("a  b" + chr(10) + "c")
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


def _evidence_alias(target: str, scheme: Scheme, targets: Sequence[str]) -> str:
    return str(list(targets).index(target) + 1) if scheme.target_mode == "article" else target


def _item(control: str, kind: str, value: dict[str, Any], region: str) -> dict[str, Any]:
    return {
        "id": region,
        "from_name": control,
        "to_name": controls.TEXT,
        "type": kind,
        "value": value,
        "origin": "manual",
    }
