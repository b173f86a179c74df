"""From records to articles and chunks: cleaning, layout and chunking of one record, and the tables of many."""

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from builder.corpus.chunking import ChunkBounds, Chunker
from builder.corpus.cleaning import clean, markdown, steps
from builder.corpus.records import Record, Reject
from builder.corpus.settings import Chunking, Cleaning
from builder.offsets import Edit, OffsetMap, edit
from builder.store import digest
from builder.tables import ARTICLES, CHUNKS, REJECTS, SECTION, SEGMENT

_TITLE_CHARS = 250
_SENTENCE_END = re.compile(r"(?<!\b[A-Z]\.[A-Z])(?<!\.\.)[.;:,]$")
_BULLET = re.compile(r"^(?:[-*•·–—▪●]|\d{1,2}[.)])\s+")
_SUMMARY_HEAD = re.compile(r"^(?:summary|key (?:points|takeaways|facts)|at a glance|highlights|tl;?dr)\s*:?$", re.I)
_WORDS = re.compile(r"\w+")
_TRAILER_LINES = 6
_HEAD_LINES = 40
#: Characters below which lines are no paragraphs, so that a list of names has no summary.
_PARAGRAPH = 60


#: One non-blank line: start, end, text. A plain tuple, as there are millions.
Line = tuple[int, int, str]


@dataclass
class Layout:
    """Where the parts are in the cleaned text; `cuts` leave it, in order, and what remains is the article text."""

    title: str | None
    source: str | None
    trailer: str | None
    cuts: list[Edit]
    body: int  # where the body begins; the summary, if any, ends before it


class Recogniser:
    """Finds the parts of articles, with the patterns of the settings compiled once."""

    def __init__(self, settings: Cleaning) -> None:
        self.settings = settings
        self.trailers = [re.compile(f"(?:{p})\\Z", re.IGNORECASE) for p in settings.trailers.values()]
        # One pattern to tell the many lines that match none.
        nameless = (re.sub(r"\(\?P<\w+>", "(?:", p) for p in settings.trailers.values())
        self.any_trailer = re.compile(f"(?:{'|'.join(nameless)})\\Z", re.IGNORECASE)
        self.rules = [(re.compile(r.line), re.compile(r.source)) for r in settings.boilerplate.values()]

    def recognise(
        self, text: str, title: str | None, source: str | None, repeated: frozenset[int] = frozenset(), summary: int = 0
    ) -> Layout:
        """The layout of a cleaned text.

        A title known from the record is not looked for, only cut when the text repeats it; `summary` is the number of
        summary lines when it is known. Lines whose `line_hash` is in `repeated` are boilerplate.
        """
        lines = split(text)
        found, first = self._title(lines, title)
        trailer, source_found, last = self._trailer(lines, first)
        source = source or source_found
        kept = list(range(first, last))
        if repeated or self.rules:
            kept = [i for i in kept if not self._is_boilerplate(lines[i][2], source or "", repeated)]
        if not summary and self.settings.summary_lines:
            summary = self._summary([lines[i][2] for i in kept[:_HEAD_LINES]])
        body = len(text) if not kept else lines[kept[summary if summary < len(kept) else 0]][0]
        return Layout(found, source, trailer, list(_cuts(lines, kept, len(text))), body)

    def _is_boilerplate(self, line: str, source: str, repeated: frozenset[int]) -> bool:
        return (bool(repeated) and line_hash(line) in repeated) or any(
            pattern.fullmatch(line) and where.search(source) for pattern, where in self.rules
        )

    def _title(self, lines: list[Line], known: str | None) -> tuple[str | None, int]:
        if known is not None:
            same = (
                bool(lines)
                and abs(len(lines[0][2]) - len(known)) < 20
                and _WORDS.findall(lines[0][2].casefold()) == _WORDS.findall(known.casefold())
            )
            return known, int(same and len(lines) > 1)
        if not self.settings.title or len(lines) < 2 or len(lines[0][2]) > _TITLE_CHARS:
            return None, 0
        return (None, 0) if _SENTENCE_END.search(lines[0][2]) else (lines[0][2], 1)

    def _trailer(self, lines: list[Line], first: int) -> tuple[str | None, str | None, int]:
        """The last lines from the first one on that matches a trailer pattern; never the whole article."""
        last, source = len(lines), None
        for i in range(len(lines) - 1, max(first, len(lines) - 1 - _TRAILER_LINES), -1):
            if not self.any_trailer.match(lines[i][2]):
                break
            match = next(m for p in self.trailers if (m := p.match(lines[i][2])))
            last = i
            source = match.groupdict().get("source") or source
        return "\n".join(line for _, _, line in lines[last:]) or None, source and source.strip(), last

    def _summary(self, lines: list[str]) -> int:
        """How many of the first lines are the summary.

        Bullets, or lines under a heading such as "Key points", or a run of at least two short lines, each shorter
        than the line after the run and than the usual line of the rest.
        """
        most = self.settings.summary_lines
        headed = bool(lines) and bool(_SUMMARY_HEAD.match(lines[0]))
        at = int(headed)
        while at < len(lines) and at - headed < most and _BULLET.match(lines[at]):
            at += 1
        if at - headed >= 2 and len(lines) > at and not _BULLET.match(lines[at]):
            return at
        short = self.settings.summary_chars
        if len(lines) < 5 or len(lines[0]) > short or len(lines[1]) > short:
            return 0
        for count in range(min(most, len(lines) - 3), 1, -1):
            run, rest = lines[:count], lines[count:]
            longest = max(map(len, run))
            usual = sorted(map(len, rest))[len(rest) // 2]
            if longest <= short and longest < len(rest[0]) and max(longest, _PARAGRAPH) < usual:
                return count
        return 0


def line_hash(line: str) -> int:
    """64 bits by which a line is known across the corpus, whatever its case."""
    return int.from_bytes(hashlib.blake2b(line.casefold().encode(), digest_size=8).digest(), "little")


def split(text: str) -> list[Line]:
    """The non-blank lines of a text whose lines have no spaces around them."""
    out: list[Line] = []
    at = 0
    for line in text.split("\n"):
        end = at + len(line)
        if line and not line.isspace():
            out.append((at, end, line))
        at = end + 1
    return out


def _cuts(lines: list[Line], kept: list[int], length: int) -> Iterator[Edit]:
    """Deletions of all that is neither in a kept line nor between two neighbouring ones."""
    at, before = 0, -1
    for i in kept:
        start = lines[i][0]
        if before < 0 and start:
            yield Edit(0, start, "")
        elif before >= 0 and i != before + 1:
            # The newlines before the kept line stay, and so divide it from the kept line before it.
            yield Edit(at, lines[i - 1][1], "")
        at, before = lines[i][1], i
    if at < length:
        yield Edit(at, length, "")


def shifted(position: int, cuts: Iterable[Edit]) -> int:
    """Where a position that is not cut lands once the cuts are made."""
    return position - sum(c.end - c.start for c in cuts if c.end <= position)


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
        "sections": _lists([a.sections for a in found], SECTION),
        "trailer": [a.trailer for a in found],
        "raw": [r.raw for r in records],
        "map": _lists([a.map.segments for a in found], SEGMENT),
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
