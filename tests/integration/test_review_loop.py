"""The review loop: a conflict is sent to the expert once, and the decision comes back as gold."""

from typing import Any

import pytest

from builder import pipeline
from builder.commands.adjudicate import adjudicate
from builder.commands.pull import pull
from builder.commands.push import push
from builder.commands.review import review
from builder.commands.validate import validate
from builder.quality.settings import Aggregation
from builder.questions.encode import results
from builder.studio.projects import REVIEW, projects_of
from tests.conftest import connected

pytestmark = pytest.mark.studio


def test_conflict_review_decision_gold(studio: Any) -> None:
    sample = studio.dataset(chunks=4, aggregation=Aggregation(method="expert"))
    config = sample.config
    for command in (push, pull, validate, adjudicate):
        command(config)
    statuses = [r["status"] for r in gold(config) if r["target"] == "japan"]
    assert statuses == ["unresolved"] * 4
    assert len(review(config, dry_run=True).open) == 4
    first = review(config).sent
    assert (first.imported, first.present) == (4, 0)
    again = review(config).sent
    assert (again.imported, again.present) == (0, 4)

    with connected(config) as (_, client):
        project = projects_of(client, pipeline.campaign(config))[REVIEW].id
        page = client.get("api/tasks", {"project": project, "fields": "all", "page_size": 100})
        chosen = page["tasks"][0]
        assert len(chosen["predictions"]) == 4
        data = chosen["data"]
        stances = [{"question": "stance", "target": t, "span_id": None, "label": "against"} for t in ("japan", "china")]
        decision = results([], stances, [], None, data["start"], data["text"], config.labels)
        client.post(f"api/tasks/{chosen['id']}/annotations/", {"result": decision, "lead_time": 5})

    for command in (pull, validate, adjudicate):
        command(config)
    mine = {r["target"]: r for r in gold(config) if r["chunk_id"] == data["chunk_id"]}
    assert (mine["japan"]["label"], mine["japan"]["status"]) == ("against", "expert")
    assert len(mine["japan"]["votes"]) == 4
    annotations = validate(config).stage.table("annotations").to_pylist()
    [made] = [a for a in annotations if a["project_id"] == project]
    assert made["parent_id"].split() == data["review_of"]
    spans = adjudicate(config).stage.table("gold_spans").to_pylist()
    assert {s["status"] for s in spans if s["chunk_id"] == data["chunk_id"]} <= {"rejected"}
    after = review(config)
    assert (len(after.open), after.decided, after.sent.imported) == (3, 1, 0)


def gold(config: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = adjudicate(config).stage.table("gold_answers").to_pylist()
    return rows
