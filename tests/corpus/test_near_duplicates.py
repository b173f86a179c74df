"""Near-duplicates are found whatever was done to them, unrelated articles never, and the kept one is the first."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from builder.corpus import near_duplicates
from builder.corpus.inventory import inventory
from builder.corpus.settings import CorpusSettings, Dedup, Source
from builder.corpus.shard_tables import ShardJob, write_shard
from tests.benchmarks.corpus_data import Writer, edited


def corpus(folder: Path, texts: dict[str, str], settings: Dedup) -> near_duplicates.CorpusIndex:
    raw = folder / "raw"
    raw.mkdir()
    for name, text in texts.items():
        (raw / name).write_text(text)
    source = Source()
    shards = inventory(str(raw), source, folder / "inventory.parquet", run).shards
    jobs = [ShardJob(s, folder / f"{i:032x}", CorpusSettings(source, dedup=settings)) for i, s in enumerate(shards)]
    for job in jobs:
        write_shard(job)
    return near_duplicates.CorpusIndex.load([job.folder for job in jobs])


def run(*task: Any, light: bool = True) -> Iterator[tuple[int, Any]]:
    function, items = task[-2:]
    return enumerate(map(function, items))


def kept(found: near_duplicates.CorpusIndex, parts: Path) -> list[int]:
    """For each article, the kept one of its cluster."""
    repeats, first = near_duplicates.same_bytes(found)
    members, keepers = near_duplicates.near_duplicates(found, repeats, Dedup(), parts, run)
    out = list(range(len(found.ids)))
    for article, keeper in [*zip(repeats, first, strict=True), *zip(members, keepers, strict=True)]:
        out[article] = int(keeper)
    return out


def test_edited_cut_and_extended_copies_join_their_original(tmp_path: Path) -> None:
    rng, settings = random.Random(1), Dedup()
    writer = Writer(1)
    texts: dict[str, str] = {}
    for i in range(30):
        paragraphs = writer.paragraphs(10)
        text = "\n".join(paragraphs)
        texts[f"{i:02}-a.txt"] = text
        texts[f"{i:02}-b.txt"] = edited(text, 0.05, rng)
        texts[f"{i:02}-c.txt"] = "\n".join(paragraphs[1:])
        texts[f"{i:02}-d.txt"] = text + "\n" + "Subscribe to our letter and share this with all of your friends."
    found = corpus(tmp_path, texts, settings)
    assert kept(found, tmp_path) == [i // 4 * 4 for i in range(120)]


def test_the_one_published_first_is_kept(tmp_path: Path) -> None:
    text = "\n".join(Writer(2).paragraphs(6))
    texts = {
        "a.md": f"---\ndate: 2024-05-02\n---\n{text}",
        "b.md": f"---\ndate: 2024-05-01\n---\n{text}",
        "c.md": f"---\ntitle: no date\n---\n{text}",
    }
    found = corpus(tmp_path, texts, Dedup())
    assert found.published[1] == datetime(2024, 5, 1, tzinfo=UTC).timestamp() * 1e6
    assert kept(found, tmp_path) == [1, 1, 1]


def test_articles_without_words_are_not_alike(tmp_path: Path) -> None:
    found = corpus(tmp_path, {"a.txt": "— …", "b.txt": "!!! ???"}, Dedup())
    assert kept(found, tmp_path) == [0, 1]


def test_known_similarities_are_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(Writer(3).paragraphs(6))
    found = corpus(tmp_path, {"a.txt": text, "b.txt": text + "\nOne more line."}, Dedup())
    first = kept(found, tmp_path)
    monkeypatch.setattr(near_duplicates, "exact_similarities", None)
    assert first == kept(found, tmp_path) == [0, 0]
