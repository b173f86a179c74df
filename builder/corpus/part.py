"""The table function of `prepare`: one shard of raw files to a folder of tables.

A part folder holds `articles`, `chunks` and `rejects` as Parquet, `index.parquet` (one row an article: what the
comparison with the rest of the corpus needs), `bands.npy` (bands x articles) and `part.json` (counts). It is renamed
into place as a whole, so a part exists only when it is complete.
"""

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builder.corpus import rows
from builder.corpus.article import Article, Press
from builder.corpus.layout import line_hash, split
from builder.corpus.read import read
from builder.corpus.records import Record, Reject
from builder.corpus.settings import Chunking, Cleaning, Dedup, Source
from builder.corpus.shards import Piece, Shard
from builder.corpus.shingle import bands, signatures
from builder.corpus.streams import open_raw, open_stream
from builder.errors import StoreError
from builder.memory import uncollected
from builder.store import atomic, atomic_folder, read_json, write_json
from builder.tables import ARTICLES, CHUNKS, TIME

#: Articles, or characters of raw text, that are held in memory before they are written.
_ROWS, _CHARACTERS = 1000, 4_000_000
#: Characters that are shingled at once.
_SHINGLED = 400_000
INDEX = pa.schema([("id64", pa.uint64()), ("source_path", pa.string()), ("record", pa.int32()), ("published", TIME)])


@dataclass(frozen=True)
class Job:
    """One shard and all that its tables depend on."""

    shard: Shard
    folder: str
    source: Source
    cleaning: Cleaning
    chunking: Chunking
    dedup: Dedup
    language: str
    repeated: frozenset[int] = frozenset()


def make(job: Job) -> dict[str, Any]:
    """The part folder exists; returns its counts. Running it again changes nothing."""
    folder = Path(job.folder)
    counts: dict[str, Any] | None = read_json(folder / "part.json")
    if counts is not None:
        return counts
    try:
        with atomic_folder(folder) as temporary, uncollected():
            counts = _write(job, temporary)
    except StoreError:
        # Another attempt at the same shard, given up as lost, finished after all; its tables are the same.
        counts = read_json(folder / "part.json")
        if counts is None:
            raise
    return counts


def _write(job: Job, folder: Path) -> dict[str, Any]:
    press = Press(job.cleaning, job.chunking, job.language)
    rejected: list[Reject] = []
    held: list[Article] = []
    ids: list[Any] = []
    band: list[Any] = []
    counts: Counter[str] = Counter()
    size = 0
    with (
        pq.ParquetWriter(folder / "articles.parquet", ARTICLES, compression="zstd") as articles,
        pq.ParquetWriter(folder / "chunks.parquet", CHUNKS, compression="zstd") as chunks,
    ):

        def flush() -> None:
            table = rows.articles(held, job.language)
            articles.write_table(table)
            cut = rows.chunks(held, press)
            chunks.write_table(cut)
            ids.append(_index(table))
            if job.dedup.near:
                band.extend(_bands([a.text for a in held], job.dedup))
            counts["articles"] += len(held)
            counts["chunks"] += cut.num_rows
            held.clear()

        for item in records(job.shard, job.source):
            counts["records"] += item.record is not None
            found = item if isinstance(item, Reject) else press.article(item, job.repeated)
            if isinstance(item, Record):
                rejected += [
                    Reject(item.source_path, item.number, reason, detail, item.article_id)
                    for reason, detail in item.problems
                ]
            if isinstance(found, Reject):
                rejected.append(found)
                continue
            held.append(found)
            size += len(found.record.raw)
            if len(held) >= _ROWS or size >= _CHARACTERS:
                flush()
                size = 0
        if held:
            flush()
    pq.write_table(rows.rejects(rejected), folder / "rejects.parquet", compression="zstd")
    index = pa.concat_tables(ids) if ids else INDEX.empty_table()
    pq.write_table(index, folder / "index.parquet", compression="zstd")
    width = job.dedup.permutations // job.dedup.rows
    np.save(folder / "bands.npy", np.concatenate(band).T.copy() if band else np.empty((width, 0), np.uint64))
    reasons = Counter(r.reason for r in rejected)
    out = {"records": 0, "articles": 0, "chunks": 0, **counts, "bytes": job.shard.size, "rejects": dict(reasons)}
    write_json(folder / "part.json", out)
    return out


def _index(articles: pa.Table) -> pa.Table:
    ids = [int(i, 16) for i in articles["article_id"].to_pylist()]
    columns = [pa.array(ids, pa.uint64()), articles["source_path"], articles["record"], articles["published"]]
    return pa.Table.from_arrays(columns, schema=INDEX)


def _bands(texts: list[str], dedup: Dedup) -> Iterator[Any]:
    """Band hashes of the texts; texts without words get none that another text has."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _SHINGLED:
            yield bands(signatures(batch, dedup.shingle, dedup.permutations), dedup.rows)
            batch, size = [], 0
    if batch:
        yield bands(signatures(batch, dedup.shingle, dedup.permutations), dedup.rows)


def records(shard: Shard, source: Source) -> Iterator[Record | Reject]:
    """The records and rejects of all files of a shard, in order."""
    for piece in shard.pieces:
        try:
            stream = _open(piece, source)
        except OSError as e:
            yield Reject(piece.path, None, "unreadable", e.strerror or str(e))
            continue
        with stream:
            yield from read(stream, piece.path, source, piece.first)


def _open(piece: Piece, source: Source) -> BinaryIO:
    if piece.end < 0:
        return open_stream(piece.address, source.storage_options)
    plain = open_raw(piece.address, source.storage_options)
    plain.seek(piece.begin)
    return cast(BinaryIO, io.BufferedReader(_Window(plain, piece.end - piece.begin), 1 << 20))


class _Window(io.RawIOBase):
    """The next `length` bytes of a stream."""

    def __init__(self, below: BinaryIO, length: int) -> None:
        self.below = below
        self.left = length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.below.read(min(len(buffer), self.left))
        buffer[: len(data)] = data
        self.left -= len(data)
        return len(data)

    def close(self) -> None:
        self.below.close()
        super().close()


def lines(job: Job) -> str:
    """The path of a file with the hashes of the short lines of the shard, each once an article."""
    path = Path(job.folder).with_suffix(".lines.npy")
    if not path.exists():
        press = Press(job.cleaning, job.chunking, job.language)
        found = [
            h
            for item in records(job.shard, job.source)
            if isinstance(item, Record)
            for h in {line_hash(line) for _, _, line in split(press.clean(item)[0]) if len(line) <= 300}
        ]
        with atomic(path) as temporary, temporary.open("wb") as f:
            np.save(f, np.array(found, dtype=np.uint64))
    return str(path)
