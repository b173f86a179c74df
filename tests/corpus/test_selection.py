"""Selection keeps to its budget and rule, repeats itself, and hardly changes as the corpus grows."""

import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.corpus import selection
from builder.corpus.near_duplicates import ranks
from builder.corpus.settings import Selection
from builder.store import digest, write_table
from builder.tables import ARTICLES, CHUNKS, build
from tests.corpus.workspace import Workspace


def part(folder: Path, name: str, articles: int, source: str, chunks: int = 3) -> Path:
    """A part folder with articles of one source and some chunks each."""
    ids = [digest(name, str(i))[:16] for i in range(articles)]
    rows: list[dict[str, Any]] = [{"article_id": a, "source": source, "text": f"{name} {i}"} for i, a in enumerate(ids)]
    cut: list[dict[str, Any]] = [
        {
            "chunk_id": digest(a, str(n))[:16],
            "article_id": a,
            "ordinal": n,
            "text": f"chunk {n} of {source} US {'us' * (n % 2)}",
        }
        for a in ids
        for n in range(chunks)
    ]
    write_table(folder / name / "articles.parquet", build(rows, ARTICLES))
    write_table(folder / name / "chunks.parquet", build(cut, CHUNKS))
    return folder / name


def chosen(
    folders: list[Path], settings: Selection, keywords: tuple[str, ...] = (), out: tuple[int, ...] = ()
) -> list[Any]:
    tasks = [selection.ShardChunks(f, list(out) if i == 0 else [], settings, keywords) for i, f in enumerate(folders)]
    return selection.select_chunks(tasks, settings, lambda _, f, items: enumerate(map(f, items)))[0]


def test_random_keeps_to_its_budget_and_repeats_itself(tmp_path: Path) -> None:
    folders = [part(tmp_path, "a", 40, "A"), part(tmp_path, "b", 40, "B")]
    settings = Selection(method="random", budget=50)
    first, again = chosen(folders, settings), chosen(folders, settings)
    assert sum(m.sum() for m in first) == 50
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    other = chosen(folders, Selection(method="random", budget=50, seed=1))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_a_fraction_never_drops_what_it_chose(tmp_path: Path) -> None:
    old = part(tmp_path, "a", 100, "A")
    settings = Selection(fraction=0.3)
    before = chosen([old], settings)[0]
    after = chosen([old, part(tmp_path, "b", 100, "B")], settings)[0]
    assert (before == after).all()
    assert 60 < before.sum() < 120


def test_a_budget_is_displaced_only_as_far_as_the_corpus_grew(tmp_path: Path) -> None:
    old, new = part(tmp_path, "a", 400, "A"), part(tmp_path, "b", 40, "B")
    settings = Selection(method="random", budget=200)
    before, after = chosen([old], settings)[0], chosen([old, new], settings)[0]
    assert (before & after).sum() >= 160
    assert not (after & ~before).any()


def test_articles_left_out_are_not_chosen(tmp_path: Path) -> None:
    mask = chosen([part(tmp_path, "a", 3, "A")], Selection(), out=(1,))[0]
    assert mask.tolist() == [True] * 3 + [False] * 3 + [True] * 3


def test_strata_get_equal_shares_and_small_ones_all(tmp_path: Path) -> None:
    folders = [part(tmp_path, "a", 2, "small"), part(tmp_path, "b", 50, "big"), part(tmp_path, "c", 80, "huge")]
    masks = chosen(folders, Selection(method="stratified", budget=66))
    assert [int(m.sum()) for m in masks] == [6, 30, 30]


def test_keywords_choose_the_chunks_that_mention_them(tmp_path: Path) -> None:
    masks = chosen([part(tmp_path, "a", 2, "A"), part(tmp_path, "b", 2, "B")], Selection(method="keywords"), ("B",))
    assert [int(m.sum()) for m in masks] == [0, 6]


def test_diverse_chooses_unlike_chunks(tmp_path: Path) -> None:
    subjects = ["rain over hills", "football final score", "bank raises rates", "new missile factory"]
    texts = [f"{subjects[i % 4]} {'again ' * (i // 4 % 2)}" for i in range(40)]
    ids = [digest(str(i))[:16] for i in range(40)]
    write_table(
        tmp_path / "a" / "articles.parquet", build([{"article_id": i, "source": "", "text": ""} for i in ids], ARTICLES)
    )
    rows: list[dict[str, Any]] = [
        {"chunk_id": i, "article_id": i, "ordinal": 0, "text": t} for i, t in zip(ids, texts, strict=True)
    ]
    write_table(tmp_path / "a" / "chunks.parquet", build(rows, CHUNKS))
    mask = chosen([tmp_path / "a"], Selection(method="diverse", budget=4))[0]
    assert Counter(np.flatnonzero(mask) % 4) == {0: 1, 1: 1, 2: 1, 3: 1}


def texts_of(folder: Path, texts: list[str]) -> Path:
    """A part folder with a chunk of each text."""
    rows: list[dict[str, Any]] = [
        {"chunk_id": f"{i:016x}", "article_id": f"{i:016x}", "ordinal": 0, "text": t} for i, t in enumerate(texts)
    ]
    write_table(folder / "chunks.parquet", build(rows, CHUNKS))
    return folder


