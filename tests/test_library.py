"""Functions on plain values, and commands called from Python: what they are given is checked first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import builder
from builder.errors import BuilderError, ConfigError, SourceError
from tests.samples import Project

TEXT = "Tokyo agreed. Kyiv waits for more."


def table(*rows: tuple[Any, Any, Any]) -> Mapping[str, Sequence[Any]]:
    """A long table of task, annotator and label."""
    return {name: [row[i] for row in rows] for i, name in enumerate(("task", "annotator", "label"))}


VOTES = table((1, "a", "x"), (1, "b", "x"), (1, "c", "y"), (2, "a", "x"), (2, "b", "y"))
FORMS: list[Callable[[Any], Any]] = [dict, pa.table, pd.DataFrame]


@pytest.mark.parametrize("form", FORMS)
def test_votes_may_be_a_mapping_an_arrow_table_or_a_data_frame(form: Callable[[Any], Any]) -> None:
    found = builder.aggregate(form(VOTES))
    assert found.to_pydict() == {"task": [1, 2], "label": ["x", None], "probability": [pytest.approx(2 / 3), 0.5]}
    assert builder.agreement(form(VOTES), bootstrap=0).observed == 0.166667


@pytest.mark.parametrize(("labels", "kind"), [([0, 0, 1], pa.int64()), ([True, True, False], pa.bool_())])
def test_a_label_keeps_its_type(labels: list[Any], kind: pa.DataType) -> None:
    found = builder.aggregate(table(*((7, who, label) for who, label in zip("abc", labels, strict=True))))
    assert found["label"].to_pylist() == labels[:1]
    assert found["label"].type == kind


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_a_row_without_a_label_is_no_vote(nothing: Any) -> None:
    rows = table((1, "a", "x"), (1, "b", "x"), (1, "c", nothing), (2, "a", nothing))
    found = builder.aggregate(rows)
    assert found.to_pydict() == {"task": [1, 2], "label": ["x", None], "probability": [1.0, None]}
    measured = builder.agreement(rows, bootstrap=0)
    assert (measured.annotators, measured.ratings, measured.items, measured.observed) == (2, 2, 1, 1.0)


def test_a_row_that_is_there_twice_is_one_vote() -> None:
    rows = table((1, "a", "x"), (1, "a", "x"), (1, "b", "y"))
    assert builder.aggregate(rows).to_pydict() == {"task": [1], "label": [None], "probability": [0.5]}
    assert builder.agreement(rows, bootstrap=0).ratings == 2


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"task": [1], "annotator": ["a"]}, "no column label"),
        ([("t", "a", "x")], "no column task, annotator, label"),
        ({"task": [1, 2], "annotator": ["a"], "label": ["x"]}, "cannot be read"),
        ({"task": [1, "2"], "annotator": ["a", "b"], "label": ["x", "x"]}, "cannot be read"),
        (table((1, "a", "x"), (1, "a", "y")), "Annotator 'a' has several labels for task 1"),
        (table((None, "a", "x")), "no task or no annotator"),
        (table((1, None, "x")), "no task or no annotator"),
    ],
)
def test_a_table_that_cannot_be_read_so_is_refused(rows: Any, words: str) -> None:
    for function in (builder.aggregate, builder.agreement):
        with pytest.raises(SourceError, match=words):
            function(rows)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: builder.chunk_text(TEXT, max_tokens=0), "max_tokens: 0 is not allowed"),
        (lambda: builder.chunk_text(TEXT, unit="lines"), "unit: 'lines' is not a choice. Choose one of words"),
        (lambda: builder.chunk_text(TEXT, max_token=3), "max_token: there is no such setting. There are .*max_tokens"),
        (lambda: builder.chunk_text(TEXT, language="German"), "'German' is not a language code; 'de' is"),
        (lambda: builder.aggregate(VOTES, "vote"), "method: 'vote' is not a choice"),
        (lambda: builder.aggregate(VOTES, min_share=5), "min_share: 5 is not allowed"),
        (lambda: builder.agreement(VOTES, confidence=2), "confidence: 2 is not allowed"),
    ],
)
def test_settings_that_cannot_be_used_are_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        call()


def test_a_text_is_cut_as_its_language_is() -> None:
    text = "Sie kam im 21. Jahrhundert an. Gut."

    def cut(language: str) -> list[str]:
        return [text[start:end] for start, end in builder.chunk_text(text, language=language, max_tokens=5)]

    # An ordinal ends no sentence in German.
    assert cut("de-DE") == ["Sie kam im 21. Jahrhundert", "an. Gut."]
    assert cut("en") == ["Sie kam im 21.", "Jahrhundert an. Gut."]


def test_commands_called_from_python_refuse_settings_that_cannot_be_used(tmp_path: Path) -> None:
    config = Project(tmp_path, articles=1).config
    wrong = replace(
        config,
        chunking=replace(config.chunking, max_tokens=0),
        dataset=replace(config.dataset, language="German"),
    )
    for command in (builder.prepare, builder.export, builder.log):
        with pytest.raises(ConfigError) as refused:
            command(wrong)
        assert [fault.key for fault in refused.value.faults] == ["dataset.language", "chunking.max_tokens"]
    assert not config.dataset_folder.exists()
    with pytest.raises(BuilderError, match="has no 'PERSN'"):
        builder.validate(replace(config, export=replace(config.export, entities={"PERSN": "PERSON"})))
