"""How far annotation is: tasks done, annotations and people, without the tasks of others' projects."""

from typing import Any

from builder.studio.planning import answered_by_former
from builder.studio.serving import AnnotationProgress, PersonCounts, ProjectCounts, annotation_progress
from builder.studio.settings import Annotators


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
    world.fake.annotate(tasks["ben"][0])
    assert answered_by_former(world.client, world.campaign) == {}
    world.campaign.annotators = people("ben", "cyd")
    assert answered_by_former(world.client, world.campaign) == {"ada": set(world.ids[:2])}
    found = annotation_progress(world.campaign)
    assert {slot: (row.tasks, row.done) for slot, row in found.projects.items()} == {
        "ada": (2, 2), "all": (3, 0), "ben": (3, 1)
    }  # fmt: skip
    world.campaign.annotators = Annotators(overlap=1)
    assert answered_by_former(world.client, world.campaign) == {}
    assert annotation_progress(world.campaign).projects["ada"].tasks == 3
