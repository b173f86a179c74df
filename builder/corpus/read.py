"""Reading raw files: each becomes records, or rejects that say what was wrong with it."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from builder.corpus.decoding import NotTextError
from builder.corpus.documents import html_file, markdown_file, text_file
from builder.corpus.json_records import json_file, jsonl_file
from builder.corpus.records import Record, Reject, TooLargeError
from builder.corpus.settings import Source
from builder.corpus.streams import DamagedError, suffixes
from builder.corpus.tabular import csv_file, parquet_file, tsv_file

Found = Iterator[Record | Reject]

#: Reader by suffix; each takes the decompressed stream, the relative path and the settings.
READERS: dict[str, Callable[[BinaryIO, str, Source], Found]] = {
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
    ".tsv": tsv_file,
    ".parquet": parquet_file,
}


def read(stream: BinaryIO, path: str, source: Source, first: int = 0) -> Found:
    """The records of one file; whatever is wrong with it becomes a reject, after the records that could be read.

    `first` is the number of the first record, for a stream that begins inside a file of lines.
    """
    reader = READERS.get(suffixes(path)[0])
    if reader is None:
        suffix = suffixes(path)[0]
        yield Reject(path, None, "unknown-format", f"no reader for {suffix or 'a file without suffix'}")
        return
    number, nothing = first - 1, True
    try:
        for item in jsonl_file(stream, path, source, first) if reader is jsonl_file else reader(stream, path, source):
            number, nothing = number if item.record is None else item.record, False
            yield item
        if nothing:
            yield Reject(path, None, "empty", "there is no record in the file")
    except DamagedError as e:
        yield Reject(path, None, "damaged", f"{e}; {number + 1 - first} records were read before")
    except NotTextError as e:
        yield Reject(path, None, e.reason, str(e))
    except TooLargeError as e:
        yield Reject(path, number + 1, "too-large", str(e))
    except OSError as e:
        yield Reject(path, None, "unreadable", e.strerror or str(e))
    except Exception as e:  # noqa: BLE001 - see below
        # Libraries fail in ways of their own on files that nobody foresaw. That must not stop the other files; it is
        # counted in the summary like everything else that was left out.
        yield Reject(
            path, None, "reader-failed", f"{type(e).__name__}: {e}; {number + 1 - first} records were read before"
        )
