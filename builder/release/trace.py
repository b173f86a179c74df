"""From a released row back to what somebody wrote: gold and votes, annotations, chunk, article, raw characters."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.errors import ReleaseError, StoreError
from builder.offsets import OffsetMap, Segment
from builder.release.configuration import label_names, with_names
from builder.release.configurations import SPECS
from builder.release.manifest import Manifest, data_files
from builder.release.origins import Opener, Origin, find_bytes
from builder.release.passages import STAGES
from builder.release.separation import stretch_id

_CONTEXT = 60
_GOLD = ("kind", "start", "end", "text", "question", "label", "target", "targets", "probability", "method", "status")
_ANNOTATION = ("annotation_id", "annotator", "state", "prediction", "quarantined", "created", "updated", "lead_time",
               "comment", "project_id", "task_id")  # fmt: skip
_ARTICLE = ("article_id", "title", "url", "published", "raw_sha256", "encoding")


@dataclass(frozen=True, kw_only=True)
class Place(Origin):
    """Where a stretch of an article is in its raw record and file.

    Raw characters count in the decoded record (for HTML: the text taken from it).
    """

    article: tuple[int, int]
    text: str
    before: str
    after: str
    file: str
    record: int
    raw: tuple[int, int]
    raw_text: str


@dataclass(frozen=True)
class Trace:
    """Everything that a released row came from. Rows are those of the stage tables, with the columns people ask for.

    `gold` rows have "table", "votes" (each with "project_id" and "task_id") and, for spans, "place".
    """

    configuration: str
    split: str
    row: dict[str, Any]
    gold: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    chunk: dict[str, Any]
    article: dict[str, Any]
    place: Place


def trace(root: Path, manifest: Manifest, row_id: str, paths: Mapping[str, Path], opener: Opener) -> Trace:
    """What a row of a release came from. `paths` has the stage tables of `passages.STAGES`.

    Raises `ReleaseError` when no row has the id or the tables lack what it came from, `StoreError` when one is missing.
    """
    configuration, split, row = find_row(root, manifest, row_id)
    article_id, chunk_id = row["article_id"], row["chunk_id"]
    articles, windows = (_rows(paths, table, "article_id", article_id) for table in ("articles", "windows"))
    texts = _rows(paths, "selected", "article_id", article_id) + windows
    chunks = [text for text in texts if text["chunk_id"] == chunk_id]
    if not articles or not chunks:
        missing = f"chunk_id {chunk_id}" if articles else f"article_id {article_id}"
        raise ReleaseError(
            f"{missing} of the release is not in the workspace.",
            "Trace in the workspace and with the raw articles it was made from.",
        )
    article, chunk, form = (
        articles[0],
        {key: chunks[0].get(key) for key in ("chunk_id", "ordinal", "start", "end")},
        manifest.configuration["source"]["format"],
    )
    spec = SPECS[manifest.configs[configuration].kind]
    start, end = _stretch(row, chunk, article["text"], [text["end"] for text in texts])
    asked = {**row, "question": manifest.configs[configuration].question, "place": (start, end)}
    near = [window["chunk_id"] for window in windows if window["start"] < end and start < window["end"]]
    seen = near if spec.texts == "chunks" else [chunk_id]
    by_id = {a["annotation_id"]: a for window in seen for a in _rows(paths, "annotations", "chunk_id", window)}
    gold = [
        _gold(table, found, by_id, lambda start, end: place(article, start, end, opener, form))
        for table, supports in spec.traced.items()
        for found in _rows(paths, table, "article_id", article_id)
        if supports(asked, found)
    ]
    annotations = [by_id[row["id"]]] if row["id"] in by_id else by_id.values()
    return Trace(
        configuration, split, row, gold, [{key: found[key] for key in _ANNOTATION} for found in annotations], chunk,
        {key: article[key] for key in _ARTICLE}, place(article, start, end, opener, form),
    )  # fmt: skip


def _stretch(row: Mapping[str, Any], chunk: Mapping[str, Any], text: str, ends: list[int]) -> tuple[int, int]:
    """Where a row is in its article: the id of a sentence ends with its place, that of a stretch is of its text."""
    start, end = int(chunk["start"]), int(chunk["end"])
    if sentence := re.fullmatch(rf"{re.escape(row['chunk_id'])}:(\d+)-(\d+)", row["id"]):
        return start + int(sentence[1]), start + int(sentence[2])
    return start, next((at for at in ends if stretch_id(row["chunk_id"], text[start:at]) == row["id"]), end)


def find_row(root: Path, manifest: Manifest, row_id: str) -> tuple[str, str, dict[str, Any]]:
    """Configuration, split and values of the first row with this id, which may be `<configuration>/<id>`."""
    for name, found in manifest.configs.items():
        wanted = row_id.removeprefix(f"{name}/")
        for split in found.splits:
            files = [str(path) for path in data_files(root, name, split)]
            rows = pq.read_table(files, filters=pc.field("id") == wanted)
            if rows.num_rows:
                row = with_names(rows.slice(0, 1).combine_chunks(), label_names(found.features)).to_pylist()[0]
                return name, split, row
    raise ReleaseError(
        f"No row of {root.name} has the id {row_id!r}.",
        "Ids are in the column `id` of each configuration; write <configuration>/<id> where several have the same.",
    )


def _rows(paths: Mapping[str, Path], table: str, column: str, value: str) -> list[dict[str, Any]]:
    if not paths[table].exists():
        raise StoreError(f"{paths[table]} is missing.", f"Run `builder {STAGES[table]}` in the release's workspace.")
    return list(pq.read_table(paths[table], filters=pc.field(column) == value).to_pylist())


def _gold(
    table: str, found: Mapping[str, Any], by_id: Mapping[str, Any], placed: Callable[[int, int], Place]
) -> dict[str, Any]:
    shown: dict[str, Any] = {"table": table, **{key: found[key] for key in _GOLD if key in found}}
    shown["votes"] = [
        {**vote, **{key: by_id.get(vote["annotation_id"], {}).get(key) for key in ("project_id", "task_id")}}
        for vote in found["votes"] or []
    ]
    if found.get("start") is not None:
        shown["place"] = placed(found["start"], found["end"])
    return shown


def place(article: Mapping[str, Any], start: int, end: int, opener: Opener, form: str = "auto") -> Place:
    """Where `text[start:end]` of an article is in its raw record and file, which was read as `source.format` says."""
    text, raw, path, record = (article[key] for key in ("text", "raw", "source_path", "record"))
    segments = [Segment(s["start"], s["end"], s["raw_start"], s["raw_end"]) for s in article["map"]]
    a, b = OffsetMap(tuple(segments)).to_raw(start, end)
    try:
        data, name = opener(path), path if form == "auto" else f"file.{form}"
        found = find_bytes(data, name, record, article["encoding"], raw, a, b)
    except (OSError, ValueError) as e:
        found = Origin(why=f"the file cannot be read any more: {' '.join(str(e).split())}")
    return Place(
        **vars(found), article=(start, end), text=text[start:end], before=text[max(0, start - _CONTEXT) : start],
        after=text[end : end + _CONTEXT], file=path, record=record, raw=(a, b), raw_text=raw[a:b],
    )  # fmt: skip
