"""Code that knows only `load_dataset` learns from a release, aligns its tags with a tokenizer, and streams it."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from builder.release.settings import Split
from tests.release.test_tokenizer import tokenizer
from tests.release.world import World
from tests.samples import article


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of sixty articles."""
    world = World(tmp_path_factory.mktemp("training"), [article(number) for number in range(60)])
    return world.export(split=Split(ratios={"train": 0.6, "test": 0.4})).folder


@pytest.fixture
def data(folder: Path, tmp_path: Path) -> Any:
    from datasets import load_dataset

    return lambda name, **how: load_dataset(str(folder), name, cache_dir=str(tmp_path), **how)


def test_a_token_classifier_learns(data: Any) -> None:
    from sklearn_crfsuite import CRF

    entities = data("entities")
    names = entities["train"].features["ner_tags"].feature.names

    def columns(split: str) -> tuple[list[Any], list[Any]]:
        rows = entities[split]
        around = [
            [
                {"word": w, "title": w.istitle(), "before": words[i - 1] if i else "", "after": (*words, "", "")[i + 1]}
                for i, w in enumerate(words)
            ]
            for words in rows["tokens"]
        ]
        return around, [[names[t] for t in tags] for tags in rows["ner_tags"]]

    model = CRF(max_iterations=40)
    model.fit(*columns("train"))
    inputs, truth = columns("test")
    pairs = [(a, b) for x, y in zip(truth, model.predict(inputs), strict=True) for a, b in zip(x, y, strict=True)]
    marked = [(a, b) for a, b in pairs if a != "O"]
    assert sum(a == b for a, b in marked) / len(marked) > 0.8


def test_a_stance_classifier_beats_the_most_frequent_label(data: Any) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    stance = data("stance")

    def texts(split: str) -> list[str]:
        # The target stands before every word, so that a linear model can weigh words by target.
        pairs = zip(stance[split]["text"], stance[split]["target"], strict=True)
        return [" ".join(f"{target}_{word}" for word in text.split()) for text, target in pairs]

    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=500, C=20))
    model.fit(texts("train"), stance["train"]["label"][:])
    truth = stance["test"]["label"][:]
    right = sum(a == b for a, b in zip(truth, model.predict(texts("test")), strict=True)) / len(truth)
    assert right > Counter(truth).most_common(1)[0][1] / len(truth) + 0.1


def test_word_tags_align_with_a_fast_tokenizer(data: Any, tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    entities = data("entities")["train"]
    made = Tokenizer.from_file(str(tokenizer(tmp_path)))
    for row in entities:
        encoding = made.encode(row["tokens"], is_pretokenized=True)
        words = encoding.word_ids
        labels = [-100 if w is None or (i and words[i - 1] == w) else row["ner_tags"][w] for i, w in enumerate(words)]
        assert [label for label in labels if label != -100] == row["ner_tags"]
        assert labels[0] == labels[-1] == -100


def test_streaming_stops_early(data: Any) -> None:
    stream = data("stance", split="train", streaming=True)
    assert len(list(stream.take(5))) == 5
    assert {row["target"] for row in stream.take(10)} == {"ukraine", "japan"}
