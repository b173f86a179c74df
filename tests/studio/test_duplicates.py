"""Tasks of one chunk become one, and no annotation or draft is lost or shown another text."""

from typing import Any

import pytest

from builder.studio.duplicates import Imported, merge_duplicates
from builder.studio.planning import planned_task
from builder.studio.tasks import tasks_of

TEXT = {"text": "A", "start": 0}
PLAN = {"c": planned_task({"chunk_id": "c", "title": "T", **TEXT}, [])}


def merge(world: Any, project: int, plan: Any = None) -> tuple[Imported, list[int]]:
    """What was done, and the ids of the tasks that are left, on the server and in memory."""
    there = tasks_of(world.client, project, 100)
    merged = Imported()
    merge_duplicates(world.client, there, plan or {}, merged)
    left = [task["id"] for task in world.fake.of(project)]
    assert sorted(entry.id for some in there.by_chunk.values() for entry in some) == left
    return merged, left


@pytest.fixture
def project(world: Any) -> int:
    return int(world.project())


def tasks(world: Any, project: int, *datas: dict[str, Any]) -> list[int]:
    return list(world.fake.add_tasks(project, *({"data": {"chunk_id": "c", **TEXT, **data}} for data in datas)))


def test_the_oldest_stays_when_nobody_annotated(world: Any, project: int) -> None:
    first, *_ = tasks(world, project, {}, {}, {})
    assert merge(world, project) == (Imported(duplicates_removed=2), [first])


def test_the_one_with_most_annotations_stays_and_gets_the_others(world: Any, project: int) -> None:
    first, second, _third = tasks(world, project, {}, {}, {})
    made = [world.fake.annotate(first, user=2)["id"]]
    made += [world.fake.annotate(second, user=3)["id"], world.fake.annotate(second, user=4, was_cancelled=True)["id"]]
    assert merge(world, project) == (Imported(duplicates_removed=2, annotations_moved=1), [second])
    kept = world.fake.tasks[second]["annotations"]
    assert sorted(a["id"] for a in kept) == made
    assert [a["completed_by"] for a in kept if a["id"] == made[0]] == [2]


def test_the_task_that_shows_what_is_planned_stays_although_it_has_fewer(world: Any, project: int) -> None:
    other, planned = tasks(world, project, {"text": "B"}, {})
    world.fake.annotate(other)
    assert merge(world, project, PLAN) == (Imported(duplicates_left=1), [other, planned])
    there = tasks_of(world.client, project, 100)
    merge_duplicates(world.client, there, PLAN, Imported())
    assert [entry.id for entry in there.by_chunk["c"]] == [planned, other], "the one that stays comes first"


@pytest.mark.parametrize("change", [{"text": "B"}, {"start": 1}, {"targets": ["x"]}])
def test_an_annotation_of_something_else_is_not_moved(world: Any, project: int, change: dict[str, Any]) -> None:
    same, other = tasks(world, project, {}, change)
    world.fake.annotate(other)
    merged, left = merge(world, project, PLAN)
    assert (merged, left) == (Imported(duplicates_left=1), [same, other])
    assert len(world.fake.tasks[other]["annotations"]) == 1


def test_another_text_that_nobody_annotated_goes(world: Any, project: int) -> None:
    same, _ = tasks(world, project, {}, {"text": "B"})
    assert merge(world, project, PLAN) == (Imported(duplicates_removed=1), [same])


def test_a_task_with_somebodys_draft_stays(world: Any, project: int) -> None:
    first, second = tasks(world, project, {}, {})
    world.fake.draft(second, [])
    world.fake.annotate(second)
    world.fake.annotate(first)
    assert merge(world, project) == (Imported(duplicates_left=1), [first, second])
    assert len(world.fake.tasks[second]["annotations"]) == 1, "nothing of it was moved"


@pytest.mark.parametrize("what", ["annotation", "draft"])
def test_what_is_saved_while_a_task_is_merged_keeps_it(world: Any, project: int, what: str) -> None:
    first, second = tasks(world, project, {}, {})
    world.fake.annotate(second, user=2)
    world.fake.annotate(first, user=3)

    def save(method: str, path: str) -> None:
        if method == "PATCH":
            world.fake.before = None
            (world.fake.annotate(second, user=5) if what == "annotation" else world.fake.draft(second, []))

    world.fake.before = save
    merged, left = merge(world, project)
    assert (merged.annotations_moved, merged.duplicates_removed, merged.duplicates_left) == (1, 0, 1)
    assert left == [first, second]


def test_another_push_that_merges_too_stops_nobody(world: Any, project: int) -> None:
    first, second = tasks(world, project, {}, {})
    more = world.fake.add_tasks(project, {"data": {"chunk_id": "d"}}, {"data": {"chunk_id": "d"}})

    def gone(method: str, path: str) -> None:
        if path == f"/api/tasks/{second}/" and method == "GET":
            world.fake.before = None
            world.fake.delete_task(second)

    world.fake.before = gone
    there = tasks_of(world.client, project, 100)
    merged = Imported()
    merge_duplicates(world.client, there, {}, merged)
    assert (merged.duplicates_removed, len(there.by_chunk["c"])) == (1, 2), "who counts looks again"
    assert [task["id"] for task in world.fake.of(project)] == [first, more[0]]
    # And one that was deleted just before we did.
    third = tasks(world, project, {})[0]

    def deleted(method: str, path: str) -> None:
        if method == "DELETE":
            world.fake.before = None
            world.fake.delete_task(third)

    world.fake.before = deleted
    assert merge(world, project)[0].duplicates_removed == 1


def test_annotations_that_their_authors_saved_are_noted_before_they_move(world: Any, project: int) -> None:
    first, second = tasks(world, project, {"chunk_id": "c", **TEXT}, {"chunk_id": "c", **TEXT})
    world.fake.annotate(first, user=2)
    world.fake.annotate(first, user=3)
    own = world.fake.annotate(second, [{"id": "x"}], user=2)
    world.fake.annotate(second, user=2, updated_by=1)
    noted: list[tuple[int, Any]] = []
    there = tasks_of(world.client, project, 100)
    merge_duplicates(world.client, there, {}, Imported(), lambda *said: noted.append(said))
    assert noted == [(own["id"], [{"id": "x"}])]
