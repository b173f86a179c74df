"""From records to articles and chunks: cleaning, layout and chunking of one record, and the tables of many."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pyarrow as pa

from builder.corpus.chunking import ChunkBounds, Chunker
from builder.corpus.cleaning import clean, markdown, steps
from builder.corpus.layout import Layout, Recogniser, shifted
from builder.corpus.records import Record, Reject
from builder.corpus.settings import Chunking, Cleaning
from builder.languages import detected_language
from builder.masking import masked
from builder.offsets import OffsetMap, edit
from builder.store import digest
from builder.tables import ARTICLES, CHUNKS, PART, REJECTS, SECTION, SEGMENT


@dataclass(slots=True)
class Article:
    """A cleaned record: its text, the sections that tile it, and the map back to the raw text.

    `source`, `authors` and `url` are without personal data that is masked; the record has them as they were.
    """

    id: str
    record: Record
    layout: Layout
    text: str
    sections: list[tuple[str, int, int]]
    map: OffsetMap
    language: str
    source: str | None
    authors: list[str]
    url: str | None


class ArticleMaker:
    """Turns records into articles and articles into chunks, with everything compiled once."""

    def __init__(self, cleaning: Cleaning, chunking: Chunking, language: str) -> None:
        self.min_chars = cleaning.min_chars
        self.masked = lru_cache(maxsize=4096)(partial(masked, kinds=cleaning.masks))
        self.steps = steps(cleaning)
        self.recogniser = Recogniser(cleaning)
        self.chunker = Chunker(chunking)
        self.context = chunking.context
        self.language = language

    def tidy(self, record: Record) -> tuple[str, OffsetMap]:
        """The text of a record with every line tidied, and its map to the raw text; no line is cut yet."""
        return clean(record.raw, [markdown, *self.steps] if record.kind == "markdown" else self.steps)

    def article(self, record: Record, repeated: frozenset[int] = frozenset()) -> Article | Reject:
        """The cleaned article, or the reject that says why nothing is left of it."""
        title = clean(record.title, self.steps)[0].replace("\n", " ") if record.title else None
        text, mapping = self.tidy(record)
        article_id = record.article_id
        language = record.language or detected_language(text, self.language)
        summary = int(record.summary is not None)
        layout = self.recogniser.recognise(text, title or None, record.source, repeated, summary, language)
        if layout.cuts:
            text, later = edit(text, layout.cuts)
            mapping = mapping.then(later)
        body = shifted(layout.body, layout.cuts)
        if len(text.strip()) < self.min_chars:
            what = "short" if text.strip() else "empty"
            return Reject(record.source_path, record.record, what, f"{len(text)} characters", article_id)
        sections = [("body", body, len(text))]
        if body:
            sections.insert(0, ("summary", 0, len(text[:body].rstrip())))
        authors = [self.masked(name) for name in record.authors or layout.authors]
        source, url = (value and self.masked(value) for value in (layout.source, record.url))
        return Article(article_id, record, layout, text, sections, mapping, language, source, authors, url)

    def chunks(self, article: Article) -> Iterator[tuple[str, ChunkBounds, str, str]]:
        """Section, bounds, context before and context after of each chunk."""
        chunks, found = self.chunker.cut(article.text, article.sections, article.language)
        text, n = article.text, self.context
        starts, ends = [a for a, _ in found], [b for _, b in found]
        for kind, chunk in chunks:
            # The first sentence that reaches into the chunk, and the first that begins after it.
            first, last = bisect_right(ends, chunk.start), bisect_left(starts, chunk.end)
            before = text[starts[max(0, first - n)] : chunk.start].rstrip() if n and first else ""
            after = text[chunk.end : ends[min(len(ends), last + n) - 1]].lstrip() if n and last < len(ends) else ""
            yield kind, chunk, before, after


def article_table(found: Sequence[Article]) -> pa.Table:
    """The articles table; every article is its own cluster until the whole corpus has been compared."""
    records = [a.record for a in found]
    ids = [a.id for a in found]
    columns: dict[str, Any] = {
        "article_id": ids,
        "source_path": [r.source_path for r in records],
        "record": [r.record for r in records],
        "record_id": [r.record_id for r in records],
        "raw_sha256": [r.sha256 for r in records],
        "encoding": [r.encoding.name for r in records],
        "encoding_found": [r.encoding.found for r in records],
        "encoding_sure": [r.encoding.sure for r in records],
        "title": [a.layout.title for a in found],
        "text": [a.text for a in found],
        "sections": _lists([a.sections for a in found], SECTION),
        "trailer": [a.layout.trailer for a in found],
        "parts": _lists([a.layout.parts for a in found], PART),
        "raw": [r.raw for r in records],
        "map": _lists([a.map.segments for a in found], SEGMENT),
        "url": [a.url for a in found],
        "source": [a.source for a in found],
        "authors": [a.authors for a in found],
        "published": [a.record.published or a.layout.published for a in found],
        "place": [a.layout.place for a in found],
        "language": [a.language for a in found],
        "cluster_id": ids,
        "kept": [True] * len(ids),
        "targets": [r.targets for r in records],
    }
    return _table(columns, ARTICLES)


def chunk_table(found: Sequence[Article], maker: ArticleMaker) -> pa.Table:
    """The chunks table of the articles."""
    out: list[tuple[Any, ...]] = []
    for article in found:
        article_id, whole = article.id, article.text
        cut = list(maker.chunks(article))
        ids = chunk_ids(article_id, [whole[bounds.start : bounds.end] for _, bounds, _, _ in cut])
        for ordinal, (kind, (start, end, tokens, sentences), before, after) in enumerate(cut):
            text = whole[start:end]
            out.append((ids[ordinal], article_id, ordinal, start, end, text, kind, before, after, tokens, sentences))
    return _table(dict(zip(CHUNKS.names, zip(*out, strict=True), strict=True)), CHUNKS)


def chunk_ids(article_id: str, texts: Iterable[str]) -> list[str]:
    """The ids of an article's chunks: each depends on its text, and on how often that came before in the article."""
    before: Counter[str] = Counter()
    out = []
    for text in texts:
        out.append(digest(article_id, text, str(before[text]))[:16])
        before[text] += 1
    return out


def reject_table(found: Sequence[Reject]) -> pa.Table:
    """The rejects table of the prepare stage."""
    rows = [{"stage": "prepare", "chunk_id": None, **r._asdict()} for r in found]
    return pa.Table.from_pylist(rows, REJECTS)


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    arrays = [v if isinstance(v, pa.Array) else pa.array(v, schema.field(k).type) for k, v in columns.items()]
    return pa.Table.from_arrays(arrays, schema=schema)


def _lists(lists: Sequence[Sequence[tuple[Any, ...]]], kind: pa.StructType) -> pa.Array:
    """A column of lists of structs, made by columns: several times faster than from dicts."""
    flat = [row for rows in lists for row in rows]
    arrays = [pa.array([row[i] for row in flat], field.type) for i, field in enumerate(kind)]
    offsets = pa.array(np.cumsum([0, *map(len, lists)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(arrays, fields=list(kind)))
