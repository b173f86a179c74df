"""A push puts right what others, or an interrupted push, left in a project."""

import json
from typing import Any

import pytest

from builder import pipeline, pull, push
from builder.errors import Refused
from builder.questions import encode
from builder.studio import projects
from builder.studio.importing import import_tasks
from builder.studio.planning import PlannedTask
from builder.studio.projects import projects_of
from builder.studio.settings import Annotators
from tests.conftest import connected
from tests.results import counts, printed

pytestmark = pytest.mark.studio


def body(sample: Any, number: int) -> dict[str, Any]:
    chunk = sample.chunks[number]
    article = next(a for a in sample.articles if a["article_id"] == chunk["article_id"])
    return {"data": encode.task(chunk, {"published": None, **article}, sample.config.labels)}


@pytest.fixture
def human(studio: Any) -> Any:
    """Four chunks for people to annotate, not pushed yet."""
    return studio.dataset(chunks=4, annotators=Annotators(overlap=2))


def test_duplicates_become_one_task_and_no_annotation_is_lost(human: Any) -> None:
    push(human.config)
    with connected(human.config) as (_, client):
        project = projects_of(client, pipeline.campaign(human.config))["all"].id
        copies = [body(human, 0), body(human, 0), body(human, 1)]
        made = client.post(f"api/projects/{project}/import", copies, {"return_task_ids": "true"})["task_ids"]
        saved = [
            client.post(f"api/tasks/{task}/annotations/", {"result": [], "lead_time": n})["id"]
            for n, task in enumerate(made[:2])
        ]
        outcome = push(human.config).projects[0]
        assert (outcome.duplicates_removed, outcome.annotations_moved, outcome.imported) == (3, 1, 0)
        pulled = pull(human.config)
        assert counts(pulled, "tasks", "annotations", "duplicates") == (4, 2, 0)
        tasks = [json.loads(line) for line in (pulled.folder / "tasks.jsonl").read_text("utf-8").splitlines()]
        assert sorted(a["id"] for t in tasks for a in t["annotations"]) == saved


def test_a_duplicate_with_a_draft_is_left_and_reported(human: Any) -> None:
    push(human.config)
    with connected(human.config) as (_, client):
        project = projects_of(client, pipeline.campaign(human.config))["all"].id
        copy = client.post(f"api/projects/{project}/import", [body(human, 2)], {"return_task_ids": "true"})
        client.post(f"api/tasks/{copy['task_ids'][0]}/drafts", {"result": []})
        outcome = push(human.config).projects[0]
        assert (outcome.duplicates_removed, outcome.duplicates_left) == (0, 1)


def test_annotations_of_another_text_are_not_moved_under_the_planned_one(human: Any) -> None:
    push(human.config)
    with connected(human.config) as (_, client):
        project = projects_of(client, pipeline.campaign(human.config))["all"].id
        copies = [body(human, 0), body(human, 1)]
        for copy in copies:
            copy["data"]["text"] = f"Edited. {copy['data']['text']}"
        annotated, untouched = client.post(f"api/projects/{project}/import", copies, {"return_task_ids": "true"})[
            "task_ids"
        ]
        client.post(f"api/tasks/{annotated}/annotations/", {"result": []})
        pushed = push(human.config)
        outcome = pushed.projects[0]
        assert (outcome.duplicates_removed, outcome.duplicates_left, outcome.imported) == (1, 1, 0)
        assert "1 duplicate tasks left because they hold a draft, or annotations" in printed("push", pushed)
        tasks = client.get("api/tasks", {"project": project, "page_size": 100})["tasks"]
        assert untouched not in {t["id"] for t in tasks}
        planned = {chunk["text"] for chunk in human.chunks}
        assert {t["data"]["text"] for t in tasks if t["id"] != annotated} == planned
        assert [t["total_annotations"] for t in tasks if t["id"] == annotated] == [1]


def test_chunks_not_selected_any_more_are_reported_and_stay(human: Any) -> None:
    push(human.config)
    with connected(human.config) as (_, client):
        project = projects_of(client, pipeline.campaign(human.config))["all"].id
        tasks = client.get("api/tasks", {"project": project, "page_size": 100})["tasks"]
        gone = next(t for t in tasks if t["data"]["chunk_id"] == human.chunks[0]["chunk_id"])
        client.post(f"api/tasks/{gone['id']}/annotations/", {"result": []})
        human.reselect(human.chunks[2:])
        outcome = push(human.config).projects[0]
        assert (outcome.planned, outcome.unplanned, outcome.unplanned_annotated) == (2, 2, 1)
        assert client.get("api/tasks", {"project": project, "page_size": 1})["total"] == 4


