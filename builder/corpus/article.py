"""From record to article: cleaning, layout and chunks of one record."""

from collections.abc import Iterator
from dataclasses import dataclass

from builder.corpus import clean
from builder.corpus.chunk import Chunker, Piece
from builder.corpus.layout import Recogniser, shifted
from builder.corpus.markdown import markdown
from builder.corpus.records import Record, Reject
from builder.corpus.settings import Chunking, Cleaning
from builder.offsets import OffsetMap, edit


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


class Press:
    """Turns records into articles and articles into chunks, with everything compiled once."""

    def __init__(self, cleaning: Cleaning, chunking: Chunking, language: str) -> None:
        self.cleaning = cleaning
        self.steps = clean.steps(cleaning)
        self.recogniser = Recogniser(cleaning)
        self.chunker = Chunker(chunking)
        self.context = chunking.context
        self.language = language

    def clean(self, record: Record) -> tuple[str, OffsetMap]:
        """The text of a record with every line tidied, and its map to the raw text; no line is cut yet."""
        if record.kind != "markdown":
            return clean.apply(record.raw, self.steps)
        text, mapping = edit(record.raw, markdown(record.raw))
        tidy, later = clean.apply(text, self.steps)
        return tidy, mapping.then(later)

    def article(self, record: Record, repeated: frozenset[int] = frozenset()) -> Article | Reject:
        """The cleaned article, or the reject that says why nothing is left of it."""
        text, mapping = self.clean(record)
        title = None if record.title is None else clean.apply(record.title, self.steps)[0].replace("\n", " ") or None
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

    def chunks(self, article: Article) -> Iterator[tuple[str, Piece, str, str]]:
        """Section, piece, context before and context after of each chunk."""
        language = article.record.language or self.language
        pieces, found = self.chunker.cut(article.text, article.sections, language)
        text, n = article.text, self.context
        at = 0
        for kind, piece in pieces:
            # The first sentence that reaches into the chunk, and the first that begins behind it.
            while at < len(found) and found[at][1] <= piece.start:
                at += 1
            after = at
            while after < len(found) and found[after][0] < piece.end:
                after += 1
            before = text[found[max(0, at - n)][0] : piece.start].rstrip() if n and at else ""
            behind = (
                text[piece.end : found[min(len(found), after + n) - 1][1]].lstrip() if n and after < len(found) else ""
            )
            yield kind, piece, before, behind
