"""Gold questions go to every annotator among the other chunks, and each annotator is scored on them."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder import pull, push, validate
from builder.commands.workspace import labels
from builder.errors import SourceError
from builder.quality.settings import Quality
from builder.questions.interface import interface
from builder.studio.settings import Annotators, Suggestions
from tests.conftest import connected


@pytest.mark.studio
def test_everyone_answers_the_questions_and_is_scored(studio: Any, tmp_path: Any) -> None:
    sample = studio.dataset(chunks=4)
    config = sample.config
    asked = sample.chunks[-1]
    # The first annotator's recording says "none" about Japan, the others "favor": this question tells them apart.
    question = {"article_id": asked["article_id"], "start": asked["start"], "end": asked["end"]}
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps(question | {"stance": {"japan": "favor"}}) + "\n", encoding="utf-8")
    config.quality = Quality(questions=str(path), question_rate=0.1)
    config.annotators = Annotators(kind="recorded", recorded=str(sample.recorded), overlap=1, layout="each")
    pushed = push(config)
    assert sum(row.planned for row in pushed.projects) == 3 + 3
    pull(config)
    scores = validate(config).json("agreement")["known_answers"]
    assert sorted((s["chunks"], s["accuracy"]) for s in scores.values()) == [(1, 0.0), (1, 1.0), (1, 1.0)]

    again = push(config)
    assert sum(row.imported for row in again.projects) == 0


def test_questions_that_are_no_chunks_are_an_error(make_sample: Any, tmp_path: Any) -> None:
    sample = make_sample(chunks=4)
    path = tmp_path / "questions.jsonl"
    path.write_text('{"article_id": "nowhere", "start": 0, "end": 5, "stance": {"japan": "favor"}}\n', encoding="utf-8")
    sample.config.quality = Quality(questions=str(path))
    with pytest.raises(SourceError, match=r"No gold question in .* matches a chunk"):
        push(sample.config)


@pytest.mark.studio
def test_the_page_of_a_scheme_is_shown_with_an_example(studio: Any, tmp_path: Path) -> None:
    """`builder labels preview` puts the same example there once, whatever the settings of the dataset are."""
    sample = studio.dataset(chunks=1)
    config = sample.config
    config.quality = Quality(questions=str(tmp_path / "none.jsonl"))
    config.suggestions = Suggestions(method="python", function="nowhere:nothing", model_version="m")
    config.selection.method, config.annotators.overlap = "keywords", 3
    first, again = labels(config, "preview"), labels(config, "preview")
    assert first == again
    assert first.page.startswith("http://127.0.0.1:")
    project = int(first.page.rstrip("/").rpartition("/")[2])
    with connected(config) as (_, client):
        found = client.get(f"api/projects/{project}/")
        (task,) = client.get("api/tasks", {"project": project, "fields": "all"})["tasks"]
    assert found["title"].startswith("test-")
    assert "preview" in found["title"]
    assert found["label_config"] == interface(config.labels).strip()
    assert task["data"]["text"].startswith("On Monday ministers of two countries met")
    assert (task["data"]["title"], task["predictions"]) == ("An example", [])
    assert (config.selection.method, config.quality.questions, config.suggestions.method) == (
        "keywords", str(tmp_path / "none.jsonl"), "python",
    )  # fmt: skip
