"""Arrow tables of articles, chunks and rejects, built column by column."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from builder.corpus.article import Article, Press
from builder.corpus.records import Reject
from builder.offsets import Segment
from builder.store import digest
from builder.tables import ARTICLES, CHUNKS, REJECTS, SECTION, SEGMENT


def articles(found: Sequence[Article], language: str) -> pa.Table:
    """The articles table; every article is its own cluster until the whole corpus has been compared."""
    records = [a.record for a in found]
    ids = [r.article_id for r in records]
    columns: dict[str, Any] = {
        "article_id": ids,
        "source_path": [r.source_path for r in records],
        "record": [r.number for r in records],
        "record_id": [r.record_id for r in records],
        "raw_sha256": [r.sha256 for r in records],
        "encoding": [r.encoding for r in records],
        "title": [a.title for a in found],
        "text": [a.text for a in found],
        "sections": _sections([a.sections for a in found]),
        "trailer": [a.trailer for a in found],
        "raw": [r.raw for r in records],
        "map": _maps([a.map.segments for a in found]),
        "url": [r.url for r in records],
        "source": [a.source for a in found],
        "authors": [r.authors for r in records],
        "published": [r.published for r in records],
        "language": [r.language or language for r in records],
        "cluster_id": ids,
        "kept": [True] * len(ids),
        "targets": [r.targets for r in records],
    }
    return _table(columns, ARTICLES)


def chunks(found: Sequence[Article], press: Press) -> pa.Table:
    """The chunks table of the articles."""
    out: list[tuple[Any, ...]] = []
    for article in found:
        article_id, whole = article.record.article_id, article.text
        for ordinal, (kind, (start, end, tokens, sentences), before, after) in enumerate(press.chunks(article)):
            text = whole[start:end]
            chunk_id = digest(article_id, str(start), text)[:16]
            out.append((chunk_id, article_id, ordinal, start, end, text, kind, before, after, tokens, sentences))
    columns = list(zip(*out, strict=True)) if out else [()] * len(CHUNKS)
    return _table(dict(zip(CHUNKS.names, columns, strict=True)), CHUNKS)


def rejects(found: Sequence[Reject]) -> pa.Table:
    """The rejects table of the prepare stage."""
    columns = {
        "stage": ["prepare"] * len(found),
        "source_path": [r.source_path for r in found],
        "record": [r.record for r in found],
        "article_id": [r.article_id for r in found],
        "chunk_id": [None] * len(found),
        "reason": [r.reason for r in found],
        "detail": [r.detail for r in found],
    }
    return _table(columns, REJECTS)


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    arrays = [
        value if isinstance(value, pa.Array) else pa.array(value, schema.field(name).type)
        for name, value in columns.items()
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _maps(maps: Sequence[Sequence[Segment]]) -> pa.Array:
    flat = np.array([n for segments in maps for s in segments for n in s], dtype=np.int32).reshape(-1, 4)
    fields = [pa.array(flat[:, i]) for i in range(4)]
    return pa.ListArray.from_arrays(_offsets(maps), pa.StructArray.from_arrays(fields, fields=list(SEGMENT)))


def _sections(sections: Sequence[Sequence[tuple[str, int, int]]]) -> pa.Array:
    flat = [s for one in sections for s in one]
    fields = [
        pa.array([s[0] for s in flat], pa.string()),
        pa.array([s[1] for s in flat], pa.int32()),
        pa.array([s[2] for s in flat], pa.int32()),
    ]
    return pa.ListArray.from_arrays(_offsets(sections), pa.StructArray.from_arrays(fields, fields=list(SECTION)))


def _offsets(lists: Sequence[Sequence[object]]) -> pa.Array:
    return pa.array(np.cumsum([0, *map(len, lists)]), pa.int32())
