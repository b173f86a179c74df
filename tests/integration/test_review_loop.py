"""The review loop: a conflict is sent to the expert once, and the decision comes back as gold."""

import io
from typing import Any

import pytest
from rich.console import Console

from builder.commands.adjudicate import adjudicate
from builder.commands.pull import pull
from builder.commands.push import push
from builder.commands.review import review
from builder.commands.validate import validate
from builder.quality.settings import Aggregation
from builder.questions.encode import results
from builder.store import read_table
from builder.tables import ANNOTATIONS, GOLD_ANSWERS, GOLD_SPANS

QUIET = Console(file=io.StringIO())


@pytest.mark.studio
def test_conflict_review_decision_gold(studio: Any) -> None:
    from builder.studio.server import ensure

    from builder.studio import projects
    from builder.studio.client import Client

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
