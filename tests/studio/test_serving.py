"""The embedded server for people: who can log in, where to label, and what is said of its state and of progress."""

import json
import threading
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from builder.errors import ConfigError, SourceError, StudioError, Unauthorized
from builder.studio import saving, serving
from builder.studio.campaign import connected, open_server
from builder.studio.embedded.server import find_server
from builder.studio.people import accounts
from builder.studio.planning import answers_so_far
from builder.studio.projects import projects_of
from builder.studio.push import push
from builder.studio.serving import (
    AnnotationProgress,
    PersonCounts,
    ProjectCounts,
    ServerStatus,
    annotation_progress,
    serve,
    server_status,
    stop_serving,
    wait_served,
)
from builder.studio.settings import Annotators, LabelStudio
from tests import samples
from tests.studio.embedded.conftest import campaign, program, unused_port

__all__ = ["campaign", "program", "unused_port"]


def rows(articles: int = 1) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    crowd = samples.Crowd().read(*(samples.article(number) for number in range(articles)))
    return crowd.chunks.to_pylist(), crowd.articles.to_pylist()


def test_people_get_accounts_and_addresses(campaign: Any) -> None:
    with serve(campaign) as served:
        secrets = campaign.vault.secrets()
        assert served.administrator == "admin@builder.local"
        assert served.passwords == {"admin@builder.local": secrets.admin_password, **secrets.annotators}
        assert list(secrets.annotators) == ["Ada@example.org"]
        assert (served.version, served.projects) == ("1.23.2", {})
        assert secrets.admin_password not in repr(served)
        push(campaign, *rows())
    assert find_server(campaign.vault) is not None, "it is kept"
    with serve(campaign) as again:
        assert again.projects == {"all": f"{again.url}/projects/1/"}
        assert again.passwords == served.passwords
    status = server_status(campaign)
    assert (status.url, status.running, status.answers, status.problem) == (served.url, True, True, "")
    assert status.progress is not None
    assert (status.progress.tasks, status.progress.done) == (4, 0)
    assert stop_serving(campaign)
    assert not stop_serving(campaign)
    assert server_status(campaign) == ServerStatus(running=False)


def test_in_the_foreground_it_ends_with_the_block(campaign: Any) -> None:
    with serve(campaign, keep=False):
        waiting = threading.Thread(target=wait_served, args=(campaign, 0.05))
        waiting.start()
        assert waiting.is_alive()
    waiting.join(60)
    assert not waiting.is_alive()
    assert find_server(campaign.vault) is None