def test_tasks_of_others_are_left_alone_whatever_they_hold(human: Any) -> None:
    push(human.config)
    with connected(human.config) as (_, client):
        project = projects_of(client, pipeline.campaign(human.config))["all"].id
        shown = dict.fromkeys(("text", "title", "byline", "context_before", "context_after"), "by hand")
        foreign = [{"data": {**shown, **more}} for more in ({}, {"chunk_id": 5}, {"chunk_id": ["x"]})]
        client.post(f"api/projects/{project}/import", foreign)
    outcome = push(human.config).projects[0]
    assert (outcome.imported, outcome.foreign) == (0, 3)
    for full in (False, True):
        pulled = pull(human.config, full=full)
        assert counts(pulled, "tasks", "foreign", "duplicates") == (7, 3, 0)


def test_dropped_predictions_are_repaired_once(human: Any) -> None:
    push(human.config)
    region = {
        "id": "r1",
        "from_name": "entity",
        "to_name": "text",
        "type": "labels",
        "value": {"start": 0, "end": 4, "text": "Para", "labels": ["GPE"]},
    }
    plan = {}
    for number, chunk in enumerate(human.chunks):
        predictions = [{"model_version": "m1", "score": 0.5, "result": [region]}] if number < 3 else []
        plan[chunk["chunk_id"]] = PlannedTask(body(human, number)["data"], predictions)
    with connected(human.config) as (_, client):
        project = projects_of(client, pipeline.campaign(human.config))["all"].id
        outcomes = [import_tasks(client, project, plan) for _ in range(2)]
        assert [o.predictions_repaired for o in outcomes] == [3, 0]
        tasks = client.get("api/tasks", {"project": project, "include": "id,total_predictions", "page_size": 100})
        assert sorted(t["total_predictions"] for t in tasks["tasks"]) == [0, 1, 1, 1]


def test_text_that_the_server_cannot_hold_never_gets_there(human: Any) -> None:
    human.chunks[1]["text"] = human.chunks[1]["text"].replace("Japan", "Jap\0n", 1) + "\0"
    human.reselect(human.chunks)
    summary = push(human.config)
    assert summary.projects[0].imported == 3
    (row,) = summary.rejects
    assert (row["chunk_id"], row["reason"]) == (human.chunks[1]["chunk_id"], "nul-character")


def test_a_project_whose_note_was_lost_is_found_by_its_mark(human: Any) -> None:
    first = push(human.config).projects[0]
    (human.config.dataset_folder / "projects.json").unlink()
    again = push(human.config).projects[0]
    assert (again.project, again.imported) == (first.project, 0)


def test_a_project_whose_mark_was_lost_is_found_by_its_note(human: Any) -> None:
    first = push(human.config).projects[0]
    with connected(human.config) as (_, client):
        client.patch(f"api/projects/{first.project}/", {"description": "mine"})
        assert push(human.config).projects[0].project == first.project
        restored = client.get(f"api/projects/{first.project}/")["description"]
    assert projects.mark(human.config.dataset.name, "all") in restored


def test_a_note_that_leads_to_another_dataset_is_not_followed(human: Any, studio: Any) -> None:
    # So it is when Label Studio's data was lost or restored, and the numbers of its projects were given out again.
    other = studio.dataset(chunks=1, annotators=Annotators(overlap=2))
    theirs = push(other.config).projects[0].project
    notes = human.config.dataset_folder / "projects.json"
    notes.write_text(json.dumps({"embedded": {"all": theirs}}), encoding="utf-8")
    assert push(human.config).projects[0].project != theirs
    assert (push(other.config).projects[0].unplanned) == 0


def test_two_projects_with_one_mark_are_not_guessed_between(human: Any) -> None:
    push(human.config)
    with connected(human.config) as (_, client):
        words = projects.mark(human.config.dataset.name, "all")
        client.post("api/projects/", {"title": "copy", "description": words})
    (human.config.dataset_folder / "projects.json").unlink()
    with pytest.raises(Refused, match="both say"):
        push(human.config)


def test_the_number_of_annotations_is_set_and_verified(human: Any) -> None:
    first = push(human.config).projects[0]
    human.config.annotators.overlap = 5
    push(human.config)
    with connected(human.config) as (_, client):
        assert client.get(f"api/projects/{first.project}/")["maximum_annotations"] == 5


def test_a_task_deleted_by_hand_comes_back_although_the_push_is_remembered(human: Any) -> None:
    push(human.config)
    with connected(human.config) as (_, client):
        project = projects_of(client, pipeline.campaign(human.config))["all"].id
        tasks = client.get("api/tasks", {"project": project, "page_size": 100})["tasks"]
        client.send("DELETE", f"api/tasks/{tasks[1]['id']}/")
        assert push(human.config).projects[0].imported == 1
        assert push(human.config).projects[0].imported == 0
        # One more goes and another comes, so that their number says nothing.
        client.send("DELETE", f"api/tasks/{tasks[2]['id']}/")
        client.post(f"api/projects/{project}/import", [body(human, 0)])
        outcome = push(human.config).projects[0]
        assert (outcome.imported, outcome.duplicates_removed) == (1, 1)
