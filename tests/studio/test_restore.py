"""What a kept pull holds and the server lost comes back once, under its author, and nothing newer is touched."""

from typing import Any

import pytest

from builder.errors import StoreError
from builder.studio.pull import Pulled, pull
from builder.studio.restore import Restored, restore
from tests.studio.fake import Fault

SAID = [{"id": "x", "from_name": "entity", "value": {"start": 0, "end": 4, "labels": ["GPE"]}}]


@pytest.fixture
def ids(world: Any) -> list[int]:
    """Four tasks: ada and ben annotated the first, ben skipped the second."""
    tasks = list(world.fake.add_tasks(world.project(), *({"data": {"chunk_id": c}} for c in world.ids)))
    ada, ben = (world.fake.add_user(f"{name}@Example.org")["id"] for name in ("ada", "ben"))
    world.fake.annotate(tasks[0], SAID, user=ada, lead_time=7)
    world.fake.annotate(tasks[0], [], user=ben)
    world.fake.annotate(tasks[1], [], user=ben, was_cancelled=True)
    world.fake.tick(3600)
    return tasks


def said(world: Any, task: int) -> list[tuple[int, list[Any], bool, float | None]]:
    names = ("completed_by", "result", "was_cancelled", "lead_time")
    return [tuple(a[name] for name in names) for a in world.fake.tasks[task]["annotations"]]  # type: ignore[misc]


def test_a_database_that_was_set_back_gets_its_annotations_again_once(
    world: Any, ids: list[int], first: Pulled
) -> None:
    before = [said(world, task) for task in ids]
    for task in ids:
        world.fake.tasks[task]["annotations"].clear()
    assert restore(world.campaign, first.folder, dry_run=True) == Restored(first.hash, restored=3)
    assert [said(world, task) for task in ids] == [[], [], [], []]
    assert restore(world.campaign, first.folder) == Restored(first.hash, restored=3)
    assert [said(world, task) for task in ids] == before
    assert restore(world.campaign, first.folder) == Restored(first.hash, there=3)
    assert [said(world, task) for task in ids] == before


def test_what_was_restored_counts_as_its_authors(world: Any, ids: list[int], first: Pulled) -> None:
    """Label Studio says that the manager's account saved it last."""
    world.fake.tasks[ids[0]]["annotations"].clear()
    restore(world.campaign, first.folder)
    assert [a["updated_by"] for a in world.fake.tasks[ids[0]]["annotations"]] == [1, 1]
    world.fake.tick(3600)
    from tests.studio.test_pulls import pulled_annotations

    assert [a["updated_by"] for a in pulled_annotations(pull(world.campaign))] == [3, None, None]
    # A change by hand afterwards is one.
    world.client.patch(f"api/annotations/{world.fake.tasks[ids[0]]['annotations'][0]['id']}/", {"result": []})
    world.fake.tick(3600)
    assert [a["updated_by"] for a in pulled_annotations(pull(world.campaign))] == [3, 1, None]


def test_a_deleted_project_comes_back_with_new_tasks(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake._delete_project(next(iter(world.fake.projects)))
    with pytest.raises(StoreError, match="builder push") as caught:
        restore(world.campaign, first.folder)
    assert "no project" in caught.value.message
    new = list(world.fake.add_tasks(world.project(), *({"data": {"chunk_id": c}} for c in world.ids[:1])))
    assert restore(world.campaign, first.folder) == Restored(first.hash, restored=2, no_task=1)
    assert [row[:2] for row in said(world, new[0])] == [(2, SAID), (3, [])]


def test_a_project_that_is_missing_is_counted(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake._delete_project(next(iter(world.fake.projects)))
    world.project("review")
    assert restore(world.campaign, first.folder) == Restored(first.hash, no_task=3)


def test_who_annotated_again_since_is_left_alone(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake.tasks[ids[0]]["annotations"] = world.fake.tasks[ids[0]]["annotations"][1:]
    world.fake.annotate(ids[0], [{"id": "new"}], user=2)
    assert restore(world.campaign, first.folder) == Restored(first.hash, there=2, newer=1)
    assert [row[1] for row in said(world, ids[0])] == [[], [{"id": "new"}]]


def test_the_same_thing_said_twice_is_there_twice(world: Any, ids: list[int]) -> None:
    world.fake.annotate(ids[2], SAID, user=2)
    world.fake.annotate(ids[2], SAID, user=2)
    first = pull(world.campaign)
    world.fake.tasks[ids[2]]["annotations"].pop()
    assert restore(world.campaign, first.folder) == Restored(first.hash, restored=1, there=4)
    assert len(said(world, ids[2])) == 2


def test_authors_without_account_are_named(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake.users = [user for user in world.fake.users if user["email"] != "ben@Example.org"]
    world.fake.tasks[ids[0]]["annotations"].clear()
    found = restore(world.campaign, first.folder)
    assert found == Restored(first.hash, restored=1, no_account={"ben@example.org": 2})


@pytest.mark.parametrize("kind", ["before", "after", "500-after"])
def test_a_save_whose_answer_got_lost_is_not_doubled(world: Any, ids: list[int], first: Pulled, kind: str) -> None:
    world.fake.tasks[ids[0]]["annotations"].clear()
    world.fake.faults = [Fault(kind, "POST", "/api/tasks/.*/annotations/$")]
    found = restore(world.campaign, first.folder)
    assert found.restored == (2 if kind == "before" else 1)
    assert [row[0] for row in said(world, ids[0])] == [2, 3]
