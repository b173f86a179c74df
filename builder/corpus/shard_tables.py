"""From one shard of raw files to a folder of tables; this runs on the engine.

The folder of a shard holds `articles`, `chunks` and `rejects` as Parquet, `index.parquet` (one row per article: what
the comparison with the rest of the corpus needs), `bands.bin` (bands x articles of 64-bit hashes) and `counts.json`.
It exists only when it is complete.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builder.corpus.articles import Article, ArticleMaker, article_table, chunk_table, reject_table
from builder.corpus.inventory import FileSlice, in_batches
from builder.corpus.layout import line_hash, split
from builder.corpus.near_duplicates import bands, signatures
from builder.corpus.parts import made, read_sealed, write_sealed
from builder.corpus.readers import read_file
from builder.corpus.records import Record, Reject, unreadable
from builder.corpus.settings import CorpusSettings, Source
from builder.corpus.streams import forget_archive, open_run, open_stream
from builder.memory import TooSlowError, time_limit
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

    shard: pa.Table  # of SLICES
    folder: Path
    settings: CorpusSettings
    repeated: frozenset[int] = frozenset()

    @property
    def size(self) -> int:
        """Bytes, as they are stored."""
        return sum(self.shard["size"].to_pylist())


def write_shard(job: ShardJob) -> dict[str, Any]:
    """Writes the folder of a shard, unless it exists, and returns its counts."""
    return made(job.folder, lambda temporary: _write(job, temporary))


def _write(job: ShardJob, folder: Path) -> dict[str, Any]:
    settings, dedup = job.settings, job.settings.dedup
    maker = ArticleMaker(settings.cleaning, settings.chunking, settings.language)
    rejected: list[Reject] = []
    counts = Counter(records=0, chunks=0)
    band: list[Any] = []
    with (
        pq.ParquetWriter(folder / "articles.parquet", ARTICLES, compression="zstd") as articles,
        pq.ParquetWriter(folder / "chunks.parquet", CHUNKS, compression="zstd") as chunks,
    ):
        found = _articles(job, maker, rejected, counts)
        for held in in_batches(found, lambda a: len(a.record.raw), _CHARACTERS, _ROWS):
            articles.write_table(article_table(held))
            cut = chunk_table(held, maker)
            chunks.write_table(cut)
            counts["chunks"] += cut.num_rows
            band += (
                # Texts without words get band hashes that no other text has.
                bands(signatures(texts, dedup.shingle, dedup.permutations), dedup.rows)
                for texts in in_batches([a.text for a in held] if dedup.near else (), len, _SHINGLED, _ROWS)
            )
    pq.write_table(reject_table(rejected), folder / "rejects.parquet", compression="zstd")
    columns = ["article_id", "raw_sha256", "source_path", "record", "published", "encoding", "language"]
    about = pq.read_table(folder / "articles.parquet", columns=columns)
    ids = [pa.array([int(i[:16], 16) for i in about[c].to_pylist()], pa.uint64()) for c in columns[:2]]
    index = pa.Table.from_arrays([*ids, *about.columns[2:5]], schema=INDEX)
    pq.write_table(index, folder / "index.parquet", compression="zstd")
    (folder / "bands.bin").write_bytes(np.concatenate(band).T.tobytes() if band else b"")
    return {
        **counts,
        "articles": about.num_rows,
        "rejects": dict(Counter(r.reason for r in rejected)),
        "encodings": dict(Counter(about["encoding"].to_pylist())),
        "languages": dict(Counter(about["language"].to_pylist())),
    }


def _articles(job: ShardJob, maker: ArticleMaker, rejected: list[Reject], counts: Counter[str]) -> Iterator[Article]:
    """The articles of a shard; appends what is rejected, and counts the records."""
    items = read_shard(job.shard, job.settings.source)
    with time_limit(job.settings.source.max_record_seconds) as limited:
        while True:
            limited(True)
            item = next(items, None)
            if item is None:
                return
            counts["records"] += item.record is not None
            found: Article | Reject
            if isinstance(item, Reject):
                found = item
            else:
                limited(True)
                try:
                    found = maker.article(item, job.repeated)
                except TooSlowError as e:
                    found = Reject(item.source_path, item.record, "too-slow", str(e), item.article_id)
                rejected += [Reject(item.source_path, item.record, *p, item.article_id) for p in item.problems]
            limited(False)
            if isinstance(found, Reject):
                rejected.append(found)
            else:
                yield found


def read_shard(shard: pa.Table, source: Source) -> Iterator[Record | Reject]:
    """The records and rejects of all files of a shard, in order."""
    forget_archive()
    for part in map(FileSlice._make, zip(*shard.to_pydict().values(), strict=True)):
        try:
            stream = _open(part, source)
        except OSError as e:
            yield unreadable(part.path, e)
            continue
        with stream:
            yield from read_file(stream, part.path, source, part.first)


def _open(part: FileSlice, source: Source) -> BufferedReader:
    address = os.fsdecode(part.address)
    if part.end < 0:
        return open_stream(address, source.storage_options)
    return open_run(address, part.begin, part.end, source.storage_options)


def write_line_hashes(job: ShardJob) -> Path:
    """Writes the hashes of the short lines of a shard, each once per article, and returns the path of the file."""
    path = job.folder.with_name(f"{job.folder.name}.lines")
    if read_sealed(path) is None:
        settings = job.settings
        maker = ArticleMaker(settings.cleaning, settings.chunking, settings.language)
        found = [
            h
            for item in read_shard(job.shard, settings.source)
            if isinstance(item, Record)
            for h in {line_hash(line) for _, _, line in split(maker.tidy(item)[0]) if len(line) <= _SHORT_LINE}
        ]
        write_sealed(path, np.array(found, dtype=np.uint64).tobytes())
    return path


def repeated_lines(paths: Sequence[Path], articles: int) -> list[frozenset[int]]:
    """For each file of line hashes, those of its lines that are in at least so many articles of all files."""
    # By the top bits, so that only a part of all hashes is sorted at once.
    common = []
    for top in range(16):
        found = [h[(h >> np.uint64(60)) == top] for h in map(_hashes, paths)]
        values, number = np.unique(np.concatenate(found), return_counts=True)
        common.append(values[number >= articles])
    everywhere = np.concatenate(common)
    return [frozenset(np.intersect1d(_hashes(path), everywhere).tolist()) for path in paths]


def _hashes(path: Path) -> Any:
    return np.frombuffer(read_sealed(path) or b"", np.uint64)