def test_unlike_chunks_are_the_same_for_ever(tmp_path: Path) -> None:
    rng = random.Random(2)  # no two choices are equally good, whatever the processor adds up first
    texts = [" ".join(rng.choices([f"w{i}" for i in range(400)], k=60)) for _ in range(60)]
    folders = [texts_of(tmp_path / "a", texts[:25]), texts_of(tmp_path / "b", texts[25:])]
    order, starts = np.arange(60)[::-1], np.array([0, 25, 60])
    assert selection._diverse(order, starts, folders, 8).tolist() == [59, 4, 9, 45, 34, 55, 42, 22]
    assert set(selection._diverse(order[:3], starts, folders, 8).tolist()) == {59, 58, 57}
    same = [texts_of(tmp_path / "c", ["rain over hills"] * 3)]
    assert set(selection._diverse(np.arange(3), np.array([0, 3]), same, 3).tolist()) == {0, 1, 2}


@pytest.mark.parametrize(("budget", "found"), [(2, [0, 1]), (3, [0, 11, 1])])
def test_unlike_chunks_are_among_the_first_that_are_a_few_times_as_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, budget: int, found: list[int]
) -> None:
    assert (selection._POOL, selection._EACH) == (2000, 4)
    monkeypatch.setattr(selection, "_POOL", 11)
    texts = ["rain over hills", *["rain over hills again"] * 10, "bank raises rates", "rain over hills"]
    folder = texts_of(tmp_path / "a", texts)
    assert selection._diverse(np.arange(13), np.array([0, 13]), [folder], budget).tolist() == found


def test_keywords_that_no_chunk_mentions_are_named(tmp_path: Path) -> None:
    folders = [part(tmp_path, "a", 2, "Alpha"), part(tmp_path, "b", 2, "Beta")]
    settings = Selection(method="keywords")
    tasks = [selection.ShardChunks(f, [], settings, ("Beta", "Gamma", "Alpha", "Delta")) for f in folders]
    masks, unmatched = selection.select_chunks(tasks, settings, lambda _, f, items: enumerate(map(f, items)))
    assert [int(m.sum()) for m in masks] == [6, 6]
    assert unmatched == ["Delta", "Gamma"]


def test_keywords_of_scripts_without_blanks_are_found_inside_sentences(tmp_path: Path) -> None:
    work = Workspace(str(tmp_path / "raw"), tmp_path / "work")
    work.put("a.txt", "市政府周四宣布，从明年一月起提高最低工资标准，全市约有六十万名职工将因此受益。")
    work.put("b.txt", "The council of the harbour town voted on Monday to rebuild the old pier.")
    words = ("最低工资", "东京")
    summary = work.prepare(selection=Selection(method="keywords"), keywords=words)
    assert [row["text"][:3] for row in work.rows("selected")] == ["市政府"]
    assert summary.unmatched == ["东京"]


def test_each_article_begins_with_its_first_chunk() -> None:
    assert selection.article_rows(pa.table({"ordinal": [0, 1, 0, 1, 2, 0]})).tolist() == [0, 0, 1, 1, 1, 2]


def test_the_first_by_rank_are_chosen(tmp_path: Path) -> None:
    folders = [part(tmp_path, "a", 8, "A"), part(tmp_path, "b", 8, "B")]
    ids = [c for f in folders for c in pq.read_table(f / "chunks.parquet")["chunk_id"].to_pylist()]
    best = np.argsort(ranks(ids, 3))[:10]
    masks = chosen(folders, Selection(method="random", budget=10, seed=3))
    assert sorted(best.tolist()) == np.flatnonzero(np.concatenate(masks)).tolist()
    share = ranks(ids, 3) < np.uint64(int(0.25 * 2**64))
    assert np.concatenate(chosen(folders, Selection(fraction=0.25, seed=3))).tolist() == share.tolist()
    assert not np.concatenate(chosen(folders, Selection(fraction=0))).any()


@pytest.mark.parametrize("budget", [0, 48, 49])
def test_a_budget_of_all_chunks_is_no_limit(tmp_path: Path, budget: int) -> None:
    folders = [part(tmp_path, "a", 8, "A"), part(tmp_path, "b", 8, "B")]
    for method in ("all", "random", "stratified"):
        assert all(mask.all() for mask in chosen(folders, Selection(method=method, budget=budget)))


@pytest.mark.parametrize(("by", "strata"), [("source", 3), ("date", 4), ("length", 3)])
def test_strata_are_sources_months_and_lengths(tmp_path: Path, by: str, strata: int) -> None:
    days = [datetime(2024, month, 1, tzinfo=UTC) for month in (1, 2, 3)] + [datetime(2023, 1, 1, tzinfo=UTC)]
    rows = [
        {
            "article_id": f"{i:016x}",
            "source": "abc"[i % 3],
            "text": "x" * (499, 500, 1000)[i % 3],
            "published": days[i % 4],
        }
        for i in range(120)
    ]
    write_table(tmp_path / "a" / "articles.parquet", build(rows, ARTICLES))
    cut = [
        {"chunk_id": digest(r["article_id"])[:16], "article_id": r["article_id"], "ordinal": 0, "text": ""}
        for r in rows
    ]
    write_table(tmp_path / "a" / "chunks.parquet", build(cut, CHUNKS))
    mask = chosen([tmp_path / "a"], Selection(method="stratified", by=by, budget=12))[0]
    period = 4 if by == "date" else 3
    assert Counter(i % period for i in np.flatnonzero(mask).tolist()) == dict.fromkeys(range(strata), 12 // strata)
