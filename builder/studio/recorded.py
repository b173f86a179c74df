"""Labels recorded earlier, read from JSON Lines: one file an annotator, one line a chunk.

    {"article": "2026/paper.json#3", "article_id": "<16 hex>", "start": 0, "end": 812,
     "entities": [{"start": 3, "end": 8, "label": "GPE", "text": "Japan"}],
     "evidence": [{"start": 20, "end": 31, "targets": ["japan"], "text": "..."}],
     "stance": {"united_states": "favor", "japan": "none"},
     "problems": [], "comment": "", "lead_time": 41.0}

All offsets are in article coordinates. An entity may carry "stance" when targets are mentions; a line may say
"skipped": true instead of labels.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.errors import SourceError
from builder.questions import encode
from builder.scheme import Scheme

Row = Mapping[str, Any]
_FIELDS = {
    *("article", "article_id", "start", "end", "entities", "evidence", "stance"),
    *("problems", "comment", "lead_time", "skipped"),
}


@dataclass
class Recording:
    """What one annotator recorded, by article id and chunk interval, with the line it stands on."""

    path: Path
    lines: dict[tuple[str, int, int], tuple[int, dict[str, Any]]] = field(default_factory=dict)

    def of(self, chunk: Row) -> tuple[int, dict[str, Any]] | None:
        return self.lines.get((chunk["article_id"], chunk["start"], chunk["end"]))


def read(path: Path) -> Recording:
    """The recording in a file; raises `SourceError` naming the line that is broken or stands twice."""
    recording = Recording(path)
    for number, line in _lines(path):
        where = f"{path}:{number}"
        try:
            entry = json.loads(line)
            key = (str(entry["article_id"]), int(entry["start"]), int(entry["end"]))
        except (ValueError, TypeError, KeyError) as e:
            raise SourceError(f"{where} is no recorded chunk: {e!r}.", "Correct the line or remove it.") from e
        if unknown := sorted(set(entry) - _FIELDS):
            raise SourceError(
                f"{where} has unknown fields {', '.join(unknown)}.", f"Known: {', '.join(sorted(_FIELDS))}."
            )
        if key in recording.lines:
            raise SourceError(f"{where} repeats the chunk of line {recording.lines[key][0]}.", "Remove one of them.")
        recording.lines[key] = (number, entry)
    return recording


def annotation(recording: Recording, chunk: Row, scheme: Scheme, targets: Sequence[str] = ()) -> dict[str, Any] | None:
    """The body of the annotation that says what was recorded about a chunk, or None when nothing was.

    Raises `SourceError` when the line contradicts the text or the scheme.
    """
    found = recording.of(chunk)
    if found is None:
        return None
    number, entry = found
    where = f"{recording.path}:{number}"
    if entry.get("skipped"):
        return {"result": [], "was_cancelled": True, "lead_time": entry.get("lead_time")}
    try:
        spans, stances = _rows(entry, chunk, scheme, list(targets) or list(scheme.targets))
        problems = entry.get("problems") or []
        if unknown := [p for p in problems if p not in scheme.problems]:
            raise ValueError(f"unknown problems {unknown}")
        result = encode.results(
            spans,
            stances,
            problems,
            entry.get("comment") or None,
            chunk["start"],
            chunk["text"],
            scheme,
            targets=list(targets),
        )
    except (ValueError, KeyError, TypeError) as e:
        raise SourceError(f"{where}: {e}.", "Correct the line, or record the chunk again.") from e
    return {"result": result, "was_cancelled": False, "lead_time": entry.get("lead_time")}


def _rows(
    entry: Row, chunk: Row, scheme: Scheme, targets: Sequence[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of SPANS and ANSWERS, as far as `encode.results` reads them."""
    spans: list[dict[str, Any]] = []
    stances: list[dict[str, Any]] = []
    for n, mark in enumerate(entry.get("entities") or []):
        _verify(mark, chunk)
        if mark["label"] not in scheme.entities:
            raise ValueError(f"unknown entity label {mark['label']!r}")
        span_id = f"mention{n}" if mark.get("stance") else None
        spans.append(_span("entity", mark, mark["label"], [], span_id))
        if span_id:
            stances.append({"target": mark["text"], "span_id": span_id, "label": _stance(mark["stance"], scheme)})
    for mark in entry.get("evidence") or []:
        _verify(mark, chunk)
        if unknown := [t for t in mark.get("targets") or [] if t not in targets and scheme.target_mode != "mention"]:
            raise ValueError(f"evidence for unknown targets {unknown}")
        spans.append(_span("evidence", mark, None, list(mark.get("targets") or []), None))
    for target, label in (entry.get("stance") or {}).items():
        if target not in targets:
            raise ValueError(f"stance toward unknown target {target!r}")
        stances.append({"target": target, "span_id": None, "label": _stance(label, scheme)})
    return spans, stances


def _span(kind: str, mark: Row, label: str | None, targets: list[str], span_id: str | None) -> dict[str, Any]:
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


def _verify(mark: Row, chunk: Row) -> None:
    start, end = mark["start"] - chunk["start"], mark["end"] - chunk["start"]
    text = chunk["text"][start:end] if 0 <= start < end <= len(chunk["text"]) else None
    if text is None or text != mark["text"]:
        raise ValueError(f"[{mark['start']}, {mark['end']}) is {text!r}, but was recorded as {mark['text']!r}")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        # Only line feeds end a line: JSON may hold other line separators as they are.
        with path.open(encoding="utf-8", newline="\n") as file:
            yield from ((n, line) for n, line in enumerate(file, 1) if line.strip())
    except (OSError, UnicodeDecodeError) as e:
        raise SourceError(f"{path} cannot be read: {e}.", "Correct annotators.recorded, or the file.") from e
