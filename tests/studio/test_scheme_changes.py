"""A scheme changes under a project that people have annotated, and no label is lost."""

import re
from pathlib import Path
from typing import Any

import pytest

from builder.errors import Refused
from builder.questions.interface import interface
from builder.questions.migrate import SchemeChanges
from builder.store import canonical, digest
from builder.studio.projects import find_project, projects_of
from builder.studio.scheme_changes import ensure_migrated, preview_changes
from builder.studio.settings import Annotators
from tests import samples

BEFORE = samples.scheme(entities=("GPE", "ORG"))
RENAMED = samples.scheme(
    version="2",
    entities=("PLACE", "ORG"),
    targets={"kyiv": ["Ukraine", "Kyiv"], "japan": ["Japan"]},
    migrations={"1": {"entities": {"GPE": "PLACE"}, "targets": {"ukraine": "kyiv"}}},
)
ADDED = samples.scheme(version="2", entities=("GPE", "ORG", "EVENT"))
REMOVED = samples.scheme(version="2", entities=("ORG",))


def said(label: str, target: str = "ukraine") -> list[dict[str, Any]]:
    place = {"start": 0, "end": 4, "text": "What"}
    marked = {"id": "r1", "from_name": "entity", "to_name": "text", "type": "labels"}
    asked = {"id": "s1", "from_name": f"stance__{target}", "to_name": "text", "type": "choices"}
    return [{**marked, "value": {**place, "labels": [label]}}, {**asked, "value": {"choices": ["favor"]}}]


def names(result: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(i["from_name"], i["value"].get("labels", i["value"].get("choices"))[0]) for i in result]


NOW = [("entity", "PLACE"), ("stance__kyiv", "favor")]


@pytest.fixture
def tasks(world: Any) -> list[int]:
    """Three tasks in a project that asks by the scheme before."""
    world.campaign.scheme = BEFORE
    return list(world.fake.add_tasks(world.project(), *({"data": {"chunk_id": c}} for c in world.ids[:3])))


def migrate(world: Any, scheme: Any) -> int:
    world.campaign.scheme = scheme
    project, rewritten = ensure_migrated(world.client, world.campaign, "all")
    assert project.label_config == interface(scheme).strip()
    return rewritten


def test_a_new_project_needs_no_change(world: Any) -> None:
    assert migrate(world, RENAMED) == 0
    assert migrate(world, REMOVED) == 0, "nor does one without tasks"


def test_an_added_label_applies(world: Any, tasks: list[int]) -> None:
    world.fake.annotate(tasks[0], said("GPE"))
    world.fake.draft(tasks[1], said("GPE"))
    assert migrate(world, ADDED) == 0
    assert names(world.fake.tasks[tasks[0]]["annotations"][0]["result"]) == [
        ("entity", "GPE"),
        ("stance__ukraine", "favor"),
    ]


def test_renames_reach_annotations_predictions_and_drafts_once(world: Any, tasks: list[int]) -> None:
    world.fake.annotate(tasks[0], said("GPE"), user=2, lead_time=7)
    world.fake.annotate(tasks[0], said("ORG", "japan"))
    world.fake.annotate(tasks[1], said("ORG"), was_cancelled=True)
    world.fake.predict(tasks[2], result=said("GPE"))
    world.fake.draft(tasks[1], said("GPE"))
    world.fake.draft(tasks[2], said("ORG", "japan"))
    assert migrate(world, RENAMED) == 4
    first, second, third = (world.fake.tasks[task] for task in tasks)
    assert [names(a["result"]) for a in first["annotations"]] == [NOW, [("entity", "ORG"), ("stance__japan", "favor")]]
    assert (first["annotations"][0]["completed_by"], first["annotations"][0]["lead_time"]) == (2, 7)
    assert names(second["annotations"][0]["result"]) == [("entity", "ORG"), ("stance__kyiv", "favor")]
    assert names(third["predictions"][0]["result"]) == NOW
    assert names(second["drafts"][0]["result"]) == NOW
    assert names(third["drafts"][0]["result"]) == [("entity", "ORG"), ("stance__japan", "favor")]
    assert migrate(world, RENAMED) == 0
    assert world.fake.requests("POST", r".*/summary/reset/") == 1


