"""What annotators looked at: one row a chunk, as the tasks of a pull showed it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

#: `text` is the article's text from `start` on; `targets` is null unless the scheme asks for the article's own.
WINDOWS = pa.schema(
    [
        ("chunk_id", pa.string()),
        ("article_id", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("text", pa.string()),
        ("title", pa.string()),
        ("scheme", pa.string()),
        ("targets", pa.list_(pa.string())),
    ]
)


def windows(tasks: Iterable[Mapping[str, Any]]) -> pa.Table:
    """WINDOWS in the order of chunk id; a chunk with several tasks has one row."""
    rows: dict[str, dict[str, object]] = {}
    for task in tasks:
        data = task["data"]
        start, text = int(data["start"]), str(data["text"])
        rows[data["chunk_id"]] = {
            "chunk_id": data["chunk_id"],
            "article_id": data["article_id"],
            "start": start,
            "end": start + len(text),
            "text": text,
            "title": data.get("title"),
            "scheme": data.get("scheme"),
            "targets": data.get("targets"),
        }
    return pa.Table.from_pylist([rows[k] for k in sorted(rows)], schema=WINDOWS)


def read_tasks(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """The tasks of a pull: one JSON object a line."""
    return [json.loads(line) for line in lines if line.strip()]
