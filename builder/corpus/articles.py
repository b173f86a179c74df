"""From records to articles and chunks: cleaning, layout and chunking of one record, and the tables of many."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from builder.corpus.chunking import ChunkBounds, Chunker
from builder.corpus.cleaning import clean, markdown, steps
from builder.corpus.layout import Recogniser, shifted
from builder.corpus.records import Record, Reject
from builder.corpus.settings import Chunking, Cleaning
from builder.offsets import OffsetMap, Segment, edit
from builder.store import digest
from builder.tables import ARTICLES, CHUNKS, REJECTS, SECTION, SEGMENT


@dataclass(slots=True)
class Article:
    """A cleaned record: its text, the sections that tile it, and the map back to the raw text."""

    record: Record
    title: str | None
    text: str
    sections: list[tuple[str, int, int]]
    trailer: str | None
    map: OffsetMap
    source: str | None


class ArticleMaker:
    """Turns records into articles and articles into chunks, with everything compiled once."""

    def __init__(self, cleaning: Cleaning, chunking: Chunking, language: str) -> None:
        self.cleaning = cleaning
        self.steps = steps(cleaning)
        self.recogniser = Recogniser(cleaning)
        self.chunker = Chunker(chunking)
        self.context = chunking.context
        self.language = language

    def tidy(self, record: Record) -> tuple[str, OffsetMap]:
        """The text of a record with every line tidied, and its map to the raw text; no line is cut yet."""
        if record.kind != "markdown":
            return clean(record.raw, self.steps)
        text, mapping = edit(record.raw, markdown(record.raw))
        text, later = clean(text, self.steps)
        return text, mapping.then(later)

    def article(self, record: Record, repeated: frozenset[int] = frozenset()) -> Article | Reject:
        """The cleaned article, or the reject that says why nothing is left of it."""
        text, mapping = self.tidy(record)
        title = None if record.title is None else clean(record.title, self.steps)[0].replace("\n", " ") or None
        layout = self.recogniser.recognise(text, title, record.source, repeated, int(record.summary is not None))
        if layout.cuts:
            text, later = edit(text, layout.cuts)
            mapping = later if mapping.is_identity else mapping.then(later)
        body = shifted(layout.body, layout.cuts)
        if len(text.strip()) < self.cleaning.min_chars:
            what = "short" if text.strip() else "empty"
            return Reject(record.source_path, record.number, what, f"{len(text)} characters", record.article_id)
        sections = [("body", body, len(text))]
        if body:
            sections.insert(0, ("summary", 0, len(text[:body].rstrip())))
        return Article(record, layout.title, text, sections, layout.trailer, mapping, layout.source)

    def chunks(self, article: Article) -> Iterator[tuple[str, ChunkBounds, str, str]]:
        """Section, bounds, context before and context after of each chunk."""
        language = article.record.language or self.language
        chunks, found = self.chunker.cut(article.text, article.sections, language)
        text, n = article.text, self.context
        starts, ends = [a for a, _ in found], [b for _, b in found]
        for kind, chunk in chunks:
            # The first sentence that reaches into the chunk, and the first that begins after it.
            first, last = bisect_right(ends, chunk.start), bisect_left(starts, chunk.end)
            before = text[starts[max(0, first - n)] : chunk.start].rstrip() if n and first else ""
            after = text[chunk.end : ends[min(len(ends), last + n) - 1]].lstrip() if n and last < len(ends) else ""
            yield kind, chunk, before, after


def article_table(found: Sequence[Article], language: str) -> pa.Table:
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


def chunk_table(found: Sequence[Article], maker: ArticleMaker) -> pa.Table:
    """The chunks table of the articles."""
    out: list[tuple[Any, ...]] = []
    for article in found:
        article_id, whole = article.record.article_id, article.text
        for ordinal, (kind, (start, end, tokens, sentences), before, after) in enumerate(maker.chunks(article)):
            text = whole[start:end]
            chunk_id = digest(article_id, str(start), text)[:16]
            out.append((chunk_id, article_id, ordinal, start, end, text, kind, before, after, tokens, sentences))
    columns = list(zip(*out, strict=True)) if out else [()] * len(CHUNKS)
    return _table(dict(zip(CHUNKS.names, columns, strict=True)), CHUNKS)


def reject_table(found: Sequence[Reject]) -> pa.Table:
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
