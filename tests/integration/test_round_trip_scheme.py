"""A scheme changes under a project that people have annotated, and no label is lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder import adjudicate, pipeline, pull, push, review, validate
from builder.errors import Refused
from builder.quality.settings import Aggregation
from builder.studio import scheme_changes
from builder.studio.client import Client
from builder.studio.embedded.server import StudioServer
from builder.studio.people import ensure_accounts, token_of
from builder.studio.projects import projects_of
from builder.studio.settings import Annotators
from tests.conftest import connected, small_scheme
from tests.results import printed

RENAMED = {"1": {"entities": {"GPE": "PLACE"}}}

pytestmark = pytest.mark.studio


def labels_of(sample: Any) -> list[str]:
    folder = Path(pull(sample.config).folder)
    tasks = [json.loads(line) for line in (folder / "tasks.jsonl").read_text("utf-8").splitlines()]
    results = [item for t in tasks for a in t["annotations"] for item in a["result"]]
    return [label for item in results if item["type"] == "labels" for label in item["value"]["labels"]]


@pytest.fixture
def annotated(studio: Any) -> Any:
    sample = studio.dataset(chunks=2, recorded_by=("ada",))
    push(sample.config)
    sample.config.annotators.partial = True
    for path in sample.recorded.glob("*.jsonl"):
        path.write_text("", encoding="utf-8")
    return sample


def test_an_added_label_applies(annotated: Any) -> None:
    before = labels_of(annotated)
    annotated.config.labels = small_scheme(version="2", entities=["GPE", "ORG", "EVENT"])
    assert push(annotated.config).projects[0].results_rewritten == 0
    assert labels_of(annotated) == before


def test_a_renamed_label_rewrites_what_carries_it_once(annotated: Any) -> None:
    before = labels_of(annotated)
    annotated.config.labels = small_scheme(version="2", entities=["PLACE", "ORG"], migrations=RENAMED)
    # A workspace may be deleted; the pulls are what must be kept.
    for path in annotated.config.dataset_folder.glob("*.json"):
        path.unlink()
    pushed = push(annotated.config)
    assert pushed.projects[0].results_rewritten == 2
    assert "2 annotations, drafts and suggestions renamed." in printed("push", pushed)
    assert labels_of(annotated) == ["PLACE" if label == "GPE" else label for label in before]
    assert push(annotated.config).projects[0].results_rewritten == 0


def test_a_label_added_by_hand_is_not_dropped_once_it_is_used(annotated: Any) -> None:
    with connected(annotated.config) as (_, client):
        project = projects_of(client, pipeline.campaign(annotated.config))["all"]
        config = project.label_config.replace("</Labels>", '<Label value="New event"/></Labels>')
        client.patch(f"api/projects/{project.id}/", {"label_config": config})
        task = client.get("api/tasks", {"project": project.id, "page_size": 10})["tasks"][0]
        client.post(f"api/tasks/{task['id']}/annotations/", {"result": said(task["data"]["text"], "New event")})
    with pytest.raises(Refused, match="drops entity label New event"):
        push(annotated.config)


def test_results_of_an_unknown_control_block_a_change_and_are_named(annotated: Any) -> None:
    with connected(annotated.config) as (_, client):
        project = projects_of(client, pipeline.campaign(annotated.config))["all"].id
        task = client.get("api/tasks", {"project": project, "page_size": 10})["tasks"][0]["id"]
        strange = {"id": "m", "from_name": "mystery", "to_name": "text", "type": "rating", "value": {"rating": 4}}
        client.post(f"api/tasks/{task}/annotations/", {"result": [strange]})
    annotated.config.labels = small_scheme(version="2", entities=["GPE", "ORG", "EVENT"])
    with pytest.raises(Refused, match="from_name=mystery") as caught:
        push(annotated.config)
    assert "delete those annotations" in caught.value.hint


def test_a_dry_run_says_what_a_scheme_would_change(annotated: Any) -> None:
    annotated.config.labels = small_scheme(version="2", entities=["PLACE", "EVENT"], migrations=RENAMED)
    would = push(annotated.config, dry_run=True)
    (row,) = would.projects
    assert row.scheme.additions == ["entity label EVENT"]
    assert row.scheme.renames == {"entity label": {"GPE": "PLACE"}}
    assert row.scheme.removals == ["entity label ORG"]
    assert not row.refused
    said_so = printed("push", would)
    assert "would add entity label EVENT" in said_so
    assert "renamed, entity label GPE to PLACE" in said_so
    assert "would drop entity label ORG, still unused" in said_so
    before = labels_of(annotated)
    assert push(annotated.config).projects[0].results_rewritten == 2
    assert labels_of(annotated) == ["PLACE" if label == "GPE" else label for label in before]


def test_a_removed_label_is_refused_with_the_reason(annotated: Any) -> None:
    before = labels_of(annotated)
    annotated.config.labels = small_scheme(version="2", entities=["ORG"])
    said_so = printed("push", push(annotated.config, dry_run=True))
    assert "would drop entity label GPE, which would be refused" in said_so
    with pytest.raises(Refused, match="drops entity label GPE"):
        push(annotated.config)
    annotated.config.labels = small_scheme()
    assert labels_of(annotated) == before


def test_drafts_are_renamed_along_and_stay_their_authors(studio: Any) -> None:
    people = Annotators(people={"eve": "eve@example.org"}, overlap=1)
    sample = studio.dataset(chunks=2, annotators=people)
    push(sample.config)
    chunk = sample.chunks[0]["text"]
    with connected(sample.config) as (server, admin):
        password = ensure_accounts(server.vault, admin, pipeline.campaign(sample.config).people)["eve@example.org"]
        token = token_of(server.url, "eve@example.org", password)
        project = projects_of(admin, pipeline.campaign(sample.config))["all"].id
        first, second = sorted(t["id"] for t in admin.get("api/tasks", {"project": project, "page_size": 100})["tasks"])
        with Client(StudioServer(server.url, token, server.vault), sample.config.label_studio) as eve:
            # Saved twice, as the page does while somebody is at work.
            made = eve.post(f"api/tasks/{first}/drafts", {"result": said(chunk, "GPE")[:1], "lead_time": 3})
            eve.patch(f"api/drafts/{made['id']}/", {"result": said(chunk, "GPE"), "lead_time": 5})
            submitted = eve.post(f"api/tasks/{second}/annotations/", {"result": said(chunk, "ORG")})
            path = f"api/tasks/{second}/annotations/{submitted['id']}/drafts"
            eve.post(path, {"result": said(chunk, "GPE"), "lead_time": 7})
    pull(sample.config)

    sample.config.labels = small_scheme(
        version="2",
        entities=["PLACE", "ORG"],
        targets={"nippon": ["Japan"], "china": ["Beijing"]},
        migrations={"1": {"entities": {"GPE": "PLACE"}, "targets": {"japan": "nippon"}}},
    )
    assert push(sample.config).projects[0].results_rewritten == 3
    for full in (False, True):
        folder = Path(pull(sample.config, full=full).folder)
        tasks = [json.loads(line) for line in (folder / "tasks.jsonl").read_text("utf-8").splitlines()]
        drafts = sorted((d for t in tasks for d in t["drafts"]), key=lambda d: d["id"])
        assert [d["user"] for d in drafts] == ["eve@example.org"] * 2
        assert [d["annotation"] for d in drafts] == [None, submitted["id"]]
        assert [d["lead_time"] for d in drafts] == [5, 7]
        for draft in drafts:
            assert [name_of(item) for item in draft["result"]] == [("entity", "PLACE"), ("stance__nippon", "favor")]
    assert push(sample.config).projects[0].results_rewritten == 0


def test_what_is_saved_while_labels_are_renamed_stays(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = studio.dataset(chunks=1, annotators=Annotators(overlap=1))
    push(sample.config)
    text = sample.chunks[0]["text"]
    with connected(sample.config) as (_, admin):
        project = projects_of(admin, pipeline.campaign(sample.config))["all"].id
        (task,) = admin.get("api/tasks", {"project": project})["tasks"]
        made = admin.post(f"api/tasks/{task['id']}/annotations/", {"result": said(text, "GPE")})
        listed = scheme_changes._results

        def slowly(*arguments: Any) -> Any:
            found = list(listed(*arguments))
            # An annotator corrects it, and begins to correct it once more, before its turn has come.
            admin.patch(f"api/annotations/{made['id']}/", {"result": said(text, "GPE")[:1], "lead_time": 9})
            path = f"api/tasks/{task['id']}/annotations/{made['id']}/drafts"
            admin.post(path, {"result": said(text, "ORG"), "lead_time": 11})
            yield from found

        monkeypatch.setattr(scheme_changes, "_results", slowly)
        sample.config.labels = small_scheme(version="2", entities=["PLACE", "ORG"], migrations=RENAMED)
        push(sample.config)
        (kept,) = admin.get(f"api/tasks/{task['id']}/annotations/")
        (draft,) = admin.get(f"api/tasks/{task['id']}/drafts")
    assert [name_of(item) for item in kept["result"]] == [("entity", "PLACE")]
    assert (draft["annotation"], draft["lead_time"]) == (made["id"], 11)


def test_a_draft_stands_against_a_removal(studio: Any) -> None:
    sample = studio.dataset(chunks=1, annotators=Annotators(overlap=1))
    push(sample.config)
    with connected(sample.config) as (_, admin):
        project = projects_of(admin, pipeline.campaign(sample.config))["all"].id
        (task,) = admin.get("api/tasks", {"project": project})["tasks"]
        admin.post(f"api/tasks/{task['id']}/drafts", {"result": said(sample.chunks[0]["text"], "GPE"), "lead_time": 3})
    sample.config.labels = small_scheme(version="2", entities=["ORG"])
    with pytest.raises(Refused, match="drops entity label GPE") as caught:
        push(sample.config)
    assert "Add a migration" in caught.value.hint


def test_what_experts_decided_is_renamed_too(studio: Any) -> None:
    sample = studio.dataset(chunks=2, aggregation=Aggregation(method="expert"))
    for command in (push, pull, validate, adjudicate, review):
        command(sample.config)
    with connected(sample.config) as (_, admin):
        number = projects_of(admin, pipeline.campaign(sample.config))["review"].id
        task = admin.get("api/tasks", {"project": number})["tasks"][0]
        decision = said(task["data"]["text"], "GPE")
        admin.post(f"api/tasks/{task['id']}/annotations/", {"result": decision, "lead_time": 5})
    sample.config.annotators.partial = True
    for path in sample.recorded.glob("*.jsonl"):
        path.write_text("", encoding="utf-8")
    sample.config.labels = small_scheme(version="2", entities=["PLACE", "ORG"], migrations=RENAMED)
    for command in (push, pull, validate, adjudicate):
        command(sample.config)
    # Three annotators and what they agree on are shown as suggestions, on two chunks; one was decided.
    assert review(sample.config).sent.results_rewritten == 9
    assert set(labels_of(sample)) == {"PLACE", "EVIDENCE"}


def said(text: str, label: str) -> list[dict[str, Any]]:
    place = {"start": 0, "end": 4, "text": text[:4]}
    marked = {"id": "r1", "from_name": "entity", "to_name": "text", "type": "labels"}
    asked = {"id": "s1", "from_name": "stance__japan", "to_name": "text", "type": "choices"}
    return [
        {**marked, "value": {**place, "labels": [label]}},
        {**asked, "value": {"choices": ["favor"]}},
    ]


def name_of(item: dict[str, Any]) -> tuple[str, str]:
    return item["from_name"], item["value"].get("labels", item["value"].get("choices"))[0]
