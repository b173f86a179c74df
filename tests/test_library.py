"""Functions on plain values, and commands called from Python: what they are given is checked first."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import builder
from builder.config import Config
from builder.errors import BuilderError, ConfigError, SourceError
from tests.samples import Project, scheme

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
    assert builder.prepare(Config(paths=config.paths, dataset=config.dataset)).summary["articles"] == 1
    with pytest.raises(BuilderError, match="has no 'PERSN'"):
        builder.validate(replace(config, export=replace(config.export, entities={"PERSN": "PERSON"})))


def test_an_export_is_read_from_a_file_or_a_list(tmp_path: Path) -> None:
    data = {"chunk_id": "c1", "article_id": "a1", "start": 0, "text": "Tokyo", "scheme": "sample@1"}
    value = {"start": 0, "end": 5, "text": "Tokyo", "labels": ["GPE"]}
    result = [{"id": "r", "type": "labels", "from_name": "entity", "to_name": "text", "value": value}]
    tasks = [{"id": 1, "project": 2, "data": data, "annotations": [{"id": 3, "completed_by": 4, "result": result}]}]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    for given in (tasks, path, str(path)):
        found = builder.decode_export(given, scheme())
        assert found.annotations["annotation_id"].to_pylist() == ["2:3"]
        assert found.spans["label"].to_pylist() == ["GPE"]


@pytest.mark.parametrize("text", [None, "{", "1"])
def test_what_is_no_export_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "export.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"export\.json is no JSON export of Label Studio: "):
        builder.decode_export(path, scheme())


def test_settings_and_the_order_of_labels_reach_the_result() -> None:
    votes = table(*((n, who, "xyz"[(n * (1 + (who == "b"))) % 3]) for n in range(9) for who in "abc"))
    one, other = (builder.agreement(votes, ["y", "x", "z"], bootstrap=20, seed=seed) for seed in (1, 2))
    assert one.observed_interval != other.observed_interval
    assert one.alpha_ordinal != builder.agreement(votes, ["x", "y", "z"], bootstrap=0).alpha_ordinal
    assert builder.agreement(votes, bootstrap=0).alpha_ordinal is None
    assert builder.aggregate(VOTES, min_share=0.7)["label"].to_pylist() == [None, None]


def test_the_method_that_is_named_aggregates() -> None:
    votes = table(*((n, who, "xy"[n % 2 != (who == "c" and n < 5)]) for n in range(30) for who in "abc"))
    found = {method: builder.aggregate(votes, method)["probability"].to_pylist() for method in ("majority", "mace")}
    assert found["majority"][:6] == [pytest.approx(2 / 3)] * 5 + [1.0]
    assert min(found["mace"]) > 0.9


def test_tasks_are_in_the_order_in_which_they_first_came_and_none_is_no_error() -> None:
    votes = table(("b", "x", "1"), ("a", "x", "2"), ("b", "y", "1"))
    assert builder.aggregate(votes).to_pydict() == {"task": ["b", "a"], "label": ["1", "2"], "probability": [1.0, 1.0]}
    assert builder.aggregate(table()).num_rows == 0
