"""The review loop: what is sent to the expert, once, without names; and what comes back as gold."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from builder.commands.adjudicate import adjudicate
from builder.commands.pull import pull
from builder.commands.push import push
from builder.commands.review import review
from builder.commands.validate import validate
from builder.quality.cases import Case, cases
from builder.quality.gold_answers import gold_answers
from builder.quality.gold_spans import gold_spans
from builder.quality.panel import Panel
from builder.quality.settings import Aggregation
from builder.questions.encode import results
from builder.store import read_table
from builder.studio.review import plan_review, review_interface
from builder.tables import ANNOTATIONS, GOLD_ANSWERS, GOLD_SPANS, ISSUES, build

QUIET = Console(file=io.StringIO())


def found(crowd: Any, scheme: Any, issues: list[dict[str, object]] | None = None) -> list[Case]:
    panel, used = Panel(crowd.annotations), Aggregation()
    return cases(
        crowd.annotations,
        crowd.spans,
        crowd.stances,
        build(issues or [], ISSUES),
        gold_spans(crowd.spans, panel, crowd.windows, used),
        gold_answers(crowd.stances, panel, used),
        crowd.windows,
        scheme(),
    )


def test_only_what_is_open_becomes_a_case(crowd: Any, scheme: Any) -> None:
    for chunk, second in (("tie", "against"), ("same", "favor")):
        crowd.add(chunk, "ada", stances={"japan": "favor"}).add(chunk, "ben", stances={"japan": second})
    [case] = found(crowd, scheme)
    assert case.chunk_id == "tie"
    assert case.review_of == ["1:1", "1:2"]


def test_a_case_says_why_and_who_voted_how_without_names(crowd: Any, scheme: Any) -> None:
    crowd.add("c", "ada", [(17, 24, "WEAPON")], {"japan": "favor"})
    crowd.add("c", "ben", [], {"japan": "against"})
    [case] = found(crowd, scheme)
    by = {s.by: s.stances[0]["label"] for s in case.suggestions if s.stances}
    assert sorted(by) == ["annotator A", "annotator B"]
    assert f"Stance toward Japan: A {by['annotator A']}, B {by['annotator B']}" in case.why
    assert "WEAPON “Patriot”" in case.why
    assert "ada" not in case.why
    assert "ben" not in case.why


def test_letters_do_not_follow_a_person(crowd: Any, scheme: Any) -> None:
    for n in range(20):
        crowd.add(f"c{n}", "ada", stances={"japan": "favor"}).add(f"c{n}", "ben", stances={"japan": "against"})
    letters = set()
    for case in found(crowd, scheme):
        letters |= {s.by for s in case.suggestions if [row["label"] for row in s.stances] == ["favor"]}
    assert letters == {"annotator A", "annotator B"}


def test_the_last_suggestion_is_what_is_settled(crowd: Any, scheme: Any) -> None:
    for name, japan in (("ada", "favor"), ("ben", "against")):
        crowd.add("c", name, [(0, 5, "GPE")], {"japan": japan, "ukraine": "none"})
    [case] = found(crowd, scheme)
    settled = case.suggestions[-1]
    assert settled.by == "agreed so far"
    assert [(s["start"], s["label"]) for s in settled.spans] == [(0, "GPE")]
    assert [(s["target"], s["label"]) for s in settled.stances] == [("ukraine", "none")]


def test_an_annotation_in_quarantine_is_a_case_until_it_was_reviewed(crowd: Any, scheme: Any) -> None:
    crowd.add("c", "ada", stances={"japan": "favor"}).add("c", "ben", stances={"japan": "favor"}, quarantined=True)
    about = {"annotation_id": "1:2", "chunk_id": "c", "path": "$"}
    issue: dict[str, object] = {**about, "check": "bounds", "severity": "error", "message": "GPE is <out>."}
    [case] = found(crowd, scheme, [issue])
    assert "is in quarantine (bounds): GPE is &lt;out&gt;." in case.why
    crowd.add("c", "eve", stances={"japan": "favor"}, project_id=2, parent_id="1:1 1:2")
    assert found(crowd, scheme, [issue]) == []


def test_the_plan_shows_every_annotator_as_a_prediction(crowd: Any, scheme: Any) -> None:
    crowd.add("c", "ada", [(17, 24, "WEAPON")], {"japan": "favor"}).add("c", "ben", [], {"japan": "against"})
    data = {"chunk_id": "c", "article_id": "c", "start": 0, "text": crowd.windows["text"][0].as_py(), "title": "T"}
    planned = plan_review(found(crowd, scheme), {"c": data}, scheme())
    task = json.loads(planned["c"].body)
    assert task["data"]["review_of"] == ["1:1", "1:2"]
    assert [p["model_version"] for p in task["predictions"]] == ["annotator A", "annotator B", "agreed so far"]
    assert sorted(len(p["result"]) for p in task["predictions"]) == [0, 1, 2]
    assert task["predictions"] == planned["c"].predictions
    assert "ada" not in json.dumps(task)


def test_the_interface_shows_the_reasons_once(scheme: Any) -> None:
    for changes in ({}, {"entities": {}, "evidence": False}, {"guidelines": "Read."}):
        assert review_interface(scheme(**changes)).count('<Markdown value="$review"') == 1


@pytest.mark.studio
def test_conflict_review_decision_gold(studio: Any) -> None:
    from builder.studio import projects
    from builder.studio.client import Client
    from builder.studio.server import ensure

    sample = studio.dataset(chunks=4, aggregation=Aggregation(method="expert"))
    config = sample.config
    for command in (push, pull, validate, adjudicate):
        command(config, QUIET)
    statuses = [r["status"] for r in gold(config) if r["target"] == "japan"]
    assert statuses == ["unresolved"] * 4
    assert review(config, QUIET, dry_run=True)["open"] == 4
    first = review(config, QUIET)
    assert (first["imported"], first["present"]) == (4, 0)
    again = review(config, QUIET)
    assert (again["imported"], again["present"]) == (0, 4)

    with ensure(config) as server, Client(server, config.label_studio) as client:
        project = projects.find(client, config, projects.REVIEW)
        assert project is not None
        page = client.get("api/tasks", {"project": project["id"], "fields": "all", "page_size": 100})
        chosen = page["tasks"][0]
        assert len(chosen["predictions"]) == 4
        data = chosen["data"]
        stances = [{"target": t, "span_id": None, "label": "against"} for t in ("japan", "china")]
        decision = results([], stances, [], None, data["start"], data["text"], config.labels)
        client.post(f"api/tasks/{chosen['id']}/annotations/", {"result": decision, "lead_time": 5})

    for command in (pull, validate, adjudicate):
        command(config, QUIET)
    mine = {r["target"]: r for r in gold(config) if r["chunk_id"] == data["chunk_id"]}
    assert (mine["japan"]["label"], mine["japan"]["status"]) == ("against", "expert")
    assert len(mine["japan"]["votes"]) == 4
    annotations = read_table(config.stage("validate").table("annotations"), ANNOTATIONS, "validate").to_pylist()
    [made] = [a for a in annotations if a["project_id"] == project["id"]]
    assert made["parent_id"].split() == data["review_of"]
    spans = read_table(config.stage("adjudicate").table("gold_spans"), GOLD_SPANS, "adjudicate").to_pylist()
    assert {s["status"] for s in spans if s["chunk_id"] == data["chunk_id"]} <= {"rejected"}
    after = review(config, QUIET)
    assert (after["open"], after["decided"], after["imported"]) == (3, 1, 0)


def gold(config: Any) -> list[dict[str, Any]]:
    table = read_table(config.stage("adjudicate").table("gold_answers"), GOLD_ANSWERS, "adjudicate")
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
