"""Push, annotate and pull on a real Label Studio: every label comes back once, unchanged."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from builder import pipeline, pull, push, run, status
from builder.config import Paths
from builder.errors import StoreError
from builder.studio.campaign import open_server
from builder.studio.people import ensure_accounts
from builder.studio.projects import projects_of
from builder.studio.pull import Pulled
from builder.studio.push import Pushed
from builder.studio.saving import Submitted
from builder.studio.serving import annotation_progress
from builder.studio.settings import Annotators, LabelStudio
from tests.conftest import connected, sample
from tests.results import counts, printed

pytestmark = pytest.mark.studio


def tasks_of(pulled: Pulled) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (pulled.folder / "tasks.jsonl").read_text("utf-8").splitlines()]


@dataclass
class RoundTrip:
    """A dataset of six chunks with recorded labels, its first push and its first pull; tests change none of it."""

    sample: Any
    pushed: Pushed
    pulled: Pulled


@pytest.fixture(scope="module")
def round_trip(studio: Any) -> RoundTrip:
    made = studio.dataset(chunks=6)
    return RoundTrip(made, push(made.config), pull(made.config))


def test_recorded_labels_come_back_once_and_unchanged(round_trip: RoundTrip) -> None:
    sample, first, pulled = round_trip.sample, round_trip.pushed, round_trip.pulled
    assert [row.imported for row in first.projects] == [6]
    assert first.recorded == {name: Submitted(6, 0) for name in ("ada", "ben", "cyd")}

    assert counts(pulled, "tasks", "annotations", "duplicates") == (6, 18, 0)
    by_chunk = {chunk["chunk_id"]: chunk for chunk in sample.chunks}
    for task in tasks_of(pulled):
        chunk = by_chunk.pop(task["data"]["chunk_id"])
        assert task["data"]["text"] == chunk["text"]
        assert len({a["completed_by"] for a in task["annotations"]}) == 3
        for annotation in task["annotations"]:
            for item in annotation["result"]:
                if item["type"] == "labels" and item["value"]["labels"] == ["GPE"]:
                    span = chunk["text"][item["value"]["start"] : item["value"]["end"]]
                    assert span in ("Japan", "Tokyo", "Beijing")
    assert not by_chunk


def test_pushing_and_pulling_again_changes_nothing(round_trip: RoundTrip) -> None:
    config = round_trip.sample.config
    again = push(config)
    assert [(row.present, row.imported, row.requests) for row in again.projects] == [(6, 0, 0)]
    assert again.recorded == {name: Submitted(0, 6) for name in ("ada", "ben", "cyd")}
    for full in (False, True):
        after = pull(config, full=full)
        assert after.hash == round_trip.pulled.hash
        assert not after.new


def test_a_dry_run_says_what_would_be_done_and_does_nothing(studio: Any) -> None:
    sample = studio.dataset(chunks=3)
    would = push(sample.config, dry_run=True)
    assert [(row.project, row.imported) for row in would.projects] == [(None, 3)]
    with connected(sample.config) as (_, client):
        titles = [p["title"] for p in client.get("api/projects/", {"page_size": 1000})["results"]]
    assert sample.config.dataset.name not in titles


def test_accounts_made_at_the_same_time_all_keep_their_passwords(studio: Any) -> None:
    def make(number: int) -> None:
        people = {f"p{number}-{n}": f"p{number}-{n}@example.org" for n in range(3)}
        config = studio.dataset(chunks=1, annotators=Annotators(people=people, overlap=1)).config
        with connected(config) as (server, client):
            assert len(ensure_accounts(server.vault, client, pipeline.campaign(config).people)) == 3

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(make, range(2)))
    kept = pipeline.campaign(studio.dataset(chunks=1).config).vault.secrets().annotators
    assert {f"p{number}-{n}@example.org" for number in range(2) for n in range(3)} <= set(kept)


def test_a_run_on_a_server_elsewhere_ends_with_what_is_left(
    studio: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "one.txt").write_text("Japan and Boeing agreed on a new line for missiles.", encoding="utf-8")
    # On a server elsewhere, people have accounts already.
    known = studio.dataset(chunks=1, annotators=Annotators(overlap=1)).config
    push(known)
    with open_server(pipeline.campaign(known)) as server:
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", server.token)
        config = studio.dataset(chunks=1, annotators=Annotators(overlap=1)).config
        config.paths = Paths(raw=str(tmp_path / "raw"), workspace=str(tmp_path / "workspace"))
        config.label_studio = LabelStudio(url=server.url)
        found = run(config)
        there = status(config).label_studio
    assert (found.progress.tasks, found.progress.done) == (1, 0)
    assert (there.answers, there.progress.tasks, there.progress.done) == (True, 1, 0)
    assert "0 of 1 chunks are annotated" in printed("run", found)
    assert server.url in printed("run", found)


def test_each_annotator_has_a_project_with_an_equal_share(studio: Any) -> None:
    sample = studio.dataset(chunks=3)
    sample.config.annotators = Annotators(
        kind="recorded", recorded=str(sample.recorded), overlap=2, layout="each", people={"ada": "ada@example.org"}
    )
    pushed = push(sample.config)
    assert [row.planned for row in pushed.projects] == [2, 2, 2]
    pulled = pull(sample.config)
    assert counts(pulled, "tasks", "annotations") == (6, 6)
    seen: dict[str, set[int]] = {}
    for task in tasks_of(pulled):
        seen.setdefault(task["data"]["chunk_id"], set()).update(a["completed_by"] for a in task["annotations"])
    assert all(len(annotators) == 2 for annotators in seen.values())
    assert len(seen) == 3


def test_who_left_owes_nothing_and_others_take_over(studio: Any) -> None:
    people = {name: f"{name}-leaves@example.org" for name in ("ada", "ben")}
    sample = studio.dataset(chunks=6, annotators=Annotators(people=people, overlap=1, layout="each"))
    first = {row.slot: row for row in push(sample.config).projects}
    assert {slot: row.planned for slot, row in first.items()} == {"ada": 3, "ben": 3}
    with connected(sample.config) as (_, client):
        tasks = client.get("api/tasks", {"project": first["ada"].project, "include": "id,data"})["tasks"]
        client.post(f"api/tasks/{tasks[0]['id']}/annotations/", {"result": []})
    sample.config.annotators.people = {"ben": people["ben"], "cyd": "cyd-comes@example.org"}
    again = {row.slot: row for row in push(sample.config).projects}
    assert {slot: (row.planned, row.imported) for slot, row in again.items()} == {
        "ada": (1, 0), "ben": (3, 0), "cyd": (2, 2)
    }  # fmt: skip
    state = annotation_progress(pipeline.campaign(sample.config))
    assert (state.tasks, state.done) == (6, 1)
    assert {slot: row.tasks for slot, row in state.projects.items()} == {"ada": 1, "ben": 3, "cyd": 2}


def test_a_project_deleted_by_somebody_is_missed(studio: Any) -> None:
    people = {name: f"{name}@example.org" for name in ("ada", "ben")}
    sample = studio.dataset(chunks=3, annotators=Annotators(people=people, overlap=2, layout="each"))
    push(sample.config)
    assert pull(sample.config).losses.projects == []
    with connected(sample.config) as (_, client):
        client.send("DELETE", f"api/projects/{projects_of(client, pipeline.campaign(sample.config))['ben'].id}/")
    sample.config.label_studio = replace(sample.config.label_studio, gone_share=0.05)
    with pytest.raises(StoreError, match="1 project, 3 tasks of the pull before are gone"):
        pull(sample.config)
    sample.config.label_studio = replace(sample.config.label_studio, gone_share=1)
    pulled = pull(sample.config)
    assert (pulled.losses.projects, len(pulled.losses.tasks), pulled.record["counts"]["tasks"]) == (["ben"], 3, 3)
    assert "the projects of ben are not on the server any more" in printed("pull", pulled)


def test_pushes_from_two_workspaces_at_once_end_in_one_project(
    studio: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a server elsewhere, people have accounts already.
    known = studio.dataset(chunks=1, annotators=Annotators(overlap=1)).config
    push(known)
    with open_server(pipeline.campaign(known)) as server:
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", server.token)
        settings = LabelStudio(url=server.url, batch_bytes=1024)
        people = Annotators(overlap=1)
        both = [sample(tmp_path / n, "twice", 8, label_studio=settings, annotators=people) for n in "ab"]
        with ThreadPoolExecutor(2) as pool:
            pushed = [made.result() for made in [pool.submit(push, one.config) for one in both]]
        assert len({row.project for made in pushed for row in made.projects}) == 1
        push(both[0].config)
        pulled = pull(both[0].config)
    assert counts(pulled, "tasks", "duplicates") == (8, 0)
