"""A scheme that contradicts itself is refused with what to change."""

from typing import Any

import pytest

from builder.errors import SchemeError
from builder.scheme import EntityLabel, Migration, Scheme, StanceLabel, Target

STANCE = {"favor": StanceLabel("Favor"), "none": StanceLabel()}
GOOD: dict[str, Any] = {
    "name": "demo",
    "entities": {"GPE": EntityLabel(color="#C2410C", hotkey="1"), "ORG": EntityLabel()},
    "stance": STANCE,
    "targets": {"japan": Target("Japan"), "china": Target()},
    "problems": {"cut": "Cut off"},
    "migrations": {"1": Migration(entities={"PLACE": "COUNTRY"}), "2": Migration(entities={"COUNTRY": "GPE"})},
}


def test_titles_fall_back_to_names() -> None:
    scheme = Scheme(**GOOD)
    assert (scheme.title("japan"), scheme.title("china"), scheme.title("mars")) == ("Japan", "china", "mars")
    assert (scheme.stance_title("favor"), scheme.stance_title("none")) == ("Favor", "none")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"target_mode": "author"}, "target_mode is 'author'"),
        ({"max_targets": 0}, "max_targets is 0"),
        ({"entities": {"A B": EntityLabel()}}, "entity label 'A B' is not a plain name"),
        ({"targets": {"<x>": Target()}}, "target '<x>' is not a plain name"),
        ({"stance": {**STANCE, "Favor": StanceLabel("x")}}, "stance label 'Favor' stands twice"),
        ({"entities": {"EVIDENCE": EntityLabel()}}, "EVIDENCE is the name of evidence spans"),
        ({"absent": "nothing"}, "absent is 'nothing'"),
        ({"stance": {}, "absent": ""}, "targets but no stance labels"),
        ({"targets": {}}, "stance labels but no targets"),
        ({"entities": {}, "target_mode": "mention", "migrations": {}}, "no entity is marked"),
        ({"entities": {}, "stance": {}, "targets": {}, "migrations": {}}, "asks for nothing"),
        ({"targets": {"a": Target("X"), "b": Target("X")}}, "targets a and b are both shown as 'X'"),
        ({"problems": {"a": "b", "b": ""}}, "problems a and b are both shown as 'b'"),
        ({"targets": {"a": Target("x\x00y")}}, "control character"),
        ({"guidelines": "half \ud83d"}, "control character"),
        ({"entities": {"GPE": EntityLabel(hotkey="u")}}, "hotkey 'u' of GPE"),
        ({"entities": {"GPE": EntityLabel(hotkey="1"), "B": EntityLabel(hotkey="1")}}, "given to GPE and B"),
        ({"entities": {"GPE": EntityLabel(color="red")}}, "colour 'red'"),
        ({"migrations": {"1": Migration(entities={"GPE": "ORG"})}}, "migrated to ORG but still there"),
        ({"migrations": {"1": Migration(targets={"nippon": "nihon"})}}, "migrated to nihon, which is not there"),
    ],
)
def test_contradictions_are_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(SchemeError, match=r"^Label scheme 'demo': ") as caught:
        Scheme(**{**GOOD, **change})
    assert problem in caught.value.message
    assert caught.value.hint
