"""A new scheme on a project with annotations: what is added, renamed, removed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from builder.questions import scheme_from
from builder.questions.choice import Choice
from builder.questions.entities import PALETTE
from builder.questions.interface import dates_of, interface
from builder.questions.migrate import SchemeChanges, changes, dated, narrowed, renamed, transition, used
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


def test_who_is_asked_for_some_labels_sees_them_in_the_colour_they_have_for_all(make: Schemes) -> None:
    given = make(entities={"PERSON": {}, "GPE": {}, "ORG": {"color": "#123456"}})
    found = narrowed(given, ["GPE", "ORG", "EVIDENCE", "EVENT"])
    colors = {name: label.color for name, label in found.questions["entities"].labels.items()}
    assert colors == {"GPE": PALETTE[1], "ORG": "#123456"}
    assert found.migrations == given.migrations
    assert {n: q for n, q in found.questions.items() if n != "entities"} == {
        n: q for n, q in given.questions.items() if n != "entities"
    }


def test_removals_that_a_result_holds_are_named(make: Schemes, scheme: Scheme, region: Make, choice: Make) -> None:
    found = changes(scheme, make(entities=["GPE"], targets={"china": []}, problems={"cut": "Cut off"}, migrations={}))
    assert found.removals == ["entity label PERSON", "target japan", "problem garbled"]
    assert found.names["target japan"] == ("stance", "targets", "japan")
    for result, names in (
        ([region(0, 5, "Japan", "PERSON")], {"entity label PERSON"}),
        ([region(0, 5, "Japan", "GPE"), choice("stance__china", "favor")], set()),
        (
            [choice("evidence_target", "japan"), choice("problem", "garbled", "cut")],
            {"target japan", "problem garbled"},
        ),
        ([choice("stance__japan", "favor")], {"target japan"}),
    ):
        assert used(result, scheme, found) == names


def test_changes_of_any_kind_are_some() -> None:
    assert SchemeChanges().none
    assert not SchemeChanges(additions=["x"]).none
    assert not SchemeChanges(renames={"x": {"a": "b"}}).none
    assert not SchemeChanges(removals=["x"]).none


def asking(version: str, options: str, migrations: Any = (), many: bool = True) -> Scheme:
    frames = {"kind": "choice", "labels": {name: {} for name in options.split()}, "many": many}
    return scheme_from(
        {"name": "f", "version": version, "questions": {"frames": frames}, "migrations": dict(migrations)}
    )


def test_options_of_several_are_named_with_their_question() -> None:
    assert changes(asking("1", "money risk"), asking("2", "money harm")) == SchemeChanges(
        additions=["frames option harm"], removals=["frames option risk"]
    )


def since(scheme: Scheme) -> dict[str, str]:
    asked = scheme.questions["frames"]
    assert isinstance(asked, Choice)
    return asked.since


def test_an_option_is_shown_since_it_was_first_shown_by_whatever_name() -> None:
    first = asking("1", "money risk")
    step = {"1": {"frames": {"labels": {"risk": "harm"}}}}
    second = dated(first, asking("2", "money harm fate", step), "2026-03-01T00:00:00")
    assert since(second) == {"fate": "2026-03-01T00:00:00"}
    assert since(first) == {}
    assert dates_of(second) == {"frames": {"money": "", "harm": "", "fate": "2026-03-01T00:00:00"}}
    # Two options become one: it is shown since the earlier of them was.
    merged = {**step, "2": {"frames": {"labels": {"fate": "doom", "harm": "doom"}}}}
    third = dated(second, asking("3", "money doom", merged), "2026-04-01T00:00:00")
    assert since(third) == {}
    later = {**step, "2": {"frames": {"labels": {"fate": "doom"}}}}
    third = dated(second, asking("3", "money harm doom care", later), "2026-04-01T00:00:00")
    assert since(third) == {"doom": "2026-03-01T00:00:00", "care": "2026-04-01T00:00:00"}


def test_what_was_another_question_is_shown_since_now() -> None:
    for before in (asking("1", "money risk", many=False), replace(asking("1", "a b"), questions={**TOPIC.questions})):
        assert since(dated(before, asking("2", "money risk"), "now")) == {"money": "now", "risk": "now"}
    single = asking("2", "money risk", many=False)
    assert since(dated(asking("1", "money risk"), single, "now")) == {}
    assert dates_of(single) == {}


TOPIC = scheme_from({"name": "f", "questions": {"topic": {"kind": "choice", "labels": {"war": {}, "trade": {}}}}})


def test_what_another_question_was_is_no_rename(make: Schemes) -> None:
    assert transition(make(name="f", version="1", stance=[], migrations={}), TOPIC) == TOPIC
    assert changes(scheme_from({**AFTER, "migrations": {}}), asking("3", "cash risk")) == SchemeChanges(
        additions=["several answers to frames"], removals=["one answer to frames"]
    )


def test_the_transition_has_the_words_of_the_new_scheme_and_no_name_that_is_gone_for_good() -> None:
    before, after = asking("1", "money risk harm", many=False), scheme_from(AFTER)
    assert changes(before, after) == SchemeChanges(
        renames={"frames option": {"money": "cash"}}, removals=["frames option harm"]
    )
    held = transition(before, after)
    assert {name: label.title for name, label in held.questions["frames"].labels.items()} == {
        "cash": "", "risk": "A risk", "money": ""
    }  # fmt: skip
    assert held.migrations == {}


AFTER = {
    "name": "f",
    "version": "2",
    "questions": {"frames": {"kind": "choice", "labels": {"cash": {}, "risk": "A risk"}}},
    "migrations": {"1": {"frames": {"labels": {"money": "cash"}}}},
}
