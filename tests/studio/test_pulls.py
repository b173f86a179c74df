"""Lines of a pull: sorted, one a task, merged with those of the pull before."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder.errors import StoreError
from builder.store import read_json, write_json
from builder.studio.pull import Pulled, pull
from builder.studio.pulls import (
    EarlierPull,
    Losses,
    PulledAnnotation,
    PulledTask,
    TaskFile,
    losses,
    merge_lines,
    pull_counts,
    refuse_losses,
)


def task(number: int, chunk: str | None, **more: Any) -> dict[str, Any]:
    data = {"text": "x"} if chunk is None else {"chunk_id": chunk, "text": "x"}
    return {"project": 1, "id": number, "data": data, "annotations": [], "drafts": [], "predictions": [], **more}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write(folder: Path, tasks: list[dict[str, Any]]) -> Path:
    with TaskFile(folder / "spool") as new:
        for one in tasks:
            new.add(one)
        merge_lines([], new, folder / "tasks.jsonl")
    return folder / "tasks.jsonl"


def test_lines_are_sorted_and_their_keys_too(tmp_path: Path) -> None:
    path = write(tmp_path, [task(3, "b"), task(2, "b"), task(9, "a"), task(1, None)])
    assert [t["id"] for t in lines(path)] == [1, 9, 2, 3]
    assert all(list(t) == sorted(t) for t in lines(path))


def test_the_order_in_which_tasks_come_leaves_no_trace(tmp_path: Path) -> None:
    tasks = [task(n, f"c{n % 3}") for n in range(7)]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert write(tmp_path / "a", tasks).read_bytes() == write(tmp_path / "b", tasks[::-1]).read_bytes()


def test_a_task_that_comes_again_replaces_itself(tmp_path: Path) -> None:
    path = write(tmp_path, [task(1, "a"), task(1, "a", predictions=[{}])])
    assert [len(t["predictions"]) for t in lines(path)] == [1]


def test_a_pull_is_merged_with_news(tmp_path: Path) -> None:
    base = write(tmp_path, [task(1, "a"), task(2, "b"), task(3, "c")])
    kept = [line for line in EarlierPull(base.parent).lines() if line.task.id not in (2, 3)]
    with TaskFile(tmp_path / "new") as new:
        new.add(task(2, "b", annotations=[{"completed_by": 7}, {"completed_by": 8, "was_cancelled": True}]))
        new.add(task(4, "b"))
        new.add(task(5, None))
        tasks = merge_lines(kept, new, tmp_path / "merged.jsonl")
    assert [t["id"] for t in lines(tmp_path / "merged.jsonl")] == [5, 1, 2, 4]
    assert [task.id for task in tasks] == [5, 1, 2, 4]
    assert pull_counts(tasks) == {
        "tasks": 4,
        "annotations": 1,
        "skipped": 1,
        "drafts": 0,
        "predictions": 0,
        "duplicates": 1,
        "foreign": 1,
    }


# What vanished from the server is counted, listed, and stops a pull when it is much.


@pytest.fixture
def ids(world: Any) -> list[int]:
    """Four tasks: two annotations and a draft on the first, a skip on the second, a prediction on the third."""
    tasks = list(world.fake.add_tasks(world.project(), *({"data": {"chunk_id": c}} for c in world.ids)))
    ada, ben = (world.fake.add_user(f"{name}@example.org")["id"] for name in ("ada", "ben"))
    world.fake.annotate(tasks[0], user=ada)
    world.fake.annotate(tasks[0], user=ben)
    world.fake.annotate(tasks[1], user=ben, was_cancelled=True)
    world.fake.draft(tasks[0], [], user=ada)
    world.fake.predict(tasks[2], model_version="m")
    world.fake.tick(3600)
    return tasks


def named(task: dict[str, Any], kind: str) -> list[str]:
    return [f"{task['project']}:{made['id']}" for made in task[kind]]


@pytest.mark.parametrize("full", [False, True])
def test_everything_that_vanished_is_listed(world: Any, ids: list[int], first: Pulled, full: bool) -> None:
    gone = world.fake.tasks[ids[0]]
    ours = Losses(
        tasks=[ids[0]], annotations=named(gone, "annotations"), drafts=named(gone, "drafts"),
        accounts=["ben@example.org"], share=2 / 3,
    )  # fmt: skip
    world.fake.delete_task(ids[0])
    world.fake.users = [user for user in world.fake.users if user["email"] != "ben@example.org"]
    pulled = pull(world.campaign, full=full)
    assert pulled.losses == ours
    assert pulled.record["losses"]["tasks"] == [ids[0]]
    assert pulled.losses.described() == "1 task, 2 annotations, 1 draft, 1 account"


def test_predictions_that_vanished_are_listed(world: Any, ids: list[int], first: Pulled) -> None:
    (made,) = world.fake.tasks[ids[2]]["predictions"]
    world.fake.tasks[ids[2]]["predictions"] = []
    assert pull(world.campaign).losses == Losses(predictions=[made["id"]])


def test_a_draft_that_was_submitted_is_not_gone(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake.tasks[ids[0]]["drafts"] = []
    world.fake.annotate(ids[0], user=2)
    assert pull(world.campaign).losses == Losses()
    world.fake.tick(3600)
    draft = world.fake.draft(ids[1], [], user=2)
    pull(world.campaign)
    world.fake.tick(3600)
    world.fake.tasks[ids[1]]["drafts"] = []
    assert pull(world.campaign).losses.drafts == [f"{world.fake.tasks[ids[1]]['project']}:{draft['id']}"]


@pytest.mark.parametrize("full", [False, True])
def test_a_database_that_was_set_back_stops_the_pull(world: Any, ids: list[int], first: Pulled, full: bool) -> None:
    """The tasks are dated as before, and only the number of annotations shows it."""
    world.campaign.server.gone_share = 0.05
    world.fake.tasks[ids[0]]["annotations"].pop()
    with pytest.raises(StoreError, match=r"1 annotation of the pull before are gone \(33%\)") as caught:
        pull(world.campaign, full=full)
    assert "builder restore" in caught.value.hint
    listed = read_json(world.campaign.folder / "pulls" / "losses.json")
    assert len(listed["annotations"]) == 1
    assert read_json(world.campaign.folder / "pulls" / "latest.json") == {"hash": first.hash}
    world.campaign.server.gone_share = 0.34
    assert pull(world.campaign, full=full).record["counts"]["annotations"] == 1


def test_work_after_a_database_was_set_back_does_not_hide_it(world: Any, ids: list[int], first: Pulled) -> None:
    lost = world.fake.tasks[ids[0]]["annotations"].pop()
    # The server gives the number out again.
    world.fake.annotate(ids[3], user=2, id=lost["id"])
    assert pull(world.campaign).losses.annotations == [f"{world.fake.tasks[ids[0]]['project']}:{lost['id']}"]


def test_more_annotations_than_read_are_no_loss(world: Any, ids: list[int], first: Pulled) -> None:
    """People annotate while a pull reads: what came after the reading is for the next one."""
    before = world.fake.tasks[ids[3]]["updated_at"]
    world.fake.annotate(ids[3], user=2)
    world.fake.tasks[ids[3]]["updated_at"] = before
    assert pull(world.campaign).incremental


def test_a_clock_that_was_set_back_misses_nothing(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake.tick(-7200)
    world.fake.annotate(ids[3], user=2)
    found = pull(world.campaign)
    assert (found.incremental, found.record["counts"]["annotations"]) == (False, 3)
    world.fake.tick(60)
    assert pull(world.campaign).incremental


def test_a_clock_that_was_set_back_and_caught_up_misses_nothing(world: Any, ids: list[int], first: Pulled) -> None:
    file = world.campaign.folder / "pulls" / "state.json"
    state = read_json(file)
    # At the pull before, the server's clock was an hour ahead of what it is now, compared with ours.
    write_json(file, {**state, "ahead": state["ahead"] + 7200})
    world.fake.annotate(ids[3], user=2)
    world.fake.tasks[ids[3]]["updated_at"] = "2026-03-02T08:00:00.000000Z"
    found = pull(world.campaign)
    assert (found.incremental, found.record["counts"]["annotations"]) == (False, 3)


@pytest.mark.parametrize("full", [False, True])
def test_the_author_of_a_deleted_account_is_known_from_the_pull_before(
    world: Any, ids: list[int], first: Pulled, full: bool
) -> None:
    """Label Studio then names nobody, and two deleted people would be one."""
    world.fake.users = world.fake.users[:1]
    for made in world.fake.tasks[ids[0]]["annotations"]:
        made["completed_by"] = None
    world.fake._touch(ids[0])
    pulled = pull(world.campaign, full=full)
    assert [made["completed_by"] for made in pulled_annotations(pulled)] == [2, 3, 3]
    assert read_json(pulled.folder / "users.json")["2"] == {"email": "ada@example.org"}
    assert pulled.losses == Losses(accounts=["ada@example.org", "ben@example.org"])


def pulled_annotations(pulled: Pulled) -> list[dict[str, Any]]:
    lines = (pulled.folder / "tasks.jsonl").read_text("utf-8").splitlines()
    made = [a for line in lines for a in json.loads(line)["annotations"]]
    return sorted(made, key=lambda a: a["id"])


def test_nothing_gone_is_nothing_said(tmp_path: Path) -> None:
    assert Losses().described() == ""
    refuse_losses(Losses(share=0.05), 0.05, "http://labels.example", tmp_path / "losses.json")
    assert not (tmp_path / "losses.json").exists()


@pytest.mark.parametrize("busy", [False, True])
def test_an_annotation_gone_without_a_trace_is_noticed_by_their_number(world: Any, busy: bool) -> None:
    """Whether or not another task changed, which is read then, while that of the annotation is not."""
    tasks = world.fake.add_tasks(world.project(), *({"data": {"chunk_id": c}} for c in world.ids))
    for task in tasks[:2]:
        world.fake.annotate(task)
    world.fake.tick(3600)
    pull(world.campaign)
    world.fake.tick(3600)
    lost = named(world.fake.tasks[tasks[0]], "annotations")
    world.fake.tasks[tasks[0]]["annotations"] = []
    if busy:
        world.fake._touch(tasks[3])
    world.fake.tick(60)
    found = pull(world.campaign)
    assert (found.incremental, found.fetched, found.losses.annotations) == (False, 4, lost)
    again = pull(world.campaign)
    assert (again.new, again.incremental, again.fetched, again.hash) == (False, True, 0, found.hash)


def test_the_share_that_is_gone_is_the_larger_one() -> None:
    def before(tasks: int, annotations: int) -> list[PulledTask]:
        made = [PulledAnnotation(id=n, created_at="t") for n in range(annotations)]
        return [PulledTask(n, 1, annotations=[] if n else made) for n in range(tasks)]

    shares = {
        (tasks, annotations): losses(before(tasks, annotations), before(tasks, annotations)[1:]).share
        for tasks, annotations in ((1, 0), (1, 1), (4, 0), (4, 2))
    }
    assert shares == {(1, 0): 1.0, (1, 1): 1.0, (4, 0): 0.25, (4, 2): 1.0}
    assert losses([], []).share == 0.0
    fewer = [PulledTask(0, 1, annotations=before(1, 4)[0].annotations[1:]), *before(4, 4)[1:]]
    assert losses(before(4, 4), fewer).share == 0.25