def test_a_server_that_lives_but_does_not_answer(campaign: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_server(campaign) as running:
        monkeypatch.setattr("builder.studio.embedded.server.whoami", lambda url, token: 0)
        assert server_status(campaign) == ServerStatus(running.url, True, False)


def test_a_server_elsewhere_is_asked_once_and_briefly(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.fake.add_tasks(world.project(), {"data": {}})
    found = server_status(world.campaign)
    assert (found.url, found.running, found.answers) == (world.fake.url, None, True)
    assert found.progress is not None
    assert found.progress.tasks == 1
    world.campaign.server = LabelStudio(url="http://127.0.0.1:9", retries=9, timeout=300)
    silent = server_status(world.campaign)
    assert (silent.url, silent.answers, silent.progress) == ("http://127.0.0.1:9", False, None)
    assert "Nothing answers at http://127.0.0.1:9" in silent.problem
    monkeypatch.delenv("LABEL_STUDIO_API_KEY")
    assert "There is no token" in server_status(world.campaign).problem
    with pytest.raises(Unauthorized):
        open_server(world.campaign)


def test_no_server_elsewhere_is_served_or_stopped(world: Any) -> None:
    for call in (stop_serving, lambda c: serve(c).__enter__()):
        with pytest.raises(ConfigError, match="so there is no embedded server"):
            call(world.campaign)


# Recorded annotators submit through accounts of the embedded server.


@pytest.fixture
def recorded(campaign: Any) -> Any:
    """Ada and Ben recorded every chunk of an article; Ada skips the second."""
    chunks, _ = rows()
    folder = campaign.workspace / "recorded"
    folder.mkdir(parents=True)
    for name in ("ada", "ben"):
        lines = [
            {"article_id": c["article_id"], "start": c["start"], "end": c["end"], "stance": {"japan": "favor"}}
            | ({"skipped": True} if (name, n) == ("ada", 1) else {})
            for n, c in enumerate(chunks)
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    campaign.annotators = Annotators(
        kind="recorded", recorded=str(folder), overlap=2, people={"ada": "Ada@example.org"}
    )
    return campaign


@pytest.mark.parametrize("layout", ["shared", "each", "shared, some by one"])
def test_recorded_labels_are_submitted_once_by_their_accounts(recorded: Any, layout: str, tmp_path: Path) -> None:
    recorded.annotators.layout = layout.partition(",")[0]
    if "one" in layout:
        chunks = tmp_path / "some.txt"
        chunks.write_text(rows()[0][0]["chunk_id"], encoding="utf-8")
        # All of a chunk's annotators are those of the project that it is in.
        recorded.annotators.overlap, recorded.annotators.overlaps = 1, {str(chunks): 2, "100%": 2}
    heard: list[tuple[str, int, int | None]] = []
    with connected(recorded) as (_, client):
        first = push(recorded, *rows(), progress=lambda *step: heard.append(step))
        assert {name: (row.saved, row.there) for name, row in first.recorded.items()} == {"ada": (4, 0), "ben": (4, 0)}
        assert heard[-1] == ("annotate as ben", 4, 4)
        heard.clear()
        with mock.patch.object(saving, "token_of", side_effect=AssertionError("nobody need log in")):
            again = push(recorded, *rows(), progress=lambda *step: heard.append(step))
        assert {name: (row.saved, row.there) for name, row in again.recorded.items()} == {"ada": (0, 4), "ben": (0, 4)}
        assert heard[-1] == ("annotate as ben", 4, 4)
        emails = accounts(client)
        made = []
        for project in projects_of(client, recorded).values():
            page = client.get("api/tasks", {"project": project.id, "page": 1, "page_size": 100, "fields": "all"})
            made += [
                (t["data"]["chunk_id"], emails[a["completed_by"]]) for t in page["tasks"] for a in t["annotations"]
            ]
        ids = [chunk["chunk_id"] for chunk in rows()[0]]
        assert sorted(made) == sorted((c, e) for c in ids for e in ("ada@example.org", "ben@builder.invalid"))
    assert list(recorded.vault.secrets().annotators) == ["Ada@example.org", "ben@builder.invalid"]


def test_serving_recorded_annotators_makes_no_accounts(recorded: Any) -> None:
    with serve(recorded, keep=False) as served:
        assert list(served.passwords) == ["admin@builder.local"]


def test_a_recording_that_lacks_a_chunk_stops_before_anything_is_sent(recorded: Any) -> None:
    (recorded.workspace / "recorded" / "ben.jsonl").write_text("", encoding="utf-8")
    with connected(recorded) as (_, client):
        with pytest.raises(SourceError, match="has no line for chunk"):
            push(recorded, *rows())
        project = projects_of(client, recorded)["all"]
        assert (project.task_number, project.total_annotations_number) == (4, 0)


def test_an_account_that_the_builder_did_not_make(recorded: Any) -> None:
    with connected(recorded):
        push(recorded, *rows())
        kept = recorded.vault.secrets()
        del kept.annotators["Ada@example.org"]
        recorded.vault.write_secrets(kept)
        with pytest.raises(StudioError, match=r"Ada@example\.org was not made by the builder"):
            push(recorded, *rows())


def people(*names: str) -> Annotators:
    return Annotators(layout="each", overlap=1, people={name: f"{name}@example.org" for name in names})


def test_annotations_and_skips_are_counted_by_task_and_person(world: Any) -> None:
    project = world.project()
    ada, ben, cyd = (world.fake.add_user(f"{name}@Example.org")["id"] for name in ("ada", "ben", "cyd"))
    tasks = world.fake.add_tasks(project, *({"data": {"chunk_id": c}} for c in world.ids))
    for user in (ada, ben, cyd):
        world.fake.annotate(tasks[0], user=user)
    world.fake.annotate(tasks[1], user=ada)
    world.fake.annotate(tasks[1], user=ben, was_cancelled=True)
    world.fake.annotate(tasks[2], user=ada)
    world.fake.annotate(tasks[2], user=ada)
    world.fake.annotate(tasks[3], user=None)
    world.fake.annotate(tasks[3], user=99)
    assert annotation_progress(world.campaign) == AnnotationProgress(
        tasks=4,
        done=3,
        annotations=2 + 1 + 1 + 2,
        wanted=8,
        by_annotator={
            "ada@example.org": PersonCounts(annotated=4),
            "ben@example.org": PersonCounts(annotated=1, skipped=1),
            "cyd@example.org": PersonCounts(annotated=1),
            "deleted accounts": PersonCounts(annotated=1),
            "user 99": PersonCounts(annotated=1),
        },
        projects={"all": ProjectCounts(tasks=4, done=3, url=f"{world.fake.url}/projects/{project}/")},
    )


def test_a_skip_is_no_answer_while_another_can_give_one(world: Any) -> None:
    names = ("ada", "ben", "cyd")
    people = {name: f"{name}@example.org" for name in names}
    world.campaign.annotators = Annotators(overlap=2, after_skip="another", people=people)
    users = [world.fake.add_user(email)["id"] for email in people.values()]
    tasks = world.fake.add_tasks(world.project(), *({"data": {"chunk_id": c}} for c in world.ids))
    skips = {tasks[0]: (True, False), tasks[1]: (True, False, False), tasks[2]: (True, True, False)}
    done = []
    for task, some in skips.items():
        for user, skip in zip(users, some, strict=False):
            world.fake.annotate(task, user=user, was_cancelled=skip)
        done.append(annotation_progress(world.campaign).done)
    assert done == [0, 1, 2], "the second has two annotations, the third was answered by everybody"
    world.campaign.annotators.after_skip = "done"
    assert annotation_progress(world.campaign).done == 3


def test_the_experts_project_is_not_counted(world: Any) -> None:
    world.fake.add_tasks(world.project(), {"data": {}})
    world.fake.add_tasks(world.project("review"), {"data": {}})
    assert annotation_progress(world.campaign).tasks == 1
    assert list(annotation_progress(world.campaign).projects) == ["all"]


def test_who_left_owes_nothing(world: Any) -> None:
    world.campaign.annotators = people("ada", "ben")
    projects = {slot: world.project(slot) for slot in ("ada", "ben", "all", "review")}
    tasks = {
        slot: world.fake.add_tasks(number, *({"data": {"chunk_id": c}} for c in world.ids[:3]))
        for slot, number in projects.items()
    }
    world.fake.annotate(tasks["ada"][0])
    world.fake.annotate(tasks["ada"][1], was_cancelled=True)
    world.fake.annotate(tasks["ben"][0], user=world.fake.add_user("ben@example.org")["id"])
    assert answers_so_far(world.client, world.campaign) == {}
    world.campaign.annotators.after_skip = "another"
    assert list(answers_so_far(world.client, world.campaign)) == ["ada", "ben"]
    world.campaign.annotators = people("ben", "cyd")
    found = answers_so_far(world.client, world.campaign)
    assert {name: there.answered() for name, there in found.items()} == {"ada": set(world.ids[:2])}
    assert found["ada"].skipped() == {world.ids[1]}
    found = annotation_progress(world.campaign)
    assert {slot: (row.tasks, row.done) for slot, row in found.projects.items()} == {
        "ada": (2, 2), "all": (3, 0), "ben": (3, 1)
    }  # fmt: skip
    world.campaign.annotators = Annotators(overlap=1, after_skip="another")
    assert answers_so_far(world.client, world.campaign) == {}
    assert annotation_progress(world.campaign).projects["ada"].tasks == 3


def test_who_waits_looks_until_the_server_has_ended(campaign: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found, waits = iter([{}, {}, None]), list[float]()
    monkeypatch.setattr(serving, "find_server", lambda vault: next(found))
    monkeypatch.setattr(serving.time, "sleep", waits.append)
    wait_served(campaign)
    assert waits == [2.0, 2.0]


@pytest.mark.parametrize(("timeout", "asked"), [(300.0, 10.0), (5.0, 5.0)])
def test_a_status_waits_ten_seconds_at_most(
    world: Any, monkeypatch: pytest.MonkeyPatch, timeout: float, asked: float
) -> None:
    world.campaign.server.timeout, world.campaign.server.retries = timeout, 4
    given: list[LabelStudio] = []
    monkeypatch.setattr(serving, "annotation_progress", lambda hasty: given.append(hasty.server))
    server_status(world.campaign)
    assert [(server.url, server.retries, server.timeout) for server in given] == [(world.fake.url, 0, asked)]


def test_work_in_the_project_of_another_does_not_count(world: Any) -> None:
    world.campaign.annotators = people("ada", "ben")
    tasks = {
        name: world.fake.add_tasks(world.project(name), *({"data": {"chunk_id": c}} for c in world.ids[:2]))
        for name in ("ada", "ben")
    }
    ada, ben = (world.fake.add_user(f"{name}@Example.org")["id"] for name in ("ada", "ben"))
    for task, user in ((tasks["ada"][0], ada), (tasks["ada"][0], ben), (tasks["ada"][1], ben), (tasks["ben"][0], ben)):
        world.fake.annotate(task, user=user)
    found = annotation_progress(world.campaign)
    assert (found.tasks, found.done, found.annotations, found.wanted, found.not_assigned) == (4, 2, 2, 4, 2)
    assert {slot: (row.tasks, row.done) for slot, row in found.projects.items()} == {"ada": (2, 1), "ben": (2, 1)}
    assert found.by_annotator == {f"{name}@example.org": PersonCounts(annotated=1) for name in ("ada", "ben")}
