"""A new model's suggestions replace the old ones where nobody has answered yet, and nowhere else."""

from typing import Any

import pytest

from builder.studio.planning import planned_task
from builder.studio.predictions import drop_outdated


def plan(world: Any, version: str) -> dict[str, Any]:
    made = [{"model_version": version, "result": []}] if version else []
    return {chunk: planned_task({"chunk_id": chunk}, made) for chunk in world.ids}


@pytest.fixture
def tasks(world: Any) -> list[int]:
    """Four tasks with suggestions of model a; one annotated, one skipped, one begun; and one of others."""
    made = list(world.fake.add_tasks(world.project(), *({"data": {"chunk_id": c}} for c in world.ids)))
    for task in made:
        world.fake.predict(task, model_version="a")
    world.fake.predict(*world.fake.add_tasks(world.project(), {"data": {"chunk_id": "foreign"}}), model_version="a")
    world.fake.annotate(made[0])
    world.fake.annotate(made[1], was_cancelled=True)
    world.fake.draft(made[2], [])
    return made


def left(world: Any) -> list[int]:
    return [len(task["predictions"]) for task in world.fake.of(world.project())]


@pytest.mark.parametrize("version", ["b", ""])
def test_only_unanswered_tasks_lose_earlier_suggestions(world: Any, tasks: list[int], version: str) -> None:
    assert drop_outdated(world.client, world.project(), plan(world, version), 2) == (1, 3)
    assert left(world) == [1, 1, 1, 0, 1]


def test_the_same_model_changes_nothing_and_lists_nothing(world: Any, tasks: list[int]) -> None:
    world.fake.asked.clear()
    assert drop_outdated(world.client, world.project(), plan(world, "a"), 2) == (0, 0)
    assert world.fake.requests("GET", "/api/tasks") == 0
    assert left(world) == [1] * 5


def test_an_older_server_is_asked_task_by_task(world: Any, tasks: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.fake, "_model_versions", lambda number, **_: (200, {"a": 4}))
    assert drop_outdated(world.client, world.project(), plan(world, "b"), 2) == (1, 3)
