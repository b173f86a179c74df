"""Projects are made once, found again by note or mark, and set up as wanted; what is not clear is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.errors import Refused, StudioError, Unreachable
from builder.store import read_json, write_json
from builder.studio.embedded.vault import Vault
from builder.studio.projects import (
    ensure_members,
    ensure_project,
    ensure_view,
    find_project,
    former_slots,
    is_for_all,
    mark,
    overlap_in,
    owner_of,
    owners_of,
    page_of,
    projects_of,
    title,
)
from builder.studio.settings import Annotators, Suggestions
from tests import samples
from tests.studio.fake import Fault, Refusal


def test_a_project_is_set_up_as_wanted(world: Any) -> None:
    project = ensure_project(world.client, world.campaign, "all")
    assert world.fake.projects[project.id] == {
        "id": project.id,
        "title": "sample",
        "description": "What the papers say.\n\n[builder sample/all]",
        "label_config": page_of("all", world.campaign.scheme),
        "maximum_annotations": 2,
        "expert_instruction": "",
        "show_skip_button": True,
        "skip_queue": "IGNORE_SKIPPED",
        "enable_empty_annotation": True,
        "show_collab_predictions": True,
        "sampling": "Sequential sampling",
    }
    assert world.client.address(project.id) == f"{world.fake.url}/projects/{project.id}/"


def test_skipped_chunks_go_to_others_where_asked(world: Any) -> None:
    ensure_project(world.client, world.campaign, "all")
    world.campaign.annotators.after_skip = "another"
    project = ensure_project(world.client, world.campaign, "all")
    assert world.fake.projects[project.id]["skip_queue"] == "REQUEUE_FOR_OTHERS"


@pytest.mark.parametrize(("slot", "overlap"), [("all", 2), ("all/5", 5), ("ada", 1), ("review", 1), ("again/3/a", 1)])
def test_the_slot_says_how_many_annotate(world: Any, slot: str, overlap: int) -> None:
    project = ensure_project(world.client, world.campaign, slot)
    assert world.fake.projects[project.id]["maximum_annotations"] == overlap


def test_uncertain_chunks_come_first_where_asked(world: Any) -> None:
    world.campaign.suggestions = Suggestions(uncertain_first=True)
    project = ensure_project(world.client, world.campaign, "all")
    assert world.fake.projects[project.id]["sampling"] == "Uncertainty sampling"


def test_nothing_is_written_when_nothing_changed(world: Any) -> None:
    first = ensure_project(world.client, world.campaign, "all")
    world.fake.asked.clear()
    assert ensure_project(world.client, world.campaign, "all").id == first.id
    assert {method for method, _, _ in world.fake.asked} == {"GET"}
    assert world.fake.requests("GET", "/api/projects/") == 0, "the note makes listing them unnecessary"


def test_only_what_changed_is_written(world: Any) -> None:
    project = ensure_project(world.client, world.campaign, "all")
    world.fake.projects[project.id]["title"] = "other"
    world.campaign.annotators = Annotators(overlap=5)
    changed = ensure_project(world.client, world.campaign, "all")
    assert (changed.maximum_annotations, changed.title) == (5, "sample")
    assert world.fake.requests("PATCH", f"/api/projects/{project.id}/") == 1


def test_words_around_the_mark_are_peoples_own(world: Any) -> None:
    project = ensure_project(world.client, world.campaign, "all")
    words = f"Our own words. {mark('sample', 'all')} More."
    world.fake.projects[project.id]["description"] = words
    ensure_project(world.client, world.campaign, "all")
    assert world.fake.projects[project.id]["description"] == words


def test_a_mark_that_somebody_removed_comes_back(world: Any) -> None:
    project = ensure_project(world.client, world.campaign, "all")
    world.fake.projects[project.id]["description"] = None
    assert ensure_project(world.client, world.campaign, "all").id == project.id
    assert mark("sample", "all") in world.fake.projects[project.id]["description"]


def test_a_project_whose_note_was_lost_is_found_by_its_mark(world: Any) -> None:
    project = ensure_project(world.client, world.campaign, "all")
    note = world.campaign.folder / "projects.json"
    assert read_json(note) == {world.fake.url: {"all": project.id}}
    note.unlink()
    found = find_project(world.client, world.campaign, "all")
    assert found is not None
    assert found.id == project.id
    assert read_json(note) == {world.fake.url: {"all": project.id}}
    assert find_project(world.client, world.campaign, "ada") is None


def test_notes_of_other_slots_and_servers_stay(world: Any) -> None:
    note = world.campaign.folder / "projects.json"
    write_json(note, {"embedded": {"all": 5}, world.fake.url: {"ada": 9}})
    project = ensure_project(world.client, world.campaign, "all")
    assert read_json(note) == {"embedded": {"all": 5}, world.fake.url: {"ada": 9, "all": project.id}}


def test_a_note_of_a_deleted_project_is_not_followed(world: Any) -> None:
    first = ensure_project(world.client, world.campaign, "all")
    del world.fake.projects[first.id]
    assert find_project(world.client, world.campaign, "all") is None
    assert ensure_project(world.client, world.campaign, "all").id != first.id


def test_a_note_that_leads_to_another_dataset_is_not_followed(world: Any) -> None:
    # So it is when the server's data was lost, and it gives project ids out again.
    theirs = ensure_project(world.client, replace(world.campaign, dataset="other"), "all")
    write_json(world.campaign.folder / "projects.json", {world.fake.url: {"all": theirs.id}})
    assert find_project(world.client, world.campaign, "all") is None
    assert ensure_project(world.client, world.campaign, "all").id != theirs.id


def test_two_projects_with_the_same_mark_are_refused(world: Any) -> None:
    first = ensure_project(world.client, world.campaign, "all")
    copy = world.client.post("api/projects/", {"title": "copy", "description": mark("sample", "all")})
    (world.campaign.folder / "projects.json").unlink()
    with pytest.raises(Refused, match=rf"Projects {first.id}, {copy['id']} at .* both say"):
        find_project(world.client, world.campaign, "all")


def test_all_projects_of_a_dataset_are_listed_and_no_other(world: Any) -> None:
    slots = {slot: ensure_project(world.client, world.campaign, slot).id for slot in ("ben", "ada")}
    ensure_project(world.client, replace(world.campaign, dataset="sample-2"), "all")
    world.client.post("api/projects/", {"title": "no description", "description": None})
    (world.campaign.folder / "projects.json").unlink()
    assert {slot: p.id for slot, p in projects_of(world.client, world.campaign).items()} == slots
    # A project is also found when only its note is left, and missed when it was deleted.
    world.fake.projects[slots["ada"]]["description"] = ""
    del world.fake.projects[slots["ben"]]
    assert {slot: p.id for slot, p in projects_of(world.client, world.campaign).items()} == {"ada": slots["ada"]}


@pytest.mark.parametrize("kind", ["after", "500-after"])
def test_a_project_whose_making_got_no_answer_is_found(world: Any, kind: str) -> None:
    world.fake.faults = [Fault(kind, "POST", "/api/projects/$")]
    project = ensure_project(world.client, world.campaign, "all")
    assert list(world.fake.projects) == [project.id]


def test_a_project_that_was_not_made_is_not_made_up(world: Any) -> None:
    world.fake.faults = [Fault("before", "POST", "/api/projects/$")]
    with pytest.raises(Unreachable):
        ensure_project(world.client, world.campaign, "all")
    assert not world.fake.projects


def test_two_workspaces_that_make_it_at_once_end_in_the_first(world: Any) -> None:
    def other(method: str, path: str) -> None:
        if (method, path) == ("POST", "/api/projects/"):
            world.fake.before = None
            _, made = world.fake._create_project(given={"title": "t", "description": mark("sample", "all")})
            theirs.append(made["id"])

    theirs: list[int] = []
    world.fake.before = other
    project = ensure_project(world.client, world.campaign, "all")
    assert [project.id] == theirs
    assert list(world.fake.projects) == theirs, "the second one, still empty, is gone"
    assert read_json(world.campaign.folder / "projects.json") == {world.fake.url: {"all": project.id}}


@pytest.mark.parametrize(("setting", "value"), [("maximum_annotations", 1), ("label_config", "<View/>")])
def test_a_server_that_keeps_a_setting_is_refused(world: Any, setting: str, value: object) -> None:
    ensure_project(world.client, world.campaign, "all")
    shown = world.fake._shown
    world.fake._shown = lambda project: {**shown(project), setting: value}
    with pytest.raises(Refused, match=f"keeps {setting} '.+' instead of") as caught:
        ensure_project(world.client, world.campaign, "all")
    assert caught.value.hint


def test_annotations_that_do_not_fit_the_interface_are_named(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project = ensure_project(world.client, world.campaign, "all")
    (task,) = world.fake.add_tasks(project.id, {"data": {}})
    world.fake.annotate(task, [{"from_name": "mystery", "value": {"choices": ["4"]}}])
    world.campaign.scheme = samples.scheme(entities=["EVENT"])
    with pytest.raises(Refused, match="from_name=mystery") as caught:
        ensure_project(world.client, world.campaign, "all")
    assert "delete those annotations" in caught.value.hint

    def refuse(number: int, **_: Any) -> Any:
        raise Refusal(400, {"validation_errors": {"title": ["too short"]}})

    monkeypatch.setattr(world.fake, "_change_project", refuse)
    with pytest.raises(Refused, match="too short") as caught:
        ensure_project(world.client, world.campaign, "all")
    assert caught.value.hint == ""


@pytest.mark.parametrize(
    ("dataset", "slot", "expected"),
    [
        ("abc", "all", "abc"),
        ("a" * 60, "all", "a" * 50),
        ("a" * 60, "ada", "a" * 44 + " · ada"),
        ("a" * 60, "b" * 30, "a" * 27 + " · " + "b" * 20),
    ],
)
def test_titles_keep_within_what_the_server_allows(dataset: str, slot: str, expected: str) -> None:
    assert title(dataset, slot) == expected
    assert len(expected) <= 50


def test_many_projects_are_listed_page_by_page(make_world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    for number in range(5):
        world.client.post("api/projects/", {"title": "x", "description": mark("sample", f"s{number}")})
    listed = world.fake._list_projects
    monkeypatch.setattr(
        world.fake, "_list_projects", lambda params, **more: listed(params={**params, "page_size": "2"}, **more)
    )
    assert list(projects_of(world.client, world.campaign)) == [f"s{number}" for number in range(5)]


@pytest.mark.parametrize("listing", [{}, [], 7, {"results": None}, {"count": 1, "results": [{"description": "x"}]}])
def test_no_project_is_made_where_the_listing_of_projects_is_none(
    make_world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, listing: Any
) -> None:
    """One that is not seen would be made a second time."""
    world = make_world()
    monkeypatch.setattr(world.fake, "_list_projects", lambda **_: (200, listing))
    with pytest.raises(Refused, match="something else than its JSON"):
        ensure_project(world.client, world.campaign, "all")
    assert world.fake.projects == {}


PEOPLE = {"ada": "ada@example.org", "ben": "ben@example.org"}


def add_accounts(world: Any, *emails: str) -> None:
    """The server has roles, and these accounts."""
    world.fake.members = {}
    for email in emails:
        world.fake.add_user(email)


def test_only_those_who_work_in_a_project_are_its_members(make_world: Callable[..., Any]) -> None:
    world = make_world(annotators=Annotators(layout="each", overlap=1, people=PEOPLE))
    add_accounts(world, *PEOPLE.values())
    slots = {slot: str(world.project(slot)) for slot in ("ada", "ben", "cyd", "all", "all/4", "review", "again/1/ben")}
    assert ensure_members(world.client, world.campaign)
    assert world.fake.members == {
        slots["ada"]: ["ada@example.org"], slots["ben"]: ["ben@example.org"], slots["cyd"]: [], slots["all"]: [],
        slots["all/4"]: [], slots["review"]: [], slots["again/1/ben"]: ["ben@example.org"],
    }  # fmt: skip
    world.campaign.annotators = Annotators(overlap=1, people=PEOPLE)
    ensure_members(world.client, world.campaign)
    shown = [world.fake.members[slots[slot]] for slot in ("ada", "all", "all/4")]
    assert shown == [[], list(PEOPLE.values()), list(PEOPLE.values())]


def test_experts_alone_are_members_of_the_review(make_world: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,email,role\nada,ada@example.org,\neva,eva@example.org,expert\n", encoding="utf-8")
    world = make_world(annotators=Annotators(overlap=1, file=str(file)))
    add_accounts(world, "ada@example.org", "eva@example.org")
    everybody, review = str(world.project()), str(world.project("review"))
    ensure_members(world.client, world.campaign)
    assert world.fake.members == {everybody: ["ada@example.org"], review: ["eva@example.org"]}


def test_a_server_without_roles_is_told_from_one_that_should_have_them(world: Any, tmp_path: Path) -> None:
    assert not ensure_members(world.client, world.campaign)
    world.client.vault = Vault(tmp_path)
    with pytest.raises(StudioError, match="lets everybody see and change everything"):
        ensure_members(world.client, world.campaign)
    world.campaign.server.roles = False
    assert not ensure_members(world.client, world.campaign)


def test_a_project_whose_configuration_cannot_be_read_is_named(world: Any) -> None:
    project = ensure_project(world.client, world.campaign, "all")
    world.fake.add_tasks(project.id, {"data": {}})
    world.fake.projects[project.id]["label_config"] = "<View>"
    with pytest.raises(Refused, match=f"Project {project.id} at .* has no labeling configuration that can be read"):
        ensure_project(world.client, world.campaign, "all")


@pytest.mark.parametrize("only_open", [True, False])
def test_a_project_opens_on_what_is_left_to_do(world: Any, only_open: bool) -> None:
    project = world.project()
    ensure_view(world.client, project, ["chunk_id", "start"], only_open)
    (view,) = world.fake.views
    hidden = (
        "data.chunk_id data.start inner_id annotators annotations_results annotations_ids predictions_score updated_by"
        " predictions_model_versions predictions_results file_upload storage_filename updated_at avg_lead_time"
        " draft_exists total_predictions cancelled_annotations ground_truth created_at"
    )
    columns = [f"tasks:{name}" for name in hidden.split()]
    left = {"filter": "filter:tasks:completed_at", "operator": "empty", "type": "Datetime", "value": True}
    assert (view["project"], view["data"]) == (
        project,
        {
            "title": "To do" if only_open else "All",
            "type": "list",
            "target": "tasks",
            "hiddenColumns": {"explore": columns, "labeling": columns},
            "filters": {"conjunction": "and", "items": [left] if only_open else []},
        },
    )
    assert ("POST", "/api/dm/views", {"project": str(project)}) in world.fake.asked
    ensure_view(world.client, project, [], not only_open)
    assert world.fake.views == [view], "one that is there stays"


def test_projects_are_listed_in_large_pages_without_what_is_counted(world: Any) -> None:
    projects_of(world.client, world.campaign)
    assert world.fake.asked == [
        ("GET", "/api/projects/", {"page": "1", "page_size": "1000", "include": "id,description"})
    ]


def test_a_slot_says_whose_it_is_and_how_many_annotate_there() -> None:
    slots = ("all", "all/5", "allan", "review", "ada", "again/2/ada")
    assert [slot for slot in slots if is_for_all(slot)] == ["all", "all/5"]
    assert [owner_of(slot) for slot in slots] == ["", "", "allan", "", "ada", "ada"]
    settings = Annotators(overlap=4)
    assert [overlap_in(slot, settings) for slot in slots] == [4, 5, 1, 1, 1, 1]
    assert [title("ab", "all"), title("abc", "all"), title("ab", "ada")] == ["dataset ab", "abc", "ab · ada"]


def test_former_annotators_are_those_with_a_project_and_without_a_place(world: Any) -> None:
    slots = ("all", "all/5", "review", "ada", "ben", "again/1/ben")
    assert former_slots(world.campaign, slots) == set(), "in a shared project nobody leaves"
    world.campaign.annotators = Annotators(layout="each", overlap=1, people={"ada": "ada@example.org"})
    assert former_slots(world.campaign, slots) == {"ben"}
    assert owners_of(world.campaign, slots) == {"ada": "ada@example.org"}
    world.campaign.annotators = Annotators(overlap=1, people={"ada": "a@x", "ben": "b@x"})
    assert owners_of(world.campaign, slots) == {"again/1/ben": "b@x"}
