"""Where a marked span is in its text, whatever unit its offsets were counted in.

Label Studio counts code points today; older servers counted UTF-16 units, and line breaks once or twice. Which it
was is found from the text that came with the span, and by the other spans of the same annotation.
"""

import re
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from builder.questions.raw import RegionValue

CODE_POINTS = "code points"


class Found(NamedTuple):
    """`text[start:end]` is the span; `how` says in what reading, or how else it was found."""

    start: int
    end: int
    how: str


Interval = tuple[int, int]
_BLANK = re.compile(r"(?:\s|\\[nrt])+")


def fold(text: str) -> str:
    """Text without the differences that Label Studio makes: blanks, line breaks and their escapes become one blank.

    >>> fold("  two\\n\\nlines") == fold("two\\\\n\\\\nlines ")
    True
    """
    return _BLANK.sub(" ", text).strip()


def same(slice_: str, text: str) -> bool:
    """Whether a slice of the chunk and the text that came with a span are the same words."""
    return slice_ == text or fold(slice_) == fold(text)


def locate(text: str, values: Sequence[RegionValue]) -> list[Found | None]:
    """Where each span of one annotation is; None where that is not certain.

    The reading that explains most spans is taken for all of them, code points where others explain as many and
    none better. A span it does not explain is taken from the only other reading that does, or from the only place
    where its text is found.
    """
    usual = [_read(text, v, lambda count: count if 0 <= count <= len(text) else None) for v in values]
    if all(usual):
        return [Found(*at, CODE_POINTS) for at in usual if at]
    readings = {name: [_read(text, v, units) for v in values] for name, units in _readings(text).items()}
    explained = {name: sum(at is not None for at in r) for name, r in readings.items()}
    leading = {name for name, number in explained.items() if number == max(explained.values())}
    missed = [i for i, at in enumerate(usual) if not at]
    if CODE_POINTS in leading and not any(r[i] for r in readings.values() for i in missed):
        leading = {CODE_POINTS}
    out: list[Found | None] = []
    for i, value in enumerate(values):
        found = {name: at for name, r in readings.items() if (at := r[i])}
        choice = {name: at for name, at in found.items() if name in leading} or found
        # Readings that differ in blanks at the edges name the same words.
        if len({trim(text, *at) for at in choice.values()}) == 1:
            name, at = next(iter(choice.items()))
            out.append(Found(*at, name))
        else:
            out.append(None if choice else _search(text, value))
    return out


def is_plain(text: str) -> bool:
    """Whether every character is one unit in UTF-16 as well."""
    return text.isascii() or max(text) <= "\uffff"


def trim(text: str, start: int, end: int) -> Interval:
    """The interval without blanks at its edges; empty when it holds nothing else."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _read(text: str, value: RegionValue, units: Callable[[int], int | None]) -> Interval | None:
    start, end = units(value.start), units(value.end)
    if start is None or end is None or start >= end:
        return None
    if not value.text or same(text[start:end], value.text):
        return start, end
    return None


def _readings(text: str) -> dict[str, Callable[[int], int | None]]:
    """Ways of counting that differ on this text, from a count to code points; the usual one first."""
    plain = [1] * len(text)
    utf16 = [1 + (c > "\uffff") for c in text]
    once = [0 if pair == "\r\n" else 1 for pair in (text[i : i + 2] for i in range(len(text)))]
    twice = [1 + (c == "\n" and text[i - 1 : i] != "\r") for i, c in enumerate(text)]
    ways = {CODE_POINTS: plain, "UTF-16 units": utf16}
    for name, weights in (("line breaks counted once", once), ("line breaks counted twice", twice)):
        ways[name] = weights
        ways[f"UTF-16 units, {name}"] = [w + u - 1 for w, u in zip(weights, utf16, strict=True)]
    distinct: dict[tuple[int, ...], str] = {}
    for name, weights in ways.items():
        distinct.setdefault(tuple(weights), name)
    return {name: _units(weights) for weights, name in distinct.items()}


def _units(weights: Sequence[int]) -> Callable[[int], int | None]:
    """The code point that begins at a count; none does inside a character of two units, or past the end."""
    borders = {count: at for at, count in enumerate(accumulate(weights, initial=0))}
    return borders.get


def _search(text: str, value: RegionValue) -> Found | None:
    words = fold(value.text or "").split(" ")
    if words == [""]:
        return None
    pattern = re.compile(f"(?=({_BLANK.pattern.join(map(re.escape, words))}))")
    places = [m.span(1) for m in pattern.finditer(text)]
    if len(places) == 1:
        return Found(*places[0], "the only place where its text occurs")
    near = [p for p in places if p[0] == value.start or p[1] == value.end]
    return Found(*near[0], "the only place at these offsets where its text occurs") if len(near) == 1 else None
