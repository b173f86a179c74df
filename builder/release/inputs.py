"""The stage tables, opened with no more columns than the release needs: votes and texts are most of their bytes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builder.errors import StoreError
from builder.release.settings import Export

_BATCH = 16_384
#: Table to the command that writes it.
STAGES = {
    "articles": "prepare",
    "selected": "prepare",
    "annotations": "validate",
    "spans": "validate",
    "answers": "validate",
    "gold_spans": "adjudicate",
    "gold_answers": "adjudicate",
}
_ALWAYS = ["annotation_id", "chunk_id", "annotator", "state", "quarantined", "updated", "pull"]


@dataclass(frozen=True)
class Tables:
    """What the stages left. `batches` reads the selected chunks with their texts, in order, as often as asked."""

    articles: pa.Table  # article_id, cluster_id, published, raw_sha256
    chunks: pa.Table  # chunk_id, article_id, start, end of the selected chunks
    batches: Callable[[], Iterable[pa.RecordBatch]]
    texts: Callable[[], Iterable[pa.RecordBatch]]  # article_id and text of all articles, read for granularity "article"
    annotations: pa.Table
    spans: pa.Table
    answers: pa.Table
    gold_spans: pa.Table
    gold_answers: pa.Table


def open_tables(paths: dict[str, Path], settings: Export) -> Tables:
    """The tables at `paths`, which names each of `STAGES`; raises `StoreError` when one is missing or damaged."""
    said = "annotations" in settings.configs
    agreement = bool(settings.min_agreement)
    gold = ["article_id", "label", "probability", "status"]

    def read(name: str, columns: list[str] | None, rows: bool = True) -> pa.Table:
        path = paths[name]
        if not path.exists():
            raise StoreError(f"{path} is missing.", f"Run `builder {STAGES[name]}` first.")
        try:
            return pq.read_table(path, columns=columns) if rows else pq.read_schema(path).empty_table()
        except (OSError, pa.ArrowInvalid) as e:
            raise StoreError(f"{path} is damaged: {e}.", f"Delete it and run `builder {STAGES[name]}` again.") from e

    return Tables(
        articles=read("articles", ["article_id", "cluster_id", "published", "raw_sha256"]),
        chunks=read("selected", ["chunk_id", "article_id", "start", "end"]),
        batches=lambda: _batches(paths["selected"], ["chunk_id", "article_id", "start", "end", "text"]),
        texts=lambda: _batches(paths["articles"], ["article_id", "text"]),
        annotations=read("annotations", None if said else _ALWAYS),
        spans=read("spans", None, said),
        answers=read("answers", None, said),
        gold_spans=read(
            "gold_spans", [*gold, "kind", "start", "end", "text", *(["votes"] if agreement else [])],
            "entities" in settings.configs,
        ),
        gold_answers=read("gold_answers", [*gold, "chunk_id", "target", "votes"], "stance" in settings.configs),
    )  # fmt: skip


def _batches(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        with pq.ParquetFile(file) as opened:
            yield from opened.iter_batches(_BATCH, columns=columns)
