"""The sample world holds together: its labels are where it says, and the rooms read what it writes."""

import json
from pathlib import Path
from typing import Any

import pytest

import builder
from builder import tables
from builder.questions.decode import decode
from builder.questions.rows import Decoded
from builder.studio.pull_records import latest, verify_pull
from tests.samples import EMAILS, SAYS, Crowd, Project, article, scheme


def pull(project: Project) -> tuple[list[dict[str, Any]], Decoded]:
    """Prepares a project and pulls; the chunks, and what the pull says about them."""
    stage = builder.prepare(project.config)
    chunks = stage.table("selected", tables.CHUNKS).to_pylist()
    project.pull(stage.table("articles", tables.ARTICLES).to_pylist(), chunks)
    found = latest(project.config.dataset_folder / "pulls")
    assert found is not None
    verify_pull(found[0])
    people = json.loads((found[0] / "users.json").read_text())
    users = {int(i): who["email"] for i, who in people.items()}
    return chunks, decode(found[0] / "tasks.jsonl", users, b"salt", project.config.labels, "pull")


def test_a_changed_scheme_leaves_the_others_alone() -> None:
    assert list(scheme(comment=False, evidence=False).questions) == ["entities", "stance", "problems"]
    assert list(scheme().questions["stance"].labels) == ["favor", "against", "neutral", "none"]
    assert scheme().questions["stance"].targets["japan"].aliases == ["Japan", "Tokyo"]
    assert scheme(targets={"nato": ["NATO"]}).questions["stance"].asked(None) == ["nato"]
    assert scheme(mode="article").questions["stance"].asked(["x"]) == ["x"]


@pytest.mark.parametrize("number", range(9))
def test_an_article_has_the_labels_it_says(number: int) -> None:
    made = article(number)
    assert made == article(number)
    for i, text in enumerate(made.chunks):
        assert made.text[made.start(i) :].startswith(text)
        assert sorted(label for _, _, label in made.spans[i]) == ["GPE", "GPE", "ORG", "PERSON"]
        side = next(label for label, says in SAYS.items() if says.split()[0] in text)
        assert sorted(made.stances[i].values()) == sorted([side, "none"])
        assert len(made.evidence[i]) == (side != "neutral")


def test_a_crowd_reads_articles_and_dissents() -> None:
    first, second = article(0), article(1, cluster=0)
    dissent = {
        (0, first.chunk_id(1)): {"stances": {"japan": "none"}, "comment": "why?"},
        (1, first.chunk_id(2)): {"state": "skipped"},
    }
    crowd = Crowd().read(first, second, dissent=dissent, skipped={second.chunk_id(3)})
    assert crowd.articles.num_rows == 2
    assert crowd.articles.column("cluster_id").to_pylist() == [first.id, first.id]
    assert crowd.chunks.num_rows == crowd.windows.num_rows == 8
    assert crowd.annotations.num_rows == 3 * 7
    assert crowd.annotations.column("comment").drop_null().to_pylist() == ["why?"]
    assert crowd.answers.num_rows == 2 * 3 * 7 - 1 - 2
    texts = {row["article_id"]: row["text"] for row in crowd.articles.to_pylist()}
    assert crowd.spans.num_rows == 4 * (3 * 7 - 1)
    for row in crowd.spans.to_pylist():
        assert texts[row["article_id"]][row["start"] : row["end"]] == row["text"]


def test_a_crowd_answers_any_question() -> None:
    crowd = Crowd().add("c", "ada", answers={"topic": {"": "war"}, "stance": {"japan": "favor"}})
    rows = [(row["question"], row["target"], row["label"]) for row in crowd.answers.to_pylist()]
    assert rows == [("topic", "", "war"), ("stance", "japan", "favor")]


def test_a_project_is_pulled_with_every_kind_of_work(tmp_path: Path) -> None:
    project = Project(tmp_path, articles=4)
    project.dissent[0, 0, 0] = {"stances": {"ukraine": "neutral", "japan": "none"}, "comment": "ask me"}
    project.dissent[1, 0, 1] = {"skip": True}
    project.dissent[2, 1, 0] = {"draft": True}
    project.dissent[2, 1, 1] = {"absent": True}
    project.dissent[2, 1, 2] = {"spans": [], "stances": {}}
    project.dissent[2, 1, 3] = {"problems": ["garbled"]}
    assert b"\r\n" in (tmp_path / "raw" / "000.txt").read_bytes()
    chunks, read = pull(project)
    assert len(chunks) == 16
    assert read.issues.num_rows == 0
    states = read.annotations.column("state").to_pylist()
    assert {state: states.count(state) for state in set(states)} == {
        "labelled": 16 * 3 - 4, "labelled-empty": 1, "skipped": 1, "draft": 1,
    }  # fmt: skip
    assert read.annotations.column("problems").to_pylist().count(["garbled"]) == 1
    assert read.annotations.column("comment").drop_null().to_pylist() == ["ask me"]
    assert len(set(read.annotations.column("annotator").to_pylist())) == len(EMAILS)
    texts = {chunk["chunk_id"]: chunk for chunk in chunks}
    for row in read.spans.to_pylist():
        shown = texts[row["chunk_id"]]
        assert shown["text"][row["start"] - shown["start"] : row["end"] - shown["start"]] == row["text"]
    assert set(read.spans.column("kind").to_pylist()) == {"entity", "evidence"}


def test_a_project_of_mentions_and_one_of_entities_alone(tmp_path: Path) -> None:
    _, read = pull(Project(tmp_path / "a", articles=1, labels=scheme(mode="mention", evidence=False)))
    assert set(read.answers.column("label").to_pylist()) >= {"favor", "none"}
    _, read = pull(Project(tmp_path / "b", articles=1, labels=scheme(stance=[], targets={})))
    assert (read.answers.num_rows, set(read.spans.column("kind").to_pylist())) == (0, {"entity"})
