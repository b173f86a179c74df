"""No key is given twice, and none is missing where there are keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.questions.hotkeys import Hotkeys, assign
from builder.scheme import EntityLabel, Scheme, StanceLabel, Target


def make(entities: int, stances: int, targets: int, problems: int, hotkeys: dict[int, str] | None = None) -> Scheme:
    return Scheme(
        entities={f"E{n}": EntityLabel(hotkey=(hotkeys or {}).get(n, "")) for n in range(entities)},
        stance={f"s{n}": StanceLabel() for n in range(stances)},
        targets={f"t{n}": Target() for n in range(targets)},
        problems={f"p{n}": f"Problem {n}" for n in range(problems)},
        absent="",
    )


def every(keys: Hotkeys) -> list[str]:
    answers = [key for question in keys.stances.values() for key in question.values()]
    return [*keys.entities.values(), *answers, *keys.problems.values(), *keys.evidence.values()]


@given(
    st.integers(0, 14), st.integers(1, 7), st.integers(1, 10), st.integers(0, 8),
    st.dictionaries(st.integers(0, 3), st.sampled_from("q1x0k")).filter(lambda d: len(set(d.values())) == len(d)),
)  # fmt: skip
def test_keys_are_unique_and_never_reserved(
    entities: int, stances: int, targets: int, problems: int, hotkeys: dict[int, str]
) -> None:
    scheme = make(entities, stances, targets, problems, hotkeys)
    keys = every(assign(scheme, [f"stance__{t}" for t in scheme.targets]))
    assert len(set(keys)) == len(keys)
    assert "u" not in keys


def test_eight_targets_of_four_answers_all_have_keys() -> None:
    scheme = make(5, 4, 8, 4)
    keys = assign(scheme, [f"stance__{t}" for t in scheme.targets])
    assert all(len(answers) == 4 for answers in keys.stances.values())
    assert list(keys.stances["stance__t0"].values()) == ["q", "w", "e", "r"]
    assert list(keys.stances["stance__t7"].values()) == ["shift+a", "shift+s", "shift+d", "shift+f"]
    assert keys.problems == {"p0": "6", "p1": "7", "p2": "8", "p3": "9"}
    assert keys.entities == {**{f"E{n}": str(n + 1) for n in range(5)}, "EVIDENCE": "0"}


@pytest.mark.parametrize("given_key", ["w", "1"])
def test_keys_of_the_scheme_are_kept(given_key: str) -> None:
    keys = assign(make(3, 4, 1, 0, {1: given_key}), ["stance__t0"])
    assert keys.entities["E1"] == given_key
    assert given_key not in keys.stances["stance__t0"].values()
