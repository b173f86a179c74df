"""From one shard of raw files to a folder of tables; this runs on the engine.

The folder of a shard holds `articles`, `chunks` and `rejects` as Parquet, `index.parquet` (one row per article: what
the comparison with the rest of the corpus needs), `bands.npy` (bands x articles) and `counts.json`. It is renamed into
place as a whole, so it exists only when it is complete.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builder.corpus.articles import Article, ArticleMaker, article_table, chunk_table, reject_table
from builder.corpus.files import open_run, open_stream
from builder.corpus.inventory import FileSlice, InputShard
from builder.corpus.layout import line_hash, split
from builder.corpus.near_duplicates import bands, signatures
from builder.corpus.parts import made, read_array, write_array
from builder.corpus.readers import read_file
from builder.corpus.records import UNREADABLE, Record, Reject
from builder.corpus.settings import CorpusSettings, Dedup, Source
from builder.memory import TooSlowError, time_limit, timed
from builder.tables import ARTICLES, CHUNKS, TIME

#: Articles, or characters of raw text, that are held in memory before they are written.
_ROWS, _CHARACTERS = 1000, 4_000_000
#: Characters that are shingled at once.
_SHINGLED = 400_000
#: Longer lines are paragraphs, which are not looked for as repeated lines.
_SHORT_LINE = 300
INDEX = pa.schema(
    [
        ("id64", pa.uint64()),
        ("revision", pa.uint64()),
        ("source_path", pa.string()),
        ("record", pa.int32()),
        ("published", TIME),
    ]
)


@dataclass(frozen=True)
class ShardJob:
    """One shard and all that its tables depend on."""

    shard: InputShard
    folder: str
    settings: CorpusSettings
    repeated: frozenset[int] = frozenset()


def write_shard(job: ShardJob) -> dict[str, Any]:
    """Writes the folder of a shard, unless it exists, and returns its counts."""
    return made(Path(job.folder), lambda temporary: _write(job, temporary))


def _write(job: ShardJob, folder: Path) -> dict[str, Any]:
    settings, dedup = job.settings, job.settings.dedup
    maker = ArticleMaker(settings.cleaning, settings.chunking, settings.language)
    rejected: list[Reject] = []
    held: list[Article] = []
    ids: list[Any] = []
    band: list[Any] = []
    counts: Counter[str] = Counter()
    encodings: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    size = 0
    with (
        pq.ParquetWriter(folder / "articles.parquet", ARTICLES, compression="zstd") as articles,
        pq.ParquetWriter(folder / "chunks.parquet", CHUNKS, compression="zstd") as chunks,
    ):

        def flush() -> None:
            table = article_table(held)
            articles.write_table(table)
            cut = chunk_table(held, maker)
            chunks.write_table(cut)
            ids.append(_index(table))
            if dedup.near:
                band.extend(_bands([a.text for a in held], dedup))
            counts["articles"] += len(held)
            encodings.update(table["encoding"].to_pylist())
            languages.update(table["language"].to_pylist())
            counts["chunks"] += cut.num_rows
            held.clear()

        limit = settings.source.max_record_seconds
        for item in timed(read_shard(job.shard, settings.source), limit):
            counts["records"] += item.record is not None
            found = item if isinstance(item, Reject) else _article(item, maker, job.repeated, limit)
            if isinstance(item, Record):
                rejected += [Reject(item.source_path, item.number, *p, item.article_id) for p in item.problems]
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
    pq.write_table(reject_table(rejected), folder / "rejects.parquet", compression="zstd")
    index = pa.concat_tables(ids) if ids else INDEX.empty_table()
    pq.write_table(index, folder / "index.parquet", compression="zstd")
    width = dedup.permutations // dedup.rows
    np.save(folder / "bands.npy", np.concatenate(band).T.copy() if band else np.empty((width, 0), np.uint64))
    reasons = Counter(r.reason for r in rejected)
    return {
        "records": 0,
        "articles": 0,
        "chunks": 0,
        **counts,
        "rejects": dict(reasons),
        "encodings": dict(encodings),
        "languages": dict(languages),
    }


def _article(record: Record, maker: ArticleMaker, repeated: frozenset[int], limit: float) -> Article | Reject:
    try:
        with time_limit(limit):
            return maker.article(record, repeated)
    except TooSlowError as e:
        return Reject(record.source_path, record.number, "too-slow", str(e), record.article_id)


def _index(articles: pa.Table) -> pa.Table:
    ids = [
        pa.array([int(i[:16], 16) for i in articles[c].to_pylist()], pa.uint64()) for c in ("article_id", "raw_sha256")
    ]
    columns = [*ids, articles["source_path"], articles["record"], articles["published"]]
    return pa.Table.from_arrays(columns, schema=INDEX)


def _bands(texts: list[str], dedup: Dedup) -> Iterator[Any]:
    """Band hashes of the texts; texts without words get none that another text has."""
    batch: list[str] = []
    size = 0
    for at, text in enumerate(texts, 1):
        batch.append(text)
        size += len(text)
        if size >= _SHINGLED or at == len(texts):
            yield bands(signatures(batch, dedup.shingle, dedup.permutations), dedup.rows)
            batch, size = [], 0


def read_shard(shard: InputShard, source: Source) -> Iterator[Record | Reject]:
    """The records and rejects of all files of a shard, in order."""
    for part in shard.slices:
        try:
            stream = _open(part, source)
        except OSError as e:
            yield Reject(part.path, None, UNREADABLE, e.strerror or str(e))
            continue
        with stream:
            yield from read_file(stream, part.path, source, part.first)


def _open(part: FileSlice, source: Source) -> BinaryIO:
    if part.end < 0:
        return open_stream(part.address, source.storage_options)
    return open_run(part.address, part.begin, part.end, source.storage_options)


def write_line_hashes(job: ShardJob) -> str:
    """Writes the hashes of the short lines of a shard, each once per article, and returns the path of the file."""
    path = Path(job.folder).with_suffix(".lines.npy")
    if read_array(path) is None:
        settings = job.settings
        maker = ArticleMaker(settings.cleaning, settings.chunking, settings.language)
        found = [
            h
            for item in read_shard(job.shard, settings.source)
            if isinstance(item, Record)
            for h in {line_hash(line) for _, _, line in split(maker.tidy(item)[0]) if len(line) <= _SHORT_LINE}
        ]
        write_array(path, np.array(found, dtype=np.uint64))
    return str(path)


def repeated_lines(paths: Sequence[str], articles: int) -> list[frozenset[int]]:
    """For each file of line hashes, those of its lines that are in at least so many articles of all files."""
    # By the top bits, so that only a part of all hashes is sorted at once.
    common = []
    for top in range(16):
        found = [h[(h >> np.uint64(60)) == top] for h in (np.load(path, mmap_mode="r") for path in paths)]
        values, number = np.unique(np.concatenate(found), return_counts=True)
        common.append(values[number >= articles])
    everywhere = np.concatenate(common)
    return [frozenset(np.intersect1d(np.load(path), everywhere).tolist()) for path in paths]