def test_a_rename_that_was_stopped_goes_on(world: Any, tasks: list[int]) -> None:
    for task in tasks:
        world.fake.annotate(task, said("GPE"))
    left = [2]

    def stop(method: str, path: str) -> None:
        if method == "PATCH" and "annotations" in path:
            left[0] -= 1
            if left[0] == 0:
                raise RuntimeError("the server is gone")

    world.fake.before = stop
    with pytest.raises(Exception, match=r"broke|answers"):
        migrate(world, RENAMED)
    world.fake.before = None
    assert migrate(world, RENAMED) == 2
    assert [names(world.fake.tasks[t]["annotations"][0]["result"]) for t in tasks] == [NOW] * 3


def test_a_draft_on_an_annotation_outlives_its_renaming(world: Any, tasks: list[int]) -> None:
    made = world.fake.annotate(tasks[0], said("GPE"))
    other = world.fake.annotate(tasks[0], said("ORG", "japan"))
    drafts = [world.fake.draft(tasks[0], said("GPE"), annotation=a["id"]) for a in (made, other)]
    assert migrate(world, RENAMED) == 3
    assert [d["annotation"] for d in world.fake.tasks[tasks[0]]["drafts"]] == [made["id"], other["id"]]
    assert [names(d["result"]) for d in drafts] == [NOW, NOW]


def test_what_is_saved_while_labels_are_renamed_stays(world: Any, tasks: list[int]) -> None:
    made = world.fake.annotate(tasks[0], said("GPE"))

    def correct(method: str, path: str) -> None:
        if (method, path) == ("GET", f"/api/annotations/{made['id']}/"):
            world.fake.before = None
            made["result"] = said("GPE")[:1]

    world.fake.before = correct
    migrate(world, RENAMED)
    assert names(made["result"]) == [("entity", "PLACE")]


def test_a_project_of_ones_own_shows_the_labels_that_its_annotator_is_asked_for(world: Any, tmp_path: Path) -> None:
    """Through a rename and an addition, until a label that was used would go; reopened chunks as well."""
    file = tmp_path / "people.csv"
    people = Annotators(layout="each", overlap=1, file=str(file))
    world.campaign.annotators = people

    def asked(slot: str, labels: str) -> list[str]:
        file.write_text(f"name,email,labels\nada,a@x,{labels}\nben,b@x,\n", encoding="utf-8")
        project, _ = ensure_migrated(world.client, world.campaign, slot)
        return [name for name in re.findall('<Label value="(.*?)"', project.label_config) if name != "EVIDENCE"]

    world.campaign.scheme = BEFORE
    color = re.compile('value="ORG".*?background="(.*?)"')
    shown = {slot: asked(slot, "ORG") for slot in ("ada", "ben", "review")}
    assert shown == {"ada": ["ORG"], "ben": ["GPE", "ORG"], "review": ["GPE", "ORG"]}
    pages = projects_of(world.client, world.campaign)
    assert color.findall(pages["ada"].label_config) == color.findall(pages["ben"].label_config) != []
    (task,) = world.fake.add_tasks(world.project("ada"), {"data": {"chunk_id": world.ids[0]}})
    world.fake.annotate(task, said("ORG"))
    world.fake.predict(task, result=said("ORG"))
    assert asked("ada", "GPE ORG") == ["GPE", "ORG"]
    world.campaign.scheme = RENAMED
    assert asked("ada", "ORG") == ["ORG"], "nobody used the other"
    assert names(world.fake.tasks[task]["annotations"][0]["result"]) == [("entity", "ORG"), ("stance__kyiv", "favor")]
    assert (asked("again/1/ada", "PLACE"), asked("ada", "ORG PLACE")) == (["PLACE"], ["PLACE", "ORG"])
    with pytest.raises(Refused, match="the scheme sample@2 drops entity label ORG") as caught:
        asked("ada", "PLACE")
    assert "annotators.file" in caught.value.hint


@pytest.mark.parametrize("what", ["annotation", "skip", "draft"])
def test_a_label_that_people_may_have_used_is_not_removed(world: Any, tasks: list[int], what: str) -> None:
    if what == "draft":
        world.fake.draft(tasks[2], said("GPE"))
    else:
        world.fake.annotate(tasks[0], said("GPE"), was_cancelled=what == "skip")
    with pytest.raises(Refused, match="the scheme sample@2 drops entity label GPE") as caught:
        migrate(world, REMOVED)
    assert "Add a migration" in caught.value.hint
    project = find_project(world.client, world.campaign, "all")
    assert project is not None
    assert preview_changes(world.client, project, REMOVED) == (SchemeChanges(removals=["entity label GPE"]), True)
    assert project.label_config == interface(BEFORE).strip(), "nothing was changed"


