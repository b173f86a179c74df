"""Every label and choice gets a key of its own, laid out so that the hands learn it.

Entities take the digits, evidence `0`; each target takes a block of neighbouring letters, read like the row of
answers on the page; problems take the digits that are left. Keys the scheme gives are kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from builder.scheme import EVIDENCE, RESERVED_KEY, Scheme

SHIFT = "shift+"
_DIGITS = "123456789"
_LETTERS = "qwertyiopasdfghjklzxcvbnm"
_BLOCKS = ("qwer", "asdf", "zxcv", "tyio", "ghjk", "bnml")


@dataclass
class Hotkeys:
    """Keys by label: `stances` by control and stance label. A name that is missing has no key."""

    entities: dict[str, str] = field(default_factory=dict)
    stances: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)


def assign(scheme: Scheme, questions: Sequence[str]) -> Hotkeys:
    """A key for each label, with none given twice; `questions` are the stance controls in the order shown."""
    keys = Hotkeys(entities={name: label.hotkey for name, label in scheme.entities.items() if label.hotkey})
    taken = set(keys.entities.values()) | {RESERVED_KEY}
    _fill(keys.entities, [name for name in scheme.entities if name not in keys.entities], _free(_DIGITS, taken), taken)
    if scheme.evidence and scheme.stance:
        _fill(keys.entities, [EVIDENCE], _free("0", taken), taken)
    _fill(keys.problems, list(scheme.problems), _free(_DIGITS, taken), taken)
    blocks = _blocks(len(scheme.stance), taken)
    for question in questions:
        block = next(blocks, [])
        keys.stances[question] = dict(zip(scheme.stance, block, strict=False))
        taken.update(block)
    for names, into in ((list(scheme.entities), keys.entities), (list(scheme.problems), keys.problems)):
        rest = [name for name in names if name not in into]
        _fill(into, rest, _free([*_LETTERS, *(f"{SHIFT}{c}" for c in _LETTERS)], taken), taken)
    if scheme.evidence and scheme.target_mode == "fixed":
        _fill(keys.evidence, list(scheme.targets), _free([f"{SHIFT}{d}" for d in _DIGITS], taken), taken)
    return keys


def _free(keys: Sequence[str], taken: set[str]) -> list[str]:
    return [key for key in keys if key not in taken]


def _fill(into: dict[str, str], names: Sequence[str], keys: Sequence[str], taken: set[str]) -> None:
    for name, key in zip(names, keys, strict=False):
        into[name] = key
        taken.add(key)


def _blocks(width: int, taken: set[str]) -> Iterator[list[str]]:
    """Keys for one question at a time: whole blocks first, then what is left, then the same with shift."""
    for shift in ("", SHIFT):
        if width <= len(_BLOCKS[0]):
            for block in _BLOCKS:
                keys = [shift + c for c in block[:width]]
                if not taken.intersection(keys):
                    yield keys
        while len(rest := _free([shift + c for c in _LETTERS], taken)) >= width > 0:
            yield rest[:width]
