"""Gold questions go to every annotator among the other chunks, and each annotator is scored on them."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from builder import tables
from builder.commands.pull import pull
from builder.commands.push import push
from builder.commands.validate import validate
from builder.errors import SourceError
from builder.quality.settings import Quality
from builder.store import read_json, write_table
from builder.studio.settings import Annotators


def quiet() -> Console:
    return Console(file=io.StringIO())


@pytest.mark.studio
def test_everyone_answers_the_questions_and_is_scored(studio: Any, tmp_path: Any) -> None:
    sample = studio.dataset(chunks=8)
    config = sample.config
    asked = sample.chunks[-1]
    # The first annotator's recording says "none" about Japan, the others "favor": this question tells them apart.
    question = {"article_id": asked["article_id"], "start": asked["start"], "end": asked["end"]}
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps(question | {"stance": {"japan": "favor"}}) + "\n", encoding="utf-8")
    config.quality = Quality(questions=str(path), question_rate=0.1)
    config.annotators = Annotators(kind="recorded", recorded=str(sample.recorded), overlap=1, layout="each")
    write_table(config.stage("prepare").table("chunks"), tables.build(sample.chunks, tables.CHUNKS))

    pushed = push(config, quiet())
    assert sum(row["planned"] for row in pushed["projects"]) == 7 + 3
    pull(config, quiet())
    validate(config, quiet(), gate=False)
    scores = (read_json(config.stage("validate").folder / "agreement.json") or {})["questions"]
    assert sorted((s["questions"], s["accuracy"]) for s in scores.values()) == [(1, 0.0), (1, 1.0), (1, 1.0)]

    again = push(config, quiet())
    assert sum(row["imported"] for row in again["projects"]) == 0


def test_questions_that_are_no_chunks_are_an_error(make_sample: Any, tmp_path: Any) -> None:
    sample = make_sample(chunks=4)
    path = tmp_path / "questions.jsonl"
    path.write_text('{"article_id": "nowhere", "start": 0, "end": 5, "stance": {"japan": "favor"}}\n', encoding="utf-8")
    sample.config.quality = Quality(questions=str(path))
    write_table(sample.config.stage("prepare").table("chunks"), tables.build(sample.chunks, tables.CHUNKS))
    with pytest.raises(SourceError, match="No chunk is one of the questions"):
        push(sample.config, quiet())
