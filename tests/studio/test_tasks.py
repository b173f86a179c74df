"""Tasks of a project: listed page by page, in order, by one reader or several, and counted by chunk."""

import json
from typing import Any

import pytest

from builder.studio.tasks import (
    AnnotatedTask,
    Size,
    TaskEntry,
    annotated,
    batches,
    filters,
    models_of,
    pages,
    size_of,
    tasks_of,
    tasks_of_chunks,
    with_annotations,
)


@pytest.fixture
def made(world: Any) -> list[int]:
    """Five tasks: two of chunk a, one of b, and two of others."""
    data: list[dict[str, Any]] = [{"chunk_id": "a"}, {"chunk_id": "b"}, {"chunk_id": "a"}, {}, {"chunk_id": 7}]
    return list(world.fake.add_tasks(world.project(), *({"data": row} for row in data)))


@pytest.mark.parametrize("readers", [1, 3])
@pytest.mark.parametrize(("size", "shown"), [(2, [2, 2, 1]), (5, [5]), (4, [4, 1]), (1, [1] * 5)])
def test_pages_come_in_order_however_many_are_read_at_once(
    world: Any, made: list[int], readers: int, size: int, shown: list[int]
) -> None:
    world.campaign.server.page_size = size
    project = world.project()
    world.fake.asked.clear()
    found = list(pages(world.client, project, {"include": "id"}, TaskEntry, readers))
    assert [len(page.tasks) for page in found] == shown
    assert [task.id for page in found for task in page.tasks] == made
    assert {page.total for page in found} == {5}
    assert world.fake.requests("GET", "/api/tasks") == len(shown)
    (one,) = pages(world.client, project, {"include": "id", "page_size": 9}, TaskEntry, readers)
    assert len(one.tasks) == 5


def test_an_empty_project_has_one_page(world: Any) -> None:
    assert [page.tasks for page in pages(world.client, world.project(), {}, TaskEntry)] == [[]]
    assert size_of(world.client, world.project()) == Size()


def test_tasks_are_counted_by_chunk_and_those_of_others_apart(world: Any, made: list[int]) -> None:
    world.fake.annotate(made[1], was_cancelled=True)
    found = tasks_of(world.client, world.project())
    assert {chunk: [task.id for task in some] for chunk, some in found.by_chunk.items()} == {
        "a": [made[0], made[2]], "b": [made[1]]
    }  # fmt: skip
    assert (found.foreign, found.tasks, list(found.duplicates())) == (2, 5, ["a"])
    assert (found.answered(), found.skipped()) == ({"b"}, {"b"})
    world.fake.annotate(made[1], user=2)
    world.fake.annotate(made[2])
    found = tasks_of(world.client, world.project())
    assert (found.answered(), found.skipped()) == ({"a", "b"}, set())
    assert found.by_chunk["b"][0].answers == 2


def test_tasks_of_some_chunks_are_looked_up(world: Any, made: list[int]) -> None:
    project = world.project()
    found = tasks_of_chunks(world.client, project, ["b", "none"])
    assert ([task.id for task in found.by_chunk["b"]], found.foreign, found.tasks) == ([made[1]], 0, 1)
    world.fake.asked.clear()
    many = [f"c{number}" for number in range(501)]
    assert tasks_of_chunks(world.client, project, many).by_chunk == {}
    sent = [json.loads(params["query"])["filters"]["items"][0]["value"] for *_, params in world.fake.asked]
    assert [len(some) for some in sent] == [250, 250, 1]
    assert [chunk for some in sent for chunk in some] == many
    assert {params["page_size"] for *_, params in world.fake.asked} == {"1000"}
    world.fake.asked.clear()
    assert tasks_of_chunks(world.client, project, []).tasks == 0
    assert world.fake.asked == []


def test_the_size_of_a_project(world: Any, made: list[int]) -> None:
    world.fake.annotate(made[0])
    world.fake.annotate(made[0], was_cancelled=True)
    for task in made[:3]:
        world.fake.predict(task, model_version="m")
    world.fake.delete_task(made[3])
    assert size_of(world.client, world.project()) == Size(4, made[4], 3, 1)


def test_the_models_of_a_project_with_their_newest_prediction(world: Any, made: list[int], monkeypatch: Any) -> None:
    project = world.project()
    assert models_of(world.client, project) == []
    for task, version in zip(made, "bab", strict=False):
        world.fake.predict(task, model_version=version)
    when = "2026-03-02T09:00:00.000000Z"
    assert models_of(world.client, project) == [("a", 1, when), ("b", 2, when)]
    for answer in ({}, [], {"static": None}, {"static": [{"model_version": "a"}]}, {"static": [{"count": "x"}]}):
        monkeypatch.setattr(world.fake, "_model_versions", lambda number, said=answer, **_: (200, said))
        assert models_of(world.client, project) is None


def test_who_answered_is_listed_without_what_they_said(world: Any, made: list[int]) -> None:
    world.fake.annotate(made[1], [{"id": "x"}], user=4, was_cancelled=True)
    project = world.project()
    world.fake.asked.clear()
    found = list(annotated(world.client, project))
    assert [task.id for task in found] == made
    assert [(a.completed_by, a.was_cancelled) for task in found for a in task.annotations] == [(4, True)]
    assert isinstance(found[0], AnnotatedTask)
    assert all("result" not in params["include"] for *_, params in world.fake.asked)


def test_parameters_of_a_listing() -> None:
    assert with_annotations(["id", "data"], iter(["result", "id"])) == {
        "fields": "all", "resolve_uri": "false", "expand": "annotations",
        "include": "id,data,annotations.result,annotations.id,result,id",
    }  # fmt: skip
    one = {"filter": "updated_at", "operator": "greater"}
    assert json.loads(filters(one, {"filter": "id"}, conjunction="or")) == {
        "filters": {
            "conjunction": "or",
            "items": [{"filter": "filter:tasks:updated_at", "operator": "greater"}, {"filter": "filter:tasks:id"}],
        }
    }
    assert json.loads(filters(one))["filters"]["conjunction"] == "and"
    assert list(batches(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batches([], 2)) == []
