"""What is planned: each chunk as one task in the right projects, in equal shares; nothing that cannot be stored."""

import json
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import ConfigError, SourceError
from builder.store import read_json, write_json
from builder.studio.planning import Plan, PlannedTask, assign_chunks, overlaps_of, plan_tasks
from builder.studio.settings import Annotators
from builder.studio.tasks import ProjectTasks, ShownChunk, TaskEntry
from tests import samples

NAMES = ["ada", "ben", "cyd", "dee"]
sizes = st.dictionaries(st.text("abcdef0123456789", min_size=4, max_size=8), st.integers(1, 900), max_size=40)


def assigned(sizes: Any, names: list[str], overlap: int, earlier: Any) -> dict[str, list[str]]:
    return assign_chunks(sizes, names, dict.fromkeys(sizes, overlap), earlier)


def answers_on(**names: dict[str, tuple[int, int]]) -> dict[str, ProjectTasks]:
    """By annotator, chunks with the numbers of annotations and skips in the annotator's project."""
    return {
        name: ProjectTasks({c: [TaskEntry(1, ShownChunk(c), *counts)] for c, counts in chunks.items()})
        for name, chunks in names.items()
    }


def each(*names: str, overlap: int = 2) -> Annotators:
    return Annotators(layout="each", overlap=overlap, people={name: f"{name}@example.org" for name in names})


def plan(world: Any, **more: Any) -> Plan:
    return plan_tasks(world.campaign, world.chunks, world.articles, **more)


def test_people_share_one_project(world: Any) -> None:
    made = plan(world)
    assert list(made.slots) == ["all"]
    assert list(made.slots["all"]) == world.ids
    assert not made.assigned
    assert not (world.campaign.folder / "assignment.json").exists()


def test_a_task_says_which_chunk_it_is_and_how_it_was_selected(world: Any) -> None:
    world.campaign.selection = "random"
    made = plan(world)
    data = made.slots["all"][world.ids[1]].data
    chunk = world.chunks[1]
    assert {key: data[key] for key in ("chunk_id", "article_id", "start", "text", "scheme", "selection")} == {
        **{key: chunk[key] for key in ("chunk_id", "article_id", "start", "text")},
        "scheme": "sample@1",
        "selection": "random",
    }


def test_predictions_are_in_the_body_and_apart() -> None:
    assert json.loads(PlannedTask({"text": "a"}, []).body) == {"data": {"text": "a"}}
    made = PlannedTask({"text": "a"}, [{"score": 1}])
    assert json.loads(made.body) == {"data": {"text": "a"}, "predictions": [{"score": 1}]}
    assert made.predictions == [{"score": 1}]


def test_suggestions_go_to_their_chunks(world: Any) -> None:
    made = plan(world, suggested={world.ids[1]: [{"score": 1}], "elsewhere": [{"score": 2}]})
    assert [task.predictions for task in made.slots["all"].values()] == [[], [{"score": 1}], [], []]


def test_targets_of_the_article_are_asked_about(world: Any) -> None:
    world.campaign.scheme = samples.scheme(mode="article")
    world.articles[0]["targets"] = ["NATO", "Kyiv"]
    made = plan(world)
    assert made.slots["all"][world.ids[0]].data["targets"] == ["NATO", "Kyiv"]


def test_projects_of_ones_own_hold_what_was_assigned(make_world: Any) -> None:
    world = make_world(articles=3, annotators=each("ada", "ben", "cyd"))
    made = plan(world)
    assert {slot: len(tasks) for slot, tasks in made.slots.items()} == {"ada": 8, "ben": 8, "cyd": 8}
    for chunk_id, names in made.assigned.items():
        assert [slot for slot, tasks in made.slots.items() if chunk_id in tasks] == names
    assert read_json(world.campaign.folder / "assignment.json") == made.assigned


def test_what_was_assigned_earlier_stays_in_the_note(world: Any) -> None:
    world.campaign.annotators = each("ada", "ben", overlap=1)
    write_json(world.campaign.folder / "assignment.json", {"gone": ["ada"], world.ids[0]: ["ben"]})
    made = plan(world)
    assert made.assigned[world.ids[0]] == ["ben"]
    assert read_json(world.campaign.folder / "assignment.json") == {"gone": ["ada"], **made.assigned}


def test_a_plan_that_is_only_looked_at_assigns_nothing(world: Any) -> None:
    world.campaign.annotators = each("ada", "ben", "cyd", overlap=3)
    plan(world, keep=False)
    world.campaign.annotators = each("ada", "ben", "cyd", overlap=1)
    assert {len(names) for names in plan(world).assigned.values()} == {1}


