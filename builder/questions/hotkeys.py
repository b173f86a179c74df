"""Every label and choice gets a key of its own, laid out so that the hands learn it.

Spans take the digits; each question takes a block of neighbouring letters, read like the row of answers on the page;
what is ticked takes the digits that are left. Keys that the scheme gives are kept.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from builder.scheme import RESERVED_KEY

SHIFT = "shift+"
_LETTERS = "qwertyiopasdfghjklzxcvbnm"
_BLOCKS = ("qwer", "asdf", "zxcv", "tyio", "ghjk", "bnml")

#: Where the keys of a row come from. Digits that run out are followed by letters.
DIGITS = "123456789"
ZERO = "0"
BLOCK = "block"
SHIFTED_DIGITS = "shifted digits"


@dataclass
class KeyRow:
    """Labels of one control that get keys: where from, and those that the scheme gives."""

    control: str
    labels: Sequence[str]
    source: str
    given: Mapping[str, str] = field(default_factory=dict)


def assign_hotkeys(rows: Sequence[KeyRow]) -> dict[str, dict[str, str]]:
    """Keys by control and label, none given twice; a label that is missing has no key."""
    keys: dict[str, dict[str, str]] = {}
    for row in rows:
        keys.setdefault(row.control, {}).update({label: key for label, key in row.given.items() if key})
    taken = {key for given in keys.values() for key in given.values()} | {RESERVED_KEY}

    def fill(row: KeyRow, source: Iterable[str]) -> None:
        mine = keys[row.control]
        free = [key for key in source if key not in taken]
        mine.update(zip([label for label in row.labels if label not in mine], free, strict=False))
        taken.update(mine.values())

    of = {source: [row for row in rows if row.source == source] for source in (DIGITS, ZERO, BLOCK, SHIFTED_DIGITS)}
    for row in rows:
        if row.source in (DIGITS, ZERO):
            fill(row, row.source)
    blocks = {width: _blocks(width, taken) for width in {len(row.labels) for row in of[BLOCK]}}
    for row in of[BLOCK]:
        fill(row, next(blocks[len(row.labels)], []))
    for row in of[DIGITS]:
        fill(row, [*_LETTERS, *(SHIFT + letter for letter in _LETTERS)])
    for row in of[SHIFTED_DIGITS]:
        fill(row, [SHIFT + digit for digit in DIGITS])
    return keys


def _blocks(width: int, taken: set[str]) -> Iterator[list[str]]:
    """Keys for one question at a time: whole blocks first, then what is left, then the same with shift."""
    for shift in ("", SHIFT):
        if width <= len(_BLOCKS[0]):
            for block in _BLOCKS:
                keys = [shift + letter for letter in block[:width]]
                if not taken.intersection(keys):
                    yield keys
        while len(rest := [key for letter in _LETTERS if (key := shift + letter) not in taken]) >= width:
            yield rest[:width]
