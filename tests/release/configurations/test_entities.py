"""Rows of `entities`: golden rows, other granularities, labels and tokenizers."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.errors import ConfigError, ReleaseError
from builder.release.manifest import Exported
from builder.release.settings import Dataset, Export
from builder.store import digest
from tests.release.world import World, entropy, hard, rows, sample, splits_of
from tests.samples import ANNOTATORS, scheme


def entities(world: World, tables: dict[str, Path] | None = None, **settings: Any) -> Exported:
    """The configuration alone."""
    return world.build(Export(configs=["entities"], **settings), tables=tables)


def test_a_row_is_a_text_with_its_tokens_tags_and_spans(tmp_path: Path) -> None:
    world = sample(tmp_path)
    chunk, text = world.chunk(2, 0), world.articles[2].chunks[0]
    world.dissent[0, chunk] = {"spans": [(0, len(text.split()[0]), "ORG")]}
    for n in (1, 2):
        world.dissent[n, chunk] = {"spans": [(0, len(text.split()[0]), "ORG"), (3, 5, "GPE")]}
    row = next(r for r in rows(entities(world).folder, "entities") if r["id"] == chunk)
    word = text.split()[0]
    tokens = row.pop("tokens")
    tags = row.pop("ner_tags")
    assert tokens[0] == word
    assert tags == [3, *[0] * (len(tokens) - 1)]
    # A minority of none: the span of two annotators is released, so nothing is hidden.
    assert row.pop("mask") == [False] * len(tokens)
    assert row == {
        "id": chunk,
        "article_id": world.articles[2].id,
        "chunk_id": chunk,
        "text": text,
        "entities": [
            {"start": 0, "end": len(word), "label": "ORG", "text": word, "status": "agreed",
             "probability": 1.0, "votes_for": 3, "votes_against": 0, "share": 1.0, "entropy": 0.0,
             **hard(0)},
            {"start": 3, "end": 5, "label": "GPE", "text": text[3:5], "status": "adjudicated",
             "probability": 2 / 3, "votes_for": 2, "votes_against": 1, "share": 2 / 3,
             "entropy": entropy(2 / 3, 1 / 3), **hard(entropy(2 / 3, 1 / 3))},
        ],
        "disputed": [],
    }  # fmt: skip


def open_chunk(world: World, number: int = 2) -> tuple[str, list[str]]:
    """Of the words of a chunk, the first two are a span of all, the next two of half, the fifth of one in four."""
    chunk, words = world.chunk(number, 0), world.articles[number].chunks[0].split()
    ends = [len(" ".join(words[: i + 1])) for i in range(5)]
    agreed, half, one = (0, ends[1], "ORG"), (ends[1] + 1, ends[3], "GPE"), (ends[3] + 1, ends[4], "GPE")
    for n, given in enumerate(([agreed, half, one], [agreed, half], [agreed], [agreed])):
        world.dissent[n, chunk] = {"spans": given}
    world.annotators = (*ANNOTATORS, "annotator-ffffff")
    return chunk, words


@pytest.mark.parametrize(
    ("unknown", "hidden"), [("disputed", [2, 3, 4]), ("unresolved", [2, 3]), ("strict", None), ("outside", [])]
)
def test_tokens_of_undecided_spans_are_hidden_as_asked(unknown: str, hidden: list[int] | None, tmp_path: Path) -> None:
    world = sample(tmp_path)
    chunk, words = open_chunk(world)
    made = entities(world, unknown=unknown)
    found = [row for row in rows(made.folder, "entities") if row["id"] == chunk]
    losses = made.manifest.losses["entities"]
    if hidden is None:
        assert found == []
        assert losses["strict-rows"] == 1
        return
    (row,) = found
    assert [i for i, masked in enumerate(row["mask"]) if masked] == hidden
    assert row["ner_tags"] == [3, 4, *[0] * (len(row["tokens"]) - 2)]
    assert [(s["text"], s["status"], s["votes_for"], s["votes_against"]) for s in row["disputed"]] == [
        (" ".join(words[2:4]), "unresolved", 2, 2), (words[4], "rejected", 1, 3),
    ]  # fmt: skip
    assert [s["text"] for s in row["entities"]] == [" ".join(words[:2])]
    assert losses["strict-rows"] == 0


@pytest.mark.parametrize(("nested", "hidden"), [("outer", [0, 1, 2]), ("inner", [0, 2])])
def test_an_undecided_span_hides_the_one_that_it_would_take_tokens_from(
    nested: str, hidden: list[int], tmp_path: Path
) -> None:
    world = sample(tmp_path)
    chunk, words = world.chunk(2, 0), world.articles[2].chunks[0].split()
    inner = (len(words[0]) + 1, len(" ".join(words[:2])), "GPE")
    outer = (0, len(" ".join(words[:3])), "ORG")
    for n, given in enumerate(([inner, outer], [inner, outer], [inner], [inner])):
        world.dissent[n, chunk] = {"spans": given}
    world.annotators = (*ANNOTATORS, "annotator-ffffff")
    row = next(r for r in rows(entities(world, nested=nested).folder, "entities") if r["id"] == chunk)
    assert [i for i, masked in enumerate(row["mask"]) if masked] == hidden


def test_a_span_that_a_row_border_cuts_is_hidden_on_both_sides(tmp_path: Path) -> None:
    world = sample(tmp_path)
    made = world.articles[2]
    made.chunks[0] = "It was said in Berlin. Acme Corp. Ltd. met them. That is all."
    start = made.chunks[0].index("Berlin. Acme")
    for n in range(3):
        world.dissent[n, made.chunk_id(0)] = {"spans": [(start, start + len("Berlin. Acme"), "ORG")]}
    found = entities(world, granularity="sentence")
    cut = {r["text"]: r for r in rows(found.folder, "entities") if r["chunk_id"] == made.chunk_id(0)}
    hidden = {text: [t for t, m in zip(r["tokens"], r["mask"], strict=True) if m] for text, r in cut.items()}
    first = "It was said in Berlin."
    assert hidden.pop(first) == ["Berlin", "."]
    assert [words for words in hidden.values() if words] == [["Acme"]]
    assert all(r["entities"] == r["disputed"] == [] for r in cut.values())
    assert found.manifest.losses["entities"]["row-border"] == 1
    assert found.manifest.counts.left_out["entities"]["outside"] == 0
    strict = entities(world, granularity="sentence", unknown="strict", variant="strict")
    left = {r["text"] for r in rows(strict.folder, "entities") if r["chunk_id"] == made.chunk_id(0)}
    assert left == {text for text, words in hidden.items() if not words}


def test_gold_below_a_threshold_is_hidden_like_what_is_undecided(tmp_path: Path) -> None:
    world = sample(tmp_path)
    chunk, words = world.chunk(2, 0), world.articles[2].chunks[0].split()
    for n in range(2):
        world.dissent[n, chunk] = {"spans": [(0, len(words[0]), "ORG")]}
    world.dissent[2, chunk] = {"spans": []}
    row = next(r for r in rows(entities(world, min_agreement=0.7).folder, "entities") if r["id"] == chunk)
    assert (row["entities"], row["ner_tags"][0], row["mask"][:2]) == ([], 0, [True, False])
    assert [(s["text"], s["status"]) for s in row["disputed"]] == [(words[0], "adjudicated")]


def test_rows_say_what_is_known_of_their_article(tmp_path: Path) -> None:
    made = sample(tmp_path).build(Export(metadata=["published", "source"]))
    row = rows(made.folder, "stance", about=True)[0]
    assert list(row)[-2:] == ["published", "source"]
    assert row["published"] is None or row["published"].endswith("Z")


def test_what_tags_lose_is_counted(tmp_path: Path) -> None:
    world = sample(tmp_path)
    for n in range(3):
        world.dissent[n, world.chunk(2, 0)] = {"spans": [(0, 20, "ORG"), (0, 3, "GPE")]}
    losses = entities(world).manifest.losses["entities"]
    assert losses["nested"] + losses["widened"] >= 1
    assert losses["row-border"] == 0
    assert (losses.pop("masked-tokens"), losses.pop("strict-rows")) == (0, 0)
    assert sum(losses.values()) == sum(len(s) for a in world.articles for s in a.spans) - 4 + 2


@pytest.mark.parametrize("granularity", ["sentence", "article"])
def test_spans_follow_to_another_granularity(granularity: str, tmp_path: Path) -> None:
    world = sample(tmp_path)
    made = entities(world, granularity=granularity)
    found = rows(made.folder, "entities")
    assert all(r["text"][s["start"] : s["end"]] == s["text"] for r in found for s in r["entities"])
    expected = sum(len(spans) for made in world.articles for spans in made.spans)
    assert sum(len(r["entities"]) for r in found) + made.manifest.losses["entities"]["row-border"] == expected
    assert len({r["id"] for r in found}) == len(found)
    texts = {made.text for made in world.articles}
    if granularity == "article":
        assert {r["text"] for r in found} == texts
        assert {(r["id"], r["chunk_id"]) for r in found} == {
            (digest(made.chunk_id(0), made.text)[:16], made.chunk_id(0)) for made in world.articles
        }
    else:
        assert all(any(r["text"] in text for text in texts) for r in found)


@pytest.mark.parametrize("granularity", ["sentence", "article"])
def test_rows_of_another_granularity_are_in_the_split_of_their_article(granularity: str, tmp_path: Path) -> None:
    world = sample(tmp_path)
    plain = entities(world)
    by_chunk = splits_of(plain.folder, "entities")
    made = entities(world, granularity=granularity, variant="cut")
    split = splits_of(made.folder, "entities")
    for row in rows(made.folder, "entities"):
        assert split[row["id"]] == by_chunk[row["chunk_id"]]
    assert made.manifest.leakage.left_out.cut_texts == 0


@pytest.mark.parametrize("expected", ["en", "de"])
def test_sentences_end_as_in_the_language_of_their_article(expected: str, tmp_path: Path) -> None:
    """In the one that is expected where the language of the article is not known."""
    world = sample(tmp_path, articles=3, dataset=Dataset(name="sample", license="mit", language=expected))
    for made in world.articles:
        made.chunks[0], made.spans[0] = f"Sie kam am {made.number + 3}. Mai an. Das war es.", []
    paths = world.paths()
    known = pq.read_table(paths["articles"])
    at = known.schema.get_field_index("language")
    languages = dict(zip([made.id for made in world.articles], ["de", "en", None], strict=True))
    column = pa.array([languages[article] for article in known["article_id"].to_pylist()], pa.string())
    pq.write_table(known.set_column(at, known.schema.field(at), column), paths["articles"])
    made = entities(world, granularity="sentence", tables=paths)
    found = {article.id: [] for article in world.articles}
    for row in rows(made.folder, "entities"):
        if row["chunk_id"] in {article.chunk_id(0) for article in world.articles}:
            found[row["article_id"]].append(row["text"])
    assert [sorted(texts)[-1] for texts in found.values()] == [
        "Sie kam am 3. Mai an.",
        "Sie kam am 4.",
        "Sie kam am 5." if expected == "en" else "Sie kam am 5. Mai an.",
    ]


def test_sentences_that_repeat_in_another_split_are_left_out(tmp_path: Path) -> None:
    world = sample(tmp_path)
    split = splits_of(world.export().folder, "entities")
    a = next(x for x in world.articles if split[x.chunk_id(0)] == "train")
    b = next(x for x in world.articles if split[x.chunk_id(0)] == "test")
    shared = "The very same sentence of nine words stands here."
    for made in (a, b):
        made.chunks[-1] = f"{made.chunks[-1]} {shared}"
    made = world.export(Export(granularity="sentence"))
    holding = [row["id"] for row in rows(made.folder, "entities") if shared in row["text"]]
    assert [split for row, split in splits_of(made.folder, "entities").items() if row in holding] == ["test"]
    assert made.manifest.leakage.left_out.cut_texts == 1
    assert made.manifest.leakage.left_out.texts == 0


def test_labels_may_be_merged_and_left_out(tmp_path: Path) -> None:
    made = entities(sample(tmp_path), entities={"GPE": "ORG", "PERSON": None})
    assert made.manifest.labels["entities"] == ["ORG"]
    assert {s["label"] for r in rows(made.folder, "entities") for s in r["entities"]} == {"ORG"}
    assert made.manifest.counts.labels["entities"] == {"ORG": 144}


def test_tokens_only(tmp_path: Path) -> None:
    made = entities(sample(tmp_path), text=False, tags="bioes")
    assert set(rows(made.folder, "entities")[0]) == {"id", "article_id", "chunk_id", "tokens", "ner_tags", "mask"}
    assert "E-PERSON" in made.manifest.configs["entities"].features["ner_tags"]["feature"]["names"]


def test_without_tags_there_are_tokens(tmp_path: Path) -> None:
    made = entities(sample(tmp_path), tags="none")
    assert not {"ner_tags", "mask"} & set(rows(made.folder, "entities")[0])
    assert "tokens" in rows(made.folder, "entities")[0]


def test_without_tokens_there_is_the_text(tmp_path: Path) -> None:
    made = entities(sample(tmp_path), tokens=False)
    assert set(rows(made.folder, "entities")[0]) == {"id", "article_id", "chunk_id", "text", "entities", "disputed"}


def test_an_empty_answer_is_a_row_without_spans(tmp_path: Path) -> None:
    world = sample(tmp_path)
    chunk = world.chunk(3, 1)
    for number in range(3):
        world.dissent[number, chunk] = {"spans": [], "stances": {"ukraine": "none", "japan": "none"}}
    found = next(r for r in rows(entities(world).folder, "entities") if r["id"] == chunk)
    assert found["entities"] == []
    assert set(found["ner_tags"]) == {0}


def test_a_chunk_that_nobody_judged_has_no_row(tmp_path: Path) -> None:
    world = sample(tmp_path)
    chunk, unseen = world.chunk(3, 1), world.chunk(3, 2)
    world.skipped.add(unseen)
    for number in range(3):
        world.dissent[number, chunk] = {"state": "skipped"}
    root = world.build().folder
    for name in ("entities", "stance", "annotations"):
        assert not {chunk, unseen} & {r["chunk_id"] for r in rows(root, name)}


def test_gold_that_does_not_fit_the_text_is_refused(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    world = sample(tmp_path)
    paths = world.paths()
    table = pq.read_table(paths["gold_spans"])
    texts = ["otherwise", *table["text"].to_pylist()[1:]]
    pq.write_table(table.set_column(table.schema.get_field_index("text"), "text", [texts]), paths["gold_spans"])
    with pytest.raises(ReleaseError, match=r"gold has 'otherwise' where the text has"):
        entities(world, tables=paths)


def test_the_longest_of_nested_spans_comes_first(tmp_path: Path) -> None:
    world = sample(tmp_path)
    for n in range(3):
        world.dissent[n, world.chunk(2, 0)] = {"spans": [(4, 6, "GPE"), (4, 9, "ORG"), (0, 2, "GPE")]}
    row = next(r for r in rows(entities(world).folder, "entities") if r["id"] == world.chunk(2, 0))
    assert [(s["start"], s["end"]) for s in row["entities"]] == [(0, 2), (4, 9), (4, 6)]


def test_a_scheme_without_entities_has_no_such_configuration(tmp_path: Path) -> None:
    made = sample(tmp_path, labels=scheme(entities=[])).build()
    assert "entities" not in made.manifest.configs
    with pytest.raises(ConfigError, match="entities"):
        sample(tmp_path, labels=scheme(entities=[])).build(Export(configs=["entities"]))


def test_a_row_may_be_a_window_under_another_chunking(tmp_path: Path) -> None:
    plain = rows(entities(sample(tmp_path / "a")).folder, "entities")
    world = sample(tmp_path / "b")
    world.chunked = [(made, 0, len(made.text)) for made in world.articles]
    found = entities(world, granularity="window")
    assert sorted(rows(found.folder, "entities"), key=lambda r: r["id"]) == sorted(plain, key=lambda r: r["id"])
    assert found.manifest.counts.left_out["entities"]["outside"] == 0


@pytest.mark.parametrize("granularity", ["chunk", "sentence", "article"])
def test_soft_tags_are_shares_of_those_who_saw_a_token(granularity: str, tmp_path: Path) -> None:
    world = sample(tmp_path)
    open_chunk(world)
    names = entities(world, soft_tags=True, granularity=granularity)
    tags = names.manifest.configs["entities"].features["ner_tags"]["feature"]["names"]
    place = world.articles[2].chunks[0]
    row = next(r for r in rows(names.folder, "entities") if place.startswith(r["text"]) or r["text"].startswith(place))
    said = [{tags[i]: share for i, share in enumerate(shares) if share} for shares in row["soft_tags"]]
    assert len(said) == len(row["tokens"])
    half, one = {"O": 0.5}, {"O": 0.75}
    assert said[:5] == [{"B-ORG": 1.0}, {"I-ORG": 1.0}, {**half, "B-GPE": 0.5}, {**half, "I-GPE": 0.5},
                        {**one, "B-GPE": 0.25}]  # fmt: skip
    assert all(abs(sum(shares) - 1) < 1e-9 for shares in row["soft_tags"])
