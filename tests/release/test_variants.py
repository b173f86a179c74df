"""Several datasets from one pull: other granularities, labels, tokenizers and file formats."""

import json
from pathlib import Path

import pytest

from builder.errors import ConfigError
from builder.release.settings import Export
from tests.release.reading import exported, rows
from tests.release.story import article, story


@pytest.mark.parametrize("granularity", ["sentence", "article"])
def test_spans_follow_to_another_granularity(granularity: str, tmp_path: Path) -> None:
    told = story(tmp_path)
    root, manifest = exported(told, export=Export(granularity=granularity))
    found = rows(root, "entities")
    assert all(r["text"][s["start"] : s["end"]] == s["text"] for r in found for s in r["entities"])
    expected = sum(len(spans) for made in told.articles for spans in made.spans)
    assert sum(len(r["entities"]) for r in found) + manifest["losses"]["row-border"] == expected
    assert len({r["id"] for r in found}) == len(found)
    if granularity == "article":
        assert {r["text"] for r in found} == {"\n\n".join(made.chunks) for made in told.articles}


def test_labels_may_be_merged_left_out_and_subset(tmp_path: Path) -> None:
    settings = Export(entities={"GPE": "ORG", "PERSON": None}, stance={"neutral": "none"}, targets=["japan"])
    root, manifest = exported(story(tmp_path), export=settings)
    assert manifest["labels"] == {"entities": ["ORG"], "stance": ["favor", "against", "none"]}
    assert {s["label"] for r in rows(root, "entities") for s in r["entities"]} == {"ORG"}
    assert {r["target"] for r in rows(root, "stance")} == {"japan"}


def test_disputed_gold_may_be_left_out(tmp_path: Path) -> None:
    root, manifest = exported(story(tmp_path), export=Export(min_agreement=0.9))
    assert manifest["counts"]["left_out"]["stances"]["disputed"] == 1
    assert all(max(r["votes"].values()) == 3 for r in rows(root, "stance"))


def test_variants_lie_beside_the_main_dataset(tmp_path: Path) -> None:
    told = story(tmp_path)
    main, _ = exported(told)
    variant, manifest = exported(told, export=Export(configs=["stance"], variant="stance-majority", text=True))
    assert variant == tmp_path / "exports" / "story-stance-majority" / "v1.0.0"
    assert manifest["name"] == "story-stance-majority"
    assert list(manifest["configs"]) == ["stance"]
    assert main.is_dir()


def test_tokens_only(tmp_path: Path) -> None:
    root, _ = exported(story(tmp_path), export=Export(configs=["entities"], text=False, tags="bioes"))
    assert set(rows(root, "entities")[0]) == {"id", "article_id", "chunk_id", "tokens", "ner_tags"}


def test_a_tokenizer_file_gives_aligned_labels(tmp_path: Path) -> None:
    path = tokenizer(tmp_path)
    root, manifest = exported(story(tmp_path), export=Export(configs=["entities"], tokenizer=str(path)))
    for row in rows(root, "entities"):
        assert len(row["input_ids"]) == len(row["labels"]) == len(row["tokens"]) + 2
        assert row["labels"][0] == row["labels"][-1] == -100
        assert row["labels"][1:-1] == row["ner_tags"]
    assert any(len(t) > 1 for t in row["tokens"])
    assert manifest["tokenizer"]
    assert str(tmp_path) not in (root / "manifest.json").read_text()


def tokenizer(tmp_path: Path) -> Path:
    """A small byte-level tokenizer with special tokens, trained on the story."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE(unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=["[UNK]", "[CLS]", "[SEP]"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())  # fmt: skip
    made.train_from_iterator([c for n in range(4) for c in article(n).chunks], trainer)
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    path = tmp_path / "tokenizer.json"
    made.save(str(path))
    return path


def test_a_missing_tokenizer_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file"):
        exported(story(tmp_path), export=Export(tokenizer="nowhere.json"))


def test_other_formats_hold_the_same_labels(tmp_path: Path) -> None:
    root, _ = exported(story(tmp_path), export=Export(formats=["jsonl", "conll"]))
    lines = [json.loads(line) for line in (root / "jsonl/entities/train.jsonl").read_text("utf-8").splitlines()]
    tags = [t for row in lines for t in row["ner_tags"]]
    blocks = (root / "conll/entities/train.conll").read_text("utf-8").split("\n\n")[1:-1]
    assert [line.split(" ")[3] for block in blocks for line in block.splitlines()] == tags
    assert {"O", "B-PERSON", "I-ORG"} <= set(tags)


def test_docbin_holds_every_span_and_the_text(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy", reason="DocBin is spaCy's: pip install spacy")
    from spacy.tokens import DocBin

    told = story(tmp_path)
    root, _ = exported(told, export=Export(formats=["spacy"]))
    docs = list(DocBin().from_disk(root / "spacy/entities/train.spacy").get_docs(spacy.blank("xx").vocab))
    released = rows(root, "entities", "train")
    assert [doc.user_data["id"] for doc in docs] == [row["id"] for row in released]
    assert [doc.text for doc in docs] == [row["text"] for row in released]
    for doc, row in zip(docs, released, strict=True):
        marked = [(s.start_char, s.end_char, s.label_) for s in doc.spans["entities"]]
        assert marked == [(s["start"], s["end"], s["label"]) for s in row["entities"]]
        assert {(e.start_char, e.end_char, e.label_) for e in doc.ents} <= set(marked)
    assert any(doc.ents for doc in docs)
    again, _ = exported(told, export=Export(formats=["spacy"], variant="again"))
    for path in (root / "spacy").rglob("*.spacy"):
        assert path.read_bytes() == (again / path.relative_to(root)).read_bytes()
