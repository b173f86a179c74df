"""What vanished from the server is counted, listed, and stops a pull when it is much."""

from pathlib import Path
from typing import Any

import pytest

from builder.errors import StoreError
from builder.store import read_json, write_json
from builder.studio.losses import Losses, refuse_losses
from builder.studio.pull import Pulled, pull


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
    import json

    lines = (pulled.folder / "tasks.jsonl").read_text("utf-8").splitlines()
    made = [a for line in lines for a in json.loads(line)["annotations"]]
    return sorted(made, key=lambda a: a["id"])


def test_nothing_gone_is_nothing_said(tmp_path: Path) -> None:
    assert Losses().described() == ""
    refuse_losses(Losses(share=0.05), 0.05, "http://labels.example", tmp_path / "losses.json")
    assert not (tmp_path / "losses.json").exists()
