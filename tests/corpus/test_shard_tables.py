"""The tables of one shard have a row per article, chunk and reject, and lines that many articles share are found."""

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.corpus import shard_tables
from builder.corpus.inventory import SLICES, FileSlice, inventory
from builder.corpus.layout import line_hash
from builder.corpus.near_duplicates import bands, signatures
from builder.corpus.parts import read_sealed, sound_counts, write_sealed
from builder.corpus.records import Record
from builder.corpus.settings import Chunking, Cleaning, CorpusSettings, Dedup, Source
from builder.corpus.shard_tables import ShardJob, repeated_lines, write_line_hashes, write_shard
from tests.corpus.workspace import Workspace

TEXTS = [
    "The ministers agreed on Monday.",
    "Sinéad said that it was late in Kyiv.",
    "A storm closed the harbour for days.",
]


@pytest.fixture
def work(tmp_path: Path) -> Workspace:
    """Three articles, a line that is no JSON, and an empty file."""
    made = Workspace(str(tmp_path / "raw"), tmp_path / "work")
    made.put("a.txt", TEXTS[0])
    made.put("b.txt", TEXTS[1].encode("cp1252"))
    made.put("c.txt", "")
    made.put("d.jsonl", f'{{"text": "{TEXTS[2]}", "date": "2024-07-29", "lang": "German"}}\nno json\n')
    return made


def job(work: Workspace, **groups: Any) -> ShardJob:
    settings = CorpusSettings(**groups)
    listed = inventory(
        work.raw, settings.source, work.folder / "inventory", lambda f, some, light: enumerate(map(f, some))
    )
    (shard,) = listed.shards
    return ShardJob(shard, work.folder / "shard", settings)


def test_a_shard_has_its_tables_counts_and_an_index(work: Workspace) -> None:
    made = job(work, chunking=Chunking(max_tokens=4))
    counts = write_shard(made)
    assert counts == sound_counts(made.folder) == {
        "records": 5,
        "articles": 3,
        "chunks": 6,
        "rejects": {"empty": 1, "field-encoding": 1, "field-language": 1, "bad-json": 1},
        "encodings": {"utf-8": 2, "cp1252": 1},
        "languages": {"en": 3},
    }  # fmt: skip
    articles = pq.read_table(made.folder / "articles.parquet").to_pylist()
    assert [row["text"] for row in articles] == TEXTS
    assert pq.read_table(made.folder / "index.parquet").to_pylist() == [
        {
            "id64": int(row["article_id"], 16),
            "revision": int(row["raw_sha256"][:16], 16),
            "source_path": row["source_path"],
            "record": row["record"],
            "published": row["published"],
        }
        for row in articles
    ]
    rejects = pq.read_table(made.folder / "rejects.parquet").to_pylist()
    assert [(row["stage"], row["source_path"], row["record"], row["reason"]) for row in rejects] == [
        ("prepare", "b.txt", 0, "field-encoding"),
        ("prepare", "c.txt", 0, "empty"),
        ("prepare", "d.jsonl", 0, "field-language"),
        ("prepare", "d.jsonl", 1, "bad-json"),
    ]
    assert rejects[2]["article_id"] == articles[2]["article_id"]
    for path in made.folder.glob("*.parquet"):
        assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD", path
    assert made.size == sum(len(path.read_bytes()) for path in Path(work.raw).iterdir())


@pytest.mark.parametrize(("held", "groups"), [(1000, 1), (2, 2), (1, 3)])
def test_bands_are_those_of_all_texts_however_many_are_held(
    work: Workspace, monkeypatch: pytest.MonkeyPatch, held: int, groups: int
) -> None:
    monkeypatch.setattr(shard_tables, "_ROWS", held)
    made = job(work, dedup=Dedup(shingle=2, permutations=12, rows=4))
    write_shard(made)
    found = np.fromfile(made.folder / "bands.bin", np.uint64).reshape(3, 3)
    assert found.tolist() == bands(signatures(TEXTS, 2, 12), 4).T.tolist()
    assert pq.ParquetFile(made.folder / "articles.parquet").num_row_groups == groups


def test_without_a_comparison_there_are_no_bands(work: Workspace) -> None:
    made = job(work, dedup=Dedup(near=False))
    write_shard(made)
    assert (made.folder / "bands.bin").read_bytes() == b""


def test_lines_of_up_to_300_characters_are_hashed_once_an_article_as_they_are_cleaned(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = ["x" * 300, "y" * 301]
    work.put("a.txt", "\n".join([f"{TEXTS[0]}  &amp;", *long, TEXTS[0], TEXTS[0]]))
    path = write_line_hashes(job(work, cleaning=Cleaning()))
    found = np.frombuffer(read_sealed(path) or b"", np.uint64).tolist()
    assert path == work.folder / "shard.lines"
    monkeypatch.setattr(shard_tables, "read_shard", None)  # what is known is not read again
    assert write_line_hashes(job(work, cleaning=Cleaning())) == path
    assert sorted(found) == sorted(map(line_hash, [f"{TEXTS[0]} &", long[0], *TEXTS]))


def test_a_line_is_repeated_from_so_many_articles_on(tmp_path: Path) -> None:
    high = 15 << 60
    held = [[1, 2, high, 5], [2, high, 1 << 60], [2, 2, high + 1, 5]]
    paths = [tmp_path / str(i) for i in range(3)]
    for path, values in zip(paths, held, strict=True):
        write_sealed(path, np.array(values, np.uint64).tobytes())
    assert repeated_lines(paths, 2) == [{2, high, 5}, {2, high}, {2, 5}]
    assert repeated_lines(paths, 4) == [{2}, {2}, {2}]
    assert repeated_lines(paths, 5) == [set(), set(), set()]


def test_reading_a_record_and_making_its_article_have_the_whole_time_each_and_writing_has_no_limit(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool | float] = []

    @contextmanager
    def limit(seconds: float) -> Iterator[Callable[[bool], None]]:
        calls.append(seconds)
        yield calls.append

    monkeypatch.setattr(shard_tables, "time_limit", limit)
    write_shard(job(work, source=Source(max_record_seconds=7)))
    article, reject = [True, True, False], [True, False]
    assert calls == [7, *article, *article, *reject, *article, *reject, True]


def test_an_archive_that_is_replaced_is_read_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "news.zip"

    def read(text: str) -> list[str]:
        with zipfile.ZipFile(tmp_path / "new", "w") as archive:
            archive.writestr("a.txt", text)
        (tmp_path / "new").replace(path)
        part = FileSlice("news.zip/a.txt", os.fsencode(f"zip://a.txt::{path}"), 0, -1, 0, len(text), bytes(32))
        found = list(shard_tables.read_shard(pa.Table.from_pylist([part._asdict()], SLICES), Source()))
        return [item.raw for item in found if isinstance(item, Record)]

    assert read(TEXTS[0]) == [TEXTS[0]]
    assert read(TEXTS[2]) == [TEXTS[2]]
