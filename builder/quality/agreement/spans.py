"""How far annotators agree on spans: pairwise F1 of exact and of overlapping spans, and alpha over tokens.

Chance-corrected agreement is not defined for spans, because what nobody marked cannot be counted; F1 is its limit
(G. Hripcsak and A. S. Rothschild 2005, doi 10.1197/jamia.M1733). A span is found exactly when the other annotator gave
the same label the same bounds, and in part when a span of that label shares a character with it (the "type" measure of
SemEval-2013 task 9).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.agreement.coefficients import bootstrap_interval, nominal_alpha, patterns_of_votes
from builder.quality.agreement.report import Interval, SpanAgreement, SpanMeasures, rounded, rounded_interval
from builder.quality.settings import Quality
from builder.quality.voters import voting_unreviewed
from builder.quality.votes import Floats, Integers, Mask, Votes
from builder.text import token_spans


@dataclass
class Marked:
    """The spans of annotations that vote, as numbers, sorted by chunk and start.

    `chunk_of` and `annotator_of` have one entry per annotation; `owner` is the annotation of each span.
    """

    chunks: list[str]
    annotators: list[str]
    labels: list[str]
    chunk_of: Integers
    annotator_of: Integers
    owner: Integers
    start: Integers
    end: Integers
    label: Integers


def marked(annotations: pa.Table, spans: pa.Table, kind: str) -> Marked:
    """The marked spans of one kind, without reviews."""
    voters = voting_unreviewed(annotations)
    rows = spans.filter(pc.equal(spans["kind"], kind))
    owner = pc.fill_null(pc.index_in(rows["annotation_id"], value_set=voters["annotation_id"]), -1)
    rows, owner = rows.filter(pc.greater_equal(owner, 0)), owner.filter(pc.greater_equal(owner, 0))
    names = [sorted(set(t.to_pylist())) for t in (voters["chunk_id"], voters["annotator"], rows["label"])]
    chunk_of, annotator_of, label = (
        pc.index_in(column, value_set=pa.array(values, pa.string())).to_numpy().astype(np.int64)
        for column, values in zip((voters["chunk_id"], voters["annotator"], rows["label"]), names, strict=True)
    )
    own = owner.to_numpy().astype(np.int64)
    start, end = (rows[c].to_numpy().astype(np.int64) for c in ("start", "end"))
    # The same span given twice by one annotator is one span.
    table = np.unique(np.stack([chunk_of[own], start, end, label, own], axis=1).reshape(-1, 5), axis=0)
    chunks, annotators, labels = names
    return Marked(
        chunks, annotators, labels, chunk_of, annotator_of, table[:, 4], table[:, 1], table[:, 2], table[:, 3]
    )


def span_agreement(
    annotations: pa.Table, spans: pa.Table, windows: pa.Table, kind: str, settings: Quality
) -> SpanAgreement | None:
    """Agreement on spans of one kind, with bootstrap intervals over chunks; None when nobody marked any.

    Annotators are compared only on the labels they were asked for (`quality.asked`). Overall F1 is that of all labels
    together.
    """
    found = marked(annotations, spans, kind)
    if not found.labels:
        return None
    heard = _was_asked(found, settings.asked)
    tables = [_matches(found, i, heard[:, i]) for i in range(len(found.labels))]
    tokens = _tokens(found, windows)
    return SpanAgreement(
        overall=_measures(found, tokens, _add(tables), None, np.asarray(heard.all(axis=1)), settings),
        labels={
            label: _measures(found, tokens, tables[i], i, heard[:, i], settings) for i, label in enumerate(found.labels)
        },
    )


def exact_f1_by_annotator(annotations: pa.Table, spans: pa.Table, kind: str, settings: Quality) -> dict[str, float]:
    """Exact F1 of each annotator against all others; annotators with nothing to compare are missing."""
    found = marked(annotations, spans, kind)
    heard = _was_asked(found, settings.asked)
    if not found.labels:
        return {}
    together = _add([_matches(found, i, heard[:, i]) for i in range(len(found.labels))])
    hits = (together.pairs_exact + together.pairs_exact.T).sum(axis=1)
    compared = (together.pairs_compared + together.pairs_compared.T).sum(axis=1)
    return {name: round(float(hits[i] / compared[i]), 6) for i, name in enumerate(found.annotators) if compared[i]}


@dataclass
class Matches:
    """By chunk: spans, counted once per other annotator to compare with, and how many of those were found."""

    compared: Integers
    exact: Integers
    partial: Integers
    #: The same by annotator (row) and other annotator (column), over all chunks.
    pairs_compared: Integers
    pairs_exact: Integers


def _was_asked(found: Marked, asked: Mapping[str, Collection[str]]) -> Mask:
    """Annotations by labels: whether the annotator was asked for the label."""
    by_name = np.array(
        [[name not in asked or label in asked[name] for label in found.labels] for name in found.annotators], dtype=bool
    )
    heard: Mask = by_name.reshape(len(found.annotators), len(found.labels))[found.annotator_of]
    return heard


def _matches(found: Marked, label: int, heard: Mask) -> Matches:
    rows = np.flatnonzero((found.label == label) & heard[found.owner])
    owner, start, end = found.owner[rows], found.start[rows], found.end[rows]
    chunk = found.chunk_of[owner]
    crowd, size = len(found.annotators), len(found.chunks)
    listening = np.bincount(found.chunk_of[heard], minlength=size)
    compared = np.bincount(chunk, minlength=size) * (listening - 1)
    pairs_compared = np.zeros((crowd, crowd), np.int64)
    spans_of = np.bincount(owner, minlength=len(found.chunk_of))
    order = np.flatnonzero(heard)
    order = order[np.argsort(found.chunk_of[order], kind="stable")]
    for left, right in _neighbours(found.chunk_of[order]):
        a, b = order[left], order[right]
        np.add.at(pairs_compared, (found.annotator_of[a], found.annotator_of[b]), spans_of[a])
        np.add.at(pairs_compared, (found.annotator_of[b], found.annotator_of[a]), spans_of[b])
    met: list[Integers] = []
    same: list[Integers] = []
    # Sorted by start: after the first span that starts where this one has ended, none overlaps it.
    left = np.arange(len(rows))
    for distance in range(1, len(rows)):
        left = left[left + distance < len(rows)]
        right = left + distance
        over = (chunk[left] == chunk[right]) & (start[right] < end[left])
        left, right = left[over], right[over]
        if not len(left):
            break
        other = owner[left] != owner[right]
        a, b = left[other], right[other]
        met += [np.stack([a, owner[b]], axis=1), np.stack([b, owner[a]], axis=1)]
        equal = (start[a] == start[b]) & (end[a] == end[b])
        same += [np.stack([a[equal], owner[b[equal]]], axis=1), np.stack([b[equal], owner[a[equal]]], axis=1)]
    none = np.zeros((0, 2), np.int64)
    partial, exact = (np.unique(np.concatenate([none, *hits]), axis=0) for hits in (met, same))
    pairs_exact = np.zeros((crowd, crowd), np.int64)
    np.add.at(pairs_exact, (found.annotator_of[owner[exact[:, 0]]], found.annotator_of[exact[:, 1]]), 1)
    return Matches(
        compared, np.bincount(chunk[exact[:, 0]], minlength=size), np.bincount(chunk[partial[:, 0]], minlength=size),
        pairs_compared, pairs_exact,
    )  # fmt: skip


def _neighbours(groups: Integers) -> list[tuple[Integers, Integers]]:
    """All pairs of positions within runs of equal values, by distance."""
    out = []
    for distance in range(1, len(groups)):
        left = np.flatnonzero(groups[:-distance] == groups[distance:])
        if not len(left):
            break
        out.append((left, left + distance))
    return out


def _add(tables: list[Matches]) -> Matches:
    fields = ("compared", "exact", "partial", "pairs_compared", "pairs_exact")
    return Matches(*(sum((getattr(t, name) for t in tables[1:]), getattr(tables[0], name)) for name in fields))


def _measures(
    found: Marked, tokens: "Tokens", table: Matches, label: int | None, heard: Mask, settings: Quality
) -> SpanMeasures:
    def f1(hits: Integers) -> tuple[float | None, Interval | None]:
        rows = np.stack([hits, table.compared], axis=1)
        different, times = np.unique(rows[rows[:, 1] > 0], axis=0, return_counts=True)
        patterns: Floats = different.reshape(-1, 2).astype(np.float64)
        weights: Floats = times.astype(np.float64)
        drawn = bootstrap_interval(_rate, patterns, weights, settings.bootstrap, settings.confidence, settings.seed)
        return rounded(_rate(patterns, weights)), rounded_interval(drawn)

    alpha, counted = _alpha(found, tokens, label, heard)
    return SpanMeasures(int(table.compared.sum()), *f1(table.exact), *f1(table.partial), rounded(alpha), counted)


def _rate(patterns: Floats, weights: Floats) -> float:
    # The sum over pairs of annotators of 2 matches / (spans of one + spans of the other): with both directions
    # counted, precision and recall are the same number.
    compared = float(weights @ patterns[:, 1])
    return float(weights @ patterns[:, 0]) / compared if compared else float("nan")


def _alpha(found: Marked, tokens: "Tokens", label: int | None, heard: Mask) -> tuple[float, int]:
    """Nominal alpha over tokens, and the number of tokens compared.

    Without `label` a token's value is the label of the outermost span over it, or none; else it is this label or none.
    """
    asked = np.flatnonzero(heard)
    size = tokens.size[found.chunk_of[asked]]
    # One block of tokens per annotation that was asked, one after the other.
    block = np.zeros(len(heard), dtype=np.int64)
    block[asked] = np.cumsum(size) - size
    given = np.zeros(int(size.sum()), dtype=np.int64)
    rows = np.flatnonzero(heard[found.owner] & ((found.label == label) if label is not None else True))
    # The longest span is written last, and stays.
    rows = rows[np.lexsort((-found.label[rows], (found.end - found.start)[rows]))]
    chunk = found.chunk_of[found.owner[rows]]
    low = np.searchsorted(tokens.end, found.start[rows] + tokens.base[chunk], side="right")
    high = np.searchsorted(tokens.start, found.end[rows] + tokens.base[chunk], side="left")
    covered = np.maximum(high - low, 0)
    ahead = np.cumsum(covered) - covered
    place = np.repeat(block[found.owner[rows]] + low - tokens.first[chunk] - ahead, covered)
    written = found.label[rows] + 1 if label is None else np.ones(len(rows), dtype=np.int64)
    given[place + np.arange(len(place))] = np.repeat(written, covered)
    token = np.repeat(tokens.first[found.chunk_of[asked]] - block[asked], size) + np.arange(len(given))
    labels = ["", *found.labels] if label is None else ["", found.labels[label]]
    who = np.repeat(found.annotator_of[asked], size)
    patterns, weights, _ = patterns_of_votes(Votes(int(tokens.size.sum()), found.annotators, labels, token, who, given))
    return nominal_alpha(patterns, weights), int(weights.sum())


@dataclass
class Tokens:
    """Positions of the tokens of all chunks when the chunks are laid one after the other.

    An article offset in a chunk plus `base` of the chunk is a position there. `first` and `size` are by chunk.
    """

    start: Integers
    end: Integers
    first: Integers
    size: Integers
    base: Integers


def _tokens(found: Marked, windows: pa.Table) -> Tokens:
    rows = pc.index_in(pa.array(found.chunks, pa.string()), value_set=windows["chunk_id"])
    shown = windows.select(["start", "text"]).take(rows)
    texts, starts = shown["text"].to_pylist(), shown["start"].to_numpy().astype(np.int64)
    lengths = np.array([len(text) + 1 for text in texts], dtype=np.int64)
    ahead = np.cumsum(lengths) - lengths
    places = [token_spans(text) for text in texts]
    size = np.array([len(p) for p in places], dtype=np.int64)
    flat = (
        np.array([span for p in places for span in p], dtype=np.int64).reshape(-1, 2) + np.repeat(ahead, size)[:, None]
    )
    return Tokens(flat[:, 0].copy(), flat[:, 1].copy(), np.cumsum(size) - size, size, ahead - starts)
