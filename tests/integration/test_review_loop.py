"""The review loop: a conflict is sent to the expert once, and the decision comes back as gold."""

from typing import Any

import pytest

from builder import pipeline, pull, push, review
from builder.config import Config
from builder.quality.settings import Aggregation
from builder.questions.encode import results
from builder.studio.projects import REVIEW, projects_of
from builder.tables import ANNOTATIONS, GOLD_ANSWERS, GOLD_SPANS
from tests.conftest import connected


@pytest.mark.studio
def test_conflict_review_decision_gold(studio: Any) -> None:
    config = studio.dataset(chunks=2, aggregation=Aggregation(method="expert")).config
    push(config)
    pull(config)
    assert [r["status"] for r in gold(config) if r["target"] == "japan"] == ["unresolved"] * 2
    assert len(review(config, dry_run=True).open) == 2
    for imported, present in ((2, 0), (0, 2)):
        sent = review(config).sent
        assert sent is not None
        assert (sent.imported, sent.present) == (imported, present)

    with connected(config) as (_, client):
        project = projects_of(client, pipeline.campaign(config))[REVIEW].id
        page = client.get("api/tasks", {"project": project, "fields": "all", "page_size": 100})
        chosen = page["tasks"][0]
        assert len(chosen["predictions"]) == 4
        data = chosen["data"]
        answers = [{"question": "stance", "target": t, "span_id": None, "label": "against"} for t in ("japan", "china")]
        decision = results([], answers, [], None, data["start"], data["text"], config.labels)
        client.post(f"api/tasks/{chosen['id']}/annotations/", {"result": decision, "lead_time": 5})

    pull(config)
    mine = {r["target"]: r for r in gold(config) if r["chunk_id"] == data["chunk_id"]}
    assert (mine["japan"]["label"], mine["japan"]["status"]) == ("against", "expert")
    assert len(mine["japan"]["votes"]) == 4
    annotations = pipeline.checked(config).table("annotations", ANNOTATIONS).to_pylist()
    [made] = [a for a in annotations if a["project_id"] == project]
    assert made["parent_id"].split() == data["review_of"]
    spans = pipeline.gold(config).table("gold_spans", GOLD_SPANS).to_pylist()
    assert {s["status"] for s in spans if s["chunk_id"] == data["chunk_id"]} <= {"rejected"}
    after = review(config)
    assert after.sent is not None
    assert (len(after.open), after.decided, after.sent.imported) == (1, 1, 0)


def gold(config: Config) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pipeline.gold(config).table("gold_answers", GOLD_ANSWERS).to_pylist()
    return rows
