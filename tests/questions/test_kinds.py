"""What holds for every kind of question."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from builder.questions import KINDS, controls, kind_of
from builder.questions.interface import interface
from builder.questions.kind import Kind, kinds
from builder.scheme import Scheme


def names(scheme: Scheme) -> list[str]:
    """The names of everything on the page that has one."""
    return [e.get("name", "") for e in ET.fromstring(interface(scheme)).iter() if e.get("name")]


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_a_whole(name: str) -> None:
    kind = kind_of(name)
    assert issubclass(kind, Kind)
    assert (kind.__doc__ or "").strip()
    for method in ("show", "found", "read", "state"):
        assert method in vars(kind), f"{name} does not say how to {method}"
    # Spans are written by what all questions share.
    assert kind.gives == "spans" or "write" in vars(kind)
    # What has names has a control on which they are renamed, or renames them in a way of its own.
    assert bool(kind.vocabulary) == bool({"control", "rename"} & vars(kind).keys()) or name == "evidence"


#: The settings of each kind, with their defaults.
SETTINGS: dict[str, dict[str, Any]] = {
    "entities": {"labels": {}, "nesting": True, "overlap": False},
    "stance": {"labels": {}, "mode": "fixed", "targets": {}, "absent": "none", "order": [], "max_targets": 8},
    "evidence": {},
    "choice": {"heading": "", "order": [], "many": False, "required": True, "options": {}},
    "problems": {"labels": {}},
    "comment": {},
}


@pytest.mark.parametrize("name", KINDS)
def test_a_question_has_these_settings_by_name_and_each_has_a_default(name: str) -> None:
    kind = kind_of(name)
    settings = [setting for setting in fields(kind) if setting.init]
    assert all(setting.kw_only for setting in settings)
    assert {setting.name: getattr(kind(), setting.name) for setting in settings} == SETTINGS[name]
    assert kind().required == (kind.gives != "notes"), "notes are never asked for"


def test_no_two_controls_share_a_name(scheme: Scheme) -> None:
    found = names(scheme)
    assert len(set(found)) == len(found)


def test_each_target_has_the_control_that_the_page_has(scheme: Scheme, make: Callable[..., Scheme]) -> None:
    assert controls(scheme) == {("stance", "japan"): "stance__japan", ("stance", "china"): "stance__china"}
    assert set(controls(scheme).values()) <= set(names(scheme))
    for mode in ("article", "mention"):
        assert controls(make(mode=mode)) == {}


def test_questions_keep_their_order_on_the_page(scheme: Scheme) -> None:
    turned = Scheme(name="turned", questions=dict(reversed(scheme.questions.items())))
    assert [question.name for question in kinds(turned)] == ["comment", "problems", "evidence", "stance", "entities"]
    beside = [name for name in names(turned) if name in ("comment", "problem", "stance__japan", "stance__china")]
    assert beside == ["comment", "problem", "stance__japan", "stance__china"]
