"""A pull sees every change since the one before, whether or not the server stamps it."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builder import pipeline, pull, push
from builder.errors import StoreError
from builder.studio import pull as pulls
from builder.studio.campaign import open_server
from builder.studio.client import Client
from builder.studio.embedded.server import StudioServer
from builder.studio.people import ensure_accounts, token_of
from builder.studio.projects import projects_of
from builder.studio.pull import Pulled
from builder.studio.serving import PersonCounts, annotation_progress
from builder.studio.settings import Annotators
from tests.conftest import admit, connected
from tests.results import counts, printed

pytestmark = pytest.mark.studio


@pytest.fixture(scope="module")
def people(studio: Any) -> Iterator[dict[str, Client]]:
    """Connections of the administrator and of one annotator."""
    config = studio.dataset(chunks=1, annotators=Annotators(people={"dee": "dee@example.org"}, overlap=1)).config
    with connected(config) as (server, admin):
        passwords = ensure_accounts(server.vault, admin, pipeline.campaign(config).people)
        token = token_of(server.url, "dee@example.org", passwords["dee@example.org"])
        with Client(StudioServer(server.url, token, server.vault), config.label_studio) as dee:
            yield {"admin": admin, "dee": dee}


def pushed(studio: Any, chunks: int) -> Any:
    """A dataset with one recorded annotation of each chunk."""
    sample = studio.dataset(chunks, recorded_by=("ada",))
    push(sample.config)
    return sample


@pytest.fixture
def annotated(studio: Any, people: dict[str, Client], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A dataset of four chunks with an annotation each, pulled once."""
    sample = pushed(studio, 4)
    pull(sample.config)
    admit(sample.config, "dee@example.org")
    long_ago(sample, monkeypatch)
    return sample


