"""What is planned: each chunk as one task in the right projects, and nothing the server would choke on."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from builder.studio.plan import plan

from builder.store import read_json
from builder.studio.settings import Annotators


def articles(sample: Any) -> list[dict[str, Any]]:
    return [{"published": None, "targets": None, **article} for article in sample.articles]


def test_people_share_one_project(make_sample: Callable[..., Any]) -> None:
    sample = make_sample(chunks=5, annotators=Annotators())
    made = plan(sample.config, sample.chunks, articles(sample))
    assert list(made.slots) == ["all"]
    assert list(made.slots["all"]) == [c["chunk_id"] for c in sample.chunks]
    assert not made.assigned


def test_a_task_says_which_chunk_it_is(make_sample: Callable[..., Any]) -> None:
    sample = make_sample(chunks=1)
    (chunk,) = sample.chunks
    made = plan(sample.config, sample.chunks, articles(sample))
    data = json.loads(made.slots["all"][chunk["chunk_id"]].body)["data"]
    assert {key: data[key] for key in ("chunk_id", "article_id", "start", "text", "scheme")} == {
        **{key: chunk[key] for key in ("chunk_id", "article_id", "start", "text")},
        "scheme": "test@1",
    }


def test_projects_of_ones_own_hold_what_was_assigned(make_sample: Callable[..., Any]) -> None:
    people = {name: f"{name}@example.org" for name in ("ada", "ben", "cyd")}
    sample = make_sample(chunks=9, annotators=Annotators(layout="each", overlap=2, people=people))
    made = plan(sample.config, sample.chunks, articles(sample))
    assert {slot: len(tasks) for slot, tasks in made.slots.items()} == {"ada": 6, "ben": 6, "cyd": 6}
    for chunk_id, names in made.assigned.items():
        assert [slot for slot, tasks in made.slots.items() if chunk_id in tasks] == names
    assert read_json(sample.config.dataset_folder / "assignment.json") == made.assigned


def test_a_plan_that_is_only_looked_at_assigns_nothing(make_sample: Callable[..., Any]) -> None:
    people = {name: f"{name}@example.org" for name in ("ada", "ben", "cyd")}
    sample = make_sample(chunks=3, annotators=Annotators(layout="each", overlap=3, people=people))
    plan(sample.config, sample.chunks, articles(sample), keep=False)
    sample.config.annotators.overlap = 1
    made = plan(sample.config, sample.chunks, articles(sample))
    assert {len(names) for names in made.assigned.values()} == {1}


def test_of_an_annotator_who_left_others_get_what_was_not_answered(make_sample: Callable[..., Any]) -> None:
    people = {name: f"{name}@example.org" for name in ("ada", "ben", "cyd")}
    sample = make_sample(chunks=6, annotators=Annotators(layout="each", overlap=2, people=people))
    before = plan(sample.config, sample.chunks, articles(sample)).assigned
    del sample.config.annotators.people["ada"]
    done = next(chunk for chunk, names in before.items() if "ada" in names)
    after = plan(sample.config, sample.chunks, articles(sample), answered={"ada": {done}}).assigned
    assert after[done] == before[done]
    assert all(names == ["ben", "cyd"] for chunk, names in after.items() if chunk != done)
    assert read_json(sample.config.dataset_folder / "assignment.json") == after


@pytest.mark.parametrize("field", ["title", "source"])
@pytest.mark.parametrize(("character", "reason"), [("\0", "nul-character"), ("\ud83d", "lone-surrogate")])
def test_what_the_server_cannot_hold_is_rejected(
    make_sample: Callable[..., Any], field: str, character: str, reason: str
) -> None:
    sample = make_sample(chunks=8)
    rows = articles(sample)
    rows[0][field] = f"a{character}b"
    made = plan(sample.config, sample.chunks, rows)
    assert len(made.slots["all"]) == 4
    assert {row["reason"] for row in made.rejects} == {reason}
    assert {row["chunk_id"] for row in made.rejects} == {c["chunk_id"] for c in sample.chunks[:4]}
