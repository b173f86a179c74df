"""Chunks go back to those who annotated them, each once until it is answered, with what was said before."""

from collections.abc import Callable
from typing import Any

import pytest

from builder.studio.pull import Pulled, pull
from builder.studio.reopening import reopen
from builder.studio.serving import annotation_progress
from builder.studio.settings import Annotators
from tests import samples

SAID = [{"id": "x", "from_name": "entity", "value": {"start": 0, "end": 4, "labels": ["GPE"]}}]
ADA, BEN = "ada@example.org", "ben@example.org"


@pytest.fixture
def world(make_world: Callable[..., Any]) -> Any:
    """ada and ben annotated the first chunk, ben the second one empty."""
    world = make_world(annotators=Annotators(overlap=2, people={"ada": ADA, "ben": BEN}))
    world.fake.members = {}
    tasks = world.fake.add_tasks(
        world.project(), *({"data": {"chunk_id": c["chunk_id"], "text": c["text"]}} for c in world.chunks)
    )
    ada, ben = (world.fake.add_user(email)["id"] for email in (ADA, BEN))
    world.made = [
        f"{world.project()}:{world.fake.annotate(task, said, user=user)['id']}"
        for task, said, user in ((tasks[0], SAID, ada), (tasks[0], SAID, ben), (tasks[1], [], ben))
    ]
    return world


@pytest.fixture
def kept(world: Any) -> Pulled:
    return pull(world.campaign)


def project(world: Any, slot: str) -> int:
    (found,) = (n for n, p in world.fake.projects.items() if f"[builder sample/{slot}]" in p["description"])
    return int(found)


def test_each_gets_the_chunks_back_with_the_own_answers(world: Any, kept: Pulled) -> None:
    world.campaign.scheme = samples.scheme(version="2")
    asked = {"ada": world.made[:1], "ben": world.made[1:]}
    dry = reopen(world.campaign, kept.folder, asked, dry_run=True)
    assert (dry.sent, dry.open, dry.projects) == ({"ada": 1, "ben": 2}, {"ada": 0, "ben": 0}, [])
    found = reopen(world.campaign, kept.folder, asked)
    assert [(row.slot, row.imported) for row in found.projects] == [("again/1/ada", 1), ("again/1/ben", 2)]
    by_chunk = {task["data"]["chunk_id"]: task for task in world.fake.of(project(world, "again/1/ben"))}
    one, two = (by_chunk[chunk] for chunk in world.ids[:2])
    assert one["data"] == {"chunk_id": world.ids[0], "text": world.chunks[0]["text"], "scheme": "sample@2"}
    assert [p["result"] for p in one["predictions"]] == [SAID]
    assert two["predictions"] == [], "nothing was said there"
    assert world.fake.members[str(project(world, "again/1/ada"))] == [ADA]
    again = reopen(world.campaign, kept.folder, asked)
    assert (again.sent, again.open, again.projects) == ({"ada": 0, "ben": 0}, {"ada": 1, "ben": 2}, [])
    assert annotation_progress(world.campaign).reopened == 3


def test_what_was_answered_again_goes_to_another_project(world: Any, kept: Pulled) -> None:
    reopen(world.campaign, kept.folder, {"ben": world.made[1:]})
    first, _ = world.fake.of(project(world, "again/1/ben"))
    world.fake.annotate(first["id"], SAID, user=3)
    state = annotation_progress(world.campaign)
    assert (state.reopened, state.tasks, state.done) == (1, 4, 1)
    found = reopen(world.campaign, kept.folder, {"ben": world.made[1:]})
    assert (found.sent, found.open) == ({"ben": 1}, {"ben": 1})
    assert [row.slot for row in found.projects] == ["again/2/ben"]
    third = reopen(world.campaign, kept.folder, {"ben": world.made[1:], "ada": world.made[:1]})
    assert (third.sent, third.open) == ({"ben": 0, "ada": 1}, {"ben": 2, "ada": 0})


def test_more_chunks_join_those_that_are_open(world: Any, kept: Pulled) -> None:
    reopen(world.campaign, kept.folder, {"ben": world.made[1:2]})
    found = reopen(world.campaign, kept.folder, {"ben": world.made[2:]})
    assert [(row.slot, row.imported) for row in found.projects] == [("again/1/ben", 1)]
    assert len(world.fake.of(project(world, "again/1/ben"))) == 2


def test_annotations_of_people_who_left_are_counted(world: Any, kept: Pulled) -> None:
    found = reopen(world.campaign, kept.folder, {"": world.made[:2]})
    assert (found.nobody, found.sent) == (2, {})
