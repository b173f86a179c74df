"""Token tags from spans, and the account of what tags cannot hold.

There is one tag per token, so of two spans that share a token one is lost. Spans are released beside tags; the losses
say how many spans the tags lost and why. A "widened" span is kept; a "sub-token" span may also have no token at all.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from builder.text import Ints, Tokens

#: Reason to what the card says about it.
LOSSES = {
    "nested": "are inside or around another span",
    "crossing": "cross another span",
    "sub-token": "share a token with another span",
    "widened": "begin or end inside a token, and their tags cover all of it",
}
_NUMBER = {reason: number for number, reason in enumerate(LOSSES)}


@dataclass(frozen=True)
class Marks:
    """Spans over texts, in order of row, start and falling end. Positions are those of `Texts.points`."""

    rows: Ints
    starts: Ints
    ends: Ints
    labels: Ints  # 0-based number of the entity label


@dataclass(frozen=True)
class Tagged:
    """One tag a token, and per span why the tags lost it (an index into `LOSSES`, -1 when they hold it)."""

    tags: Ints
    losses: npt.NDArray[np.int8]

    def counts(self) -> dict[str, int]:
        """Spans by loss, those without loss as "held"."""
        found = np.bincount(self.losses + 1, minlength=len(LOSSES) + 1).tolist()
        return dict(zip(("held", *LOSSES), found, strict=True))


def tag_names(labels: list[str], style: str) -> list[str]:
    """The names of the tags, by id.

    Ids only grow when a label is added at the end.

    >>> tag_names(["PERSON", "ORG"], "bio")
    ['O', 'B-PERSON', 'I-PERSON', 'B-ORG', 'I-ORG']
    """
    prefixes = "BI" if style == "bio" else "BIES"
    return ["O", *(f"{prefix}-{label}" for label in labels for prefix in prefixes)]


def tag(tokens: Tokens, marks: Marks, style: str, nested: str) -> Tagged:
    """Every token tagged with the span that holds it: of spans that share a token the longest (`nested="outer"`) or the
    shortest (`"inner"`) is kept, at equal length the one that begins first."""
    first = np.searchsorted(tokens.ends, marks.starts, side="right")
    last = np.searchsorted(tokens.starts, marks.ends, side="left")
    losses = np.full(len(marks.rows), -1, np.int8)
    losses[first >= last] = _NUMBER["sub-token"]
    held = np.flatnonzero(first < last)
    exact = (tokens.starts[first[held]] == marks.starts[held]) & (tokens.ends[last[held] - 1] == marks.ends[held])
    losses[held[~exact]] = _NUMBER["widened"]
    _drop_sharers(first, last, marks, held, losses, longest=nested == "outer")
    keep = (losses == -1) | (losses == _NUMBER["widened"])
    return Tagged(_fill(len(tokens), first[keep], last[keep], marks.labels[keep], style), losses)


def _drop_sharers(
    first: Ints, last: Ints, marks: Marks, held: Ints, losses: npt.NDArray[np.int8], longest: bool
) -> None:
    """Marks the spans that lose a token they share. Only runs of spans that touch one another are looked at."""
    if len(held) < 2:
        return
    held = held[np.lexsort((-last[held], first[held]))]
    reach = np.maximum.accumulate(last[held])
    breaks = np.flatnonzero(first[held][1:] >= reach[:-1]) + 1
    bounds = np.concatenate([[0], breaks, [len(held)]])
    for at in np.flatnonzero(np.diff(bounds) > 1).tolist():
        run = held[bounds[at] : bounds[at + 1]].tolist()
        size = {i: int(marks.ends[i] - marks.starts[i]) for i in run}
        kept: list[int] = []
        for i in sorted(run, key=lambda i: (-size[i] if longest else size[i], i)):
            rival = next((k for k in kept if first[k] < last[i] and first[i] < last[k]), None)
            if rival is None:
                kept.append(i)
            else:
                losses[i] = _NUMBER[_why(marks, i, rival)]


def _why(marks: Marks, lost: int, kept: int) -> str:
    a, b, c, d = marks.starts[lost], marks.ends[lost], marks.starts[kept], marks.ends[kept]
    if b <= c or d <= a:
        return "sub-token"
    return "nested" if (c <= a and b <= d) or (a <= c and d <= b) else "crossing"


def _fill(count: int, first: Ints, last: Ints, labels: Ints, style: str) -> Ints:
    tags = np.zeros(count, np.int64)
    width = 2 if style == "bio" else 4
    base = 1 + width * labels
    lengths = last - first
    offsets = np.cumsum(lengths) - lengths
    inside = np.repeat(first - offsets, lengths) + np.arange(int(lengths.sum()))
    tags[inside] = np.repeat(base + 1, lengths)
    tags[first] = base
    if style == "bioes":
        tags[last - 1] = base + 2
        single = lengths == 1
        tags[first[single]] = base[single] + 3
    return tags
