"""A pull holds the state of the server, is the same bytes whether or not it read everything, and is never half."""

import json
import stat
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from builder.errors import Refused, StoreError
from builder.questions.choice import Choice
from builder.scheme import Label
from builder.stage import exclusive
from builder.store import read_json, write_json
from builder.studio import pull as module
from builder.studio.client import Client
from builder.studio.projects import ensure_project, projects_of
from builder.studio.pull import Pulled, pull, pull_projects
from builder.studio.pull_records import folder_of, latest, read_key, verify_pull
from builder.studio.pulls import Losses, tasks_by_chunk
from tests import samples


def tasks_of(pulled: Pulled) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (pulled.folder / "tasks.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture
def ids(world: Any) -> list[int]:
    """Four tasks; two people annotated the first one, and one skipped the second."""
    data = [{"data": {"chunk_id": chunk["chunk_id"], "text": chunk["text"]}} for chunk in world.chunks]
    tasks = list(world.fake.add_tasks(world.project(), *data))
    ada, ben = (world.fake.add_user(f"{name}@Example.org")["id"] for name in ("ada", "ben"))
    world.fake.annotate(tasks[0], [{"id": "x"}], user=ada)
    world.fake.annotate(tasks[0], user=ben)
    world.fake.annotate(tasks[1], user=ben, was_cancelled=True)
    world.fake.tick(3600)
    return tasks


def test_the_time_is_that_of_the_server(world: Any) -> None:
    world.client.ahead = 7200.0
    before = datetime.now(UTC).replace(microsecond=0)
    found = datetime.fromisoformat(world.client.now) - timedelta(hours=2)
    assert before <= found <= datetime.now(UTC)
    assert found.microsecond == 0


def test_a_pull_says_since_when_its_page_asks(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.fake.add_tasks(world.project(), {"data": {"chunk_id": world.ids[0], "text": "x"}})
    earlier = pull(world.campaign)
    monkeypatch.setattr(Client, "now", "2026-03-02T12:00:00+00:00")
    frame = Choice(options={"war": Label(), "money": Label()}, many=True, required=False)
    scheme = world.campaign.scheme
    world.campaign.scheme = replace(scheme, questions={**scheme.questions, "frame": frame})
    not_pushed = pull(world.campaign)
    assert not_pushed.record["projects"]["all"]["asked"] == {}, "nobody was asked yet"
    ensure_project(world.client, world.campaign, "all")
    found = pull(world.campaign)
    assert found.record["projects"]["all"]["asked"] == {"frame": dict.fromkeys(("war", "money"), Client.now)}
    monkeypatch.setattr(Client, "now", "2026-03-02T13:00:00+00:00")
    ensure_project(world.client, world.campaign, "all")
    assert pull(world.campaign).hash == found.hash
    assert len({earlier.hash, not_pushed.hash, found.hash}) == 3


def same_as_full(world: Any, pulled: Pulled) -> None:
    found = projects_of(world.client, world.campaign)
    clean = Path(tempfile.mkdtemp(dir=world.campaign.folder))
    full = pull_projects(world.client, world.campaign, found, clean)
    assert full.hash == pulled.hash
    assert not full.incremental
    assert (full.folder / "tasks.jsonl").read_bytes() == (pulled.folder / "tasks.jsonl").read_bytes()


def test_a_pull_says_what_it_holds(world: Any, ids: list[int], first: Pulled) -> None:
    assert (first.new, first.incremental, first.fetched, first.losses) == (True, False, 4, Losses())
    record = read_json(first.folder / "pull.json")
    assert record == first.record
    assert record["counts"] == {
        "tasks": 4, "annotations": 2, "skipped": 1, "drafts": 0, "predictions": 0, "duplicates": 0, "foreign": 0
    }  # fmt: skip
    project = tasks_of(first)[0]["project"]
    assert record["projects"] == {"all": {"id": project, "title": "sample", "maximum_annotations": 2, "asked": {}}}
    assert (record["server"], record["server_version"], record["scheme_version"]) == (
        world.fake.url, "1.23.2", "sample@1"
    )  # fmt: skip
    assert record["scheme"]["name"] == "sample"
    assert record["started"] <= record["finished"]
    assert {len(record[name]) for name in ("started", "finished")} == {len("2026-03-02T09:00:00+00:00")}
    assert first.folder == folder_of(world.campaign.folder / "pulls", first.hash)
    assert latest(world.campaign.folder / "pulls") == (first.folder, record)
    assert read_json(first.folder / "users.json") == {
        "2": {"email": "ada@Example.org"},
        "3": {"email": "ben@Example.org"},
    }
    by_id = {task["id"]: task for task in tasks_of(first)}
    assert [by_id[n]["data"]["text"] for n in ids] == [chunk["text"] for chunk in world.chunks]
    (made, _) = by_id[ids[0]]["annotations"]
    assert (made["result"], made["completed_by"], made["was_cancelled"]) == ([{"id": "x"}], 2, False)
    assert {"created_at", "updated_at", "lead_time", "parent_prediction", "ground_truth"} <= set(made)


def test_the_key_of_the_pseudonyms_is_made_once(world: Any, first: Pulled) -> None:
    key = world.campaign.workspace / "pseudonyms.key"
    before, whole = read_key(key), key.read_bytes()
    assert len(before) == 32
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    pull(world.campaign)
    assert (read_key(key), key.read_bytes()) == (before, whole)
    for damaged in (bytes([whole[0] ^ 1]) + whole[1:], whole[:-1] + bytes([whole[-1] ^ 1])):
        key.write_bytes(damaged)
        with pytest.raises(StoreError, match="is not what was written"):
            read_key(key)
    key.write_bytes(before)
    assert read_key(key) == before, "as earlier versions wrote it"
    key.unlink()
    with pytest.raises(StoreError, match="is missing"):
        read_key(key)


def test_a_pull_without_changes_reads_no_task(world: Any, first: Pulled) -> None:
    heard: list[tuple[str, int, int | None]] = []
    again = pull(world.campaign, progress=lambda *step: heard.append(step))
    assert (again.hash, again.new, again.incremental, again.fetched) == (first.hash, False, True, 0)
    assert (again.folder, again.record) == (first.folder, first.record)
    full = pull(world.campaign, full=True, progress=lambda *step: heard.append(step))
    assert (full.hash, full.new, full.incremental, full.fetched) == (first.hash, False, False, 4)
    assert heard[-1] == ("pull", 4, 4)


def test_nothing_to_pull_from(world: Any) -> None:
    with pytest.raises(StoreError, match="no project of sample") as caught:
        pull(world.campaign)
    assert "builder push" in caught.value.hint


def test_two_pulls_at_once_are_refused(world: Any, first: Pulled) -> None:
    with exclusive(world.campaign.folder / "pull", "pull"), pytest.raises(StoreError, match="Another `builder pull`"):
        pull(world.campaign)


def _edit(world: Any, task: int) -> None:
    made = world.fake.tasks[task]["annotations"][0]
    world.client.patch(f"api/annotations/{made['id']}/", {"result": [{"id": "y"}]})


def _remove(world: Any, task: int) -> None:
    world.fake.tasks[task]["annotations"].pop()
    world.fake._touch(task)


def _annotate(world: Any, task: int) -> None:
    world.fake.annotate(task)


@pytest.mark.parametrize(("change", "annotations"), [(_edit, 2), (_remove, 1), (_annotate, 3)])
def test_only_changed_tasks_are_read(world: Any, ids: list[int], first: Pulled, change: Any, annotations: int) -> None:
    change(world, ids[0])
    pulled = pull(world.campaign)
    assert (pulled.new, pulled.incremental, pulled.fetched) == (True, True, 1)
    assert pulled.record["counts"]["annotations"] == annotations
    assert first.folder.is_dir(), "an earlier pull stays"
    same_as_full(world, pulled)


@pytest.mark.parametrize(("ago", "fetched"), [(15, 1), (600, 0)])
def test_changes_dated_shortly_before_the_pull_are_read_again(
    world: Any, ids: list[int], first: Pulled, ago: int, fetched: int
) -> None:
    # One that was being saved while the last pull read may be dated earlier than it became visible.
    pull(world.campaign, full=True)
    at = world.fake.now
    world.fake.tick(-ago)
    world.fake._touch(ids[2])
    world.fake.now = at
    world.fake.tick(3600)
    assert pull(world.campaign).fetched == fetched


def test_the_next_pull_asks_from_twenty_seconds_before_this_one(
    world: Any, first: Pulled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "first_asked", datetime(2026, 3, 2, 12, 0, 30, 999999, tzinfo=UTC))
    pull(world.campaign, full=True)
    state = read_json(world.campaign.folder / "pulls" / "state.json")
    assert (state["since"], state["server"], state["hash"]) == ("2026-03-02T12:00:10.000Z", world.fake.url, first.hash)


def test_a_deleted_task_leaves_the_pull(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake.delete_task(ids[1])
    pulled = pull(world.campaign)
    assert (pulled.incremental, pulled.fetched, pulled.losses.tasks) == (True, 0, [ids[1]])
    assert sorted(t["id"] for t in tasks_of(pulled)) == [ids[0], *ids[2:]]
    assert read_json(pulled.folder / "users.json") is not None
    same_as_full(world, pulled)


def test_the_last_task_deleted_and_one_added(world: Any, ids: list[int], first: Pulled) -> None:
    project = tasks_of(first)[0]["project"]
    world.fake.delete_task(ids[3])
    world.fake.add_tasks(project, {"data": {"text": "by hand"}})
    pulled = pull(world.campaign)
    assert (pulled.record["counts"]["tasks"], pulled.record["counts"]["foreign"]) == (4, 1)
    assert pulled.losses.tasks == [ids[3]]
    assert tasks_of(pulled)[0]["data"] == {"text": "by hand"}, "tasks of others come first"
    same_as_full(world, pulled)


def test_drafts_of_anybody_come_change_and_go(world: Any, ids: list[int], first: Pulled) -> None:
    draft = world.fake.draft(ids[2], [], user=2)
    pulled = pull(world.campaign)
    assert pulled.record["counts"]["drafts"] == 1
    assert [d["user"] for t in tasks_of(pulled) for d in t["drafts"]] == ["ada@Example.org"]
    same_as_full(world, pulled)
    draft["lead_time"] = 8
    changed = pull(world.campaign)
    assert [d["lead_time"] for t in tasks_of(changed) for d in t["drafts"]] == [8]
    world.fake.tasks[ids[2]]["drafts"].clear()
    gone = pull(world.campaign)
    assert (gone.hash, gone.fetched) == (first.hash, 1)
    assert pull(world.campaign).fetched == 0


def test_predictions_that_come_and_go_in_bulk_are_seen(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake.predict(ids[0], model_version="m", score=0.5)
    pulled = pull(world.campaign)
    assert (pulled.record["counts"]["predictions"], pulled.fetched, pulled.incremental) == (1, 4, True)
    (made,) = (p for t in tasks_of(pulled) for p in t["predictions"])
    assert (made["model_version"], made["score"]) == ("m", 0.5)
    same_as_full(world, pulled)
    assert pull(world.campaign).fetched == 0
    # As many as before, by the same model.
    world.fake.tasks[ids[0]]["predictions"].clear()
    world.fake.tick()
    world.fake.predict(ids[3], model_version="m")
    moved = pull(world.campaign)
    assert [len(t["predictions"]) for t in sorted(tasks_of(moved), key=lambda t: t["id"])] == [0, 0, 0, 1]
    same_as_full(world, moved)


def test_a_project_that_was_deleted_is_missed_and_a_new_one_read(world: Any, first: Pulled) -> None:
    old = next(iter(world.fake.projects))
    review = world.project("review")
    world.fake.add_tasks(review, {"data": {"chunk_id": "r"}})
    both = pull(world.campaign)
    assert (both.incremental, both.fetched, both.losses) == (True, 1, Losses())
    assert set(both.record["projects"]) == {"all", "review"}
    same_as_full(world, both)
    world.fake._delete_project(old)
    left = pull(world.campaign)
    assert (left.losses.projects, len(left.losses.tasks), left.record["counts"]["tasks"]) == (["all"], 4, 1)
    same_as_full(world, left)


def test_another_scheme_makes_another_pull_of_the_same_tasks(world: Any, first: Pulled) -> None:
    world.campaign.scheme = samples.scheme(version="2")
    other = pull(world.campaign)
    assert (other.new, other.fetched) == (True, 0)
    assert other.hash != first.hash
    assert (other.folder / "tasks.jsonl").read_bytes() == (first.folder / "tasks.jsonl").read_bytes()
    world.campaign.scheme = samples.scheme()
    again = pull(world.campaign)
    assert (again.hash, again.new) == (first.hash, False)


def test_a_pull_of_another_server_is_no_base(world: Any, first: Pulled) -> None:
    state = world.campaign.folder / "pulls" / "state.json"
    write_json(state, {**read_json(state), "server": "http://elsewhere"})
    again = pull(world.campaign)
    assert (again.incremental, again.fetched, again.hash) == (False, 4, first.hash)


@pytest.mark.parametrize("state", [{"projects": {"1": 5}}, {"since": 3}, ["no", "object"], None, {"hash": "other"}])
def test_without_a_readable_state_everything_is_read(world: Any, first: Pulled, state: Any) -> None:
    path = world.campaign.folder / "pulls" / "state.json"
    if state is None:
        path.unlink()
    else:
        write_json(path, state)
    again = pull(world.campaign)
    assert (again.incremental, again.fetched, again.hash) == (False, 4, first.hash)


def test_who_annotated_is_known_after_the_account_was_deleted(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake.users = [u for u in world.fake.users if u["id"] != 2]
    world.fake.delete_task(ids[3])
    pulled = pull(world.campaign)
    assert read_json(pulled.folder / "users.json")["2"] == {"email": "ada@Example.org"}
    # An account that was gone before the first pull stays a number.
    world.fake.annotate(ids[2], user=77)
    assert "77" not in read_json(pull(world.campaign).folder / "users.json")


def test_a_damaged_pull_is_no_base_for_the_next(world: Any, ids: list[int], first: Pulled) -> None:
    file = first.folder / "tasks.jsonl"
    whole = file.read_bytes()
    for damaged in (whole.replace(b'"x"', b'"z"'), whole[:-50], None):
        if damaged is None:
            file.unlink()
        else:
            file.write_bytes(damaged)
        with pytest.raises(StoreError, match="is not what its hash says"):
            verify_pull(first.folder)
        with pytest.raises(StoreError, match="is not what its hash says"):
            pull(world.campaign, full=True)
        world.fake._touch(ids[0])
        with pytest.raises(StoreError, match="is not what its hash says"):
            pull(world.campaign)
    file.write_bytes(whole)
    verify_pull(first.folder)
    record = read_json(first.folder / "pull.json")
    write_json(first.folder / "pull.json", {**record, "scheme_version": "other@1"})
    with pytest.raises(StoreError, match="is not what its hash says"):
        verify_pull(first.folder)
    write_json(first.folder / "pull.json", record)
    (first.folder / "users.json").write_text("{}", encoding="utf-8")
    with pytest.raises(StoreError, match="is not what its hash says"):
        verify_pull(first.folder)


def test_the_tasks_of_a_pull_by_chunk_leave_out_reviews_and_tasks_of_others(world: Any, first: Pulled) -> None:
    world.fake.add_tasks(world.project("review"), {"data": {"chunk_id": world.ids[0], "review_of": ["1:1"]}})
    world.fake.add_tasks(world.project(), {"data": {"text": "by hand"}})
    found = tasks_by_chunk(pull(world.campaign).folder)
    assert found == {c["chunk_id"]: {"chunk_id": c["chunk_id"], "text": c["text"]} for c in world.chunks}


def test_a_pull_that_is_missing_is_named(world: Any, first: Pulled) -> None:
    (first.folder / "pull.json").unlink()
    with pytest.raises(StoreError, match="is missing") as caught:
        latest(world.campaign.folder / "pulls")
    assert "latest.json" in caught.value.hint
    assert latest(world.campaign.folder / "nothing") is None


def test_a_pull_that_fails_leaves_nothing_behind(world: Any, first: Pulled, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = world.campaign.folder / "pulls"
    before = sorted(path.name for path in folder.iterdir())
    world.campaign.scheme = samples.scheme(version="2")

    def full_disk(path: Path, value: object, mode: int = 0o644) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_json", full_disk)
    with pytest.raises(StoreError, match="No space left"):
        pull(world.campaign)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_what_is_not_whole_yet_has_a_name_with_a_dot(world: Any, ids: list[int]) -> None:
    """By it the next pull knows what a killed one left."""
    seen: set[str] = set()
    pulls = world.campaign.folder / "pulls"
    world.fake.before = lambda *_: seen.update(path.name for path in pulls.glob("*"))
    pull(world.campaign)
    assert seen
    assert not [name for name in seen if not name.startswith(".")]


def test_what_a_killed_pull_left_is_removed(world: Any, first: Pulled) -> None:
    folder = world.campaign.folder / "pulls"
    (folder / ".pull.killed").mkdir()
    (folder / ".pull.killed" / "read").write_text("half", encoding="utf-8")
    (folder / ".state.json.half").write_text("half", encoding="utf-8")
    pull(world.campaign)
    assert not list(folder.glob(".*"))
    assert first.folder.is_dir()


def test_a_server_that_leaves_out_a_field_is_refused(
    world: Any, first: Pulled, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = world.fake._listed

    def without(task: Any, names: Any, expand: bool) -> dict[str, Any]:
        row: dict[str, Any] = listed(task, names, expand)
        for made in row.get("annotations", ()):
            made.pop("completed_by", None)
        return row

    monkeypatch.setattr(world.fake, "_listed", without)
    with pytest.raises(Refused, match="missing required field `completed_by` - at"):
        pull(world.campaign, full=True)


def test_changes_are_asked_for_since_a_little_before(
    world: Any, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that is being saved may be dated earlier than it can be seen."""
    monkeypatch.setattr(Client, "first_asked", datetime(2026, 3, 2, 10, tzinfo=UTC))
    pull(world.campaign)
    assert read_json(world.campaign.folder / "pulls" / "state.json")["since"] == "2026-03-02T09:59:40.000Z"


@pytest.mark.parametrize(("drift", "incremental"), [(20.0, True), (20.5, False), (-3600.0, True)])
def test_a_clock_that_drifts_was_not_set_back(
    world: Any, ids: list[int], first: Pulled, monkeypatch: pytest.MonkeyPatch, drift: float, incremental: bool
) -> None:
    state = world.campaign.folder / "pulls" / "state.json"
    monkeypatch.setattr(Client, "ahead", property(lambda _: 100.0, lambda *_: None), raising=False)
    write_json(state, {**read_json(state), "ahead": 100.0 + drift})
    assert pull(world.campaign).incremental is incremental


def test_what_is_read_one_after_the_other_is_counted_together(world: Any, ids: list[int]) -> None:
    """Tasks that changed, then those that had a draft: a listing of one says a total of one."""
    world.fake.draft(ids[3], [])
    pull(world.campaign)
    world.fake.tick(3600)
    world.fake._touch(ids[0])
    world.fake.tasks[ids[3]]["drafts"] = []
    heard: list[tuple[str, int, int | None]] = []
    pull(world.campaign, progress=lambda *step: heard.append(step))
    assert heard == [("pull", 1, 1), ("pull", 2, 2)]


def test_a_record_is_known_by_its_digest_or_is_one_of_the_first(world: Any, ids: list[int], first: Pulled) -> None:
    """The first records had neither a digest nor losses: what lacks one of them was changed."""
    path = first.folder / "pull.json"
    record = read_json(path)
    for dropped, whole in (({"sha256"}, False), ({"losses"}, False), ({"sha256", "losses"}, True), (set(), True)):
        write_json(path, {name: value for name, value in record.items() if name not in dropped})
        if whole:
            verify_pull(first.folder)
        else:
            with pytest.raises(StoreError, match="is not what its hash says"):
                verify_pull(first.folder)
    path.unlink()
    with pytest.raises(StoreError, match="is not what its hash says"):
        verify_pull(first.folder)
