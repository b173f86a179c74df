"""Recorded labels are read against the chunk and the scheme, and every contradiction names its line."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder.errors import Refused, SourceError, StoreError, Unreachable
from builder.studio.people import Annotator
from builder.studio.planning import Plan, PlannedTask
from builder.studio.pull import Pulled, pull
from builder.studio.saving import (
    Restored,
    Submitted,
    annotation,
    read_recording,
    recorded_bodies,
    restore,
    save,
    submit_recorded,
)
from builder.studio.settings import Annotators
from tests import samples
from tests.studio.fake import Fault

SCHEME = samples.scheme()
TEXT = "🚀 Japan and Kyiv: Japan would help Ukraine"
CHUNK = {"chunk_id": "c", "article_id": "a", "start": 100, "text": TEXT}
LINE: dict[str, Any] = {
    "article": "articles.txt#0",
    "article_id": "a",
    "start": 100,
    "end": 142,
    "entities": [{"start": 102, "end": 107, "label": "GPE", "text": "Japan"}],
    "evidence": [{"start": 124, "end": 134, "targets": ["japan"], "text": "would help"}],
    "stance": {"japan": "favor", "ukraine": "none"},
    "problems": ["unsure"],
    "comment": "vielleicht – „so“ 🚀",
    "lead_time": 11.5,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ada.jsonl"


def write(path: Path, *lines: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8", newline="")
    return path


def test_a_line_becomes_the_result_that_says_the_same(path: Path) -> None:
    made = annotation(read_recording(write(path, LINE)), CHUNK, SCHEME)
    assert made is not None
    assert (made["was_cancelled"], made["lead_time"]) == (False, 11.5)
    marks = [
        (i["value"]["start"], i["value"]["end"], i["value"]["labels"]) for i in made["result"] if i["type"] == "labels"
    ]
    assert marks == [(2, 7, ["GPE"]), (24, 34, ["EVIDENCE"])]
    choices = {i["from_name"]: i["value"]["choices"] for i in made["result"] if i["type"] == "choices"}
    assert choices == {
        "evidence_target": ["japan"], "stance__japan": ["favor"], "stance__ukraine": ["none"], "problem": ["unsure"]
    }  # fmt: skip
    assert [i["value"]["text"] for i in made["result"] if i["type"] == "textarea"] == [[LINE["comment"]]]


def test_a_line_may_say_less(path: Path) -> None:
    made = annotation(
        read_recording(write(path, {key: LINE[key] for key in ("article_id", "start", "end")})), CHUNK, SCHEME
    )
    assert made == {"result": [], "was_cancelled": False, "lead_time": None}


def test_a_skip_is_no_empty_annotation(path: Path) -> None:
    made = annotation(read_recording(write(path, {**LINE, "skipped": True})), CHUNK, SCHEME)
    assert made == {"result": [], "was_cancelled": True, "lead_time": 11.5}


@pytest.mark.parametrize("change", [{"article_id": "b"}, {"start": 99}, {"text": TEXT[:-1]}])
def test_a_chunk_that_was_not_recorded_has_none(path: Path, change: dict[str, Any]) -> None:
    assert annotation(read_recording(write(path, LINE)), {**CHUNK, **change}, SCHEME) is None


def test_a_mark_that_is_recorded_twice_is_one(path: Path) -> None:
    made = annotation(read_recording(write(path, {**LINE, "entities": LINE["entities"] * 2})), CHUNK, SCHEME)
    assert made is not None
    assert sum(item["value"].get("labels") == ["GPE"] for item in made["result"]) == 1


def test_mentions_carry_their_stance(path: Path) -> None:
    scheme = samples.scheme(mode="mention")
    marks = [
        {"start": 102, "end": 107, "label": "GPE", "text": "Japan", "stance": "favor"},
        {"start": 112, "end": 116, "label": "GPE", "text": "Kyiv", "stance": "against"},
        {"start": 118, "end": 123, "label": "GPE", "text": "Japan"},
    ]
    line = {**LINE, "entities": marks, "stance": {}, "evidence": [{**LINE["evidence"][0], "targets": ["anything"]}]}
    made = annotation(read_recording(write(path, line)), CHUNK, scheme)
    assert made is not None
    regions = {i["id"]: i["value"]["start"] for i in made["result"] if i["type"] == "labels"}
    said = {regions[i["id"]]: i["value"]["choices"] for i in made["result"] if i["from_name"] == "mention_stance"}
    assert said == {2: ["favor"], 12: ["against"]}


def test_the_articles_own_targets(path: Path) -> None:
    scheme = samples.scheme(mode="article")
    line = {**LINE, "evidence": [], "stance": {"NATO": "favor"}}
    made = annotation(read_recording(write(path, line)), {**CHUNK, "targets": ["Kyiv", "NATO"]}, scheme)
    assert made is not None
    assert {i["from_name"] for i in made["result"]} >= {"stance__2"}
    with pytest.raises(SourceError, match="unknown targets 'NATO'"):
        annotation(read_recording(path), {**CHUNK, "targets": ["Kyiv"]}, scheme)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"entities": [{"start": 102, "end": 105, "label": "GPE", "text": "Jpn"}]}, "is 'Jap' and not 'Jpn'"),
        ({"entities": [{"start": 99, "end": 107, "label": "GPE", "text": "x"}]}, "outside its chunk"),
        ({"entities": [{"start": 102, "end": 143, "label": "GPE", "text": "x"}]}, "outside its chunk"),
        ({"entities": [{"start": 102, "end": 102, "label": "GPE", "text": ""}]}, "is empty"),
        ({"entities": [{"start": 102, "end": 107, "label": "CITY", "text": "Japan"}]}, "unknown entity label 'CITY'"),
        ({"entities": [{"start": 102, "label": "GPE", "text": "x"}]}, "'end'"),
        ({"stance": {"mars": "favor"}}, "unknown targets 'mars'"),
        ({"stance": {"japan": "love"}}, "unknown stance labels 'love'"),
        ({"evidence": [{**LINE["evidence"][0], "targets": ["mars"]}]}, "unknown targets of evidence 'mars'"),
        ({"evidence": [{**LINE["evidence"][0], "text": "would"}]}, "and not 'would'"),
        ({"mood": "cheerful"}, "mood"),
        ({"problems": ["loud"]}, "unknown problems 'loud'"),
    ],
)
def test_a_contradiction_names_its_line(path: Path, changes: dict[str, Any], says: str) -> None:
    write(path, {**LINE, "article_id": "other"}, {**LINE, **changes})
    with pytest.raises(SourceError) as caught:
        annotation(read_recording(path), CHUNK, SCHEME)
    assert says in caught.value.message
    assert "ada.jsonl:2" in caught.value.message


def test_the_last_characters_of_a_chunk_can_be_marked(path: Path) -> None:
    marks = [{"start": 100, "end": 101, "label": "GPE", "text": "🚀"}, {"start": 135, "end": 142, "label": "GPE"}]
    made = annotation(read_recording(write(path, {**LINE, "entities": marks})), CHUNK, SCHEME)
    assert made is not None
    assert [i["value"]["end"] for i in made["result"] if i["value"].get("labels") == ["GPE"]] == [1, 42]


@pytest.mark.parametrize("line", ["{", "[]", '{"article_id": "a"}', '{"article_id": "a", "start": 0, "end": "x"}'])
def test_a_broken_line_is_named(path: Path, line: str) -> None:
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"ada\.jsonl:2"):
        read_recording(path)


def test_a_chunk_recorded_twice_is_refused(path: Path) -> None:
    with pytest.raises(SourceError, match=r"ada\.jsonl:2 repeats the chunk of .*:1"):
        read_recording(write(path, LINE, LINE))


def test_a_file_that_cannot_be_read(path: Path) -> None:
    for content in (None, b"\xff"):
        if content:
            path.write_bytes(content)
        with pytest.raises(SourceError, match="cannot be read") as caught:
            read_recording(path)
        assert "annotators.recorded" in caught.value.hint


def test_other_line_separators_end_no_line(path: Path) -> None:
    text = json.dumps({**LINE, "comment": "one\u2028two\u0085"}, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")
    assert len(read_recording(path)) == 1


def test_each_annotator_says_what_is_assigned_to_them(world: Any, path: Path) -> None:
    write(path, LINE)
    world.campaign.annotators = Annotators(kind="recorded", recorded=str(path.parent))
    other = {**CHUNK, "chunk_id": "d", "start": 200, "text": TEXT[:-1]}
    plan = Plan({"all": {"c": PlannedTask(CHUNK), "d": PlannedTask(other)}}, {"c": ["ada", "ben"], "d": ["ben"]})
    assert list(recorded_bodies(world.campaign, "ada", plan)) == ["c"]
    plan.assigned["d"] = ["ada"]
    with pytest.raises(SourceError, match=r"has no line for chunk d \(article a, \[200, 241\)\)") as caught:
        recorded_bodies(world.campaign, "ada", plan)
    assert "annotators.partial=true" in caught.value.hint
    world.campaign.annotators.partial = True
    assert list(recorded_bodies(world.campaign, "ada", plan)) == ["c"]


def test_who_recorded_nothing_of_a_project_needs_nothing_of_it(world: Any) -> None:
    ada = Annotator("ada", "ada@example.org")
    kept = world.campaign.vault.secrets()
    kept.annotators[ada.email] = "hers"
    world.campaign.vault.write_secrets(kept)
    outcome, heard = Submitted(), list[Any]()
    submit_recorded(world.client, world.campaign, 7, ada, {}, outcome, lambda *step: heard.append(step))
    assert (outcome, heard, world.fake.asked) == (Submitted(), [], [])


SAID = [{"id": "x", "from_name": "entity", "value": {"start": 0, "end": 4, "labels": ["GPE"]}}]


@pytest.fixture
def ids(world: Any) -> list[int]:
    """Four tasks: ada and ben annotated the first, ben skipped the second."""
    tasks = list(world.fake.add_tasks(world.project(), *({"data": {"chunk_id": c}} for c in world.ids)))
    ada, ben = (world.fake.add_user(f"{name}@Example.org")["id"] for name in ("ada", "ben"))
    world.fake.annotate(tasks[0], SAID, user=ada, lead_time=7)
    world.fake.annotate(tasks[0], [], user=ben)
    world.fake.annotate(tasks[1], [], user=ben, was_cancelled=True)
    world.fake.tick(3600)
    return tasks


def said(world: Any, task: int) -> list[tuple[int, list[Any], bool, float | None]]:
    names = ("completed_by", "result", "was_cancelled", "lead_time")
    return [tuple(a[name] for name in names) for a in world.fake.tasks[task]["annotations"]]  # type: ignore[misc]


def test_a_database_that_was_set_back_gets_its_annotations_again_once(
    world: Any, ids: list[int], first: Pulled
) -> None:
    before = [said(world, task) for task in ids]
    for task in ids:
        world.fake.tasks[task]["annotations"].clear()
    assert restore(world.campaign, first.folder, dry_run=True) == Restored(first.hash, restored=3)
    assert [said(world, task) for task in ids] == [[], [], [], []]
    assert restore(world.campaign, first.folder) == Restored(first.hash, restored=3)
    assert [said(world, task) for task in ids] == before
    assert restore(world.campaign, first.folder) == Restored(first.hash, there=3)
    assert [said(world, task) for task in ids] == before


def test_what_was_restored_counts_as_its_authors(world: Any, ids: list[int], first: Pulled) -> None:
    """Label Studio says that the manager's account saved it last."""
    world.fake.tasks[ids[0]]["annotations"].clear()
    restore(world.campaign, first.folder)
    assert [a["updated_by"] for a in world.fake.tasks[ids[0]]["annotations"]] == [1, 1]
    world.fake.tick(3600)
    from tests.studio.test_pulls import pulled_annotations

    assert [a["updated_by"] for a in pulled_annotations(pull(world.campaign))] == [3, None, None]
    # A change by hand afterwards is one.
    world.client.patch(f"api/annotations/{world.fake.tasks[ids[0]]['annotations'][0]['id']}/", {"result": []})
    world.fake.tick(3600)
    assert [a["updated_by"] for a in pulled_annotations(pull(world.campaign))] == [3, 1, None]


