"""Settings as they are declared: read into dataclasses with all their faults, described in words, found by key."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from msgspec import Meta
from omegaconf import OmegaConf

from builder.config import Composed
from builder.errors import Fault
from builder.settings import (
    Hint,
    Rules,
    default_of,
    fields_of,
    hint_at,
    leaves,
    one_of,
    pattern_problem,
    read,
    shown,
)


@dataclass
class Inner:
    size: Annotated[int, Meta(ge=1, description="Size.")] = 3

    def rules(self) -> Rules:
        if self.size == 7:
            yield Fault("size", "7 is unlucky.", "Take another.")


@dataclass
class Outer:
    name: Annotated[str, one_of(("a", "b"), "Name.", example="name=b")] = "a"
    share: Annotated[float, Meta(ge=0, lt=1)] | None = None
    counts: Annotated[dict[str, Annotated[int, Meta(gt=0)]], Meta(description="Counts.")] = field(default_factory=dict)
    inner: Inner = field(default_factory=Inner)
    by_name: dict[str, Inner] = field(default_factory=dict)
    words: list[str] = field(default_factory=lambda: ["x"])


def test_annotated_fields_are_a_hydra_schema() -> None:
    """OmegaConf ignores the annotations, takes types and defaults, and refuses other types."""
    schema = OmegaConf.structured(Outer)
    assert schema == {
        "name": "a",
        "share": None,
        "counts": {},
        "inner": {"size": 3},
        "by_name": {},
        "words": ["x"],
    }
    assert OmegaConf.merge(schema, {"inner": {"size": "5"}}).inner.size == 5
    with pytest.raises(Exception, match="could not be converted to Integer"):
        OmegaConf.merge(schema, {"inner": {"size": "many"}})


def test_reading_makes_the_dataclasses() -> None:
    found: list[Fault] = []
    made = read(
        Hint(Outer, ()), {"share": "0.5", "counts": {"a": 1}, "inner": {"size": 4}, "by_name": {"x": {}}}, "", found
    )
    assert made == Outer(share=0.5, counts={"a": 1}, inner=Inner(4), by_name={"x": Inner()})
    assert found == []


def test_text_may_be_written_as_a_number() -> None:
    found: list[Fault] = []
    assert read(Hint(Outer, ()), {"words": [2, 1.5]}, "", found).words == ["2", "1.5"]
    assert found == []


def test_a_faulty_setting_keeps_its_default_for_the_rules() -> None:
    found: list[Fault] = []
    made = read(Hint(Outer, ()), {"inner": {"size": 7}, "by_name": {"x": {"size": 0}}, "name": "c"}, "top", found)
    assert found == [
        Fault("top.inner.size", "7 is unlucky.", "Take another."),
        Fault("top.by_name.x.size", "0 is not allowed.", "Allowed: a whole number, at least 1."),
        Fault("top.name", "'c' is not a choice.", "Choose one of a, b."),
    ]
    assert made.name == "a"


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "a whole number"),
        (float, "a number"),
        (bool, "true or false"),
        (str, "text"),
        (Any, "any value"),
        (Annotated[int, Meta(ge=1)], "a whole number, at least 1"),
        (Annotated[float, Meta(gt=0, le=1)], "a number, more than 0 and at most 1"),
        (Annotated[float, Meta(ge=0.5, lt=1000)], "a number, at least 0.5 and less than 1,000"),
        (Annotated[float, Meta(ge=0)] | None, "a number, at least 0, or null"),
        (Annotated[str, one_of(["a", "b"])], "one of a, b"),
        (Annotated[str, one_of(["a", "b"], allowed="a letter")], "a letter"),
        (Annotated[str, Meta(min_length=1)], "text, not empty"),
        (Annotated[list[str], Meta(min_length=1)], "a list, not empty"),
        (list[int], "a list, each a whole number"),
        (dict[str, Annotated[float, Meta(le=1)]], "a mapping {name: a number, at most 1}"),
        (dict[Annotated[str, one_of("ab")], str], "a mapping {one of a, b: text}"),
        (Inner, "{size}"),
    ],
)
def test_what_is_allowed_is_said_in_words(annotation: Any, words: str) -> None:
    assert Hint.of(annotation).allowed == words


def test_declarations_are_found_by_key() -> None:
    assert list(leaves(Outer)) == ["name", "share", "counts", "inner.size", "by_name", "words"]
    hint, inside = hint_at(Outer, "inner.size")
    assert (hint.description if hint else "", inside) == ("Size.", False)
    assert hint_at(Outer, "counts")[1] is False
    assert hint_at(Outer, "counts.a") == (Hint.of(Annotated[int, Meta(gt=0)]), True)
    assert hint_at(Outer, "by_name.x.size")[0] == hint
    assert hint_at(Outer, "by_name.x.nope") == (None, True)
    assert hint_at(Outer, "inner.nope") == (None, False)
    assert hint_at(Outer, "name.x") == (None, False)
    assert hint_at(Composed, "source.storage_options.a.b") == (Hint(Any, ()), True)
    assert fields_of(Outer)["name"].extra("example") == "name=b"
    assert fields_of(Outer)["share"].extra("example") == ""
    assert (default_of(Outer, "name"), default_of(Outer, "words")) == ("a", ["x"])


def test_values_are_shown_as_they_are_written() -> None:
    assert [shown(value) for value in (None, True, False, "a", 1)] == ["null", "true", "false", "'a'", "1"]


def test_regular_expressions_are_tried() -> None:
    assert pattern_problem("a+") == ""
    assert pattern_problem("(") == (
        "'(' is not a regular expression: missing ), unterminated subpattern at position 0."
    )
