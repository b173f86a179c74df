"""Near-duplicates are found whatever was done to them, unrelated articles never, and the kept one is the first."""

import os
import random
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from builder.corpus import near_duplicates
from builder.corpus.inventory import inventory
from builder.corpus.parts import read_sealed, write_sealed
from builder.corpus.settings import CorpusSettings, Dedup, Source
from builder.corpus.shard_tables import ShardJob, write_shard
from builder.engine import Engine, Runner
from builder.hashing import word_hashes, word_runs
from builder.store import write_table
from builder.tables import ARTICLES, build
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


def kept(found: near_duplicates.CorpusIndex, parts: Path, step: Any = run) -> list[int]:
    """For each article, the kept one of its cluster."""
    repeats, first = near_duplicates.same_bytes(found)
    members, keepers = near_duplicates.near_duplicates(found, repeats, Dedup(), parts, step)
    out = list(range(len(found.ids)))
    for article, keeper in [*zip(repeats, first, strict=True), *zip(members, keepers, strict=True)]:
        out[article] = int(keeper)
    return out


def test_edited_cut_and_extended_copies_join_their_original(tmp_path: Path) -> None:
    rng, settings = random.Random(1), Dedup()
    writer = Writer(2)
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
    text = "\n".join(Writer(2).paragraphs(6))
    found = corpus(tmp_path, {"a.txt": text, "b.txt": text + "\nOne more line."}, Dedup())
    first = kept(found, tmp_path)
    monkeypatch.setattr(near_duplicates, "exact_similarities", None)
    assert first == kept(found, tmp_path) == [0, 0]


def pairs_of(values: list[int], numbers: list[int]) -> list[tuple[int, int]]:
    """The pairs of numbers with equal values."""
    found = near_duplicates.equal_pairs(np.array(values, np.uint64), np.array(numbers, np.int64))
    return sorted({(int(pair) >> 32, int(pair) % 2**32) for some in found for pair in some})


def test_equal_values_make_pairs_and_a_crowd_makes_few() -> None:
    high = 2**63
    assert pairs_of([5, high, 5, high, high, 9], [0, 1, 2, 3, 7, 8]) == [(0, 2), (1, 3), (1, 7), (3, 7)]
    # Values whose first bits are the same are not equal.
    assert pairs_of([high, high + 1, high + 1, high + 2], [3, 4, 5, 6]) == [(4, 5)]
    assert pairs_of([], []) == pairs_of([1], [0]) == pairs_of([1, 2], [0, 1]) == []
    twelve = list(range(12))
    assert pairs_of([7] * 12, twelve) == list(combinations(twelve, 2))
    thirteen = range(13)
    assert pairs_of([7] * 13, list(thirteen)) == sorted({*pairwise(thirteen), *((0, i) for i in thirteen[1:])})


def test_pairs_share_a_band_and_leave_out_repeats(tmp_path: Path) -> None:
    """Two shards of three and two articles, with two bands each; article 4 repeats article 0."""
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, values in zip(folders, [[7, 8, 9, 1, 2, 3], [8, 7, 3, 1]], strict=True):
        folder.mkdir()
        (folder / "bands.bin").write_bytes(np.array(values, np.uint64).tobytes())
    starts = np.array([0, 3, 5])

    def found(bands: range, repeats: list[int], part: int = 0, parts: int = 1) -> list[tuple[int, int]]:
        write_sealed(tmp_path / "repeats", np.array(repeats, np.int64).tobytes())
        pairs = near_duplicates.band_pairs((folders, starts, bands, part, parts, tmp_path / "repeats"))
        return [(int(pair) >> 32, int(pair) % 2**32) for pair in pairs]

    assert found(range(2), []) == [(0, 4), (1, 3), (2, 3)]
    assert found(range(2), [4]) == [(1, 3), (2, 3)]
    assert found(range(1), []) == [(0, 4), (1, 3)]
    assert found(range(1, 2), []) == [(0, 4), (2, 3)]
    assert found(range(1), [], 0, 2) == [(1, 3)]
    assert found(range(1), [], 1, 2) == [(0, 4)]


def index(published: list[int], ids: list[int] | None = None, revisions: list[int] | None = None) -> Any:
    """The index of two shards, the first of two articles."""
    count = range(len(published))
    numbers = [np.array(values, np.uint64) for values in (ids or count, revisions or count)]
    starts = np.array([0, 2, len(published)])
    return near_duplicates.CorpusIndex([Path("a"), Path("b")], starts, *numbers, np.array(published))


