"""Suggestions: in code points of the chunk, with version and score; refused when text or scheme has no such thing."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from builder.errors import ConfigError, SourceError, StudioError, Unreachable
from builder.studio.settings import Suggestions
from builder.studio.suggestions import gazetteer, suggestions_for
from tests.conftest import small_scheme


def spans(made: dict[str, list[dict[str, Any]]], chunk: dict[str, Any]) -> list[tuple[str, list[str]]]:
    (prediction,) = made[chunk["chunk_id"]]
    values = [item["value"] for item in prediction["result"] if item["type"] == "labels"]
    return [(chunk["text"][v["start"] : v["end"]], v["labels"]) for v in values]


@pytest.fixture
def two(make_sample: Callable[..., Any]) -> Any:
    return make_sample(chunks=2)


def test_nothing_is_suggested_unless_asked(two: Any) -> None:
    assert suggestions_for(two.config.labels, two.config.suggestions, two.chunks, two.articles) == {}


def test_the_aliases_of_targets_are_a_gazetteer(two: Any) -> None:
    two.config.suggestions = Suggestions(method="gazetteer", alias_label="GPE", score=0.25)
    made = suggestions_for(two.config.labels, two.config.suggestions, two.chunks, two.articles)
    found = [text for text, labels in spans(made, two.chunks[1]) if labels == ["GPE"]]
    assert found == re.findall("Japan|Tokyo|Beijing", two.chunks[1]["text"])
    assert len(found) > 1
    (prediction,) = made[two.chunks[0]["chunk_id"]]
    assert (prediction["model_version"], prediction["score"]) == ("gazetteer", 0.25)
    assert {item["origin"] for item in prediction["result"]} == {"prediction"}


def test_a_gazetteer_marks_whole_words_after_astral_characters() -> None:
    found = gazetteer({"U.S.": "GPE", "Kyiv": "GPE"})("🚀 U.S. xU.S. Kyiv, Kyivan")
    assert [(mark["start"], mark["end"]) for mark in found] == [(2, 6), (13, 17)]


def test_a_gazetteer_finds_the_longest_name_in_any_case() -> None:
    find = gazetteer({"Bank of Japan": "ORG", "Japan": "GPE", "US": "GPE", "Xi": "PERSON", "Istanbul": "GPE"})
    text = "the BANK OF JAPAN in japan told us and US, xi and Xi of ıstanbul"
    found = [(text[m["start"] : m["end"]], m["label"]) for m in find(text)]
    assert found == [
        ("BANK OF JAPAN", "ORG"), ("japan", "GPE"), ("US", "GPE"), ("Xi", "PERSON"), ("\u0131stanbul", "GPE")
    ]  # fmt: skip
    assert gazetteer({})("Japan") == []


def test_names_that_differ_in_case_keep_their_labels() -> None:
    find = gazetteer({"Nato": "ORG", "NATO": "WEAPON"})
    assert [mark["label"] for mark in find("Nato NATO nato")] == ["ORG", "WEAPON", "ORG"]


def test_a_gazetteer_file(two: Any, tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text("# names\nBoeing\tORG\n\nPatriot missiles\tORG\r\n", encoding="utf-8", newline="")
    two.config.suggestions = Suggestions(method="gazetteer", file=str(path))
    made = suggestions_for(two.config.labels, two.config.suggestions, two.chunks, two.articles)
    assert ("Patriot missiles", ["ORG"]) in spans(made, two.chunks[0])
    path.write_text("Boeing ORG\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"names\.tsv:1"):
        suggestions_for(two.config.labels, two.config.suggestions, two.chunks, two.articles)
    path.write_text("Boeing\tFIRM\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="FIRM"):
        suggestions_for(two.config.labels, two.config.suggestions, two.chunks, two.articles)


def test_a_model_behind_http(two: Any, standin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # On loopback no proxy is asked.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    chunk = two.chunks[1]
    at = chunk["text"].index("Tokyo")
    one = {"chunk_id": chunk["chunk_id"], "score": 0.9, "stance": {"japan": "favor"}}
    one["entities"] = [{"start": at, "end": at + 5, "label": "GPE", "text": "Tokyo"}] * 2
    body = {"model_version": "m7", "suggestions": [one]}
    standin.answers = [SimpleNamespace(status=200, body=body, headers={})]
    two.config.suggestions = Suggestions(method="http", url=standin.url)
    made = suggestions_for(two.config.labels, two.config.suggestions, two.chunks, two.articles)
    assert list(made) == [chunk["chunk_id"]]
    assert spans(made, chunk) == [("Tokyo", ["GPE"])]
    assert (made[chunk["chunk_id"]][0]["model_version"], made[chunk["chunk_id"]][0]["score"]) == ("m7", 0.9)
    asked = json.loads(standin.asked[0].body)
    assert asked["scheme"] == "test@1"
    assert asked["chunks"][0] | {"text": ""} == {
        "chunk_id": two.chunks[0]["chunk_id"],
        "article_id": two.chunks[0]["article_id"],
        "text": "",
        "title": "<Title> & 0",
        "targets": ["japan", "china"],
    }
    assert [c["text"] for c in asked["chunks"]] == [c["text"] for c in two.chunks]
    assert asked["chunks"][0]["targets"] == ["japan", "china"]
    for status in (500, 302):
        standin.answers = [SimpleNamespace(status=status, body={}, headers={"Location": "/elsewhere"})]
        with pytest.raises(Unreachable, match=f"gave no suggestions: HTTP {status}") as caught:
            suggestions_for(two.config.labels, two.config.suggestions, two.chunks, two.articles)
        assert "\n" not in str(caught.value)


def test_a_model_is_told_the_targets_of_each_article(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("my_model")
    module.predict = (
        lambda chunks: [  # type: ignore[attr-defined]
            {"chunk_id": c["chunk_id"], "stance": dict.fromkeys(c["targets"][1:], "favor")} for c in chunks
        ]
    )
    monkeypatch.setitem(sys.modules, "my_model", module)
    two.config.suggestions = Suggestions(method="python", function="my_model:predict", model_version="m")
    two.config.labels = small_scheme(mode="article", targets={})
    articles = [{**article, "targets": ["NATO", "Kyiv & <co>"]} for article in two.articles]
    made = suggestions_for(two.config.labels, two.config.suggestions, two.chunks, articles)
    (item,) = made[two.chunks[0]["chunk_id"]][0]["result"]
    assert (item["from_name"], item["value"]) == ("stance__2", {"choices": ["favor"]})


@pytest.mark.parametrize(
    ("entity", "stance", "says"),
    [
        ({"start": 0, "end": 9999, "label": "GPE"}, {}, "outside its chunk"),
        ({"start": 9, "end": 10, "label": "GPE"}, {}, "contains only blanks"),
        ({"start": 0, "end": 5, "label": "CITY"}, {}, "unknown entity label 'CITY'"),
        ({"start": 0, "end": 5, "label": "GPE", "text": "other"}, {}, "not 'other'; offsets count code points"),
        (None, {"japan": "love"}, "unknown stance labels 'love'"),
        (None, {"mars": "favor"}, "mars"),
    ],
)
def test_a_function_that_suggests_nonsense(
    two: Any, monkeypatch: pytest.MonkeyPatch, entity: Any, stance: dict[str, str], says: str
) -> None:
    module = ModuleType("my_model")
    module.predict = lambda chunks: [  # type: ignore[attr-defined]
        {"chunk_id": c["chunk_id"], "entities": [entity] if entity else [], "stance": stance} for c in chunks
    ]
    monkeypatch.setitem(sys.modules, "my_model", module)
    two.config.suggestions = Suggestions(method="python", function="my_model:predict", model_version="m")
    with pytest.raises(StudioError, match=says) as caught:
        suggestions_for(two.config.labels, two.config.suggestions, two.chunks, two.articles)
    assert two.chunks[0]["chunk_id"] in caught.value.message


def _raises(chunks: list[dict[str, Any]]) -> Any:
    return chunks[0]["body"]


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda chunks: [{"chunk_id": chunks[0]["chunk_id"], "entities": [{"from": 0}]}], "'label' is missing"),
        (
            lambda chunks: [
                {"chunk_id": chunks[0]["chunk_id"], "entities": [{"start": "0", "end": 1, "label": "GPE"}]}
            ],
            "whole numbers",
        ),
        (lambda chunks: {1, 2j}, "TypeError"),
        (lambda chunks: [{"chunk_id": chunks[0]["chunk_id"], "score": 1.01}], r"1\.01 is not between 0 and 1"),
        (lambda chunks: [{"chunk_id": chunks[0]["chunk_id"], "score": -0.01}], r"-0\.01 is not between 0 and 1"),
        (lambda chunks: [{"chunk_id": "elsewhere"}], "was not asked about"),
        (lambda chunks: [{"chunk_id": chunks[0]["chunk_id"]}] * 2, "two suggestions for chunk"),
        (lambda chunks: [{"chunk_id": chunks[0]["chunk_id"], "model_version": "m\0"}], "cannot be shown"),
        (lambda chunks: [{"chunk_id": chunks[0]["chunk_id"], "model_version": "\x1b[2J"}], "cannot be shown"),
        (lambda chunks: [{"chunk_id": chunks[0]["chunk_id"], "score": float("nan")}], "nan is not between 0 and 1"),
        (lambda chunks: [{"chunk_id": chunks[0]["chunk_id"], "comment": "a\0"}], "holds a NUL"),
        (lambda chunks: [{"chunk_id": chunks[0]["chunk_id"], "comment": "\ud800"}], "surrogates not allowed"),
        (lambda chunks: [{"chunk_id": chunks[0]["chunk_id"], "stance": {"japan": ["favor"]}}], r"labels \['favor'\]"),
        (_raises, "KeyError: 'body'"),
    ],
)
def test_a_function_that_does_not_do_as_it_should(
    two: Any, monkeypatch: pytest.MonkeyPatch, function: Callable[..., Any], says: str
) -> None:
    module = ModuleType("my_model")
    module.predict = function  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "my_model", module)
    two.config.suggestions = Suggestions(method="python", function="my_model:predict", model_version="m")
    with pytest.raises(StudioError, match=says) as caught:
        suggestions_for(two.config.labels, two.config.suggestions, two.chunks, two.articles)
    assert "Correct" in caught.value.hint


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (b'"score": NaN', "nan is not between 0 and 1"),
        (b'"score": 1e999', "inf is not between 0 and 1"),
        (b'"model_version": " "', "has no model_version"),
        (b'"comment": "\\u0000"', "holds a NUL"),
        (b'"comment": "\\ud800"', "surrogates not allowed"),
        (b'"comment": "a", "comment": "b"', "'comment' is there twice"),
    ],
)
def test_a_model_that_says_what_cannot_be_stored(two: Any, standin: Any, said: bytes, says: str) -> None:
    row = b'{"chunk_id": "' + two.chunks[0]["chunk_id"].encode() + b'", ' + said + b"}"
    standin.answers = [SimpleNamespace(status=200, body=b'{"suggestions": [' + row + b"]}", headers={})]
    version = "" if b"model_version" in said else "m"
    two.config.suggestions = Suggestions(method="http", url=standin.url, model_version=version)
    with pytest.raises(StudioError, match=says):
        suggestions_for(two.config.labels, two.config.suggestions, two.chunks, two.articles)


def test_a_backslash_is_no_nul(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("my_model")
    module.predict = lambda chunks: [{"chunk_id": chunks[0]["chunk_id"], "comment": r"C:\u0000"}]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "my_model", module)
    settings = Suggestions(method="python", function="my_model:predict", model_version="m")
    ((made,),) = suggestions_for(two.config.labels, settings, two.chunks, two.articles).values()
    assert made["result"][0]["value"] == {"text": [r"C:\u0000"]}


def test_chunks_are_given_in_batches(make_sample: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    five = make_sample(chunks=5)
    sizes: list[int] = []
    module = ModuleType("my_model")
    module.predict = lambda chunks: sizes.append(len(chunks)) or []  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "my_model", module)
    settings = Suggestions(method="python", function="my_model:predict", batch=2)
    assert suggestions_for(five.config.labels, settings, five.chunks, five.articles) == {}
    assert sizes == [2, 2, 1]


def test_a_score_of_zero_is_a_score(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("my_model")
    module.predict = lambda chunks: [{"chunk_id": c["chunk_id"], "score": 0.0} for c in chunks[:1]]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "my_model", module)
    two.config.suggestions = Suggestions(method="python", function="my_model:predict", score=0.75, model_version="mine")
    made = suggestions_for(two.config.labels, two.config.suggestions, two.chunks, two.articles)
    assert made == {two.chunks[0]["chunk_id"]: [{"model_version": "mine", "score": 0.0, "result": []}]}


@pytest.mark.parametrize("function", ["no_such_module:f", "json:no_such_function"])
def test_a_function_that_is_not_there(two: Any, function: str) -> None:
    settings = Suggestions(method="python", function=function)
    with pytest.raises(ConfigError, match="cannot be imported"):
        suggestions_for(two.config.labels, settings, two.chunks, two.articles)


def test_a_model_that_does_not_answer(two: Any) -> None:
    settings = Suggestions(method="http", url="http://127.0.0.1:9")
    with pytest.raises(Unreachable, match=r"The model at http://127\.0\.0\.1:9 gave no suggestions"):
        suggestions_for(two.config.labels, settings, two.chunks, two.articles)


@pytest.mark.parametrize(
    ("overlap", "nesting", "places", "says"),
    [
        (False, False, [(0, 9), (5, 12)], r"entities: \[5, 12\) crosses \[0, 9\)"),
        (True, False, [(0, 9), (5, 12)], ""),
        (True, False, [(0, 9), (0, 4)], r"\[0, 4\) is inside \[0, 9\)"),
        (True, False, [(0, 9), (4, 9)], r"\[4, 9\) is inside \[0, 9\)"),
        (False, True, [(0, 9), (4, 9)], ""),
        (False, False, [(0, 9), (9, 12), (0, 9)], ""),
        (False, False, [(0, 9), (8, 9)], r"\[8, 9\) is inside \[0, 9\)"),
        (True, False, [(0, 4), (5, 12), (6, 7)], r"\[6, 7\) is inside \[5, 12\)"),
        (False, True, [(0, 4), (3, 12)], r"\[3, 12\) crosses \[0, 4\)"),
    ],
)
def test_spans_that_the_scheme_forbids_are_refused(
    two: Any, monkeypatch: pytest.MonkeyPatch, overlap: bool, nesting: bool, places: list[tuple[int, int]], says: str
) -> None:
    question = two.config.labels.questions["entities"]
    question.overlap, question.nesting = overlap, nesting
    entities = [{"start": start, "end": end, "label": "GPE"} for start, end in places]
    module = ModuleType("my_model")
    module.predict = lambda chunks: [{"chunk_id": chunks[0]["chunk_id"], "entities": entities}]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "my_model", module)
    settings = Suggestions(method="python", function="my_model:predict", model_version="m")
    if says:
        with pytest.raises(StudioError, match=says):
            suggestions_for(two.config.labels, settings, two.chunks, two.articles)
    else:
        assert suggestions_for(two.config.labels, settings, two.chunks, two.articles)


def test_a_model_without_a_version_is_refused(two: Any, standin: Any) -> None:
    body: Any = {"suggestions": [{"chunk_id": two.chunks[0]["chunk_id"]}]}
    standin.answers = [SimpleNamespace(status=200, body=body, headers={})]
    settings = Suggestions(method="http", url=standin.url)
    with pytest.raises(StudioError, match="it has no model_version"):
        suggestions_for(two.config.labels, settings, two.chunks, two.articles)
    settings.model_version = "m"
    assert suggestions_for(two.config.labels, settings, two.chunks, two.articles)


def test_a_key_that_is_there_twice_is_refused(two: Any, standin: Any) -> None:
    body = b'{"model_version": "m", "suggestions": [{"chunk_id": "c", "score": 0.1, "score": 0.9}]}'
    standin.answers = [SimpleNamespace(status=200, body=body, headers={})]
    with pytest.raises(StudioError, match="the key 'score' is there twice"):
        suggestions_for(two.config.labels, Suggestions(method="http", url=standin.url), two.chunks, two.articles)


def test_a_gazetteer_that_cannot_be_read_is_named(two: Any, tmp_path: Path) -> None:
    two.config.suggestions = Suggestions(method="gazetteer", file=str(tmp_path / "none.tsv"))
    with pytest.raises(SourceError, match=r"suggestions\.file cannot be read"):
        suggestions_for(two.config.labels, two.config.suggestions, two.chunks, two.articles)