def long_ago(sample: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the last pull were long ago, so that only what the server stamps, or what we look for, is fetched."""
    monkeypatch.setattr(pulls, "_OVERLAP", timedelta(days=-5000))
    state = sample.config.dataset_folder / "pulls" / "state.json"
    later = json.loads(state.read_text("utf-8"))
    later["since"] = "2035-01-01T00:00:00.000Z"
    state.write_text(json.dumps(later), encoding="utf-8")


def tasks_of(pulled: Pulled) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (pulled.folder / "tasks.jsonl").read_text("utf-8").splitlines()]


def task_ids(sample: Any, client: Client) -> tuple[int, list[int]]:
    project = projects_of(client, pipeline.campaign(sample.config))["all"].id
    return project, sorted(t["id"] for t in client.get("api/tasks", {"project": project, "page_size": 100})["tasks"])


def same_as_full(sample: Any, pulled: Pulled) -> None:
    assert pull(sample.config, full=True).hash == pulled.hash


def test_a_pull_without_news_fetches_no_task(annotated: Any, people: dict[str, Client]) -> None:
    pulled = pull(annotated.config)
    assert (pulled.incremental, pulled.fetched, pulled.new) == (True, 0, False)


def test_a_deleted_task_leaves_the_next_pull(annotated: Any, people: dict[str, Client]) -> None:
    _, ids = task_ids(annotated, people["admin"])
    people["admin"].send("DELETE", f"api/tasks/{ids[1]}/")
    pulled = pull(annotated.config)
    assert "gone since the pull before: 1 task, 1 annotation" in printed("pull", pulled)
    assert (len(pulled.losses.tasks), pulled.losses.projects) == (1, [])
    assert pulled.incremental
    assert pulled.fetched == 0
    assert sorted(t["id"] for t in tasks_of(pulled)) == [ids[0], *ids[2:]]
    same_as_full(annotated, pulled)


def test_a_task_deleted_and_one_added_are_both_seen(annotated: Any, people: dict[str, Client]) -> None:
    project, ids = task_ids(annotated, people["admin"])
    people["admin"].send("DELETE", f"api/tasks/{ids[0]}/")
    foreign = dict.fromkeys(("text", "title", "byline", "context_before", "context_after"), "by hand")
    people["admin"].post(f"api/projects/{project}/import", [{"data": foreign}])
    pulled = pull(annotated.config)
    assert pulled.record["counts"]["foreign"] == 1
    assert ids[0] not in {t["id"] for t in tasks_of(pulled)}
    same_as_full(annotated, pulled)


def test_drafts_of_anybody_come_and_go(annotated: Any, people: dict[str, Client]) -> None:
    _, ids = task_ids(annotated, people["admin"])
    draft = people["dee"].post(f"api/tasks/{ids[2]}/drafts", {"result": [], "lead_time": 3})
    pulled = pull(annotated.config)
    (with_draft,) = [t for t in tasks_of(pulled) if t["drafts"]]
    assert (with_draft["id"], with_draft["drafts"][0]["user"]) == (ids[2], "dee@example.org")
    same_as_full(annotated, pulled)

    people["dee"].patch(f"api/drafts/{draft['id']}/", {"lead_time": 8})
    pulled = pull(annotated.config)
    assert [d["lead_time"] for t in tasks_of(pulled) for d in t["drafts"]] == [8]
    same_as_full(annotated, pulled)

    people["dee"].send("DELETE", f"api/drafts/{draft['id']}/")
    pulled = pull(annotated.config)
    assert not any(t["drafts"] for t in tasks_of(pulled))
    same_as_full(annotated, pulled)


def test_predictions_that_come_and_go_many_at_once_are_seen(
    annotated: Any, people: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = people["admin"]
    project, ids = task_ids(annotated, admin)
    path = f"api/projects/{project}/import/predictions"
    admin.post(path, [{"task": task, "result": [], "model_version": "m"} for task in ids[:2]])
    pulled = pull(annotated.config)
    assert [len(t["predictions"]) for t in sorted(tasks_of(pulled), key=lambda t: t["id"])] == [1, 1, 0, 0]
    same_as_full(annotated, pulled)

    long_ago(annotated, monkeypatch)
    body = {"selectedItems": {"all": False, "included": ids[:1]}, "ordering": [], "project": project}
    admin.post("api/dm/actions", body, {"id": "delete_tasks_predictions", "project": project})
    # As many as before, by the same model.
    admin.post(path, [{"task": ids[3], "result": [], "model_version": "m"}])
    pulled = pull(annotated.config)
    assert [len(t["predictions"]) for t in sorted(tasks_of(pulled), key=lambda t: t["id"])] == [0, 1, 0, 1]
    same_as_full(annotated, pulled)


def _edit(client: Client, task: dict[str, Any]) -> None:
    client.patch(f"api/annotations/{task['annotations'][0]['id']}/", {"result": []})


def _remove(client: Client, task: dict[str, Any]) -> None:
    client.send("DELETE", f"api/annotations/{task['annotations'][0]['id']}/")


def _skip(client: Client, task: dict[str, Any]) -> None:
    client.post(f"api/tasks/{task['id']}/annotations/", {"result": [], "was_cancelled": True})


@pytest.mark.parametrize(("change", "annotations", "skipped"), [(_edit, 2, 0), (_remove, 1, 0), (_skip, 2, 1)])
def test_changed_annotations_are_stamped(
    studio: Any,
    people: dict[str, Client],
    change: Callable[[Client, dict[str, Any]], None],
    annotations: int,
    skipped: int,
) -> None:
    sample = pushed(studio, 2)
    before = pull(sample.config)
    change(people["admin"], tasks_of(before)[1])
    pulled = pull(sample.config)
    assert pulled.incremental
    assert pulled.hash != before.hash
    assert counts(pulled, "annotations", "skipped") == (annotations, skipped)
    assert before.folder.is_dir(), "an earlier pull stays"
    same_as_full(sample, pulled)


def test_who_annotated_is_known_after_the_account_was_deleted(
    studio: Any, people: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = studio.dataset(chunks=2, annotators=Annotators(people={"fay": "fay@example.org"}, overlap=1))
    push(sample.config)
    with open_server(pipeline.campaign(sample.config)) as server:
        password = ensure_accounts(server.vault, people["admin"], pipeline.campaign(sample.config).people)[
            "fay@example.org"
        ]
        token = token_of(server.url, "fay@example.org", password)
        _, (first, second) = task_ids(sample, people["admin"])
        with Client(StudioServer(server.url, token, server.vault), sample.config.label_studio) as fay:
            fay.post(f"api/tasks/{first}/annotations/", {"result": []})
            number = fay.get("api/current-user/whoami")["id"]
    pull(sample.config)
    long_ago(sample, monkeypatch)
    people["admin"].send("DELETE", f"api/users/{number}")
    people["admin"].send("DELETE", f"api/tasks/{second}/")
    pulled = pull(sample.config)
    assert pulled.incremental
    assert pulled.new
    users = json.loads((pulled.folder / "users.json").read_text("utf-8"))
    assert users == {str(number): {"email": "fay@example.org"}}
    # The server itself does not know any more, and that stops nobody.
    assert annotation_progress(pipeline.campaign(sample.config)).by_annotator == {
        "deleted accounts": PersonCounts(annotated=1)
    }


def test_a_damaged_pull_is_no_base_for_the_next(studio: Any, people: dict[str, Client]) -> None:
    sample = pushed(studio, 2)
    admit(sample.config, "dee@example.org")
    before = pull(sample.config)
    file = before.folder / "tasks.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"against", b"favor"))
    with pytest.raises(StoreError, match="is not what its hash says"):
        pull(sample.config, full=True)
    people["dee"].post(f"api/tasks/{tasks_of(before)[0]['id']}/annotations/", {"result": []})
    for damaged in (whole.replace(b"against", b"favor"), whole[:-50]):
        file.write_bytes(damaged)
        with pytest.raises(StoreError, match="is not what its hash says"):
            pull(sample.config)
    file.write_bytes(whole)
    pulled = pull(sample.config)
    assert pulled.incremental
    same_as_full(sample, pulled)


def test_a_pull_that_fails_leaves_nothing_behind(annotated: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = annotated.config.dataset_folder / "pulls"
    before = sorted(path.name for path in folder.iterdir())
    # Changing the scheme makes a new pull necessary; the disk is full when its last file is written.
    annotated.config.labels.version = "2"

    def full_disk(path: Path, value: object, mode: int = 0o644) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pulls, "write_json", full_disk)
    with pytest.raises(pulls.StoreError, match="No space left"):
        pull(annotated.config)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_what_a_killed_pull_left_is_cleared_away(annotated: Any) -> None:
    folder = annotated.config.dataset_folder / "pulls"
    (folder / ".pull.killed").mkdir()
    (folder / ".pull.killed" / "spool").write_text("half", encoding="utf-8")
    pull(annotated.config)
    assert not list(folder.glob(".*"))
