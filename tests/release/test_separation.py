"""The certificate counts what splits share: leaks are planted, and must be counted."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from builder.release import separation as module
from builder.release.passages import Index, Inputs, key, passages
from builder.release.separation import (
    Fingerprints,
    Separation,
    Shared,
    by_sentence,
    leave_out,
    stretch_id,
    stretches,
)
from builder.release.settings import Split
from builder.release.splits import Assignment, Member
from builder.release.verify import certify
from tests.release.world import World, rows, sample, splits_of
from tests.samples import Article


def separated(world: World, splits: dict[str, str]) -> tuple[Index, Separation]:
    index = Index(Inputs(world.paths()))
    return index, Separation(index, Assignment(splits, []), Split())


def repeating(tmp_path: Path) -> tuple[World, dict[str, str]]:
    """Two articles in two splits: their first texts are the same, their second ones nearly so."""
    world = sample(tmp_path, 2)
    a, b = world.articles
    b.chunks[0], b.spans[0] = a.chunks[0], a.spans[0]
    b.chunks[1] = f"Update: {a.chunks[1]}"
    return world, {a.id: "train", b.id: "test"}


def test_texts_that_repeat_are_left_out_on_the_side_with_the_larger_share(tmp_path: Path) -> None:
    world, splits = repeating(tmp_path)
    index, found = separated(world, splits)
    assert found.left_out == 2
    left = [index.chunk_ids[i].as_py() for i in np.flatnonzero(found.splits < 0)]
    assert left == [world.chunk(0, 0), world.chunk(0, 1)]
    assert found.certificate([], Assignment(splits, [])).exact_texts == 0


def test_what_is_still_shared_stands_in_the_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "leave_out", lambda *_: set())
    world, splits = repeating(tmp_path)
    found = separated(world, splits)[1].certificate([], Assignment(splits, []))
    assert (found.exact_texts, found.near_texts, found.left_out.texts) == (1, 1, 0)


def test_what_pieces_share_is_added(tmp_path: Path) -> None:
    world, splits = repeating(tmp_path)
    found = separated(world, splits)[1]
    found.shared.append(Shared([(0, 1)], [(0, 1), (2, 3)]))
    certificate = found.certificate([], Assignment(splits, ["x", "y"]))
    assert (certificate.exact_texts, certificate.near_texts, certificate.left_out.articles) == (1, 2, 2)


def test_an_article_in_two_splits_is_counted(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    splits = {made.id: "train" for made in world.articles}
    splits[world.articles[2].id] = "test"
    _, found = separated(world, splits)
    assert found.certificate([], Assignment(splits, [])).articles == 0
    found.splits[0] = 1 - found.splits[0]
    assert found.certificate([], Assignment(splits, [])).articles == 1
    found.splits[:] = -1
    assert found.certificate([], Assignment(splits, [])).articles == 0


def test_a_cluster_in_two_splits_is_counted(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    splits = {made.id: "train" for made in world.articles}
    a, b, c = world.articles
    members = [Member(a.id, "one"), Member(b.id, "one"), Member(c.id, "two"), Member("gone", "two")]
    _, found = separated(world, splits)
    assert found.certificate(members, Assignment(splits, [])).clusters == 0
    assert found.certificate(members, Assignment({**splits, b.id: "test"}, [])).clusters == 1


def test_articles_without_a_split_have_no_texts(tmp_path: Path) -> None:
    world = sample(tmp_path, 3)
    _, found = separated(world, {world.articles[1].id: "train"})
    assert found.names == ["train"]
    assert [passages.num_rows for _, passages in found.texts("window", "en")] == [4]
    assert [set(p["article_id"].to_pylist()) for _, p in found.texts("article", "en")] == [{world.articles[1].id}]


@pytest.mark.parametrize("planted", ["article_id", "text"])
def test_a_leak_in_the_files_is_counted(planted: str, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    made = sample(tmp_path).export()
    train, test = (next((made.folder / "stance").glob(f"{split}-*")) for split in ("train", "test"))
    source, table = pq.read_table(train), pq.read_table(test)
    values = [source[planted][0].as_py(), *table[planted].to_pylist()[1:]]
    pq.write_table(table.set_column(table.schema.get_field_index(planted), planted, [values]), test)
    expected: dict[str, Any] = {"articles": 0, "exact_texts": 0, "near_texts": 0}
    expected["articles" if planted == "article_id" else "exact_texts"] = 1
    assert certify(made.folder, made.manifest) == expected


def test_a_near_duplicate_between_configurations_is_counted(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    made = sample(tmp_path).export()
    train, test = (next((made.folder / n).glob(f"{s}-*")) for n, s in (("stance", "train"), ("entities", "test")))
    source, table = pq.read_table(train), pq.read_table(test)
    values = [f"Update: {source['text'][0].as_py()}", *table["text"].to_pylist()[1:]]
    pq.write_table(table.set_column(table.schema.get_field_index("text"), "text", [values]), test)
    assert certify(made.folder, made.manifest) == {"articles": 0, "exact_texts": 0, "near_texts": 1}


def test_every_configuration_puts_an_article_into_the_same_split(tmp_path: Path) -> None:
    made = sample(tmp_path).export()
    sides: dict[str, str] = {}
    for name in made.manifest.configs:
        split = splits_of(made.folder, name)
        for row in rows(made.folder, name):
            assert sides.setdefault(row["article_id"], split[row["id"]]) == split[row["id"]]
    assert set(sides.values()) == {"train", "validation", "test"}


LONG = "The ministry said on Tuesday that the new line for interceptors would open in spring after long talks."


def shared(texts: list[str], sides: list[int], near: float = 0.7) -> Shared:
    prints = Fingerprints()
    for text in texts:
        prints.add(pa.array([text]))
    return prints.shared(np.array(sides, np.int64), near)


def test_equal_words_are_the_same_text() -> None:
    assert shared([LONG, LONG.upper().replace(".", "!")], [0, 1]) == Shared([(0, 1)], [])


def test_the_order_of_words_counts() -> None:
    assert shared(["one two three", "three two one"], [0, 1]) == Shared([], [])


def test_a_few_changed_words_are_a_near_duplicate() -> None:
    assert shared([LONG, f"Update: {LONG}"], [0, 1]) == Shared([], [(0, 1)])


def test_other_texts_are_not() -> None:
    assert shared([LONG, "The ministry said on Tuesday that nothing was decided about the harbour."], [0, 1]).near == []


def test_within_a_split_texts_may_repeat() -> None:
    assert shared([LONG, LONG], [1, 1]) == Shared([], [])


def test_empty_texts_and_rows_left_out_do_not_count() -> None:
    assert shared(["", "...", LONG, LONG], [0, 1, 0, -1]) == Shared([], [])


def test_batches_make_no_difference() -> None:
    texts = [LONG, "x", f"Update: {LONG}", LONG]
    whole = Fingerprints()
    whole.add(pa.array(texts))
    assert whole.shared(np.array([0, 1, 1, 1]), 0.7) == shared(texts, [0, 1, 1, 1])


def test_a_crowd_of_equal_texts_is_parted() -> None:
    texts, sides = [LONG] * 200, np.array([0, 1] * 100)
    prints = Fingerprints()
    prints.add(pa.array(texts))
    while gone := leave_out(prints.shared(sides, 0.7), sides, [0.7, 0.3]):
        sides[list(gone)] = -1
    assert (sides == 1).sum() == 100
    assert (sides == 0).sum() == 0


def test_the_side_with_the_larger_share_gives_way() -> None:
    assert leave_out(Shared([(0, 1)], []), np.array([0, 1]), [0.7, 0.15]) == {0}
    assert leave_out(Shared([(0, 1)], []), np.array([0, 1]), [0.15, 0.7]) == {1}


def test_sentences_are_named_and_placed_by_where_they_are_in_their_chunk() -> None:
    """The language of a chunk decides where its sentences end."""
    texts = ["One. Two three.", "Am 3. Mai kam sie. Er ging."]
    ids, keys = pa.array(["c", "d"]), key(np.array([2, 3]), np.array([10, 0]))
    chunks = passages(ids, pa.array(["a", "b"]), ids, pa.array(texts), np.array([4, 7]), keys)
    assert by_sentence(chunks, ["en", "de"]).to_pylist() == [
        {"id": name, "article_id": article, "chunk_id": chunk, "text": text, "number": number, "key": (code << 32) + at}
        for name, article, chunk, text, number, code, at in (
            ("c:0-4", "a", "c", "One.", 4, 2, 10),
            ("c:5-15", "a", "c", "Two three.", 4, 2, 15),
            ("d:0-18", "b", "d", "Am 3. Mai kam sie.", 7, 3, 0),
            ("d:19-27", "b", "d", "Er ging.", 7, 3, 19),
        )
    ]


def test_stretches_join_chunks_with_nothing_but_white_space_between(tmp_path: Path) -> None:
    """Chunks may overlap, or be inside others; what is not kept parts them; each article has its own."""
    first, second = Article(0, ["ab", "cd", "ef", "gh"]), Article(1, ["ij", "kl"])
    for made in (first, second):
        made.spans, made.evidence = [[] for _ in made.chunks], [[] for _ in made.chunks]
        made.stances = [{} for _ in made.chunks]
    # The text is "ab  cd  ef  gh", with two line breaks between.
    places = [(first, 8, 14), (first, 0, 2), (first, 1, 6), (first, 4, 5), (second, 0, 2), (second, 4, 6)]
    world = World(tmp_path, [first, second], annotators=("ann",), chunked=places)
    index = Index(Inputs(world.paths()))
    assert index.chunks == len(places)

    def found(*kept: int) -> list[tuple[str, str, int, int]]:
        made = [row for batch in stretches(index, np.array(kept)) for row in batch.to_pylist()]
        assert [row["id"] for row in made] == [stretch_id(row["chunk_id"], row["text"]) for row in made]
        assert [row["article_id"] for row in made] == [index.articles[row["key"] >> 32].as_py() for row in made]
        return [(row["text"], row["chunk_id"][17:], row["number"], row["key"] & 0xFFFF) for row in made]

    assert found(0, 1, 2, 3, 4, 5) == [("ab\n\ncd\n\nef\n\ngh", "0-2", 1, 0), ("ij\n\nkl", "0-2", 4, 0)]
    assert found(0, 1, 5) == [("ab", "0-2", 1, 0), ("ef\n\ngh", "8-14", 0, 8), ("kl", "4-6", 5, 4)]
    assert found(2, 3) == [("b\n\ncd", "1-6", 2, 1)]
    assert stretch_id("c", "ab") != stretch_id("c", "abc") != stretch_id("cab", "c")
    assert len(stretch_id("c", "ab")) == 16
