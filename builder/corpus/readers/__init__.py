"""Reads raw files, one reader per format: a file becomes records, or rejects that say what is wrong with it."""

from collections.abc import Callable, Iterator
from functools import partial
from io import BufferedReader

from builder.corpus.decoding import NotTextError
from builder.corpus.readers.archives import warc_file
from builder.corpus.readers.documents import docx_file, pdf_file, rtf_file
from builder.corpus.readers.json import json_file, jsonl_file
from builder.corpus.readers.markup import mail_file, mbox_file, xml_file
from builder.corpus.readers.pages import html_file, markdown_file, text_file
from builder.corpus.readers.tables import csv_file, parquet_file
from builder.corpus.records import Record, Reject, TooLargeError, failure, unreadable
from builder.corpus.settings import Source
from builder.corpus.streams import ARCHIVES, DamagedError
from builder.memory import TooSlowError
from builder.store import suffixes

#: Reader by suffix; each takes the decompressed stream, the relative path and the settings.
READERS: dict[str, Callable[[BufferedReader, str, Source], Iterator[Record | Reject]]] = {
    ".txt": text_file,
    ".text": text_file,
    ".md": markdown_file,
    ".markdown": markdown_file,
    ".html": html_file,
    ".htm": html_file,
    ".xhtml": html_file,
    ".json": json_file,
    ".jsonl": jsonl_file,
    ".ndjson": jsonl_file,
    ".csv": csv_file,
    ".tsv": partial(csv_file, delimiter="\t"),
    ".parquet": parquet_file,
    ".xml": xml_file,
    ".rss": xml_file,
    ".atom": xml_file,
    ".eml": mail_file,
    ".mbox": mbox_file,
    ".docx": docx_file,
    ".rtf": rtf_file,
    ".pdf": pdf_file,
    ".warc": warc_file,
}


def read_file(stream: BufferedReader, path: str, source: Source, first: int = 0) -> Iterator[Record | Reject]:
    """The records of one file; whatever is wrong with it becomes a reject, after the records that could be read.

    `first` is the number of the first record, for a stream that begins inside a file of lines.
    """
    suffix = suffixes(path)[0]
    reader = READERS.get(suffix if source.format == "auto" else f".{source.format}")
    if reader is None:
        what = f"{suffix} is" if suffix else "files without a suffix are"
        detail = f"{what} not read; set source.format, or use {', '.join(READERS)}"
        if path.lower().endswith(ARCHIVES):
            detail = "an archive inside an archive is not read; unpack it"
        yield Reject(path, None, "unknown-format", detail)
        return
    following, nothing = first, True
    try:
        for item in jsonl_file(stream, path, source, first) if reader is jsonl_file else reader(stream, path, source):
            following, nothing = following if item.record is None else item.record + 1, False
            yield _doubted(item, source) if isinstance(item, Record) else item
        if nothing:
            yield Reject(path, None, "empty", "there is no record in the file")
    except DamagedError as e:
        yield Reject(path, None, "damaged", f"{e}; {following - first} records were read before")
    except NotTextError as e:
        yield Reject(path, None, e.reason, str(e))
    except TooSlowError as e:
        yield Reject(path, following, "too-slow", f"{e}; {following - first} records were read before")
    except TooLargeError as e:
        yield Reject(path, following, "too-large", str(e))
    except OSError as e:
        yield unreadable(path, e)
    except Exception as e:  # noqa: BLE001 - see below
        # Libraries fail in ways of their own on files that nobody foresaw. That must not stop the other files; the
        # summary counts it like everything else that was left out.
        yield Reject(path, None, "reader-failed", f"{failure(e)}; {following - first} records were read before")


def _doubted(record: Record, source: Source) -> Record | Reject:
    """The record, with a note or as a reject when its encoding is doubtful."""
    name, found, sure = record.encoding
    if found != "detected" or (sure >= source.doubtful_below and not name.endswith("+replace")):
        return record
    detail = f"{name} was detected, {sure:.2f} sure; if that is wrong, set source.encoding"
    if source.doubtful == "reject":
        return Reject(record.source_path, record.record, "doubtful-encoding", detail, record.article_id)
    record.problems.append(("field-encoding", detail))
    return record
