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
#: Fields of a line that are not answers to a question.
_FIELDS = {"article", "article_id", "start", "end", "lead_time", "skipped"}


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
        said = {name: value for name, value in entry.items() if name not in _FIELDS}
        made = encode.statement(said, scheme, targets=targets, text=chunk["text"], start=chunk["start"])
        result = encode.results(
            made.spans,
            made.answers,
            made.problems,
            made.comment,
            chunk["start"],
            chunk["text"],
            scheme,
            targets=targets,
        )
    except ValueError as e:
        raise SourceError(f"{where}: {e}.", "Correct the line, or record the chunk again.") from e
    return {"result": result, "was_cancelled": False, "lead_time": entry.get("lead_time")}


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        # Only line feeds end a line: JSON may hold other line separators as they are.
        with path.open(encoding="utf-8", newline="\n") as file:
            yield from ((n, line) for n, line in enumerate(file, 1) if line.strip())
    except (OSError, UnicodeDecodeError) as e:
        raise SourceError(f"{path} cannot be read: {e}.", "Correct annotators.recorded, or the file.") from e
