"""A new scheme on a project with annotations: what is added, renamed, removed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from builder.questions.interface import interface
from builder.questions.migrate import SchemeChanges, changes, renamed, transition
from builder.scheme import Scheme

Schemes = Callable[..., Scheme]
Make = Callable[..., dict[str, Any]]


EARLIER: dict[str, Any] = {
    "version": "1",
    "entities": {"PERSON": {}, "COUNTRY": {"hotkey": "3"}},
    "stance": {"pro": {"title": "Favor"}, "against": {}, "none": {}},
    "targets": {"nippon": []},
    "migrations": {},
}


@pytest.fixture
def old(make: Schemes) -> Scheme:
    """Version 1 of the sample scheme, whose names its migrations replace."""
    return make(**EARLIER)


def test_nothing_changed(scheme: Scheme) -> None:
    assert changes(scheme, replace(scheme, guidelines="New words.", migrations={})).none


def test_additions_and_renames(old: Scheme, scheme: Scheme) -> None:
    assert changes(old, scheme) == SchemeChanges(
        additions=["target china"],
        renames={"entity label": {"COUNTRY": "GPE"}, "stance label": {"pro": "favor"}, "target": {"nippon": "japan"}},
    )


@pytest.mark.parametrize(
    ("change", "removed"),
    [
        ({"entities": ["GPE"]}, ["entity label PERSON"]),
        ({"targets": {"china": []}, "migrations": {}}, ["target japan"]),
        ({"problems": {"cut": "Cut off"}}, ["problem garbled"]),
        ({"evidence": False, "comment": False}, ["evidence", "comment"]),
        ({"mode": "mention"}, ["target japan", "target china", "target mode fixed"]),
    ],
)
def test_removals_are_named(scheme: Scheme, make: Schemes, change: dict[str, Any], removed: list[str]) -> None:
    assert changes(scheme, make(**change)).removals == removed


def test_fewer_slots_are_a_removal_and_more_an_addition(make: Schemes) -> None:
    few, more = (make(mode="article", max_targets=n) for n in (2, 3))
    assert changes(more, few).removals == ["target slot 3"]
    assert changes(few, more).additions == ["target slot 3"]


def test_results_are_rewritten_and_decode_the_same(old: Scheme, scheme: Scheme, region: Make, choice: Make) -> None:
    result = [
        region(0, 5, "Japan", "COUNTRY"),
        choice("evidence_target", "nippon", name="r1"),
        choice("stance__nippon", "pro"),
        choice("problem", "cut"),
        choice("mood", "pro"),
        {"type": "relation", "from_id": "a", "to_id": "b"},
    ]
    assert renamed(result, old, scheme) == [
        region(0, 5, "Japan", "GPE"),
        choice("evidence_target", "japan", name="r1"),
        choice("stance__japan", "favor"),
        choice("problem", "cut"),
        choice("mood", "pro"),
        {"type": "relation", "from_id": "a", "to_id": "b"},
    ]


def test_labels_merged_into_one_are_there_once(make: Schemes, scheme: Scheme, region: Make) -> None:
    both = make(**{**EARLIER, "entities": ["COUNTRY", "GPE"]})
    assert renamed([region(0, 5, "Japan", "COUNTRY", "GPE")], both, scheme)[0]["value"]["labels"] == ["GPE"]


def test_the_transition_holds_both_names(old: Scheme, scheme: Scheme) -> None:
    xml = interface(transition(old, scheme))
    for name in ('value="COUNTRY"', 'value="GPE"', 'alias="pro"', 'alias="favor"', 'name="stance__nippon"'):
        assert name in xml


def test_problems_are_renamed_too(make: Schemes, task: Make, choice: Make, read: Callable[..., Any]) -> None:
    before = make(version="1", problems=["broken", "cut"], migrations={})
    after = make(problems=["garbled", "cut"], migrations={"1": {"problems": {"broken": "garbled"}}})
    assert changes(before, after) == SchemeChanges(renames={"problem": {"broken": "garbled"}})
    odd = {**choice("problem", "broken"), "value": ["broken"]}
    given = [choice("problem", "broken", "cut"), choice("stance__japan", "broken"), odd]
    made = renamed(given, before, after)
    assert made == [choice("problem", "garbled", "cut"), *given[1:]]
    (row,) = read(task(given[:1], version="1"), scheme=after).annotations.to_pylist()
    assert row["problems"] == ["garbled", "cut"]


def test_results_of_an_odd_shape_stay_as_they_are(make: Schemes, scheme: Scheme) -> None:
    old = make(**EARLIER)
    for control in ("entity", "problem", "stance__nippon", "evidence_target"):
        for value in (None, ["COUNTRY"], {"labels": "COUNTRY", "choices": "pro"}, {"choices": [["pro"], 3]}):
            (made,) = renamed([{"from_name": control, "value": value}], old, scheme)
            assert made["value"] == value
