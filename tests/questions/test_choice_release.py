"""A question about the whole chunk reaches gold, release, card and trace without code of its own there."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from omegaconf import OmegaConf

import builder
from builder.composing import conf_folder
from builder.questions import scheme_from
from builder.questions.encode import stated
from builder.scheme import Scheme
from tests.samples import Project

FRAMES = ("conflict", "money", "people", "morality")


def shipped() -> Scheme:
    found: Any = OmegaConf.to_container(OmegaConf.load(conf_folder() / "labels" / "news_topics.yaml"))
    return scheme_from(found)


class Topics(Project):
    """Two of three annotators call each chunk economy and tick money; the third calls it defence and ticks nothing."""

    def _annotation(self, chunk: Any, number: int, user: int, said: Any) -> dict[str, Any]:
        says = {"topic": "economy", "frame": ["money"]} if user else {"topic": "defence", "frame": []}
        made = super()._annotation(chunk, number, user, said)
        return {**made, "result": stated(says, chunk["text"], chunk["start"], self.config.labels)}


def test_what_is_chosen_is_released(tmp_path: Path) -> None:
    project = Topics(tmp_path, articles=6, labels=shipped())
    prepared = builder.prepare(project.config)
    project.pull(prepared.table("articles").to_pylist(), prepared.table("chunks").to_pylist())
    gold = builder.adjudicate(project.config).table("gold_answers").to_pylist()
    assert {(row["question"], row["target"], row["label"]) for row in gold} == {
        ("topic", "", "economy"), ("frame", "money", "yes"), *(("frame", f, "no") for f in FRAMES if f != "money"),
    }  # fmt: skip
    release = builder.export(project.config)
    (topic, *_), (frame, *_) = (pq.read_table(release.folder / name).to_pylist() for name in ("topic", "frame"))
    assert (topic["label"], topic["votes"]["economy"], topic["votes"]["defence"]) == (2, 2, 1)
    assert (frame["labels"], frame["undecided"], frame["annotators"]) == ([1], [], 3)
    assert frame["votes"] == {"conflict": 0, "money": 2, "people": 0, "morality": 0}
    card = (release.folder / "README.md").read_text(encoding="utf-8")
    assert "- config_name: topic" in card
    assert "Armed forces, weapons, their production and use" in card
    traced = builder.trace(project.config, topic["id"]).trace
    assert {row["question"] for row in traced.gold} >= {"topic"}
