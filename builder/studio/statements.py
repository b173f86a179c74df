"""Labels given as plain data (by a recording or a model) as what Label Studio stores."""

from collections.abc import Mapping, Sequence
from typing import Any

from builder.questions import encode
from builder.scheme import Scheme

Row = Mapping[str, Any]

#: What plain data may say about a chunk.
FIELDS = frozenset({"entities", "evidence", "stance", "problems", "comment"})


def results(said: Row, chunk: Row, scheme: Scheme, targets: Sequence[str]) -> list[dict[str, Any]]:
    """Result items that say what `said` says about a chunk, a row of CHUNKS; `targets` are those of its article.

    `said` has `entities` and `evidence` (lists of {"start", "end", "label" or "targets", "text"} in article
    coordinates), `stance` (target -> label), `problems` and `comment`, each optional. The "text" of a span is compared
    with the chunk where it is given. Raises `ValueError`, `KeyError` or `TypeError` when it contradicts the text or the
    scheme.
    """
    spans: list[dict[str, Any]] = []
    stances: list[dict[str, Any]] = []
    about = list(targets) or list(scheme.targets)
    for n, mark in enumerate(said.get("entities") or []):
        if mark["label"] not in scheme.entities:
            raise ValueError(f"unknown entity label {mark['label']!r}")
        span_id = f"mention{n}" if mark.get("stance") else None
        span = _span("entity", mark, chunk, mark["label"], [], span_id)
        if span not in spans:
            spans.append(span)
        if span_id:
            stances.append({"target": mark["text"], "span_id": span_id, "label": _stance(mark["stance"], scheme)})
    for mark in said.get("evidence") or []:
        named = list(mark.get("targets") or [])
        if unknown := [t for t in named if t not in about and scheme.target_mode != "mention"]:
            raise ValueError(f"evidence for unknown targets {unknown}")
        spans.append(_span("evidence", mark, chunk, None, named, None))
    for target, label in (said.get("stance") or {}).items():
        if target not in about:
            raise ValueError(f"stance toward unknown target {target!r}")
        stances.append({"target": target, "span_id": None, "label": _stance(label, scheme)})
    problems = list(said.get("problems") or [])
    if unknown := [p for p in problems if p not in scheme.problems]:
        raise ValueError(f"unknown problems {unknown}")
    comment = said.get("comment") or None
    return encode.results(
        spans, stances, problems, comment, chunk["start"], chunk["text"], scheme, targets=list(targets)
    )


def _span(
    kind: str, mark: Row, chunk: Row, label: str | None, targets: list[str], span_id: str | None
) -> dict[str, Any]:
    start, end = mark["start"] - chunk["start"], mark["end"] - chunk["start"]
    text = chunk["text"][start:end] if 0 <= start < end <= len(chunk["text"]) else None
    if text is None:
        raise ValueError(f"[{mark['start']}, {mark['end']}) is empty or outside its chunk")
    if mark.get("text") not in (None, text):
        raise ValueError(
            f"[{mark['start']}, {mark['end']}) is {text!r}, not {mark['text']!r}; offsets count code points"
        )
    return {
        "kind": kind,
        "start": mark["start"],
        "end": mark["end"],
        "label": label,
        "targets": targets,
        "span_id": span_id,
    }


def _stance(label: str, scheme: Scheme) -> str:
    if label not in scheme.stance:
        raise ValueError(f"unknown stance {label!r}")
    return label
