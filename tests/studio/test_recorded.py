"""Recorded labels are read against the chunk and the scheme, and every contradiction names its line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builder.studio.recorded import annotation, read

from builder.errors import SourceError


@pytest.fixture
def one(make_sample: Callable[..., Any]) -> Any:
    return make_sample(chunks=1)


def rewrite(path: Path, **changes: Any) -> None:
    line = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**line, **changes}) + "\n", encoding="utf-8")


def test_a_line_becomes_the_result_that_says_the_same(one: Any) -> None:
    (chunk,) = one.chunks
    made = annotation(read(one.recorded / "ben.jsonl"), chunk, one.config.labels)
    assert made is not None
    assert (made["was_cancelled"], made["lead_time"]) == (False, 11.5)
    marks = [i["value"] for i in made["result"] if i["type"] == "labels"]
    assert {chunk["text"][v["start"] : v["end"]] for v in marks} <= {"Japan", "Tokyo", "Beijing", "would help"}
    stances = {i["from_name"]: i["value"]["choices"] for i in made["result"] if i["type"] == "choices"}
    assert ["favor"] in stances.values()


def test_offsets_are_those_of_the_chunk(make_sample: Callable[..., Any]) -> None:
    sample = make_sample(chunks=4)
    chunk = sample.chunks[3]
    made = annotation(read(sample.recorded / "ada.jsonl"), chunk, sample.config.labels)
    assert made is not None
    assert chunk["start"] > 0
    for item in made["result"]:
        if item["type"] == "labels" and item["value"]["labels"] == ["GPE"]:
            assert chunk["text"][item["value"]["start"] : item["value"]["end"]] == item["value"]["text"]


def test_a_skip_is_no_empty_annotation(one: Any) -> None:
    rewrite(one.recorded / "ada.jsonl", skipped=True)
    made = annotation(read(one.recorded / "ada.jsonl"), one.chunks[0], one.config.labels)
    assert made == {"result": [], "was_cancelled": True, "lead_time": 10.5}


def test_a_chunk_that_was_not_recorded_has_none(make_sample: Callable[..., Any]) -> None:
    sample = make_sample(chunks=2)
    other = {**sample.chunks[0], "end": sample.chunks[0]["end"] - 1}
    assert annotation(read(sample.recorded / "ada.jsonl"), other, sample.config.labels) is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"entities": [{"start": 0, "end": 3, "label": "GPE", "text": "Jap"}]}, "was recorded as 'Jap'"),
        ({"entities": [{"start": 5, "end": 99999, "label": "GPE", "text": "x"}]}, "is None"),
        ({"entities": [{"start": 0, "end": 9, "label": "CITY", "text": "Paragraph"}]}, "unknown entity label 'CITY'"),
        ({"entities": [{"start": 0, "label": "GPE", "text": "x"}]}, "'end'"),
        ({"stance": {"mars": "favor"}}, "unknown target 'mars'"),
        ({"stance": {"japan": "love"}}, "unknown stance 'love'"),
        ({"evidence": [{"start": 0, "end": 9, "text": "Paragraph", "targets": ["mars"]}]}, "unknown targets"),
        ({"problems": ["loud"]}, "unknown problems"),
    ],
)
def test_a_contradiction_names_its_line(one: Any, changes: dict[str, Any], says: str) -> None:
    rewrite(one.recorded / "ada.jsonl", **changes)
    with pytest.raises(SourceError) as caught:
        annotation(read(one.recorded / "ada.jsonl"), one.chunks[0], one.config.labels)
    assert says in caught.value.message
    assert "ada.jsonl:1" in caught.value.message


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"article_id": "a"}', '{"article_id": "a", "start": 0, "end": 1, "x": 1}']
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "ada.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"ada\.jsonl:2"):
        read(path)


def test_a_chunk_recorded_twice_is_refused(one: Any) -> None:
    path = one.recorded / "ada.jsonl"
    path.write_text(path.read_text("utf-8") * 2, encoding="utf-8")
    with pytest.raises(SourceError, match=r"ada\.jsonl:2 repeats the chunk of line 1"):
        read(path)
