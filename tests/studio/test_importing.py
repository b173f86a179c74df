"""An import ends with every planned chunk once and with its predictions, whatever goes wrong on the way."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from builder.errors import Refused, Unreachable
from builder.store import read_json
from builder.studio.importing import SETTLE, Imported, Importer, import_tasks
from builder.studio.planning import PlannedTask
from builder.studio.tasks import tasks_of
from tests.studio.fake import Fault

IMPORT = r"/import$"


def plan_of(world: Any, *predicted: int) -> dict[str, PlannedTask]:
    """The chunks of the world as tasks; those with these numbers have a prediction."""
    return {
        chunk["chunk_id"]: PlannedTask(
            {"chunk_id": chunk["chunk_id"], "text": chunk["text"], "start": chunk["start"]},
            [{"model_version": "m", "score": 0.5, "result": []}] if n in predicted else [],
        )
        for n, chunk in enumerate(world.chunks)
    }


def run(world: Any, project: int, plan: dict[str, PlannedTask], **more: Any) -> Imported:
    return import_tasks(world.client, project, plan, **more)


def complete(world: Any, project: int, plan: dict[str, PlannedTask]) -> bool:
    """Every chunk is one task, with the data and the number of predictions that are planned."""
    tasks = world.fake.of(project)
    found = {t["data"]["chunk_id"]: (t["data"], len(t["predictions"])) for t in tasks}
    wanted = {c: (p.data, len(p.predictions)) for c, p in plan.items()}
    return len(tasks) == len(plan) and found == wanted


@pytest.fixture
def project(world: Any) -> int:
    return int(world.project())


def test_what_is_missing_is_imported_and_nothing_twice(world: Any, project: int) -> None:
    plan = plan_of(world, 0, 2)
    steps: list[int] = []
    outcome = run(world, project, plan, advance=steps.append)
    assert outcome == Imported(imported=4, requests=1)
    assert complete(world, project, plan)
    assert steps == [0, 4]
    assert run(world, project, plan, advance=steps.append) == Imported(present=4)
    assert steps == [0, 4, 4]
    assert world.waits == []


def test_only_missing_chunks_are_sent(world: Any, project: int) -> None:
    plan = plan_of(world)
    few = dict(list(plan.items())[:2])
    run(world, project, few)
    assert run(world, project, plan) == Imported(present=2, imported=2, requests=1)
    assert complete(world, project, plan)


def test_requests_stay_within_their_size(make_world: Callable[..., Any]) -> None:
    world = make_world()
    project, plan = world.project(), {f"c{n}": PlannedTask({"chunk_id": f"c{n}"}, []) for n in range(4)}
    one = len(plan["c0"].body) + 1
    for size, requests in ((2 * one, 2), (2 * one - 1, 4), (1, 4), (4 * one, 1)):
        world.fake.tasks.clear()
        world.campaign.server.batch_bytes = size
        assert run(world, project, plan).requests == requests
        assert [t["data"]["chunk_id"] for t in world.fake.of(project)] == list(plan)


def test_several_requests_at_once(world: Any, project: int) -> None:
    world.campaign.server.concurrent_imports = 3
    world.campaign.server.batch_bytes = 1
    assert run(world, project, plan_of(world)) == Imported(imported=4, requests=4)
    assert complete(world, project, plan_of(world))


@pytest.mark.parametrize(
    ("kind", "requests"), [("after", 1), ("500-after", 1), ("before", 2), ("500", 2), ("short", 1)]
)
def test_an_import_in_doubt_is_looked_for_before_it_is_repeated(
    world: Any, project: int, kind: str, requests: int
) -> None:
    world.fake.faults = [Fault(kind, "POST", IMPORT)]
    plan = plan_of(world, 1)
    outcome = run(world, project, plan)
    assert (outcome.imported, outcome.requests, outcome.doubts) == (4, requests, 1)
    assert complete(world, project, plan)
    # A server may still be at work, so that an import is not taken for undone at once.
    assert world.waits == ([0.5] * 6 if requests == 2 else [])


@pytest.mark.parametrize(("slowest", "seconds"), [(0.0, 3.0), (1.5, 3.0), (2.0, 4.0), (60.0, 120.0), (61.0, 120.0)])
def test_an_import_may_take_twice_as_long_as_the_slowest_before(
    world: Any, project: int, slowest: float, seconds: float
) -> None:
    assert Importer(world.client, project, {}, slowest=slowest)._patience() == seconds


def test_the_slowest_import_is_remembered(world: Any, project: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 17.0, 20.0, 25.0])
    monkeypatch.setattr("builder.studio.importing.time", SimpleNamespace(monotonic=lambda: next(clock)))
    made = Importer(world.client, project, plan_of(world))
    for some in (world.ids[:2], world.ids[2:]):
        assert made._batch(some) == []
    assert made.slowest == 7.0


def test_an_import_that_is_done_late_is_waited_for(world: Any, project: int) -> None:
    world.fake.faults = [Fault("late", "POST", IMPORT, delay=3)]
    outcome = run(world, project, plan_of(world))
    assert (outcome.imported, outcome.requests, outcome.doubts) == (4, 1, 1)
    assert len(world.fake.of(project)) == 4


def test_an_import_that_is_done_later_still_leaves_no_duplicates(world: Any, project: int, tmp_path: Path) -> None:
    # Before the next import is done, and before the tasks are counted at its end.
    for delay in (8, 9):
        world.fake.tasks.clear()
        world.fake.faults = [Fault("late", "POST", IMPORT, delay=delay)]
        outcome = run(world, project, plan_of(world), note=tmp_path / "all.json")
        assert (outcome.requests, outcome.duplicates_removed) == (2, 4)
        assert complete(world, project, plan_of(world))
        [noted] = read_json(tmp_path / "all.json").values()
        assert noted["tasks"] == {task["data"]["chunk_id"]: task["id"] for task in world.fake.of(project)}


def test_a_request_that_is_too_large_is_cut(world: Any, project: int) -> None:
    world.campaign.server.batch_bytes = 400 << 10
    plan = {f"c{n}": PlannedTask({"chunk_id": f"c{n}", "text": "x" * (60 << 10)}, []) for n in range(4)}
    world.fake.faults = [Fault("413", "POST", IMPORT)]
    outcome = run(world, project, plan)
    assert (outcome.requests, outcome.doubts) == (1 + 4, 0), "of a fourth of the size"
    assert complete(world, project, plan)


def test_a_request_is_cut_to_64_kib_at_least(world: Any, project: int) -> None:
    def task(size: int) -> PlannedTask:
        return PlannedTask({"text": "x" * (size - 1 - len(PlannedTask({"text": ""}, []).body))}, [])

    world.campaign.server.batch_bytes = 140 << 10
    plan = {f"c{n}": task(size) for n, size in enumerate((32_768, 32_768, 32_769, 32_768))}
    for chunk, planned in plan.items():
        planned.data["chunk_id"] = chunk  # type: ignore[index]
    world.fake.faults = [Fault("413", "POST", IMPORT)]
    spare = len(plan["c0"].body) + 1 - 32_768
    for planned in plan.values():
        planned.data["text"] = planned.data["text"][spare:]  # type: ignore[index]
    assert run(world, project, plan).requests == 1 + 3, "two of half the size, and two that do not go together"


def test_one_task_that_is_too_large_is_refused(world: Any, project: int) -> None:
    world.fake.faults = [Fault("413", "POST", IMPORT, times=9)]
    world.campaign.server.batch_bytes = 1
    with pytest.raises(Refused, match="413"):
        run(world, project, plan_of(world))
    assert world.fake.requests("POST", r".*/import") == 1


def test_a_server_that_never_imports_is_given_up(world: Any, project: int) -> None:
    world.fake.faults = [Fault("before", "POST", IMPORT, times=99)]
    with pytest.raises(Unreachable, match="4 tasks could not be brought into project"):
        run(world, project, plan_of(world))
    assert world.fake.requests("POST", r".*/import") == 6


@pytest.mark.parametrize("kind", ["bare", ""])
def test_lost_predictions_are_given_once(world: Any, project: int, kind: str) -> None:
    world.fake.faults = [Fault(kind, "POST", IMPORT)] if kind else []
    plan = plan_of(world, 0, 1, 3)
    assert run(world, project, plan).predictions_repaired == (3 if kind else 0)
    assert complete(world, project, plan)
    assert run(world, project, plan).predictions_repaired == 0


def test_predictions_that_an_import_in_doubt_lost_are_given(
    world: Any, project: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = world.fake._import
    monkeypatch.setattr(world.fake, "_import", lambda number, **more: stored(number, **{**more, "bare": True}))
    world.fake.faults = [Fault("after", "POST", IMPORT)]
    outcome = run(world, project, plan_of(world, 1, 2))
    assert (outcome.doubts, outcome.imported, outcome.predictions_repaired) == (1, 4, 2)
    assert complete(world, project, plan_of(world, 1, 2))


@pytest.mark.parametrize(("kind", "sent"), [("after", 1), ("before", 2), ("500", 2)])
def test_giving_predictions_is_repeated_only_for_those_without(world: Any, project: int, kind: str, sent: int) -> None:
    world.fake.faults = [Fault("bare", "POST", IMPORT), Fault(kind, "POST", r"/import/predictions$")]
    outcome = run(world, project, plan_of(world, 0, 1))
    assert complete(world, project, plan_of(world, 0, 1))
    assert outcome.doubts == 1
    assert world.fake.requests("POST", r".*/import/predictions") == sent
    assert sum(world.waits) == SETTLE


def test_predictions_that_the_server_never_keeps_are_given_up(world: Any, project: int) -> None:
    world.fake.faults = [Fault("bare", "POST", IMPORT), Fault("500", "POST", r"/import/predictions$", times=99)]
    with pytest.raises(Unreachable, match="does not keep the suggestions"):
        run(world, project, plan_of(world, 0))


def test_what_a_stopped_push_left_without_predictions_gets_them(world: Any, project: int) -> None:
    run(world, project, plan_of(world))
    tasks = world.fake.of(project)
    world.fake.annotate(tasks[0]["id"])
    world.fake.annotate(tasks[1]["id"], was_cancelled=True)
    outcome = run(world, project, plan_of(world, 0, 1, 2))
    assert (outcome.present, outcome.predictions_repaired) == (4, 1)
    assert [len(t["predictions"]) for t in tasks] == [0, 0, 1, 0], "not those that somebody has touched"


def test_duplicates_are_merged_and_reported(world: Any, project: int) -> None:
    plan = plan_of(world)
    run(world, project, plan)
    copies = world.fake.add_tasks(project, *(json.loads(plan[c].body) for c in world.ids[:3]))
    world.fake.annotate(world.fake.of(project)[0]["id"], user=2)
    world.fake.annotate(copies[0], user=3)
    world.fake.draft(copies[1], [])
    outcome = run(world, project, plan)
    assert outcome == Imported(present=4, duplicates_removed=2, annotations_moved=1, duplicates_left=1)
    assert len(world.fake.of(project)) == 5


def test_the_planned_text_stays_among_duplicates(world: Any, project: int) -> None:
    plan = plan_of(world)
    (other,) = world.fake.add_tasks(project, {"data": {**plan[world.ids[0]].data, "text": "old"}})
    world.fake.add_tasks(project, json.loads(plan[world.ids[0]].body))
    assert run(world, project, plan).duplicates_removed == 1
    assert other not in world.fake.tasks


def test_what_is_not_planned_any_more_is_reported_and_stays(world: Any, project: int) -> None:
    plan = plan_of(world)
    run(world, project, plan)
    world.fake.annotate(world.fake.of(project)[0]["id"])
    world.fake.add_tasks(
        project, {"data": {"text": "by hand"}}, {"data": {"chunk_id": 5}}, {"data": {"chunk_id": ["x"]}}
    )
    left = dict(list(plan.items())[2:])
    assert run(world, project, left) == Imported(present=2, unplanned=2, unplanned_annotated=1, foreign=3)
    assert len(world.fake.of(project)) == 7


@pytest.mark.parametrize("at", [1, 2])
def test_a_task_deleted_meanwhile_is_imported_again(world: Any, project: int, at: int) -> None:
    plan = plan_of(world)
    run(world, project, dict(list(plan.items())[:2]))
    gone = world.fake.of(project)[0]["id"]

    def delete(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/import"):
            world.fake.before = None
            world.fake.delete_task(gone)

    world.fake.before = delete
    outcome = run(world, project, plan)
    assert outcome.imported == 3
    assert complete(world, project, plan)


def test_a_project_that_keeps_changing_is_not_pushed_to(world: Any, project: int) -> None:
    def add(method: str, path: str) -> None:
        if path == "/api/tasks":
            world.fake.add_tasks(project, {"data": {"text": "by hand"}})

    world.fake.before = add
    with pytest.raises(Refused, match="keeps changing while it is"):
        run(world, project, plan_of(world))


# What the last push left is remembered.


@pytest.fixture
def note(tmp_path: Path) -> Path:
    return tmp_path / "pushed" / "all.json"


def listings(world: Any) -> int:
    """How often tasks were listed, not only counted."""
    return sum(path == "/api/tasks" and params["include"] != "id" for _, path, params in world.fake.asked)


def test_the_next_push_lists_nothing(world: Any, project: int, note: Path) -> None:
    plan = plan_of(world, 1)
    run(world, project, plan, note=note)
    world.fake.asked.clear()
    assert run(world, project, plan, note=note) == Imported(present=4)
    assert listings(world) == 0
    assert run(world, project, plan) == Imported(present=4)
    assert listings(world) > 0, "without a note"


def test_new_chunks_are_added_to_what_is_remembered(world: Any, project: int, note: Path) -> None:
    plan = plan_of(world)
    run(world, project, dict(list(plan.items())[:3]), note=note)
    world.fake.asked.clear()
    assert run(world, project, plan, note=note) == Imported(present=3, imported=1, requests=1)
    assert listings(world) == 0
    assert run(world, project, plan, note=note) == Imported(present=4)
    assert listings(world) == 0, "what was imported now is remembered too"


def test_unplanned_chunks_are_counted_from_what_is_remembered(world: Any, project: int, note: Path) -> None:
    plan = plan_of(world)
    run(world, project, plan, note=note)
    world.fake.annotate(world.fake.of(project)[3]["id"])
    outcome = run(world, project, dict(list(plan.items())[:3]), note=note)
    assert outcome == Imported(present=3, unplanned=1, unplanned_annotated=1)


def test_nothing_is_remembered_where_others_have_tasks_or_duplicates_are_left(
    world: Any, project: int, note: Path
) -> None:
    plan = plan_of(world)
    (stranger,) = world.fake.add_tasks(project, {"data": {"text": "by hand"}})
    run(world, project, plan, note=note)
    assert not note.exists()
    world.fake.delete_task(stranger)
    (copy,) = world.fake.add_tasks(project, json.loads(plan[world.ids[0]].body))
    world.fake.draft(copy, [])
    run(world, project, plan, note=note)
    assert not note.exists()


@pytest.mark.parametrize("change", ["deleted", "added", "one goes and one comes", "predictions", "emptied"])
def test_a_change_makes_the_note_worthless(world: Any, project: int, note: Path, change: str) -> None:
    plan = plan_of(world, 0, 1)
    run(world, project, plan, note=note)
    tasks = world.fake.of(project)
    if change in ("deleted", "one goes and one comes"):
        world.fake.delete_task(tasks[1]["id"])
    if change in ("added", "one goes and one comes"):
        world.fake.add_tasks(project, json.loads(plan[world.ids[0]].body))
    if change == "predictions":
        tasks[0]["predictions"].clear()
    if change == "emptied":
        world.fake.tasks.clear()
    run(world, project, plan, note=note)
    assert complete(world, project, plan)


def test_other_suggestions_make_the_note_worthless(world: Any, project: int, note: Path) -> None:
    run(world, project, plan_of(world), note=note)
    assert run(world, project, plan_of(world, 0), note=note).predictions_repaired == 1
    assert complete(world, project, plan_of(world, 0))


@pytest.mark.parametrize("text", ['{"x 1": {}}', '{"KEY": {"count": "one"}}', '{"KEY": 5}'])
def test_a_note_of_something_else_is_none(world: Any, project: int, note: Path, text: str) -> None:
    plan = plan_of(world)
    run(world, project, plan)
    note.parent.mkdir(parents=True)
    note.write_text(text.replace("KEY", f"{world.fake.url} {project}"), encoding="utf-8")
    world.fake.asked.clear()
    assert run(world, project, plan, note=note) == Imported(present=4)
    assert listings(world) > 0


# Tasks of one chunk become one, and no annotation or draft is lost or shown another text.

TEXT = {"text": "A", "start": 0}
PLAN = {"c": PlannedTask({"chunk_id": "c", "title": "T", **TEXT}, [])}


def merge(world: Any, project: int, plan: Any = None) -> tuple[Imported, list[int]]:
    """What was done, and the ids of the tasks that are left, on the server and in memory."""
    there = tasks_of(world.client, project)
    merged = Importer(world.client, project, plan or {})
    merged.merge_duplicates(there)
    left = [task["id"] for task in world.fake.of(project)]
    assert sorted(entry.id for some in there.by_chunk.values() for entry in some) == left
    return merged.outcome, left


def same_chunk(world: Any, project: int, *datas: dict[str, Any]) -> list[int]:
    return list(world.fake.add_tasks(project, *({"data": {"chunk_id": "c", **TEXT, **data}} for data in datas)))


def test_the_oldest_stays_when_nobody_annotated(world: Any, project: int) -> None:
    first, *_ = same_chunk(world, project, {}, {}, {})
    assert merge(world, project) == (Imported(duplicates_removed=2), [first])


def test_the_one_with_most_annotations_stays_and_gets_the_others(world: Any, project: int) -> None:
    first, second, _third = same_chunk(world, project, {}, {}, {})
    made = [world.fake.annotate(first, user=2)["id"]]
    made += [world.fake.annotate(second, user=3)["id"], world.fake.annotate(second, user=4, was_cancelled=True)["id"]]
    assert merge(world, project) == (Imported(duplicates_removed=2, annotations_moved=1), [second])
    kept = world.fake.tasks[second]["annotations"]
    assert sorted(a["id"] for a in kept) == made
    assert [a["completed_by"] for a in kept if a["id"] == made[0]] == [2]


def test_the_task_that_shows_what_is_planned_stays_although_it_has_fewer(world: Any, project: int) -> None:
    other, planned = same_chunk(world, project, {"text": "B"}, {})
    world.fake.annotate(other)
    assert merge(world, project, PLAN) == (Imported(duplicates_left=1), [other, planned])
    there = tasks_of(world.client, project)
    Importer(world.client, project, PLAN).merge_duplicates(there)
    assert [entry.id for entry in there.by_chunk["c"]] == [planned, other], "the one that stays comes first"


@pytest.mark.parametrize("change", [{"text": "B"}, {"start": 1}, {"targets": ["x"]}])
def test_an_annotation_of_something_else_is_not_moved(world: Any, project: int, change: dict[str, Any]) -> None:
    same, other = same_chunk(world, project, {}, change)
    world.fake.annotate(other)
    merged, left = merge(world, project, PLAN)
    assert (merged, left) == (Imported(duplicates_left=1), [same, other])
    assert len(world.fake.tasks[other]["annotations"]) == 1


def test_another_text_that_nobody_annotated_goes(world: Any, project: int) -> None:
    same, _ = same_chunk(world, project, {}, {"text": "B"})
    assert merge(world, project, PLAN) == (Imported(duplicates_removed=1), [same])


def test_a_task_with_somebodys_draft_stays(world: Any, project: int) -> None:
    first, second = same_chunk(world, project, {}, {})
    world.fake.draft(second, [])
    world.fake.annotate(second)
    world.fake.annotate(first)
    assert merge(world, project) == (Imported(duplicates_left=1), [first, second])
    assert len(world.fake.tasks[second]["annotations"]) == 1, "nothing of it was moved"


@pytest.mark.parametrize("what", ["annotation", "draft"])
def test_what_is_saved_while_a_task_is_merged_keeps_it(world: Any, project: int, what: str) -> None:
    first, second = same_chunk(world, project, {}, {})
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
    first, second = same_chunk(world, project, {}, {})
    more = world.fake.add_tasks(project, {"data": {"chunk_id": "d"}}, {"data": {"chunk_id": "d"}})

    def gone(method: str, path: str) -> None:
        if path == f"/api/tasks/{second}/" and method == "GET":
            world.fake.before = None
            world.fake.delete_task(second)

    world.fake.before = gone
    there = tasks_of(world.client, project)
    merged = Importer(world.client, project, {})
    merged.merge_duplicates(there)
    assert (merged.outcome.duplicates_removed, len(there.by_chunk["c"])) == (1, 2), "who counts looks again"
    assert [task["id"] for task in world.fake.of(project)] == [first, more[0]]
    # And one that was deleted just before we did.
    third = same_chunk(world, project, {})[0]

    def deleted(method: str, path: str) -> None:
        if method == "DELETE":
            world.fake.before = None
            world.fake.delete_task(third)

    world.fake.before = deleted
    assert merge(world, project)[0].duplicates_removed == 1


def test_annotations_that_their_authors_saved_are_noted_before_they_move(world: Any, project: int) -> None:
    first, second = same_chunk(world, project, {"chunk_id": "c", **TEXT}, {"chunk_id": "c", **TEXT})
    world.fake.annotate(first, user=2)
    world.fake.annotate(first, user=3)
    own = world.fake.annotate(second, [{"id": "x"}], user=2)
    world.fake.annotate(second, user=2, updated_by=1)
    noted: list[tuple[int, Any]] = []
    there = tasks_of(world.client, project)
    Importer(world.client, project, {}, moving=lambda *said: noted.append(said)).merge_duplicates(there)
    assert noted == [(own["id"], [{"id": "x"}])]
