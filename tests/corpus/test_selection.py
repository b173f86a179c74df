"""Selection keeps to its budget and rule, repeats itself, and hardly changes as the corpus grows."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from builder.corpus import selection
from builder.corpus.settings import Selection
from builder.store import digest, write_table
from builder.tables import ARTICLES, CHUNKS, build


def part(folder: Path, name: str, articles: int, source: str, chunks: int = 3) -> str:
    """A part folder with articles of one source and some chunks each."""
    ids = [digest(name, str(i))[:16] for i in range(articles)]
    rows: list[dict[str, Any]] = [{"article_id": a, "source": source, "text": f"{name} {i}"} for i, a in enumerate(ids)]
    cut: list[dict[str, Any]] = [
        {"chunk_id": digest(a, str(n))[:16], "article_id": a, "text": f"chunk {n} of {source} US {'us' * (n % 2)}"}
        for a in ids
        for n in range(chunks)
    ]
    write_table(folder / name / "articles.parquet", build(rows, ARTICLES))
    write_table(folder / name / "chunks.parquet", build(cut, CHUNKS))
    return str(folder / name)


def chosen(
    folders: list[str], settings: Selection, keywords: tuple[str, ...] = (), out: tuple[int, ...] = ()
) -> list[Any]:
    tasks = [selection.ShardChunks(f, out if i == 0 else (), settings, keywords) for i, f in enumerate(folders)]
    return selection.select_chunks(tasks, settings, lambda f, items: [f(i) for i in items])


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
    rows: list[dict[str, Any]] = [{"chunk_id": i, "article_id": i, "text": t} for i, t in zip(ids, texts, strict=True)]
    write_table(tmp_path / "a" / "chunks.parquet", build(rows, CHUNKS))
    mask = chosen([str(tmp_path / "a")], Selection(method="diverse", budget=4))[0]
    assert Counter(np.flatnonzero(mask) % 4) == {0: 1, 1: 1, 2: 1, 3: 1}


def test_repeated_ids_are_told_apart() -> None:
    rows = selection.rows_of(["x", "x", "x", "x", "y"], ["1", "2", "1", "2", "3"], ["x", "x", "none", "y"])
    assert rows.tolist() == [0, 0, 1, 1, 3]