def test_a_label_that_nobody_used_is_removed(world: Any, tasks: list[int]) -> None:
    project = find_project(world.client, world.campaign, "all")
    assert project is not None
    assert preview_changes(world.client, project, REMOVED) == (SchemeChanges(removals=["entity label GPE"]), False)
    assert migrate(world, REMOVED) == 0


def test_a_label_that_nobody_uses_goes_although_others_are_used(world: Any, tasks: list[int]) -> None:
    """What is used stays as it was; suggestions of what is gone go with it, and an old draft does not count."""
    world.fake.annotate(tasks[0], said("ORG"), user=2)
    world.fake.draft(tasks[1], said("ORG", "japan"))
    world.fake.predict(tasks[2], result=said("GPE"))
    once = world.fake.draft(tasks[1], said("GPE"))
    world.fake.tasks[tasks[1]]["drafts"].remove(once)
    before = [world.fake.tasks[task]["annotations"] for task in tasks], world.fake.tasks[tasks[1]]["drafts"]
    project = find_project(world.client, world.campaign, "all")
    assert project is not None
    assert preview_changes(world.client, project, REMOVED) == (SchemeChanges(removals=["entity label GPE"]), False)
    assert migrate(world, REMOVED) == 1
    assert names(world.fake.tasks[tasks[2]]["predictions"][0]["result"]) == [("stance__ukraine", "favor")]
    assert before == ([world.fake.tasks[task]["annotations"] for task in tasks], world.fake.tasks[tasks[1]]["drafts"])


def test_a_target_goes_unless_somebody_answered_about_it(world: Any, tasks: list[int]) -> None:
    fewer = samples.scheme(version="2", entities=("GPE", "ORG"), targets={"japan": ["Japan"]})
    world.fake.annotate(tasks[0], said("GPE", "japan"))
    project = find_project(world.client, world.campaign, "all")
    assert project is not None
    assert preview_changes(world.client, project, fewer) == (SchemeChanges(removals=["target ukraine"]), False)
    world.fake.annotate(tasks[0], said("GPE"))
    assert preview_changes(world.client, project, fewer)[1]
    with pytest.raises(Refused, match="drops target ukraine"):
        migrate(world, fewer)


def test_a_question_goes_only_where_nobody_answered_at_all(world: Any, tasks: list[int]) -> None:
    without = samples.scheme(version="2", entities=("GPE", "ORG"), evidence=False)
    world.fake.annotate(tasks[0], [])
    with pytest.raises(Refused, match=r"drops evidence\."):
        migrate(world, without)
    world.fake.tasks[tasks[0]]["annotations"].clear()
    assert migrate(world, without) == 0


def test_a_label_used_while_it_is_removed_is_not_lost(world: Any, tasks: list[int]) -> None:
    world.fake.annotate(tasks[0], said("ORG"))

    def use(method: str, path: str) -> None:
        if path.endswith("/summary/reset/"):
            world.fake.before = None
            world.fake.annotate(tasks[1], said("GPE"))

    world.fake.before = use
    with pytest.raises(Refused, match="from_name=entity has GPE"):
        migrate(world, REMOVED)
    assert names(world.fake.tasks[tasks[1]]["annotations"][0]["result"])[0] == ("entity", "GPE")


def test_a_preview_of_an_empty_project_has_no_changes(world: Any) -> None:
    world.project()
    project = find_project(world.client, world.campaign, "all")
    assert project is not None
    assert preview_changes(world.client, project, REMOVED) == (SchemeChanges(), False)


def test_a_preview_says_what_is_added_and_renamed(world: Any, tasks: list[int]) -> None:
    world.fake.annotate(tasks[0], said("GPE"))
    project = find_project(world.client, world.campaign, "all")
    assert project is not None
    found, refused = preview_changes(world.client, project, RENAMED)
    assert (found.renames, refused) == ({"entity label": {"GPE": "PLACE"}, "target": {"ukraine": "kyiv"}}, False)
    assert preview_changes(world.client, project, ADDED) == (SchemeChanges(additions=["entity label EVENT"]), False)


def test_what_the_builder_renames_stays_its_authors_and_what_another_changed_does_not(
    world: Any, tasks: list[int]
) -> None:
    own = world.fake.annotate(tasks[0], said("GPE"), user=2)
    world.fake.annotate(tasks[1], said("GPE"), user=2, updated_by=1)
    migrate(world, RENAMED)
    noted = world.campaign.rewritten(world.fake.url).results
    assert noted == {own["id"]: digest(canonical(own["result"]))}
    assert own["updated_by"] == 1
