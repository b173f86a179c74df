"""How far annotators agree on spans: pairwise F1 of exact and of overlapping spans, and alpha over tokens.

Chance-corrected agreement is not defined for spans, because what nobody marked cannot be counted; F1 is its limit
(G. Hripcsak and A. S. Rothschild 2005, doi 10.1197/jamia.M1733). A span is found exactly when the other annotator gave
the same label the same bounds, and in part when a span of that label shares a character with it (the "type" measure of
SemEval-2013 task 9).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.aggregation.soft import MeasuredCalibration, calibrations
from builder.quality.agreement.coefficients import (
    Interval,
    nominal_alpha,
    paired,
    patterns_of_votes,
    rounded,
    with_interval,
)
from builder.quality.agreement.models import AnnotatorModel, HardItem, annotator_models
from builder.quality.agreement.unitizing import disagreements
from builder.quality.settings import Quality
from builder.quality.votes import Floats, Integers, Mask, Votes, overlapping_pairs, voting_unreviewed
from builder.text import Texts, words


@dataclass
class SpanMeasures:
    """Agreement on spans. `compared` counts each span once per other annotator it is compared with.

    `token_alpha` is nominal alpha over tokens, `unit_alpha` Krippendorff's alpha for unitizing over characters.
    """

    compared: int
    exact_f1: float | None
    exact_f1_interval: Interval | None
    partial_f1: float | None
    partial_f1_interval: Interval | None
    token_alpha: float | None
    tokens: int
    unit_alpha: float | None


@dataclass
class SpanAgreement:
    """Agreement on one kind of span, over all labels and per label.

    The rest is about the labels of spans of the same bounds. `calibration` says by aggregation method how well
    probabilities made from half of the votes predict the other half; `annotators` what a model believes of each; `hard`
    names the bounds that are hardest.
    """

    overall: SpanMeasures
    labels: dict[str, SpanMeasures]
    calibration: dict[str, MeasuredCalibration] = field(default_factory=dict)
    annotators: dict[str, AnnotatorModel] = field(default_factory=dict)
    hard: list[HardItem] = field(default_factory=list)


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
    owner = pc.index_in(rows["annotation_id"], value_set=voters["annotation_id"])
    rows, own = rows.filter(pc.is_valid(owner)), owner.drop_null().to_numpy().astype(np.int64)
    columns = (voters["chunk_id"], voters["annotator"], rows["label"])
    chunks, annotators, labels = names = [sorted(set(column.to_pylist())) for column in columns]
    chunk_of, annotator_of, label = (
        pc.index_in(column, value_set=pa.array(values, pa.string())).to_numpy().astype(np.int64)
        for column, values in zip(columns, names, strict=True)
    )
    start, end = (rows[c].to_numpy().astype(np.int64) for c in ("start", "end"))
    # The same span given twice by one annotator is one span.
    table = np.unique(np.stack([chunk_of[own], start, end, label, own], axis=1), axis=0)
    where = (table[:, 4], table[:, 1], table[:, 2], table[:, 3])
    return Marked(chunks, annotators, labels, chunk_of, annotator_of, *where)


def span_agreement(
    annotations: pa.Table, spans: pa.Table, windows: pa.Table, kind: str, settings: Quality
) -> SpanAgreement | None:
    """Agreement on spans of one kind, with bootstrap intervals over chunks; None when nobody marked any.

    Annotators are compared only on the labels they were asked for (`quality.asked`).
    """
    found = marked(annotations, spans, kind)
    if not found.labels:
        return None
    heard = _was_asked(found, settings.asked)
    matches = [_matches(found, i, heard[:, i])[0] for i in range(len(found.labels))]
    tokens = _Tokens.of(found, windows)
    votes, names = _bounds_votes(found, heard)
    return SpanAgreement(
        _measures(found, tokens, windows, sum(matches[1:], matches[0]), None, np.asarray(heard.all(axis=1)), settings),
        {
            name: _measures(found, tokens, windows, matches[i], i, heard[:, i], settings)
            for i, name in enumerate(found.labels)
        },
        calibrations(votes),
        *annotator_models(votes, names, settings),
    )


def _bounds_votes(found: Marked, heard: Mask) -> tuple[Votes, list[tuple[str, str]]]:
    """Votes on all bounds that anybody marked: the label, or "" of an annotator of the chunk who marked nothing there.

    Annotators who were not asked for all labels are left out.
    """
    all_of: Mask = np.asarray(heard.all(axis=1))
    rows = np.flatnonzero(all_of[found.owner])
    place = np.stack([found.chunk_of[found.owner[rows]], found.start[rows], found.end[rows]], axis=1)
    bounds, item = np.unique(place, axis=0, return_inverse=True)
    item = item.reshape(-1)
    # Everyone of the chunk is silent about its bounds, but for those who marked them.
    asked = np.flatnonzero(all_of)
    asked = asked[np.argsort(found.chunk_of[asked], kind="stable")]
    chunk = found.chunk_of[asked]
    low, high = (np.searchsorted(chunk, bounds[:, 0], side=side) for side in ("left", "right"))
    size = high - low
    silent_item = np.repeat(np.arange(len(bounds)), size)
    ahead = np.cumsum(size) - size
    silent = asked[np.repeat(low - ahead, size) + np.arange(len(silent_item))]
    spoke = np.isin(silent_item * len(all_of) + silent, item * len(all_of) + found.owner[rows])
    items = np.concatenate([item, silent_item[~spoke]])
    who = found.annotator_of[np.concatenate([found.owner[rows], silent[~spoke]])]
    given = np.concatenate([found.label[rows] + 1, np.zeros(int((~spoke).sum()), np.int64)])
    names = [(found.chunks[chunk], f"[{start}, {end})") for chunk, start, end in bounds.tolist()]
    return Votes(len(bounds), found.annotators, ["", *found.labels], items, who, given), names


def exact_f1_by_annotator(annotations: pa.Table, spans: pa.Table, kind: str, settings: Quality) -> dict[str, float]:
    """Exact F1 of each annotator against all others; annotators with nothing to compare are missing."""
    found = marked(annotations, spans, kind)
    heard = _was_asked(found, settings.asked)
    none = np.zeros((len(found.annotators), 2))
    total = sum((_matches(found, i, heard[:, i])[1] for i in range(len(found.labels))), none)
    rows = zip(found.annotators, total.tolist(), strict=True)
    return {name: round(hits / compared, 6) for name, (hits, compared) in rows if compared}


def _was_asked(found: Marked, asked: Mapping[str, Collection[str]]) -> Mask:
    """Annotations by labels: whether the annotator was asked for the label."""
    by_name = [[name not in asked or label in asked[name] for label in found.labels] for name in found.annotators]
    heard = np.array(by_name, dtype=np.bool_).reshape(len(found.annotators), len(found.labels))
    return heard[found.annotator_of]


def _matches(found: Marked, label: int, heard: Mask) -> tuple[Integers, Floats]:
    """What annotators who were asked for a label found of one another's spans.

    The first result has a row per chunk: spans found exactly, spans found in part, and all spans, each counted once per
    other annotator. The second has a row per annotator: exact matches and comparisons, in both directions.
    """
    rows = np.flatnonzero((found.label == label) & heard[found.owner])
    owner, start, end = found.owner[rows], found.start[rows], found.end[rows]
    chunk = found.chunk_of[owner]
    size = len(found.chunks)
    spans_in = np.bincount(chunk, minlength=size)
    others = np.bincount(found.chunk_of[heard], minlength=size) - 1
    met: list[Integers] = []
    same: list[Integers] = []
    for left, right in overlapping_pairs(chunk, start, end):
        other = owner[left] != owner[right]
        a, b = left[other], right[other]
        met += [np.stack([a, owner[b]], axis=1), np.stack([b, owner[a]], axis=1)]
        equal = (start[a] == start[b]) & (end[a] == end[b])
        same += [np.stack([a[equal], owner[b[equal]]], axis=1), np.stack([b[equal], owner[a[equal]]], axis=1)]
    none = np.zeros((0, 2), np.int64)
    partial, exact = (np.unique(np.concatenate([none, *hits]), axis=0) for hits in (met, same))
    by_chunk = [np.bincount(chunk[hits[:, 0]], minlength=size) for hits in (exact, partial)]
    own = np.bincount(owner, minlength=len(heard))
    compared = np.where(heard, own * others[found.chunk_of] + spans_in[found.chunk_of] - own, 0)
    # An exact match is one in both directions.
    hits = 2 * np.bincount(owner[exact[:, 0]], minlength=len(heard))
    by_annotator = [np.bincount(found.annotator_of, n, len(found.annotators)) for n in (hits, compared)]
    return np.stack([*by_chunk, spans_in * others], axis=1), np.stack(by_annotator, axis=1)


def _measures(
    found: Marked, tokens: "_Tokens", windows: pa.Table, matches: Integers, label: int | None, heard: Mask,
    settings: Quality,
) -> SpanMeasures:  # fmt: skip
    def f1(hits: int) -> tuple[float | None, Interval | None]:
        rows, times = np.unique(matches[matches[:, 2] > 0][:, [hits, 2]], axis=0, return_counts=True)
        return with_interval(settings, _rate, rows.astype(np.float64), times.astype(np.float64))

    alpha, counted = _alpha(found, tokens, label, heard)
    chosen = range(len(found.labels)) if label is None else [label]
    observed, expected = np.sum([_unit_disagreements(found, windows, i, heard) for i in chosen], axis=0).tolist()
    units = 1 - observed / expected if expected > 0 else float("nan")
    return SpanMeasures(int(matches[:, 2].sum()), *f1(0), *f1(1), rounded(alpha), counted, rounded(units))


def _unit_disagreements(found: Marked, windows: pa.Table, label: int, heard: Mask) -> tuple[float, float]:
    """Observed and expected disagreement on where the spans of a label are, among annotations that were asked."""
    rows = np.flatnonzero((found.label == label) & heard[found.owner])
    shown = windows.take(pc.index_in(pa.array(found.chunks, pa.string()), value_set=windows["chunk_id"]))
    readers = np.bincount(found.chunk_of[heard], minlength=len(found.chunks))
    bounds = np.stack([shown["start"].to_numpy(), shown["end"].to_numpy(), readers], axis=1).astype(np.int64)
    owner = found.owner[rows]
    return disagreements(found.chunk_of[owner], owner, found.start[rows], found.end[rows], bounds)


def _rate(patterns: Floats, weights: Floats) -> float:
    # The sum over pairs of annotators of 2 matches / (spans of one + spans of the other): with both directions
    # counted, precision and recall are the same number.
    compared = float(weights @ patterns[:, 1])
    return float(weights @ patterns[:, 0]) / compared if compared else float("nan")


def _alpha(found: Marked, tokens: "_Tokens", label: int | None, heard: Mask) -> tuple[float, int]:
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
    patterns = patterns_of_votes(Votes(int(tokens.size.sum()), found.annotators, labels, token, who, given))
    return nominal_alpha(*patterns), int(paired(*patterns)[1].sum())


class _Tokens(NamedTuple):
    """The tokens of all chunks one after the other; `base` of a chunk turns article offsets into their positions."""

    start: Integers
    end: Integers
    first: Integers
    size: Integers
    base: Integers

    @classmethod
    def of(cls, found: Marked, windows: pa.Table) -> "_Tokens":
        shown = windows.take(pc.index_in(pa.array(found.chunks, pa.string()), value_set=windows["chunk_id"]))
        texts = Texts.of(shown["text"].combine_chunks())
        tokens = words(texts)
        base = texts.starts[:-1] - shown["start"].to_numpy()
        return cls(tokens.starts, tokens.ends, tokens.rows[:-1], np.diff(tokens.rows), base)
