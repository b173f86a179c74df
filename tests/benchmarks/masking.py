"""What a model learns from a release, by what is done with tokens that annotators did not decide on.

A token classifier is trained on a release of a generated crowd that overlooks names, and tested on the true labels.
"""

import random
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from builder.release.settings import Export, Split
from builder.text import token_spans
from tests.benchmarks.ratios import Report
from tests.release.world import World
from tests.samples import ANNOTATORS, Article

_CHUNKS, _ARTICLES = 5, 120
#: Share of the names that an annotator overlooks.
_OVERLOOKED = 0.4
_SYLLABLES = ("ka", "ro", "min", "tel", "vor", "zu", "lan", "bek", "shi", "dor", "pa", "gri", "mal", "sen", "quo", "ju")
_ENDS = {"PERSON": ("ov", "sen", "ez"), "ORG": ("corp", "tek", "bank"), "GPE": ("stan", "burg", "ia")}


def crowd(folder: Path, seed: int) -> World:
    """Articles of made-up names among made-up words, and four annotators who each overlook a part of the names."""
    draw = random.Random(seed)

    def word(low: int, high: int) -> str:
        return "".join(draw.choice(_SYLLABLES) for _ in range(draw.randint(low, high)))

    articles = []
    for number in range(_ARTICLES):
        made = Article(number)
        for _ in range(_CHUNKS):
            text, spans = word(1, 3).title(), []
            for _ in range(draw.randint(18, 26)):
                if draw.random() < 0.15:
                    label = draw.choice(list(_ENDS))
                    name = (word(1, 2) + draw.choice(_ENDS[label])).title()
                    spans.append((len(text) + 1, len(text) + 1 + len(name), label))
                    text += f" {name}"
                else:
                    # Capitals that are no names, so that the tags have to be learnt.
                    text += f" {word(1, 3).title() if draw.random() < 0.05 else word(1, 3)}"
            made.chunks.append(f"{text}.")
            made.spans.append(spans)
            made.stances.append({})
        articles.append(made)
    world = World(folder, articles, annotators=(*ANNOTATORS, "annotator-ffffff"))
    for made in articles:
        for i in range(_CHUNKS):
            for n in range(4):
                kept = [span for span in made.spans[i] if draw.random() >= _OVERLOOKED]
                world.dissent[n, made.chunk_id(i)] = {"spans": kept}
    return world


def features(tokens: list[str]) -> list[dict[str, Any]]:
    """What the classifier sees of each token."""
    around = ["", *tokens, ""]
    return [
        {"word": w.lower(), "end3": w[-3:], "end2": w[-2:], "title": w.istitle(), "first": i == 0,
         "before": around[i][-2:], "after": around[i + 2][:2]}
        for i, w in enumerate(tokens)
    ]  # fmt: skip


def f1(world: World, unknown: str) -> float:
    """F1 over tokens of names, on the true labels of the test split, of a model of the train split."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    settings = Export(configs=["entities"], unknown=unknown, variant=unknown)
    root = world.export(settings, Split(ratios={"train": 0.7, "test": 0.3})).folder
    rows = {
        split: [
            row for path in sorted((root / "entities").glob(f"{split}-*")) for row in pq.read_table(path).to_pylist()
        ]
        for split in ("train", "test")
    }
    inputs, labels = [], []
    for row in rows["train"]:
        for seen, tag, masked in zip(features(row["tokens"]), row["ner_tags"], row["mask"], strict=True):
            if not masked:
                inputs.append(seen)
                labels.append((tag + 1) // 2)
    model = make_pipeline(DictVectorizer(), LogisticRegression(max_iter=200, C=2))
    model.fit(inputs, labels)
    truth = {made.chunk_id(i): made.spans[i] for made in world.articles for i in range(_CHUNKS)}
    names = list(_ENDS)
    right = found = there = 0
    for row in rows["test"]:
        places = token_spans(row["text"])
        wanted = [next((names.index(s[2]) + 1 for s in truth[row["id"]] if s[0] <= a < s[1]), 0) for a, _ in places]
        given = model.predict(features(row["tokens"])).tolist()
        right += sum(a == b != 0 for a, b in zip(wanted, given, strict=True))
        found += sum(tag != 0 for tag in given)
        there += sum(tag != 0 for tag in wanted)
    return 2 * right / max(found + there, 1)


def measure(report: Report) -> None:
    """Masking undecided tokens beats calling them outside; masking those of a minority, too, beats that.

    The default masks both. It beats leaving out every text with an undecided span, too.
    """
    from unittest import mock

    scores: dict[str, list[float]] = {name: [] for name in ("outside", "unresolved", "disputed", "strict")}
    with mock.patch("builder.release.export.check_loads"):
        for seed in range(2):
            for name, found in scores.items():
                with tempfile.TemporaryDirectory() as folder:
                    found.append(f1(crowd(Path(folder), seed), name))
    outside, unresolved, disputed, strict = (sum(found) / len(found) for found in scores.values())
    report.at_least("release.f1_unresolved_masked_vs_outside", unresolved / outside, 1.02)
    report.at_least("release.f1_disputed_masked_vs_unresolved_masked", disputed / unresolved, 1.02)
    report.at_least("release.f1_disputed_masked_vs_strict", disputed / strict, 1.02)
