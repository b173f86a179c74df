"""A window is what its annotators saw: under another chunking answers stay with it, and spans follow by their place."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from builder.errors import ReleaseError
from builder.release.passages import covers
from builder.release.settings import Export
from builder.release.verify import certify
from tests.release.world import World, rows, sample
from tests.samples import Article


def halves(made: Article) -> list[tuple[Article, int, int]]:
    """Two chunks in place of four."""
    middle = made.start(2)
    return [(made, 0, middle - 2), (made, middle, len(made.text))]


def rechunked(tmp_path: Path) -> World:
    world = sample(tmp_path)
    world.chunked = [half for made in world.articles for half in halves(made)]
    return world


def test_spans_follow_to_chunks_that_windows_cover(tmp_path: Path) -> None:
    world = rechunked(tmp_path)
    made = world.build()
    found = rows(made.folder, "entities")
    assert {row["text"] for row in found} == {a.text[s:e] for a, s, e in world.chunked or []}
    assert all(row["text"][s["start"] : s["end"]] == s["text"] for row in found for s in row["entities"])
    assert sum(len(row["entities"]) for row in found) == sum(len(s) for a in world.articles for s in a.spans)
    assert made.manifest.losses["entities"]["row-border"] == 0
    assert (made.manifest.counts.chunks, made.manifest.counts.windows) == (24, 48)


@pytest.mark.parametrize("configuration", ["stance", "annotations"])
def test_answers_and_annotations_stay_with_their_window(configuration: str, tmp_path: Path) -> None:
    plain = rows(sample(tmp_path / "a").build().folder, configuration)
    made = rows(rechunked(tmp_path / "b").build().folder, configuration)
    assert sorted(made, key=lambda r: r["id"]) == sorted(plain, key=lambda r: r["id"])


def test_windows_of_another_chunking_are_in_the_order_of_their_articles(tmp_path: Path) -> None:
    world = rechunked(tmp_path)
    order = [row["chunk_id"] for row in rows(world.build().folder, "stance", "train")][::2]
    train = set(order)
    assert order == [a.chunk_id(i) for a in world.articles for i in range(4) if a.chunk_id(i) in train]


def test_chunks_that_windows_cover_in_part_are_left_out_and_counted(tmp_path: Path) -> None:
    """Those that no window touches are no loss: nobody annotated them."""
    world = rechunked(tmp_path)
    world.skipped = {world.chunk(0, 1), world.chunk(1, 2), world.chunk(1, 3)}
    made = world.export()
    texts = {row["text"] for row in rows(made.folder, "entities")}
    first, second = (world.articles[0].text[s:e] for _, s, e in halves(world.articles[0]))
    assert first not in texts
    assert second in texts
    assert made.manifest.counts.chunks == 22
    assert made.manifest.counts.chunks_left_out == {"are only in part in annotated windows": 1}
    left = made.manifest.counts.left_out["entities"]["outside"]
    assert left == len(world.articles[0].spans[0])
    card = (made.folder / "README.md").read_text("utf-8")
    assert "1 chunks that are only in part in annotated windows" in card
    assert f"`entities`: {left} entity spans in no text of this release" in card


def test_a_span_across_the_border_of_chunks_is_counted(tmp_path: Path) -> None:
    world = sample(tmp_path)
    made = world.articles[0]
    start, end, _ = made.spans[0][0]
    world.chunked = [(made, 0, start + 2), (made, start + 2, len(made.text))]
    found = world.build(Export(configs=["entities"]))
    assert found.manifest.counts.chunks == 2
    assert found.manifest.losses["entities"]["row-border"] == 1
    assert found.manifest.counts.left_out["entities"]["outside"] == 0
    held = [s for row in rows(found.folder, "entities") for s in row["entities"]]
    assert len(held) == sum(map(len, made.spans)) - 1
    assert made.text[start:end] not in [s["text"] for s in held if s["start"] == start]


def test_windows_that_are_not_selected_now_are_left_out_and_counted(tmp_path: Path) -> None:
    world = sample(tmp_path)
    unwanted = {world.chunk(0, 0), world.chunk(7, 3)}
    world.selected = {a.chunk_id(i) for a in world.articles for i in range(4)} - unwanted
    made = world.export()
    for name in ("entities", "stance", "annotations"):
        assert not unwanted & {row["chunk_id"] for row in rows(made.folder, name)}
    assert made.manifest.counts.windows_left_out == {
        "are chunks that are not selected now": 2,
        "are of articles without a selected chunk": 0,
    }
    assert "2 windows that are chunks that are not selected now" in (made.folder / "README.md").read_text("utf-8")


def test_windows_of_articles_without_a_selected_chunk_are_left_out_and_counted(tmp_path: Path) -> None:
    world = rechunked(tmp_path)
    gone = world.articles[3]
    world.chunked = [place for place in world.chunked or [] if place[0] is not gone]
    made = world.build()
    assert gone.id not in {row["article_id"] for row in rows(made.folder, "stance")}
    assert made.manifest.counts.windows_left_out["are of articles without a selected chunk"] == 4
    assert made.manifest.counts.windows_left_out["are chunks that are not selected now"] == 0


def test_some_windows_may_be_chunks_of_this_chunking(tmp_path: Path) -> None:
    world = sample(tmp_path)
    mixed = world.articles[0]
    paths = world.paths()
    world.chunked = halves(mixed)
    other = World(tmp_path, world.articles, chunked=halves(mixed)).tables()["chunks"]
    whole = pq.read_table(paths["chunks"])
    whole = pa.concat_tables([other, whole.filter(pc.not_equal(whole["article_id"], mixed.id))])
    for name in ("chunks", "selected"):
        pq.write_table(whole, paths[name])
    made = world.build(tables=paths)
    assert (made.manifest.counts.chunks, made.manifest.counts.windows) == (2 + 44, 48)
    assert len(rows(made.folder, "stance")) == 96
    assert {row["chunk_id"] for row in rows(made.folder, "entities") if row["article_id"] == mixed.id} == {
        f"{mixed.id}-{s}-{e}" for _, s, e in halves(mixed)
    }


def test_nothing_that_fits_names_the_chunking(tmp_path: Path) -> None:
    world = sample(tmp_path)
    alone = Article(99, ["A text that nobody saw."])
    world.chunked = [(alone, 0, 10)]
    with pytest.raises(ReleaseError, match=r"None of the 48 annotated windows fits.*chunking"):
        world.build()


def test_entities_without_a_covered_chunk_name_the_chunking(tmp_path: Path) -> None:
    world = sample(tmp_path)
    world.skipped = {made.chunk_id(i) for made in world.articles for i in (1, 3)}
    world.chunked = [half for made in world.articles for half in halves(made)]
    with pytest.raises(ReleaseError, match=r"entities would have no row.*chunking"):
        world.build()
    made = world.build(Export(configs=["stance"]))
    assert len(rows(made.folder, "stance")) == 48
    # Windows need none.
    found = world.build(Export(configs=["entities"], granularity="window"))
    assert {row["id"] for row in rows(found.folder, "entities")} == {
        made.chunk_id(i) for made in world.articles for i in (0, 2)
    }


def test_without_any_vote_there_is_nothing_to_release(tmp_path: Path) -> None:
    world = World(tmp_path, [sample(tmp_path).articles[0]])
    world.skipped = {world.chunk(0, i) for i in range(4)}
    with pytest.raises(ReleaseError, match="nothing to release"):
        world.build()
    world = sample(tmp_path, 2)
    world.quarantined = {f"1:{a * 1000 + i * 10 + n}" for a in range(2) for i in range(4) for n in range(3)}
    with pytest.raises(ReleaseError, match="nothing to release"):
        world.build()


def test_windows_of_another_text_cover_nothing(tmp_path: Path) -> None:
    world = rechunked(tmp_path)
    tables = world.tables()
    windows = tables["windows"].to_pylist()
    first = next(w for w in windows if w["chunk_id"] == world.chunk(0, 0))
    first["text"] = first["text"].upper()
    paths = world.paths()
    pq.write_table(pa.Table.from_pylist(windows, tables["windows"].schema), paths["windows"])
    assert world.build(tables=paths).manifest.counts.chunks == 23


@pytest.mark.parametrize(
    ("text", "windows", "covered"),
    [
        ("one two", [(0, "one two")], True),
        ("one two", [(0, "one"), (4, "two")], True),
        ("one two", [(0, "one")], False),
        ("one two", [(0, "one"), (4, "tw")], False),
        ("one two", [(-5, "zero one two three")], True),
        ("one two", [(0, "one two"), (4, "TWO")], False),
        ("one two", [(0, "one two"), (7, " three")], True),
        ("one two", [(0, "one two"), (-4, "zero")], True),
        (" \n", [], True),
        ("one two", [(-1, "xone tw")], False),
    ],
)
def test_every_character_that_is_not_blank_must_be_seen(
    text: str, windows: list[tuple[int, str]], covered: bool
) -> None:
    assert covers(text, windows) is covered


def test_other_chunks_and_windows_share_no_text_between_splits(tmp_path: Path) -> None:
    made = rechunked(tmp_path).build()
    assert certify(made.folder, made.manifest) == {"articles": 0, "exact_texts": 0, "near_texts": 0}
