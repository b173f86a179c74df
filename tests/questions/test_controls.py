"""Controls are named in one place, and lead to targets."""

from dataclasses import replace

import pytest

from builder.errors import SchemeError
from builder.questions import controls
from builder.scheme import EntityLabel, Scheme


def test_fixed_targets_have_a_control_each(scheme: Scheme) -> None:
    assert controls.asked(scheme, ["ignored"]) == {"stance__japan": "japan", "stance__china": "china"}


def test_nothing_is_asked_of_the_chunk_without_stances_or_by_mention(scheme: Scheme) -> None:
    assert controls.asked(replace(scheme, target_mode="mention"), []) == {}
    assert controls.asked(Scheme(entities={"GPE": EntityLabel()}), []) == {}


def test_more_targets_than_slots_are_refused(scheme: Scheme) -> None:
    with pytest.raises(SchemeError, match="lists 3 targets; the interface asks about 2"):
        controls.asked(replace(scheme, target_mode="article", max_targets=2), ["a", "b", "c"])
