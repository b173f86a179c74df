"""Recorded labels are read against the chunk and the scheme, and every contradiction names its line."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder.errors import SourceError
from builder.studio.planning import Plan, PlannedTask
from builder.studio.recordings import annotation, read_recording, recorded_bodies
from builder.studio.settings import Annotators
from tests import samples

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
