"""Near-duplicates are found whatever was done to them, unrelated articles never, and the kept one is the first."""

import random
from datetime import UTC, datetime
from pathlib import Path

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
    parts = inventory(str(raw), source, folder / "inventory.json").shards
    jobs = [ShardJob(s, str(folder / str(i)), CorpusSettings(source, dedup=settings)) for i, s in enumerate(parts)]
    for job in jobs:
        write_shard(job)
    return near_duplicates.CorpusIndex.load([Path(j.folder) for j in jobs])


def run(function: object, items: list[object]) -> list[object]:
    return [function(i) for i in items]  # type: ignore[operator]


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
    _, kept = near_duplicates.find_duplicates(found, settings, tmp_path / "pairs.npy", run)  # type: ignore[arg-type]
    assert kept.tolist() == [i // 4 * 4 for i in range(120)]


def test_the_one_published_first_is_kept(tmp_path: Path) -> None:
    text = "\n".join(Writer(2).paragraphs(6))
    texts = {
        "a.md": f"---\ndate: 2024-05-02\n---\n{text}",
        "b.md": f"---\ndate: 2024-05-01\n---\n{text}",
        "c.md": f"---\ntitle: no date\n---\n{text}",
    }
    found = corpus(tmp_path, texts, Dedup())
    assert found.published[1] == datetime(2024, 5, 1, tzinfo=UTC).timestamp() * 1e6
    assert near_duplicates.find_duplicates(found, Dedup(), tmp_path / "pairs.npy", run)[1].tolist() == [1, 1, 1]  # type: ignore[arg-type]


def test_articles_without_words_are_not_alike(tmp_path: Path) -> None:
    found = corpus(tmp_path, {"a.txt": "— …", "b.txt": "!!! ???"}, Dedup())
    assert near_duplicates.find_duplicates(found, Dedup(), tmp_path / "pairs.npy", run)[1].tolist() == [0, 1]  # type: ignore[arg-type]


def test_known_similarities_are_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(Writer(3).paragraphs(6))
    found = corpus(tmp_path, {"a.txt": text, "b.txt": text + "\nOne more line."}, Dedup())
    first = near_duplicates.find_duplicates(found, Dedup(), tmp_path / "pairs.npy", run)[1]  # type: ignore[arg-type]
    monkeypatch.setattr(near_duplicates, "exact_similarities", None)
    again = near_duplicates.find_duplicates(found, Dedup(), tmp_path / "pairs.npy", run)[1]  # type: ignore[arg-type]
    assert first.tolist() == again.tolist() == [0, 0]