def test_the_first_of_the_same_bytes_and_of_the_same_id_stays() -> None:
    found = index([0] * 6, ids=[5, 6, 5, 6, 5, 7], revisions=[9, 8, 9, 4, 9, 8])
    repeats, first = near_duplicates.same_bytes(found)
    assert (repeats.tolist(), first.tolist()) == ([2, 4, 5], [0, 0, 1])
    assert near_duplicates.shared_ids(found, repeats).tolist() == [3]
    assert near_duplicates.shared_ids(found, repeats[:0]).tolist() == [2, 3, 4]


def test_of_a_cluster_the_first_published_is_kept_and_else_the_first() -> None:
    pairs = np.array([[0, 1, 3], [1, 2, 4]])
    members, kept = near_duplicates.clusters(index([5, 5, 4, 9, 9]), pairs)
    assert (members.tolist(), kept.tolist()) == ([0, 1, 4], [2, 2, 3])
    members, kept = near_duplicates.clusters(index([5, 5, 5, 9, 8]), pairs)
    assert (members.tolist(), kept.tolist()) == ([1, 2, 3], [0, 0, 4])
    nothing = near_duplicates.clusters(index([5] * 3), pairs[:, :0])
    assert [found.tolist() for found in nothing] == [[], []]


def test_articles_are_found_in_their_shards() -> None:
    found = [(folder.name, rows.tolist()) for folder, rows in index([0] * 5).by_shard(np.array([1, 2, 4]))]
    assert found == [("a", [1]), ("b", [0, 2])]
    assert [folder.name for folder, _ in index([0] * 5).by_shard(np.array([2]))] == ["b"]


def families(folder: Path) -> near_duplicates.CorpusIndex:
    """Twelve articles in six shards, each with an edited copy and the same text again after it."""
    rng, writer = random.Random(2), Writer(2)
    texts: dict[str, str] = {}
    for i in range(12):
        text = "\n".join(writer.paragraphs(6))
        texts |= {f"{i:02}-a.txt": text, f"{i:02}-b.txt": edited(text, 0.05, rng), f"{i:02}-c.txt": text}
    raw = folder / "raw"
    raw.mkdir()
    for name, text in texts.items():
        (raw / name).write_text(text)
    slices = inventory(str(raw), Source(), folder / "inventory", run).slices
    for i in range(6):
        shard = slices.take(pa.array(range(6 * i, 6 * i + 6)))
        write_shard(ShardJob(shard, folder / f"{i:032x}", CorpusSettings()))
    return near_duplicates.CorpusIndex.load([folder / f"{i:032x}" for i in range(6)])


def dies_once(task: tuple[str, Any, Any]) -> Any:
    """The result of a function for an item; whoever calls the function first is killed."""
    folder, function, item = task
    mark = Path(folder) / function.__name__
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return function(item)