def test_a_deleted_project_comes_back_with_new_tasks(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake._delete_project(next(iter(world.fake.projects)))
    with pytest.raises(StoreError, match="builder push") as caught:
        restore(world.campaign, first.folder)
    assert "no project" in caught.value.message
    new = list(world.fake.add_tasks(world.project(), *({"data": {"chunk_id": c}} for c in world.ids[:1])))
    assert restore(world.campaign, first.folder) == Restored(first.hash, restored=2, no_task=1)
    assert [row[:2] for row in said(world, new[0])] == [(2, SAID), (3, [])]


def test_a_project_that_is_missing_is_counted(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake._delete_project(next(iter(world.fake.projects)))
    world.project("review")
    assert restore(world.campaign, first.folder) == Restored(first.hash, no_task=3)


def test_who_annotated_again_since_is_left_alone(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake.tasks[ids[0]]["annotations"] = world.fake.tasks[ids[0]]["annotations"][1:]
    world.fake.annotate(ids[0], [{"id": "new"}], user=2)
    assert restore(world.campaign, first.folder) == Restored(first.hash, there=2, newer=1)
    assert [row[1] for row in said(world, ids[0])] == [[], [{"id": "new"}]]


def test_the_same_thing_said_twice_is_there_twice(world: Any, ids: list[int]) -> None:
    world.fake.annotate(ids[2], SAID, user=2)
    world.fake.annotate(ids[2], SAID, user=2)
    first = pull(world.campaign)
    world.fake.tasks[ids[2]]["annotations"].pop()
    assert restore(world.campaign, first.folder) == Restored(first.hash, restored=1, there=4)
    assert len(said(world, ids[2])) == 2


def test_authors_without_account_are_named(world: Any, ids: list[int], first: Pulled) -> None:
    world.fake.users = [user for user in world.fake.users if user["email"] != "ben@Example.org"]
    world.fake.tasks[ids[0]]["annotations"].clear()
    found = restore(world.campaign, first.folder)
    assert found == Restored(first.hash, restored=1, no_account={"ben@example.org": 2})


@pytest.mark.parametrize("kind", ["before", "after", "500-after"])
def test_a_save_whose_answer_got_lost_is_not_doubled(world: Any, ids: list[int], first: Pulled, kind: str) -> None:
    world.fake.tasks[ids[0]]["annotations"].clear()
    world.fake.faults = [Fault(kind, "POST", "/api/tasks/.*/annotations/$")]
    found = restore(world.campaign, first.folder)
    assert found.restored == (2 if kind == "before" else 1)
    assert [row[0] for row in said(world, ids[0])] == [2, 3]


def test_an_annotation_in_doubt_is_sent_again_and_never_twice(world: Any) -> None:
    (task,) = world.fake.add_tasks(world.project(), {"data": {}})
    body = {"result": [], "unique_id": "u"}
    world.fake.faults = [Fault("after", "POST", "/annotations/$")]
    assert not save(world.client, world.project(), task, body), "it was there after all"
    assert world.waits == [0.5]
    world.fake.faults = [Fault("before", "POST", "/annotations/$", times=4)]
    assert save(world.client, world.project(), task, {**body, "unique_id": "v"})
    assert world.waits[1:] == [0.5, 1.0, 2.0, 4.0]
    assert [made["unique_id"] for made in world.fake.tasks[task]["annotations"]] == ["u", "v"]
    world.fake.asked.clear()
    world.fake.faults = [Fault("500", "POST", "/annotations/$", times=9)]
    with pytest.raises(Unreachable, match="injected"):
        save(world.client, world.project(), task, body)
    assert world.fake.requests("POST", f"/api/tasks/{task}/annotations/") == 5
    world.fake.faults = [Fault("413", "POST", "/annotations/$")]
    with pytest.raises(Refused, match="413"):
        save(world.client, world.project(), task, body)


def test_a_line_that_is_not_skipped_says_what_it_says(path: Path) -> None:
    recorded = read_recording(write(path, {**LINE, "skipped": False}))
    assert annotation(recorded, CHUNK, SCHEME) == annotation(read_recording(write(path, LINE)), CHUNK, SCHEME)
