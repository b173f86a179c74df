"""Tokens of a tokenizer file; token tags from spans, soft ones on request, and the account of what tags cannot hold.

There is one tag per token, so of two spans that share a token one is lost. Spans are released beside tags; the losses
say how many spans the tags lost and why. A "widened" span is kept; a "sub-token" span may also have no token at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import Mask, flat, lists, matching, numbers, positions_in, spread, touching
from builder.errors import ConfigError
from builder.release.configuration import Numbering
from builder.release.passages import Index, key
from builder.release.settings import Export
from builder.store import file_digest
from builder.text import SPACE, Ints, Texts, Tokens, class_of, words

if TYPE_CHECKING:
    from tokenizers import Tokenizer

IGNORED = -100

#: Reason to what the card says about it.
LOSSES = {
    "nested": "are inside or around another span",
    "crossing": "cross another span",
    "sub-token": "share a token with another span",
    "widened": "begin or end inside a token, and their tags cover all of it",
}
_NUMBER = {reason: number for number, reason in enumerate(LOSSES)}
Losses = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Marks:
    """Spans over texts, in order of row, start and falling end. Positions are those of `Texts.points`."""

    rows: Ints
    starts: Ints
    ends: Ints
    labels: Ints  # 0-based number of the entity label


@dataclass(frozen=True)
class Tagged:
    """One tag per token, and per span why the tags lost it (an index into `LOSSES`, -1 when they hold it)."""

    tags: Ints
    losses: Losses
    sizes: Ints  # code points of the span that holds each token, 0 where none does

    def counts(self) -> dict[str, int]:
        """Spans by loss, those without loss as "held"."""
        found = np.bincount(self.losses + 1, minlength=len(LOSSES) + 1).tolist()
        return dict(zip(("held", *LOSSES), found, strict=True))


def tag_names(labels: list[str], style: str) -> list[str]:
    """The names of the tags, by id, which only grow when a label is added at the end.

    >>> tag_names(["PERSON", "ORG"], "bio")
    ['O', 'B-PERSON', 'I-PERSON', 'B-ORG', 'I-ORG']
    """
    prefixes = "BI" if style == "bio" else "BIES"
    return ["O", *(f"{prefix}-{label}" for label in labels for prefix in prefixes)]


def tag_tokens(tokens: Tokens, marks: Marks, style: str, nested: str) -> Tagged:
    """Tags each token with the span that holds it.

    Of spans that share a token the longest (`nested="outer"`) or the shortest (`"inner"`) is kept, at equal length the
    one that begins first.
    """
    first, last = _reach(tokens, marks.starts, marks.ends)
    losses = np.full(len(marks.rows), -1, np.int8)
    losses[first >= last] = _NUMBER["sub-token"]
    held = np.flatnonzero(first < last)
    exact = (tokens.starts[first[held]] == marks.starts[held]) & (tokens.ends[last[held] - 1] == marks.ends[held])
    losses[held[~exact]] = _NUMBER["widened"]
    _drop_sharers(first, last, marks, held, losses, longest=nested == "outer")
    keep = (losses == -1) | (losses == _NUMBER["widened"])
    tags, sizes = np.zeros((2, len(tokens)), np.int64)
    base = 1 + (2 if style == "bio" else 4) * marks.labels[keep]
    first, last = first[keep], last[keep]
    owner, inside = spread(first, last)
    sizes[inside] = (marks.ends - marks.starts)[keep][owner]
    tags[inside] = base[owner] + 1
    tags[first] = base
    if style == "bioes":
        tags[last - 1] = base + 2
        single = last - first == 1
        tags[first[single]] = base[single] + 3
    return Tagged(tags, losses, sizes)


def unknown_tokens(tokens: Tokens, held: Ints, places: tuple[Ints, Ints], sizes: Ints, down: Mask, nested: str) -> Mask:
    """The tokens whose tag is not known, because a span that was not decided may hold them.

    `held` is `Tagged.sizes`; `places` are starts and ends of the undecided spans in their rows, `sizes` their lengths
    in the article. A span that was voted `down` hides only tokens that no other span holds; an undecided one also those
    that it would take from another under `nested`.
    """
    first, last = _reach(tokens, *places)
    owner, at = spread(first, np.maximum(first, last))
    wins = sizes[owner] >= held[at] if nested == "outer" else sizes[owner] <= held[at]
    hidden = np.zeros(len(tokens), np.bool_)
    hidden[at[(held[at] == 0) | (wins & ~down[owner])]] = True
    return hidden


def _reach(tokens: Tokens, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """The first token that each stretch touches, and the one after the last."""
    return np.searchsorted(tokens.ends, starts, side="right"), np.searchsorted(tokens.starts, ends, side="left")


def _drop_sharers(first: Ints, last: Ints, marks: Marks, held: Ints, losses: Losses, longest: bool) -> None:
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


@dataclass(frozen=True)
class Encoded:
    """`ids[rows[r]:rows[r + 1]]` is the encoding of text r; `places` says which of `ids` each token is."""

    tokens: Tokens
    ids: Ints
    rows: Ints
    places: Ints

    def labels(self, tags: Ints) -> pa.Array:
        """One label per id: the tag of its token, or -100 for special ids and for pieces without characters."""
        found = np.full(len(self.ids), IGNORED, np.int64)
        found[self.places] = tags
        return lists(self.rows, pa.array(found))


@cache
def _load(path: str, _: str) -> "Tokenizer":
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def tokenizer_digest(path: str) -> str:
    """sha256 of the tokenizer file; raises `ConfigError` when there is none."""
    if not Path(path).is_file():
        raise ConfigError(f"export.tokenizer is {path!r}, which is no file.", "Write words, or a tokenizer.json.")
    return file_digest(Path(path))


def tokenized(column: pa.Array, texts: Texts, tokenizer: str) -> "tuple[Tokens, Encoded | None]":
    """The tokens of the texts, and their encoding where `tokenizer` is a file."""
    if tokenizer == "words":
        return words(texts), None
    encoded = encode_texts(column, texts, tokenizer)
    return encoded.tokens, encoded


def encode_texts(column: pa.Array, texts: Texts, path: str) -> Encoded:
    """The texts encoded with special tokens; a token is a piece trimmed to its characters, and has at least one.

    Offsets of the tokenizer count code points. Raises `ConfigError` when the file is missing.
    """
    tokenizer = _load(path, tokenizer_digest(path))
    encodings = tokenizer.encode_batch(column.to_pylist(), add_special_tokens=True)
    rows = np.concatenate([[0], np.cumsum([len(e.ids) for e in encodings])]).astype(np.int64)
    ids = np.array([i for e in encodings for i in e.ids], np.int64)
    special = np.array([i for e in encodings for i in e.special_tokens_mask], np.bool_)
    offsets = np.array([pair for e in encodings for pair in e.offsets], np.int64).reshape(-1, 2)
    owner = np.repeat(np.arange(len(encodings)), np.diff(rows))
    starts, ends = offsets[:, 0] + texts.starts[owner], offsets[:, 1] + texts.starts[owner]
    blank = np.append(class_of(texts.points) == SPACE, False)
    while (moving := (starts < ends) & blank[starts]).any():
        starts = starts + moving
    while (moving := (starts < ends) & blank[ends - 1]).any():
        ends = ends - moving
    kept = np.flatnonzero(~special & (starts < ends))
    tokens = np.concatenate([[0], np.cumsum(np.bincount(owner[kept], minlength=len(encodings)))]).astype(np.int64)
    return Encoded(Tokens(tokens, starts[kept], ends[kept]), ids, rows, kept)


_SPANS = ["annotation_id", "article_id", "kind", "start", "end", "label"]


def soft_tags(
    index: Index, kind: str, numbering: Numbering, settings: Export
) -> Callable[[pa.RecordBatch, Texts, Tokens], pa.Array]:
    """A function that gives a list per text and token with a share per tag; all are 0 where nobody saw the token."""
    votes = index.of_windows(index.votes)
    windows = numbers(votes["window"])
    begins = key(index.article_codes[windows], index.starts[windows])
    order = np.argsort(begins, kind="stable")
    begins, sizes, ids = begins[order], (index.ends - index.starts)[windows[order]], votes["annotation_id"].take(order)
    spans = index.inputs.read("spans", *_SPANS)
    spans = spans.filter(pc.equal(spans["kind"], kind))
    columns = np.stack([
        positions_in(spans["annotation_id"], flat(ids)),
        index.keys(spans["article_id"], spans["start"]),
        numbers(spans["start"]) - numbers(spans["end"]),
        numbering.ids(spans["label"]),
    ])  # fmt: skip
    columns = columns[:, columns[3] >= 0]
    owners, places, lengths, labels = columns[:, np.lexsort(columns[::-1])]
    width = len(tag_names(numbering.labels, settings.tags))

    def shares(passages: pa.RecordBatch, texts: Texts, tokens: Tokens) -> pa.Array:
        room, keys = np.diff(texts.starts), numbers(passages["key"])
        row, seen = touching(begins, sizes, keys, room)
        # Each text once per annotator who saw a part of it, one after the other.
        base = np.cumsum(room[row]) - room[row]
        owner, token = spread(tokens.rows[row], tokens.rows[row + 1])
        moved = (base - texts.starts[row])[owner]
        again = Tokens(
            np.searchsorted(owner, np.arange(len(row) + 1)), *(x[token] + moved for x in (tokens.starts, tokens.ends))
        )
        pair, at = matching(owners, seen)
        starts = places[at] - keys[row][pair]
        ends = np.minimum(starts - lengths[at], room[row][pair])
        marks = np.stack([pair, base[pair] + np.maximum(starts, 0), base[pair] + ends, labels[at]])
        marks = marks[:, (starts < room[row][pair]) & (ends > 0)]
        tags = tag_tokens(again, Marks(*marks), settings.tags, settings.nested).tags
        # An annotator says nothing about what is outside the window.
        begin = base + begins[seen] - keys[row]
        judged = (again.starts >= begin[owner]) & (again.ends <= (begin + sizes[seen])[owner])
        counts = np.bincount((token * width + tags)[judged], minlength=len(tokens) * width).reshape(-1, width)
        found = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        return lists(tokens.rows, lists(np.arange(len(tokens) + 1) * width, pa.array(found.ravel())))

    return shares
