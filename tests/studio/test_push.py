"""A push as a whole: projects set up, tasks imported, what would be done, what was refused, and recorded labels."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.errors import ConfigError, Refused, SourceError, StoreError
from builder.questions.migrate import SchemeChanges
from builder.stage import exclusive
from builder.studio.planning import PlannedTask
from builder.studio.push import Pushed, drop_outdated, push
from builder.studio.settings import Annotators, LabelStudio, Suggestions
from tests import samples

EACH = Annotators(layout="each", overlap=1, people={name: f"{name}@example.org" for name in ("ada", "ben")})


def run(world: Any, **more: Any) -> Pushed:
    return push(world.campaign, world.chunks, world.articles, **more)


def test_people_share_a_project_with_the_wanted_overlap(world: Any) -> None:
    heard: list[tuple[str, int, int | None]] = []
    pushed = run(world, progress=lambda what, done, total: heard.append((what, done, total)))
    (row,) = pushed.projects
    project = world.fake.projects[row.project]
    assert (pushed.server, pushed.version, pushed.rejects) == (world.fake.url, "1.23.2", [])
    assert (row.slot, row.planned, row.imported, row.results_rewritten) == ("all", 4, 4, 0)
    assert row.url == f"{world.fake.url}/projects/{row.project}/"
    assert project["maximum_annotations"] == 2
    assert [t["data"]["chunk_id"] for t in world.fake.of(row.project)] == world.ids
    assert heard == [("push sample", 0, 4), ("push sample", 4, 4)]
    again = run(world)
    assert (again.projects[0].present, again.projects[0].imported) == (4, 0)
    assert (world.campaign.folder / "pushed" / "all.json").exists()


def test_each_annotator_has_a_project_that_one_annotation_completes(world: Any) -> None:
    world.campaign.annotators = EACH
    pushed = run(world)
    assert {row.slot: row.planned for row in pushed.projects} == {"ada": 2, "ben": 2}
    assert {p["maximum_annotations"] for p in world.fake.projects.values()} == {1}
    assert {p["title"] for p in world.fake.projects.values()} == {"sample · ada", "sample · ben"}


def test_chunks_with_known_answers_go_to_everybody(world: Any) -> None:
    world.campaign.annotators = EACH
    pushed = run(world, known=[world.ids[0], "elsewhere"])
    assert sorted(row.planned for row in pushed.projects) == [2, 3]


def test_of_an_annotator_who_left_others_get_what_was_not_answered(world: Any) -> None:
    world.campaign.annotators = EACH
    first = {row.slot: row for row in run(world).projects}
    answered, skipped = (task["id"] for task in world.fake.of(first["ada"].project))
    world.fake.annotate(answered)
    people = {"ben": "ben@example.org", "cyd": "cyd@example.org"}
    world.campaign.annotators = replace(EACH, people=people)
    again = {row.slot: (row.planned, row.imported) for row in run(world).projects}
    assert again["ada"] == (1, 0)
    assert sum(imported for _, imported in again.values()) == 1
    world.fake.annotate(skipped, was_cancelled=True)
    assert {row.slot: row.planned for row in run(world).projects}["ada"] == 1, "it was given away already"


def test_suggestions_become_predictions(world: Any) -> None:
    world.campaign.suggestions = Suggestions(method="gazetteer", alias_label="GPE", score=0.25)
    pushed = run(world)
    predictions = [p for t in world.fake.of(pushed.projects[0].project) for p in t["predictions"]]
    assert {(p["model_version"], p["score"]) for p in predictions} == {("gazetteer", 0.25)}
    assert len(predictions) == 4


def test_what_the_server_cannot_store_is_rejected_and_the_rest_pushed(world: Any) -> None:
    world.chunks[1]["text"] += "\0"
    pushed = run(world)
    assert [(row["chunk_id"], row["reason"]) for row in pushed.rejects] == [(world.ids[1], "nul-character")]
    assert pushed.projects[0].imported == 3


def test_a_scheme_that_renames_says_how_much(world: Any) -> None:
    project = run(world).projects[0].project
    place = {"start": 0, "end": 4, "text": "What", "labels": ["GPE"]}
    item = {"id": "r", "from_name": "entity", "to_name": "text", "type": "labels", "value": place}
    world.fake.annotate(world.fake.of(project)[0]["id"], [item])
    entities = [name for name in samples.NAMES if name != "GPE"]
    world.campaign.scheme = samples.scheme(
        version="2", entities=[*entities, "PLACE"], migrations={"1": {"entities": {"GPE": "PLACE"}}}
    )
    assert run(world, dry_run=True).projects[0].scheme.renames == {"entity label": {"GPE": "PLACE"}}
    assert run(world).projects[0].results_rewritten == 1
    world.campaign.scheme = samples.scheme(version="3", entities=entities)
    assert run(world, dry_run=True).projects[0].refused
    with pytest.raises(Refused, match="drops entity label PLACE"):
        run(world)


def test_a_dry_run_before_anything_exists_writes_nothing(world: Any) -> None:
    world.campaign.annotators = EACH
    pushed = run(world, dry_run=True)
    rows = [(row.slot, row.project, row.url, row.planned, row.present, row.imported) for row in pushed.projects]
    assert rows == [("ada", None, "", 2, 0, 2), ("ben", None, "", 2, 0, 2)]
    assert {(row.scheme.none, row.refused, row.duplicates_removed, row.unplanned) for row in pushed.projects} == {
        (True, False, 0, 0)
    }
    assert {method for method, _, _ in world.fake.asked} == {"GET"}
    assert not world.campaign.folder.exists()


def test_a_dry_run_counts_what_is_there(world: Any) -> None:
    project = run(world).projects[0].project
    copies = [{"data": {"chunk_id": world.ids[0]}}] * 2 + [{"data": {"chunk_id": "old"}}]
    world.fake.add_tasks(project, *copies)
    world.fake.delete_task(world.fake.of(project)[3]["id"])
    before = {number: dict(task) for number, task in world.fake.tasks.items()}
    (row,) = run(world, dry_run=True).projects
    assert (row.project, row.url) == (project, f"{world.fake.url}/projects/{project}/")
    assert (row.planned, row.present, row.imported, row.duplicates_removed, row.unplanned) == (4, 3, 1, 2, 1)
    assert (row.scheme, row.refused) == (SchemeChanges(), False)
    assert world.fake.tasks == before


LACKS = r"lack an account at http://\S+, which has roles: .*. Nothing was changed. Let them sign up there"


@pytest.mark.parametrize("layout", ["each", "shared"])
def test_everybody_without_an_account_is_named_before_anything_is_pushed(world: Any, layout: str) -> None:
    """Only where the server has roles, which need the accounts."""
    world.campaign.annotators = replace(EACH, layout=layout)
    world.fake.members = {}
    world.fake.add_user("someone@example.org")
    for dry_run in (True, False):
        with pytest.raises(ConfigError, match="^2 of 2 people " + LACKS) as caught:
            run(world, dry_run=dry_run)
        assert "ada (ada@example.org), ben (ben@example.org)" in str(caught.value)
    world.fake.add_user("Ada@Example.org")
    with pytest.raises(ConfigError, match="^1 of 2 people " + LACKS) as caught:
        run(world)
    assert "ada@" not in str(caught.value)
    assert (world.fake.projects, world.fake.members) == ({}, {})
    assert not world.campaign.folder.exists()
    world.fake.add_user("ben@example.org")
    assert run(world).roles
    world.fake.members = None
    world.campaign.annotators = replace(EACH, layout=layout, people={"cyd": "cyd@example.org"})
    assert not run(world).roles, "without roles, anybody can be given an account later"


@pytest.mark.parametrize(
    ("layout", "column", "says"),
    [
        ("shared", "languages", "In a shared project"),
        ("shared", "labels", "In a shared project"),
        ("each", "labels", ":2:"),
    ],
)
def test_people_who_cannot_be_asked_so_are_refused_before_anything_is_pushed(
    world: Any, tmp_path: Path, layout: str, column: str, says: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"name,email,{column}\nada,a@x,{'PEOPLE' if layout == 'each' else 'de'}\n", encoding="utf-8")
    world.campaign.annotators = Annotators(layout=layout, overlap=1, file=str(file))
    with pytest.raises((ConfigError, SourceError), match=says):
        run(world)
    assert world.fake.projects == {}


def test_two_pushes_of_a_dataset_at_once_are_refused(world: Any) -> None:
    with (
        exclusive(world.campaign.folder / "push", "push"),
        pytest.raises(StoreError, match="Another `builder push` of this dataset is running"),
    ):
        run(world)
    assert run(world).projects[0].imported == 4


def test_recorded_annotators_have_no_accounts_elsewhere(world: Any) -> None:
    world.campaign.annotators = Annotators(kind="recorded", recorded="somewhere")
    world.campaign.server = LabelStudio(url="http://127.0.0.1:9", retries=0)
    with pytest.raises(ConfigError, match="embedded Label Studio only"):
        run(world)


# A new model's suggestions replace the old ones where nobody has answered yet, and nowhere else.


def plan(world: Any, version: str) -> dict[str, Any]:
    made = [{"model_version": version, "result": []}] if version else []
    return {chunk: PlannedTask({"chunk_id": chunk}, made) for chunk in world.ids}


@pytest.fixture
def suggested(world: Any) -> list[int]:
    """Four tasks with suggestions of model a; one annotated, one skipped, one begun; and one of others."""
    made = list(world.fake.add_tasks(world.project(), *({"data": {"chunk_id": c}} for c in world.ids)))
    for task in made:
        world.fake.predict(task, model_version="a")
    world.fake.predict(*world.fake.add_tasks(world.project(), {"data": {"chunk_id": "foreign"}}), model_version="a")
    world.fake.annotate(made[0])
    world.fake.annotate(made[1], was_cancelled=True)
    world.fake.draft(made[2], [])
    return made


def left(world: Any) -> list[int]:
    return [len(task["predictions"]) for task in world.fake.of(world.project())]


@pytest.mark.parametrize("version", ["b", ""])
def test_only_unanswered_tasks_lose_earlier_suggestions(world: Any, suggested: list[int], version: str) -> None:
    assert drop_outdated(world.client, world.project(), plan(world, version)) == (1, 3)
    assert left(world) == [1, 1, 1, 0, 1]


def test_the_same_model_changes_nothing_and_lists_nothing(world: Any, suggested: list[int]) -> None:
    world.fake.asked.clear()
    assert drop_outdated(world.client, world.project(), plan(world, "a")) == (0, 0)
    assert world.fake.requests("GET", "/api/tasks") == 0
    assert left(world) == [1] * 5


def test_what_the_planned_model_suggested_already_stays(world: Any) -> None:
    """As after a push that was stopped, where some tasks have the suggestions of the new model."""
    old, new, _, both = world.fake.add_tasks(world.project(), *({"data": {"chunk_id": c}} for c in world.ids))
    for task, version in ((old, "a"), (both, "a"), (both, "b"), (new, "b")):
        world.fake.predict(task, model_version=version)
    assert drop_outdated(world.client, world.project(), plan(world, "b")) == (2, 0)
    assert left(world) == [0, 1, 0, 0]


def test_an_older_server_is_asked_task_by_task(
    world: Any, suggested: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.fake, "_model_versions", lambda number, **_: (200, {"a": 4}))
    assert drop_outdated(world.client, world.project(), plan(world, "b")) == (1, 3)


@pytest.mark.parametrize(
    ("annotators", "uncertain", "title"),
    [(EACH, False, "To do"), (EACH, True, "All"), (Annotators(overlap=1), False, "All")],
)
def test_own_projects_open_on_what_is_left_unless_the_order_says_it(
    world: Any, annotators: Annotators, uncertain: bool, title: str
) -> None:
    """A filter decides which task is next; in a shared project, and with uncertain chunks first, the server does."""
    world.campaign.annotators, world.campaign.suggestions = annotators, Suggestions(uncertain_first=uncertain)
    run(world)
    (shown, *_) = world.fake.views
    assert {view["data"]["title"] for view in world.fake.views} == {title}
    hidden = {name for name in shown["data"]["hiddenColumns"]["explore"] if ".chunk_id" in name or ".t" in name}
    assert "tasks:data.chunk_id" in hidden
    assert not {"tasks:data.text", "tasks:data.title"} & hidden


def test_a_project_without_chunks_gets_no_view(world: Any) -> None:
    world.campaign.annotators = replace(EACH, people={**EACH.people, "cyd": "c@x", "dee": "d@x", "eve": "e@x"})
    rows = {row.slot: row for row in run(world).projects}
    assert sorted(row.planned for row in rows.values()) == [0, 1, 1, 1, 1]
    assert {view["project"] for view in world.fake.views} == {row.project for row in rows.values() if row.planned}
