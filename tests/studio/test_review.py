"""The review project: one task per open case, with what was said as predictions that fit today's questions."""

import json
from typing import Any

import pytest

from builder.errors import StudioError
from builder.quality.review_cases import ReviewCase, Suggestion
from builder.studio.projects import page_of
from builder.studio.review import plan_review, send_review
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
