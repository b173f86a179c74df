"""Reads .warc, the archives of web crawlers: one record per page or text in it."""

from collections.abc import Iterator
from email.message import Message
from types import SimpleNamespace
from typing import Any, BinaryIO

from builder.corpus.decoding import NotTextError, decode_text
from builder.corpus.readers.pages import extract
from builder.corpus.records import Record, Reject, failure, refused, sha256, storable
from builder.corpus.settings import Source
from builder.corpus.streams import DamagedError
from builder.memory import TooSlowError

#: Kinds of WARC records that hold what a server gave; requests and notes of the crawler are passed over.
_HELD = ("response", "resource", "conversion")


def warc_file(stream: BinaryIO, path: str, source: Source) -> Iterator[Record | Reject]:
    """Pages (HTML) and texts (WET files); needs the extra `documents`. Its address is an article's `url`."""
    try:
        from warcio.archiveiterator import ArchiveIterator  # type: ignore[import-untyped]
    except ImportError:
        yield Reject(path, None, "unknown-format", ".warc is read with the extra documents; install warcio")
        return
    limit, number = source.max_record_mb << 20, -1
    # Reads that may be short lose nothing of what is before damage.
    short: Any = SimpleNamespace(read=getattr(stream, "read1", stream.read))
    try:
        archive = ArchiveIterator(short, arc2warc=True)
        for held in archive:
            whole = held.rec_headers.get_header("Content-Length")
            if whole and held.rec_type not in _HELD:
                continue
            number += 1
            if not whole:
                yield Reject(path, number, "damaged", "the file ends inside the record")
                continue
            data = held.content_stream().read(limit + 1)
            cut = len(data) <= limit and held.raw_stream.read() is not None and getattr(held.raw_stream, "limit", 0) > 0
            http = held.http_headers
            kind, charset = _kind(http.get_header("Content-Type", "") if http else held.content_type or "")
            tagged = data.lstrip().startswith(b"<")
            kind = kind or ("text/html" if tagged else "")  # some servers do not say
            packed = http.get_header("Content-Encoding", "") if http else ""
            status = http.get_statuscode() if http else "200"
            if cut:
                yield refused(path, number, "damaged", "the file ends inside the record", sha256(data))
            elif status != "200":
                yield Reject(path, number, "not-an-article", f"the server answered {status}")
            elif packed in ("br", "zstd") and not tagged:
                yield Reject(path, number, "unread-packing", f"it is packed as {packed}; install brotli to read br")
            elif kind not in ("text/html", "application/xhtml+xml", "text/plain"):
                yield Reject(path, number, "not-an-article", f"it is {kind or 'of no known type'}")
            elif len(data) > limit:
                yield Reject(path, number, "too-large", f"more than source.max_record_mb={source.max_record_mb} MB")
            else:
                try:
                    text, encoding = decode_text(data, source, charset)
                except NotTextError as e:
                    yield refused(path, number, e.reason, str(e), sha256(data))
                    continue
                address = held.rec_headers.get_header("WARC-Target-URI")
                record = Record(path, number, sha256(data), encoding, storable(text), url=address)
                found = bool(text.strip())
                try:
                    if kind != "text/plain":
                        record.kind, found = "html", extract(record, text, source.recall)
                        record.url = address
                except TooSlowError as e:  # of one page; the others can be read
                    yield Reject(path, number, "too-slow", str(e), record.article_id)
                    continue
                except Exception as e:  # noqa: BLE001 - a library that fails on one page must not hide those after it
                    yield Reject(path, number, "reader-failed", failure(e), record.article_id)
                    continue
                nothing = "no article text was found in the page"
                yield record if found else Reject(path, number, "empty", nothing, record.article_id)
        if archive.next_line:  # the first of a record without any other
            yield Reject(path, number + 1, "damaged", "the file ends inside the record")
    except (DamagedError, OSError, TooSlowError):
        raise
    except Exception as e:  # noqa: BLE001 - of a damaged file it raises nearly every kind of error
        yield Reject(path, None, "bad-warc", f"{' '.join(str(e).split())}; {number + 1} records were read before")


def _kind(header: str) -> tuple[str, str]:
    """The type and the charset that a Content-Type header names."""
    message = Message()
    message["Content-Type"] = header
    return (message.get_content_type() if header else "", str(message.get_param("charset", "")))