@pytest.mark.parametrize("kind", ["local", pytest.param("dask", marks=pytest.mark.distributed)])
def test_workers_killed_during_the_comparison_cost_nothing_but_time(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"_VALUES": 100, "_PAIRS": 5}.items():  # several tasks of each kind
        monkeypatch.setattr(near_duplicates, name, value)
    marks = tmp_path / "marks"
    marks.mkdir()
    found = families(tmp_path)
    with Runner(Engine(kind=kind, workers=2)) as runner:

        def step(what: str, function: Any, items: list[Any]) -> Any:
            return runner.run(dies_once, [(str(marks), function, item) for item in items])

        assert kept(found, tmp_path / "parts", step) == [i // 3 * 3 for i in range(36)]
    assert sorted(mark.name for mark in marks.iterdir()) == ["band_pairs", "compare_shingles", "write_shingles"]


def test_tasks_of_any_size_find_the_same_clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = families(tmp_path)
    expected = [i // 3 * 3 for i in range(36)]
    assert kept(found, tmp_path / "one") == expected
    for held in (1 << 23, 100, 20):
        tasks: dict[str, int] = {}

        def step(what: str, function: Any, items: list[Any], tasks: dict[str, int] = tasks) -> Any:
            tasks[function.__name__] = len(items)
            return reversed(list(enumerate(map(function, items))))

        for name, value in {"_VALUES": held, "_PAIRS": 5, "_SHARDS": 4}.items():
            monkeypatch.setattr(near_duplicates, name, value)
        parts = tmp_path / f"parts-{held}"
        assert kept(found, parts, step) == expected
        assert tasks["band_pairs"] == {1 << 23: 1, 100: 21, 20: 84}[held]
        assert (tasks["write_shingles"], tasks["compare_shingles"]) == (6, 3)
        assert sorted(path.name for path in parts.iterdir()) == ["clusters", "repeats"]


def test_remembered_clusters_are_those_of_the_same_texts_and_threshold(tmp_path: Path) -> None:
    text = "\n".join(Writer(2).paragraphs(6))
    found = corpus(tmp_path, {"a.txt": text, "b.txt": text + "\nOne more line of seven or eight words."}, Dedup())
    repeats, _ = near_duplicates.same_bytes(found)

    def members(threshold: float) -> list[int]:
        settings = Dedup(threshold=threshold)
        return near_duplicates.near_duplicates(found, repeats, settings, tmp_path, run)[0].tolist()

    assert [members(0.5), members(1.0), members(0.5)] == [[1], [], [1]]
    found.folders = [found.folders[0].rename(tmp_path / f"{1:032x}")]
    (found.folders[0] / "bands.bin").write_bytes(
        bytes(range(256)) + bytes(reversed(range(256))) + bytes(range(90, 250))
    )
    assert members(0.5) == []


RANKS = {
    0: [7905728728188956330, 8037428539430452699, 1542628428334363360, 11153449448870870801],
    7: [4659817285964113758, 16920444926201547018, 6591543692610946555, 14178697443835120539],
    1: [6685036501382267578, 4754066425326119843, 16478226369949413457, 7948447886118322456],
    3: [18215591310788271736, 4297647854251830306, 10659800343663745781, 8220385615526413025],
}


def test_the_order_of_selection_is_the_same_for_ever() -> None:
    ids = [f"{i:016x}" for i in (0, 1, 2**63, 2**64 - 1)]
    assert {seed: near_duplicates.ranks(ids, seed).tolist() for seed in RANKS} == RANKS
    assert near_duplicates.ranks(ids[2:], 0).tolist() == RANKS[0][2:]


def test_signatures_are_the_same_on_every_machine() -> None:
    assert near_duplicates.signatures(["The ministers agreed on Monday in Kyiv.", "A storm."], 2, 4).tolist() == [
        [65069020, 1450653052, 2637015524, 276578721],
        [1795752397, 833444363, 3264507597, 3498198321],
    ]


def test_shingles_of_any_article_of_a_shard_are_written_in_the_order_of_rows(tmp_path: Path) -> None:
    """More articles than are read at once."""
    texts = [f"number {'and again ' * (i % 3)} {i}" for i in range(1200)]
    write_table(
        tmp_path / "articles.parquet",
        build([{"article_id": f"{i:016x}", "text": t} for i, t in enumerate(texts)], ARTICLES),
    )
    for wanted in ([0, 499, 500, 501, 998, 999, 1000, 1199], [1, 1198]):
        lengths = near_duplicates.write_shingles((tmp_path, np.array(wanted), 2, tmp_path / "sets"))
        sets = [np.unique(word_runs(*word_hashes([texts[i]]), 2)[0]) for i in wanted]
        assert lengths.tolist() == list(map(len, sets))
        assert read_sealed(tmp_path / "sets") == np.concatenate(sets).tobytes()


def test_articles_that_are_as_alike_as_is_asked_for_share_a_cluster(tmp_path: Path) -> None:
    text = "\n".join(Writer(2).paragraphs(6))
    found = corpus(tmp_path, {"a.txt": text, "b.txt": f"{text}\n"}, Dedup())
    repeats, _ = near_duplicates.same_bytes(found)
    members, kept = near_duplicates.near_duplicates(found, repeats, Dedup(threshold=1), tmp_path, run)
    assert (repeats.tolist(), members.tolist(), kept.tolist()) == ([], [1], [0])


def test_bands_are_the_same_on_every_machine() -> None:
    """Workers that share a storage compare those of each other."""
    signature = np.array([[1, 2, 3, 4], [1, 2, 2**32 - 1, 0]], np.uint32)
    assert near_duplicates.bands(signature, 2).tolist() == [
        [2100665908005257575, 8149886148814156060],
        [2100665908005257575, 2165671966967343151],
    ]
    assert near_duplicates.bands(signature, 4).tolist() == [[18224957683815679724], [3799325467735530829]]


def test_without_a_comparison_nothing_is_near_and_of_many_with_an_id_the_first_has_it(tmp_path: Path) -> None:
    found = index([0] * 60, ids=[5, 6, 7] * 20, revisions=[9, 9, *range(10, 68)])
    repeats, _ = near_duplicates.same_bytes(found)
    members, kept = near_duplicates.near_duplicates(found, repeats, Dedup(near=False), tmp_path, run)
    assert (repeats.tolist(), members.tolist(), kept.tolist()) == ([1], [], [])
    assert near_duplicates.shared_ids(found, repeats[:0]).tolist() == list(range(3, 60))