def test_recorded_annotators_share_a_project_and_are_assigned(world: Any) -> None:
    folder = world.campaign.workspace / "recorded"
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / f"{name}.jsonl").write_text("", encoding="utf-8")
    world.campaign.annotators = Annotators(kind="recorded", recorded=str(folder), overlap=2)
    write_json(world.campaign.folder / "assignment.json", {world.ids[0]: ["eve", "fay"]})
    made = plan(world)
    assert list(made.slots) == ["all"]
    assert made.assigned[world.ids[0]] == ["eve", "fay"], "in a shared project nobody leaves"
    assert {len(made.assigned[chunk]) for chunk in world.ids[1:]} == {2}


def test_of_an_annotator_who_left_others_get_what_was_not_answered(make_world: Any) -> None:
    world = make_world(articles=2, annotators=each("ada", "ben", "cyd"))
    before = plan(world).assigned
    world.campaign.annotators = each("ben", "cyd")
    done = next(chunk for chunk, names in before.items() if "ada" in names)
    made = plan(world, answers=answers_on(ada={done: (1, 0)}))
    assert made.assigned[done] == before[done]
    assert list(made.slots["ada"]) == [done]
    assert all(names == ["ben", "cyd"] for chunk, names in made.assigned.items() if chunk != done)
    assert read_json(world.campaign.folder / "assignment.json") == made.assigned


def test_chunks_for_everyone(world: Any) -> None:
    world.campaign.annotators = each("ada", "ben", "cyd", overlap=1)
    made = plan(world, everyone={world.ids[2], "elsewhere"})
    assert made.assigned[world.ids[2]] == ["ada", "ben", "cyd"]
    assert "elsewhere" not in made.assigned
    assert {len(made.assigned[c]) for c in world.ids if c != world.ids[2]} == {1}


@pytest.mark.parametrize("field", ["title", "source"])
@pytest.mark.parametrize(("character", "reason"), [("\0", "nul-character"), ("\ud83d", "lone-surrogate")])
def test_what_the_server_cannot_store_is_rejected(make_world: Any, field: str, character: str, reason: str) -> None:
    world = make_world(articles=2, annotators=each("ada", "ben"))
    world.articles[0][field] = f"a{character}b"
    made = plan(world)
    assert {chunk for tasks in made.slots.values() for chunk in tasks} == set(world.ids[4:])
    assert set(made.assigned) == set(world.ids[4:])
    assert [row["chunk_id"] for row in made.rejects] == world.ids[:4]
    row = made.rejects[0]
    assert {key: row[key] for key in ("stage", "source_path", "record", "article_id", "reason")} == {
        "stage": "push",
        "source_path": "0.txt",
        "record": 0,
        "article_id": world.articles[0]["article_id"],
        "reason": reason,
    }
    assert world.ids[0] in str(row["detail"])


def test_a_list_of_targets_is_looked_through_too(world: Any) -> None:
    world.campaign.scheme = replace(samples.scheme(mode="article"))
    world.articles[0]["targets"] = ["NATO", "Ky\0iv"]
    assert len(plan(world).rejects) == 4


@given(sizes=sizes, overlap=st.integers(1, 4))
def test_every_chunk_gets_its_annotators_and_the_load_is_even(sizes: dict[str, int], overlap: int) -> None:
    plan = assigned(sizes, NAMES, overlap, {})
    assert list(plan) == sorted(sizes)
    assert all(names == sorted(set(names)) and len(names) == overlap for names in plan.values())
    load = {name: sum(sizes[c] for c, names in plan.items() if name in names) for name in NAMES}
    assert max(load.values()) - min(load.values()) <= max(sizes.values(), default=0)


@given(sizes=sizes, more=sizes, overlap=st.integers(1, 3))
def test_what_was_assigned_stays_when_chunks_are_added(
    sizes: dict[str, int], more: dict[str, int], overlap: int
) -> None:
    before = assigned(sizes, NAMES, overlap, {})
    after = assigned({**more, **sizes}, NAMES, overlap, before)
    assert {chunk: after[chunk] for chunk in before} == before


@given(sizes=sizes, seed=st.randoms(use_true_random=False))
def test_the_order_of_the_chunks_does_not_matter(sizes: dict[str, int], seed: Any) -> None:
    shuffled = list(sizes.items())
    seed.shuffle(shuffled)
    assert assigned(dict(shuffled), NAMES, 2, {}) == assigned(sizes, NAMES, 2, {})


