"""The review project: one task per open case, with what was said as predictions that fit today's questions."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from builder.errors import ConfigError, StoreError, StudioError
from builder.quality.review_cases import ReviewCase, Suggestion
from builder.stage import exclusive
from builder.studio.projects import page_of
from builder.studio.pull import Pulled, pull
from builder.studio.review import plan_review, reopen, send_review
from builder.studio.serving import annotation_progress
from builder.studio.settings import Annotators
from tests import samples


def case(chunk_id: str, *suggestions: Suggestion) -> ReviewCase:
    return ReviewCase(chunk_id, "- They differ.", ["1:1", "1:2"], list(suggestions))


def answer(target: str, label: str, question: str = "stance", span_id: str | None = None) -> dict[str, Any]:
    return {"question": question, "target": target, "label": label, "span_id": span_id}


def tasks(world: Any) -> dict[str, dict[str, Any]]:
    return {c["chunk_id"]: {"chunk_id": c["chunk_id"], "start": c["start"], "text": c["text"]} for c in world.chunks}


def test_an_expert_gets_each_case_once(world: Any) -> None:
    span = {"kind": "entity", "start": world.chunks[1]["start"], "end": world.chunks[1]["start"] + 3, "label": "GPE"}
    said = Suggestion(
        "annotator A", [{**span, "span_id": None, "targets": []}], [answer("japan", "favor")], ["unsure"], "Hm."
    )
    cases = [case(world.ids[1], said, Suggestion("agreed so far")), case(world.ids[2])]
    heard: list[tuple[str, int, int | None]] = []
    sent = send_review(world.campaign, cases, tasks(world), progress=lambda *step: heard.append(step))
    project = world.fake.projects[sent.project]
    assert (sent.slot, sent.planned, sent.imported) == ("review", 2, 2)
    assert (project["title"], project["maximum_annotations"]) == ("sample · review", 1)
    assert "Decide what the annotators could not settle" in project["expert_instruction"]
    assert '<Markdown value="$review"' in project["label_config"]
    first, second = world.fake.of(sent.project)
    assert first["data"] == {**tasks(world)[world.ids[1]], "review": "- They differ.", "review_of": ["1:1", "1:2"]}
    assert [p["model_version"] for p in first["predictions"]] == ["annotator A", "agreed so far"]
    items = {i["from_name"]: i["value"] for i in first["predictions"][0]["result"]}
    assert (items["entity"]["start"], items["entity"]["labels"]) == (0, ["GPE"])
    assert (items["stance__japan"]["choices"], items["problem"]["choices"], items["comment"]["text"]) == (
        ["favor"], ["unsure"], ["Hm."]
    )  # fmt: skip
    assert second["predictions"] == []
    assert heard[-1] == ("push sample · review", 2, 2)
    again = send_review(world.campaign, cases, tasks(world))
    assert (again.present, again.imported) == (2, 0)
    assert not (world.campaign.folder / "pushed" / "review.json").exists()
    assert world.fake.members == {str(world.project()): [ADA, BEN], str(sent.project): []}


def test_answers_about_what_is_not_asked_any_more_are_left_out(world: Any) -> None:
    said = Suggestion("A", answers=[answer("japan", "favor"), answer("mars", "favor"), answer("x", "yes", "topic")])
    (planned,) = plan_review([case(world.ids[0], said)], tasks(world), samples.scheme()).values()
    assert [item["from_name"] for item in planned.predictions[0]["result"]] == ["stance__japan"]


def test_the_articles_own_targets_are_asked_about(world: Any) -> None:
    data = {world.ids[0]: {**tasks(world)[world.ids[0]], "targets": ["NATO", "Kyiv"]}}
    said = Suggestion("A", answers=[answer("Kyiv", "favor"), answer("japan", "favor")])
    (planned,) = plan_review([case(world.ids[0], said)], data, samples.scheme(mode="article")).values()
    assert [item["from_name"] for item in planned.predictions[0]["result"]] == ["stance__2"]
    assert json.loads(planned.body)["predictions"] == planned.predictions


def test_answers_about_a_mention_stay_with_it(world: Any) -> None:
    chunk = world.chunks[0]
    span = {"kind": "entity", "start": 0, "end": 5, "label": "GPE", "span_id": "m1", "targets": []}
    said = Suggestion("A", [span], [answer(chunk["text"][:5], "favor", span_id="m1")])
    scheme = samples.scheme(mode="mention")
    (planned,) = plan_review([case(world.ids[0], said)], tasks(world), scheme).values()
    assert [item["from_name"] for item in planned.predictions[0]["result"]] == ["entity", "mention_stance"]


def test_a_case_whose_task_was_not_pulled(world: Any) -> None:
    with pytest.raises(StudioError, match="has no task of chunk gone"):
        plan_review([case("gone")], {}, samples.scheme())


@pytest.mark.parametrize("guidelines", ["", "Read."])
@pytest.mark.parametrize("changes", [{}, {"entities": (), "evidence": False}])
def test_the_reasons_are_shown_once_above_labels_and_text(changes: dict[str, Any], guidelines: str) -> None:
    page = page_of("review", samples.scheme(guidelines=guidelines, **changes))
    assert page.count('<Markdown value="$review"') == 1
    names = ("bd-review", "bd-labels", "bd-context bd-before")
    places = [page.index(f'className="{name}') for name in names if f'className="{name}' in page]
    assert places == sorted(places)
    assert page.index("$title") < places[0] < page.index("$text")


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
    assert not (world.campaign.folder / "pushed").exists(), "nothing is remembered of what is open"
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


@pytest.mark.parametrize("again", [False, True])
def test_nothing_goes_out_beside_a_push_or_to_people_without_accounts(world: Any, kept: Pulled, again: bool) -> None:
    def send() -> None:
        if again:
            reopen(world.campaign, kept.folder, {"ada": world.made[:1]})
        else:
            send_review(world.campaign, [case(world.ids[0])], tasks(world))

    before = list(world.fake.projects)
    with (
        exclusive(world.campaign.folder / "push", "push"),
        pytest.raises(StoreError, match="Another `builder push` of this dataset is running"),
    ):
        send()
    world.fake.users = [user for user in world.fake.users if user["email"] != ADA]
    with pytest.raises(ConfigError, match=r"1 of 2 people lack an account .*: ada \(ada@example\.org\)"):
        send()
    assert list(world.fake.projects) == before
