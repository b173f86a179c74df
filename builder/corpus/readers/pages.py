"""Reads .txt, .md and .html: the whole file is one record."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, BinaryIO

from builder.corpus.cleaning import FRONT_MATTER
from builder.corpus.decoding import decode_text
from builder.corpus.readers.exports import exported, page_text
from builder.corpus.records import Mapper, Record, Reject, fill, refused, sha256, storable, text_of, whole
from builder.corpus.settings import Source

_BLOCKS = re.compile(r"</(?:p|div|li|h[1-6]|td|body|article)\s*>|<br\s*/?>", re.IGNORECASE)
_ARTICLE = re.compile(r"(?<=<)article\b|(?<=</)article\b", re.IGNORECASE)
_PAGE = re.compile(r"<(?:html|head|body)\b", re.IGNORECASE)
_LANGUAGES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"<html\b[^<>]*?\blang\s*=\s*[\"']?([\w-]+)",
        r"<meta\b(?=[^<>]*?\bcontent-language\b)[^<>]*?\bcontent\s*=\s*[\"']?([\w-]+)",
        r"<meta\b(?=[^<>]*?\bog:locale[\"'])[^<>]*?\bcontent\s*=\s*[\"']?([\w-]+)",
    )
]


def text_file(stream: BinaryIO, path: str, source: Source, markup: bool = True) -> Iterator[Record | Reject]:
    """The whole file is one record, unless it is an export of a news database."""
    data = whole(stream, source)
    text, encoding = decode_text(data, source)
    if markup and (documents := exported(text, path, source, encoding)):
        yield from documents
    elif text.strip():
        kind = "text"
        # It may be a page, or a piece of one, under the name of a text.
        if markup and "<" in text and len(_BLOCKS.findall(text)) >= 2:
            text, kind = text_of(text) or text, "html"
        yield Record(path, 0, sha256(data), encoding, storable(text), kind=kind, alone=True)
    else:
        yield refused(path, 0, "empty", f"{len(data)} bytes without text", sha256(data))


def markdown_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """The whole file is one record; YAML front matter fills its columns."""
    import yaml

    # By name, so that its words are the same in a process where the configuration was read and in a worker.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for record in text_file(stream, path, source, markup=False):
        if isinstance(record, Record):
            record.kind = "markdown"
            matter = FRONT_MATTER.match(record.raw)
            if matter:
                try:
                    fields = yaml.load(matter.group(1), loader)
                    if isinstance(fields, dict):
                        columns = Mapper(path, source).columns({str(k): v for k, v in fields.items()})
                        fill(record, columns, source)
                except (yaml.YAMLError, ValueError) as e:
                    record.problems.append(("field-front-matter", f"is not YAML: {' '.join(str(e).split())}"))
        yield record


def html_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """The text that trafilatura extracts, with title, authors, date and address from the page's metadata.

    An export of a news database has a record per document.
    """
    data = whole(stream, source)
    page, encoding = decode_text(data, source)
    if documents := exported(page_text(page), path, source, encoding):
        yield from documents
        return
    record = Record(path, 0, sha256(data), encoding, "", kind="html", alone=True)
    if extract(record, page, source.recall):
        yield record
    else:
        yield Reject(path, 0, "empty", "no article text was found in the page", record.article_id)


def _language(page: str) -> str:
    """The language that a page declares: of its root element, or of its metadata."""
    for pattern in _LANGUAGES:
        if found := pattern.search(page):
            return found[1]
    return ""


@lru_cache(maxsize=1)
def _config() -> Any:
    """Trafilatura's settings; below its own minimum, such as half a page of Chinese, it joins all paragraphs."""
    from trafilatura.settings import use_config

    config = use_config()
    config.set("DEFAULT", "MIN_EXTRACTED_SIZE", "100")
    return config


def extract(record: Record, page: str, recall: bool = False) -> bool:
    """Fills the record from an HTML page; False when no text was found. Known columns are not overwritten."""
    import trafilatura
    from trafilatura.settings import Document

    found = trafilatura.bare_extraction(
        # What is outside the element of the article would be left out.
        _ARTICLE.sub("div", page) if recall else page,
        with_metadata=True,
        include_comments=False,
        include_tables=recall,
        favor_recall=recall,
        # A year beside a copyright sign, or a date of which the text speaks, is not when it was published.
        date_extraction_params={"original_date": True, "extensive_search": False},
        config=_config(),
    )
    if not isinstance(found, Document) or not found.text:
        # A piece of a page may be all text, without a paragraph that can be told from what surrounds it.
        record.raw = "" if _PAGE.search(page) else storable(text_of(page) or "")
        return bool(record.raw)
    record.raw = storable(found.text)
    fields = {
        "title": found.title,
        "url": found.url,
        "source": found.sitename or found.hostname,
        "authors": found.author,
        "published": found.date,
        "language": found.language or _language(page),
    }
    fill(record, fields, Source())
    return True