def test_a_larger_overlap_adds_annotators_and_takes_none_away() -> None:
    chunks = {f"c{n}": 100 for n in range(8)}
    before = assigned(chunks, NAMES, 1, {})
    after = assigned(chunks, NAMES, 3, before)
    assert all(set(before[c]) < set(after[c]) and len(after[c]) == 3 for c in chunks)
    assert assigned(chunks, NAMES, 1, after) == after, "a smaller one takes none away either"


def test_what_somebody_has_already_counts_for_the_share() -> None:
    assert assigned({"a": 5, "b": 5, "c": 5}, ["x", "y"], 1, {"a": ["x"], "b": ["x"]})["c"] == ["y"]


def test_ties_are_not_broken_by_the_alphabet() -> None:
    firsts = {assigned({f"c{n}": 1}, NAMES, 1, {})[f"c{n}"][0] for n in range(40)}
    assert firsts == set(NAMES)


def test_some_chunks_have_another_overlap(world: Any, tmp_path: Path) -> None:
    listed = tmp_path / "hard.txt"
    listed.write_text(f"{world.ids[2]}\nelsewhere\n{world.ids[0]}\n", encoding="utf-8")
    settings = world.campaign.annotators
    settings.overlaps = {str(listed): 3, "100%": 1}
    assert overlaps_of(settings, world.ids) == dict(zip(world.ids, [3, 1, 3, 1], strict=True))
    made = plan(world)
    assert {slot: list(tasks) for slot, tasks in made.slots.items()} == {
        "all/3": [world.ids[0], world.ids[2]], "all/1": [world.ids[1], world.ids[3]]
    }  # fmt: skip
    settings.overlaps = {str(listed): settings.overlap}
    assert list(plan(world).slots) == ["all"]
    world.campaign.annotators = replace(each("ada", "ben", "cyd", overlap=1), overlaps={str(listed): 3})
    assert [len(plan(world).assigned[chunk]) for chunk in world.ids] == [3, 1, 3, 1]
    for content in (b"\xff", None):
        listed.write_bytes(content) if content else listed.unlink()
        with pytest.raises(SourceError, match=r"annotators\.overlaps cannot be read"):
            plan(world)


def test_a_chunk_stays_in_its_project_and_another_asks_for_the_rest(world: Any, tmp_path: Path) -> None:
    """Nobody is asked for more annotations than there should be when the overlap of a chunk grows after the push."""
    one, two, three, four = world.ids
    (tmp_path / "more.txt").write_text(f"{one} {two}", encoding="utf-8")
    world.campaign.annotators = Annotators(overlap=1, overlaps={str(tmp_path / "more.txt"): 3})

    def slots(**there: tuple[str, ...]) -> dict[str, list[str]]:
        answers = answers_on(**{slot: dict.fromkeys(chunks, (0, 0)) for slot, chunks in there.items()})
        return {slot: list(tasks) for slot, tasks in plan(world, answers=answers).slots.items()}

    assert slots() == {"all/3": [one, two], "all": [three, four]}
    grown = {"all": [one, two, three, four], "all/2": [one, two]}
    assert slots(all=(one, two, three)) == grown
    assert slots(**{"all": (one, two, three, four), "all/2": (one, two)}) == grown, "the next push changes nothing"
    (tmp_path / "more.txt").write_text(one, encoding="utf-8")
    assert slots(**{"all": (one, two, three, four), "all/2": (one, two)}) == grown, "nothing is taken away"
    world.campaign.annotators.overlaps = {str(tmp_path / "more.txt"): 2}
    once = {"all": [one, two, three, four], "all/1": [one]}
    assert slots(all=(one, two, three)) == once == slots(**{"all": (one, two, three), "all/1": (one,)})
    (tmp_path / "more.txt").write_text(f"{one} {two}", encoding="utf-8")
    world.campaign.annotators.overlaps = {str(tmp_path / "more.txt"): 3}
    world.campaign.annotators.overlap = 3
    assert slots(**{"all": (one,), "all/2": (one, two)}) == {
        "all": [one, three, four], "all/2": [one, two], "all/1": [two]
    }  # fmt: skip


