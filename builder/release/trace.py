"""The way back from a released row: gold and votes, annotations, chunk, article, raw characters and bytes."""

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds

from builder.errors import ReleaseError
from builder.offsets import OffsetMap, Segment
from builder.release.features import label_names

_CONTEXT = 60


def find_row(root: Path, manifest: dict[str, Any], row_id: str) -> tuple[str, str, dict[str, Any]]:
    """Configuration, split and values of a row; raises `ReleaseError` when no row has the id."""
    for config, facts in manifest["configs"].items():
        for split in facts["splits"]:
            files = [str(path) for path in sorted((root / config).glob(f"{split}-?????-of-?????.parquet"))]
            found = ds.dataset(files, format="parquet").to_table(filter=pc.field("id") == row_id)
            if found.num_rows:
                row = found.slice(0, 1).to_pylist()[0]
                names = label_names(facts["features"]).get("label")
                if names:
                    row["label"] = names[row["label"]]
                return config, split, row
    raise ReleaseError(
        f"No row of {root.name} has the id {row_id!r}.",
        "Ids stand in the column `id`: a chunk id, `<chunk id>:<target>`, or an annotation id.",
    )


def place(article: dict[str, Any], start: int, end: int, raw_file: Path) -> dict[str, Any]:
    """Where `text[start:end]` of an article stands in its raw record and file.

    Raw characters count in the decoded record (for HTML: the text taken from it); `bytes` count in the file and are
    null when the record does not stand in the file as it is, or the file is gone.
    """
    text, raw = article["text"], article["raw"]
    found: dict[str, Any] = {
        "article": [start, end],
        "text": text[start:end],
        "before": text[max(0, start - _CONTEXT) : start],
        "after": text[end : end + _CONTEXT],
        "file": article["source_path"],
        "record": article["record"],
    }
    segments = [Segment(s["start"], s["end"], s["raw_start"], s["raw_end"]) for s in article["map"] or []]
    if not segments:
        return found | {"raw": None, "raw_text": None, "bytes": None}
    a, b = OffsetMap(tuple(segments)).to_raw(start, end)
    return found | {"raw": [a, b], "raw_text": raw[a:b], "bytes": _bytes(raw_file, article["encoding"], raw, a, b)}


def _bytes(raw_file: Path, encoding: str | None, raw: str, start: int, end: int) -> list[int] | None:
    if not encoding or not raw_file.is_file():
        return None
    whole = raw_file.read_bytes()
    try:
        before, inside = raw[:start].encode(encoding), raw[start:end].encode(encoding)
        record = whole.find(raw.encode(encoding))
    except (LookupError, UnicodeEncodeError):
        return None
    at = record + len(before)
    return [at, at + len(inside)] if record >= 0 and whole[at : at + len(inside)] == inside else None
