"""A new scheme on a project with annotations: what is added, renamed, removed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from builder.questions.interface import interface
from builder.questions.migrate import Changes, changes, renamed, transition
from builder.scheme import EntityLabel, Scheme, StanceLabel, Target

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def old(scheme: Scheme) -> Scheme:
    """Version 1 of the sample scheme: what its migrations speak of."""
    return replace(
        scheme,
        version="1",
        entities={"PERSON": EntityLabel(), "COUNTRY": EntityLabel(hotkey="3")},
        stance={"pro": StanceLabel("Favor"), "against": StanceLabel("Against"), "none": StanceLabel("None")},
        targets={"nippon": Target("Japan")},
        migrations={},
    )


def test_nothing_changed(scheme: Scheme) -> None:
    assert changes(scheme, replace(scheme, guidelines="New words.", migrations={})).none


def test_additions_and_renames(old: Scheme, scheme: Scheme) -> None:
    assert changes(old, scheme) == Changes(
        additions=["target china"],
        renames={"entity label": {"COUNTRY": "GPE"}, "stance label": {"pro": "favor"}, "target": {"nippon": "japan"}},
    )


@pytest.mark.parametrize(
    ("change", "removed"),
    [
        ({"entities": {"GPE": EntityLabel()}}, ["entity label PERSON"]),
        ({"targets": {"china": Target()}, "migrations": {}}, ["target japan"]),
        ({"problems": {"cut": "Cut off"}}, ["problem garbled"]),
        ({"evidence": False, "comment": False}, ["evidence", "comment"]),
        ({"target_mode": "mention"}, ["target mode fixed"]),
    ],
)
def test_removals_are_named(scheme: Scheme, change: dict[str, Any], removed: list[str]) -> None:
    assert changes(scheme, replace(scheme, **change)).removals == removed


def test_fewer_slots_are_a_removal_and_more_an_addition(scheme: Scheme) -> None:
    few, more = (replace(scheme, target_mode="article", max_targets=n) for n in (2, 3))
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


def test_labels_merged_into_one_stand_once(old: Scheme, scheme: Scheme, region: Make) -> None:
    both = replace(old, entities={**old.entities, "GPE": EntityLabel()})
    assert renamed([region(0, 5, "Japan", "COUNTRY", "GPE")], both, scheme)[0]["value"]["labels"] == ["GPE"]


def test_the_transition_holds_both_names(old: Scheme, scheme: Scheme) -> None:
    xml = interface(transition(old, scheme))
    for name in ('value="COUNTRY"', 'value="GPE"', 'alias="pro"', 'alias="favor"', 'name="stance__nippon"'):
        assert name in xml
