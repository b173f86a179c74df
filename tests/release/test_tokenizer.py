"""A tokenizer file gives tokens, ids and aligned labels."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from builder.errors import ConfigError
from builder.release.settings import Export
from builder.release.tags import IGNORED, encode_texts
from builder.text import Texts
from tests.release.world import rows, sample
from tests.samples import article


def tokenizer(tmp_path: Path) -> Path:
    """A small byte-level tokenizer with special tokens, trained on the sample world."""
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


def test_labels_are_aligned_with_ids(tmp_path: Path) -> None:
    path = tokenizer(tmp_path)
    made = sample(tmp_path).export(Export(configs=["entities"], tokenizer=str(path)))
    for row in rows(made.folder, "entities"):
        assert len(row["input_ids"]) == len(row["labels"]) == len(row["tokens"]) + 2
        assert row["labels"][0] == row["labels"][-1] == IGNORED == -100
        assert row["labels"][1:-1] == row["ner_tags"]
    assert any(len(t) > 1 for t in row["tokens"])
    assert any(row["ner_tags"])
    assert made.manifest.tokenizer
    assert str(tmp_path) not in (made.folder / "manifest.json").read_text()
    card = (made.folder / "README.md").read_text("utf-8")
    assert "of the tokenizer file" in card


def test_tokens_are_trimmed_to_their_characters(tmp_path: Path) -> None:
    texts = ["a harbour  bridge", "\u00a0treaty ", ""]
    column = pa.array(texts)
    made = Texts.of(column)
    found = encode_texts(column, made, str(tokenizer(tmp_path)))
    tokens = found.tokens.strings(made).to_pylist()
    assert all(token and token == token.strip() for token in tokens)
    assert {"harbour", "bridge"} <= set(tokens)
    assert found.tokens.rows.tolist()[2:] == [len(tokens), len(tokens)]
    labels = found.labels(np.arange(len(tokens))).values.to_numpy()
    assert labels[labels >= 0].tolist() == list(range(len(tokens)))
    assert labels[found.rows[:-1]].tolist() == [IGNORED] * 3


def test_a_missing_tokenizer_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file"):
        sample(tmp_path).export(Export(tokenizer="nowhere.json"))
