"""No key is given twice, and none is missing where there are keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.questions.kind import kinds
from builder.questions.page import DIGITS, ZERO, KeyRow, assign_hotkeys
from builder.scheme import Scheme
from tests.samples import scheme


def make(entities: int, stances: int, targets: int, problems: int, hotkeys: dict[int, str] | None = None) -> Scheme:
    return scheme(
        entities={f"E{n}": {"hotkey": (hotkeys or {}).get(n, "")} for n in range(entities)},
        stance=[f"s{n}" for n in range(stances)],
        targets={f"t{n}": [] for n in range(targets)},
        problems=[f"p{n}" for n in range(problems)],
        absent="",
    )


def keys_of(made: Scheme) -> dict[str, dict[str, str]]:
    return assign_hotkeys([row for question in kinds(made) for row in question.key_rows(made)])


@given(
    st.integers(0, 14), st.integers(1, 7), st.integers(1, 10), st.integers(0, 8),
    st.dictionaries(st.integers(0, 3), st.sampled_from("q1x0k")).filter(lambda d: len(set(d.values())) == len(d)),
)  # fmt: skip
def test_keys_are_unique_and_never_reserved(
    entities: int, stances: int, targets: int, problems: int, hotkeys: dict[int, str]
) -> None:
    keys = keys_of(make(entities, stances, targets, problems, hotkeys))
    every = [key for control in keys.values() for key in control.values()]
    assert len(set(every)) == len(every)
    assert "u" not in every


def test_eight_targets_of_four_answers_all_have_keys() -> None:
    keys = keys_of(make(5, 4, 8, 4))
    assert all(len(keys[f"stance__t{n}"]) == 4 for n in range(8))
    assert list(keys["stance__t0"].values()) == ["q", "w", "e", "r"]
    assert list(keys["stance__t5"].values()) == ["b", "n", "m", "l"]
    assert list(keys["stance__t6"].values()) == ["shift+q", "shift+w", "shift+e", "shift+r"]
    assert keys["problem"] == {"p0": "6", "p1": "7", "p2": "8", "p3": "9"}
    assert keys["entity"] == {**{f"E{n}": str(n + 1) for n in range(5)}, "EVIDENCE": "0"}
    assert keys["evidence_target"] == {f"t{n}": f"shift+{n + 1}" for n in range(8)}


def test_what_has_no_digit_left_gets_letters_that_no_question_uses() -> None:
    keys = keys_of(make(10, 4, 1, 2))
    assert (keys["entity"]["E8"], keys["entity"]["E9"], keys["problem"]) == ("9", "t", {"p0": "y", "p1": "i"})
    assert list(keys["stance__t0"].values()) == ["q", "w", "e", "r"]


def test_wide_questions_take_the_letters_in_order() -> None:
    keys = keys_of(make(1, 5, 2, 0))
    assert "".join(keys["stance__t0"].values()) == "qwert"
    assert "".join(keys["stance__t1"].values()) == "yiopa"


def test_single_answers_begin_blocks_and_then_take_what_is_left() -> None:
    keys = keys_of(make(1, 1, 8, 0))
    assert "".join(key for n in range(8) for key in keys[f"stance__t{n}"].values()) == "qaztgbwe"


def test_what_no_letter_is_left_for_has_no_key() -> None:
    keys = keys_of(make(0, 13, 4, 0))
    assert [len(keys[f"stance__t{n}"]) for n in range(4)] == [13, 13, 0, 0]
    assert keys["stance__t1"]["s0"] == "shift+q"


@pytest.mark.parametrize("given_key", ["w", "1"])
def test_keys_of_the_scheme_are_kept(given_key: str) -> None:
    keys = keys_of(make(3, 4, 1, 0, {1: given_key}))
    assert keys["entity"]["E1"] == given_key
    assert given_key not in keys["stance__t0"].values()


def test_a_key_of_the_scheme_is_not_given_to_a_question_before_it() -> None:
    rows = [KeyRow("problem", ["p", "q"], DIGITS), KeyRow("entity", ["A", "B"], DIGITS, {"A": "1", "B": ""})]
    assert assign_hotkeys(rows) == {"problem": {"p": "2", "q": "3"}, "entity": {"A": "1", "B": "4"}}


def test_one_control_of_two_questions_keeps_the_keys_of_both() -> None:
    rows = [KeyRow("entity", ["A"], DIGITS, {"A": "0"}), KeyRow("entity", ["E"], ZERO), KeyRow("x", ["y"], DIGITS)]
    assert assign_hotkeys(rows) == {"entity": {"A": "0"}, "x": {"y": "1"}}


def test_digits_letters_and_shifted_letters_follow_one_another() -> None:
    keys = list(assign_hotkeys([KeyRow("entity", [f"E{n}" for n in range(60)], DIGITS)])["entity"].values())
    letters = "qwertyiopasdfghjklzxcvbnm"
    assert keys == [*"123456789", *letters, *(f"shift+{letter}" for letter in letters)]