def test_a_share_of_the_chunks_is_drawn_by_their_ids() -> None:
    ids = [f"c{n}" for n in range(1000)]
    drawn = {
        share: {c for c, n in overlaps_of(Annotators(overlap=1, overlaps={share: 3}), ids).items() if n == 3}
        for share in ("10%", "25%", "100%")
    }
    assert drawn["10%"] < drawn["25%"] < drawn["100%"] == set(ids)
    assert 70 < len(drawn["10%"]) < 130
    assert 210 < len(drawn["25%"]) < 290
    few = overlaps_of(Annotators(overlap=1, overlaps={"10%": 3}), ids[:50])
    assert {c for c, n in few.items() if n == 3} == drawn["10%"] & set(ids[:50]), "whatever other chunks there are"


def test_a_skipped_chunk_gets_another_annotator_where_asked(make_world: Any) -> None:
    world = make_world(annotators=each("ada", "ben", "cyd", overlap=1))
    first = plan(world).assigned
    chunk, (skipper,) = next((c, names) for c, names in first.items())
    answers = answers_on(**{skipper: {chunk: (0, 1)}})
    assert plan(world, answers=answers).assigned == first, "a skip is an answer"
    world.campaign.annotators.after_skip = "another"
    made = plan(world, answers=answers)
    assert [len(names) for c, names in made.assigned.items() if c == chunk] == [2]
    assert skipper in made.assigned[chunk]
    assert {c: names for c, names in made.assigned.items() if c != chunk} == {c: first[c] for c in first if c != chunk}
    assert plan(world, answers=answers).assigned == made.assigned, "not one more at each push"
    second = next(name for name in made.assigned[chunk] if name != skipper)
    answered = answers_on(**{skipper: {chunk: (0, 1)}, second: {chunk: (1, 0)}})
    assert plan(world, answers=answered).assigned == made.assigned
    again = answers_on(**{skipper: {chunk: (0, 1)}, second: {chunk: (0, 1)}})
    assert plan(world, answers=again).assigned[chunk] == ["ada", "ben", "cyd"]
    everybody = answers_on(**{name: {chunk: (0, 1)} for name in ("ada", "ben", "cyd")})
    assert plan(world, answers=everybody).assigned[chunk] == ["ada", "ben", "cyd"], "nobody is left"


def test_suggestions_are_of_labels_that_a_person_is_asked_for(make_world: Any, tmp_path: Path) -> None:
    world = make_world()
    file = tmp_path / "people.csv"
    file.write_text("name,email,labels\nada,a@x,ORG GPE\nben,b@x,\n", encoding="utf-8")
    world.campaign.annotators = Annotators(layout="each", overlap=2, file=str(file))

    def mark(region: str, label: str) -> dict[str, Any]:
        value = {"start": 0, "end": 4, "labels": [label]}
        return {"id": region, "from_name": "entity", "to_name": "text", "type": "labels", "value": value}

    stance = {"from_name": "mention_stance", "to_name": "text", "type": "choices", "value": {"choices": ["favor"]}}
    result = [
        mark("1", "PERSON"),
        mark("2", "GPE"),
        mark("3", "EVIDENCE"),
        {"id": "1", **stance},
        {"id": "2", **stance},
    ]
    made = plan(world, suggested={world.ids[0]: [{"model_version": "m", "result": result, "score": 0.5}]}).slots
    assert made["ben"][world.ids[0]].predictions[0]["result"] == result
    (shown,) = made["ada"][world.ids[0]].predictions
    assert shown == {"model_version": "m", "result": [result[1], result[2], result[4]], "score": 0.5}
    assert made["ada"][world.ids[1]] == made["ben"][world.ids[1]]


def test_annotators_get_what_they_read(make_world: Any, tmp_path: Path) -> None:
    world = make_world(articles=2)
    world.articles[0]["language"], world.articles[1]["language"] = "de", None
    file = tmp_path / "people.csv"
    file.write_text("name,email,languages\nada,a@x,de en\nben,b@x,fr\ncyd,c@x,\n", encoding="utf-8")
    world.campaign.annotators = Annotators(layout="each", overlap=2, file=str(file))
    made = plan(world).assigned
    assert [made[chunk] for chunk in world.ids[:4]] == [["ada", "cyd"]] * 4, "not ben, who reads no German"
    assert any("ben" in made[chunk] for chunk in world.ids[4:]), "what has no language goes to all"
    world.articles[1]["language"] = "el"
    (world.campaign.folder / "assignment.json").unlink()
    with pytest.raises(ConfigError, match=r"4 chunks have fewer annotators who read them .* in el\.") as caught:
        plan(world)
    assert "source.languages" in caught.value.hint
    assert not (world.campaign.folder / "assignment.json").exists()


def test_a_task_that_several_projects_share_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PlannedTask({}).data = {"text": "another"}  # type: ignore[misc]
