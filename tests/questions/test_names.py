"""Old names lead to present ones."""

from builder.questions.names import Names, resolve
from builder.scheme import EntityLabel, Migration, Scheme


def test_cycles_and_dead_ends_are_unknown() -> None:
    assert resolve(["X"], [{"A": "B", "B": "A", "C": "D"}]) == {"X": "X"}


def test_the_version_of_the_task_speaks_first() -> None:
    scheme = Scheme(
        entities={"ORG": EntityLabel(), "PLACE": EntityLabel()},
        migrations={"1": Migration(entities={"THING": "ORG"}), "2": Migration(entities={"THING": "PLACE"})},
    )
    assert Names(scheme, "1").entities["THING"] == "ORG"
    assert Names(scheme, "2").entities["THING"] == "PLACE"


def test_old_targets_keep_their_controls(scheme: Scheme) -> None:
    asked = {"stance__japan": "japan", "stance__china": "china", "stance__nippon": "japan"}
    assert Names(scheme, "1").asked == asked
