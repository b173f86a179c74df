"""How far annotators agree on spans: pairwise F1 of exact and of overlapping spans, and alpha over tokens.

Chance-corrected agreement is not defined for spans, because what nobody marked cannot be counted; F1 is its limit
(G. Hripcsak and A. S. Rothschild 2005, doi 10.1197/jamia.M1733). A span is found exactly when the other annotator gave
the same label the same bounds, and in part when a span of that label shares a character with it (the "type" measure of
SemEval-2013 task 9).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import numbers, positions_in, spread, text_array
from builder.quality.agreement.coefficients import (
    Interval,
    disagreements,
    nominal_alpha,
    paired,
    patterns_of,
    rounded,
    with_interval,
)
from builder.quality.agreement.gamma import MOST, MarkedText, gamma
from builder.quality.agreement.parts import AgreementParts, agreement_parts
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
    """Agreement on one kind of span: over all labels, per label, and in other parts.

    The parts are about the labels given to the same bounds; "" is the label of an annotator who marked nothing there.
    `gamma` is of annotators who were asked for all labels, where `quality.gamma` asks for it.
    """

    overall: SpanMeasures
    labels: dict[str, SpanMeasures]
    parts: AgreementParts
    gamma: float | None = None


@dataclass
class Marked:
    """The spans of annotations that vote, as numbers, sorted by chunk and start.

    `chunk_of`, `annotator_of` and `heard` (for which labels the annotator was asked) have a row per annotation; `owner`
    is the annotation of each span.
    """

    chunks: list[str]
    annotators: list[str]
    labels: list[str]
    chunk_of: Integers
    annotator_of: Integers
    heard: Mask
    owner: Integers
    start: Integers
    end: Integers
    label: Integers


class _Shown(NamedTuple):
    """Start and end of each chunk; the chunk of each token of all; and the tokens that each span touches."""

    start: Integers
    end: Integers
    chunk_of: Integers
    low: Integers
    high: Integers

    @classmethod
    def of(cls, found: Marked, windows: pa.Table) -> "_Shown":
        shown = windows.take(pc.index_in(pa.array(found.chunks, pa.string()), value_set=windows["chunk_id"]))
        start, end = numbers(shown["start"]), numbers(shown["end"])
        texts = Texts.of(shown["text"].combine_chunks())
        tokens, chunk = words(texts), found.chunk_of[found.owner]
        # From offsets in the article to positions in all texts.
        base = (texts.starts[:-1] - start)[chunk]
        low = np.searchsorted(tokens.ends, found.start + base, side="right")
        high = np.searchsorted(tokens.starts, found.end + base, side="left")
        return cls(start, end, np.repeat(np.arange(len(start)), np.diff(tokens.rows)), low, high)


def marked(annotations: pa.Table, spans: pa.Table, kind: str, asked: Mapping[str, Collection[str]]) -> Marked:
    """The marked spans of one kind, without reviews. `asked` has the labels of who was not asked for all."""
    voters = voting_unreviewed(annotations)
    rows = spans.filter(pc.equal(spans["kind"], kind))
    owner = pc.index_in(rows["annotation_id"], value_set=voters["annotation_id"])
    rows, own = rows.filter(pc.is_valid(owner)), numbers(owner.drop_null())
    columns = (voters["chunk_id"], voters["annotator"], rows["label"])
    chunks, annotators, labels = names = [sorted(column.unique().to_pylist()) for column in columns]
    chunk_of, annotator_of, label = (
        positions_in(column, text_array(values)) for column, values in zip(columns, names, strict=True)
    )
    by_name = [[name not in asked or x in asked[name] for x in labels] for name in annotators]
    heard = np.array(by_name, dtype=np.bool_).reshape(len(annotators), len(labels))[annotator_of]
    start, end = numbers(rows["start"]), numbers(rows["end"])
    # The same span given twice by one annotator is one span.
    _, low, high, code, who = np.unique(np.stack([chunk_of[own], start, end, label, own]), axis=1)
    return Marked(chunks, annotators, labels, chunk_of, annotator_of, heard, who, low, high, code)


def span_agreement(
    annotations: pa.Table, spans: pa.Table, windows: pa.Table, kind: str, settings: Quality
) -> SpanAgreement | None:
    """Agreement on spans of one kind, with bootstrap intervals over chunks; None when nobody marked any.

    Annotators are compared only on the labels they were asked for (`quality.asked`).
    """
    found = marked(annotations, spans, kind, settings.asked)
    if not found.labels:
        return None
    shown = _Shown.of(found, windows)

    def measure(labels: Sequence[int]) -> SpanMeasures:
        matches = np.sum([_matches(found, label)[0] for label in labels], axis=0)

        def f1(hits: int) -> tuple[float | None, Interval | None]:
            rows, times = np.unique(matches[matches[:, 2] > 0][:, [hits, 2]], axis=0, return_counts=True)
            return with_interval(settings, _rate, rows.astype(np.float64), times.astype(np.float64))

        heard: Mask = np.asarray(found.heard[:, labels].all(axis=1))
        alpha, tokens = _token_alpha(found, shown, labels, heard)
        observed, expected = np.sum([_unit_disagreements(found, shown, x, heard) for x in labels], axis=0).tolist()
        units = 1 - observed / expected if expected > 0 else float("nan")
        return SpanMeasures(int(matches[:, 2].sum()), *f1(0), *f1(1), rounded(alpha), tokens, rounded(units))

    votes, bounds = bounds_votes(found)
    mine = spans.filter(pc.equal(spans["kind"], kind))
    return SpanAgreement(
        measure(range(len(found.labels))),
        {name: measure([i]) for i, name in enumerate(found.labels)},
        agreement_parts(votes, bounds, annotations, mine, ("start", "end"), windows, settings),
        rounded(gamma(_texts(found, shown), settings.gamma, settings.seed)) if settings.gamma else None,
    )


def _texts(found: Marked, shown: _Shown) -> Iterator[MarkedText]:
    """The chunks with 2 to `MOST` annotators who were asked for all labels."""
    begin = shown.start[found.chunk_of[found.owner]]
    rows = np.stack([found.start - begin, found.end - begin, found.label], axis=1)
    sizes = np.bincount(found.owner, minlength=len(found.chunk_of))
    units = np.split(rows[np.argsort(found.owner, kind="stable")], np.cumsum(sizes)[:-1])
    readers: dict[int, list[int]] = defaultdict(list)
    for reader in np.flatnonzero(found.heard.all(axis=1)).tolist():
        readers[int(found.chunk_of[reader])].append(reader)
    for chunk, several in readers.items():
        if 1 < len(several) <= MOST:
            yield MarkedText(int(shown.end[chunk] - shown.start[chunk]), [units[reader] for reader in several])


def bounds_votes(found: Marked) -> tuple[Votes, list[tuple[str, str]]]:
    """Votes on all bounds that anybody marked: the label, or "" of an annotator of the chunk who marked nothing there.

    Annotators who were not asked for all labels are left out.
    """
    of_all: Mask = np.asarray(found.heard.all(axis=1))
    rows = np.flatnonzero(of_all[found.owner])
    owner = found.owner[rows]
    place = np.stack([found.chunk_of[owner], found.start[rows], found.end[rows]], axis=1)
    bounds, item = np.unique(place, axis=0, return_inverse=True)
    item = item.reshape(-1)
    # Everyone of the chunk is silent about its bounds, but for those who marked them.
    readers = np.flatnonzero(of_all)
    readers = readers[np.argsort(found.chunk_of[readers], kind="stable")]
    low, high = (np.searchsorted(found.chunk_of[readers], bounds[:, 0], side=side) for side in ("left", "right"))
    silent_item, reader = spread(low, high)
    silent = ~np.isin(silent_item * len(of_all) + readers[reader], item * len(of_all) + owner)
    items = np.concatenate([item, silent_item[silent]])
    who = found.annotator_of[np.concatenate([owner, readers[reader[silent]]])]
    given = np.concatenate([found.label[rows] + 1, np.zeros(int(silent.sum()), np.int64)])
    names = [(found.chunks[chunk], f"[{start}, {end})") for chunk, start, end in bounds.tolist()]
    return Votes(len(bounds), found.annotators, ["", *found.labels], items, who, given), names


def exact_f1_by_annotator(annotations: pa.Table, spans: pa.Table, kind: str, settings: Quality) -> dict[str, float]:
    """Exact F1 of each annotator against all others; annotators with nothing to compare are missing."""
    found = marked(annotations, spans, kind, settings.asked)
    none = np.zeros((len(found.annotators), 2))
    total = sum((_matches(found, label)[1] for label in range(len(found.labels))), none)
    rows = zip(found.annotators, total.tolist(), strict=True)
    return {name: round(hits / compared, 6) for name, (hits, compared) in rows if compared}


def _matches(found: Marked, label: int) -> tuple[Integers, Floats]:
    """What annotators who were asked for a label found of one another's spans.

    The first result has a row per chunk: spans found exactly, spans found in part, and all spans, each counted once per
    other annotator. The second has a row per annotator: exact matches and comparisons, in both directions.
    """
    heard = found.heard[:, label]
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


def _rate(patterns: Floats, weights: Floats) -> float:
    # The sum over pairs of annotators of 2 matches / (spans of one + spans of the other): with both directions
    # counted, precision and recall are the same number.
    compared = float(weights @ patterns[:, 1])
    return float(weights @ patterns[:, 0]) / compared if compared else float("nan")


def _unit_disagreements(found: Marked, shown: _Shown, label: int, heard: Mask) -> tuple[float, float]:
    """Observed and expected disagreement on where the spans of a label are, among annotations that were asked."""
    rows = np.flatnonzero((found.label == label) & heard[found.owner])
    readers = np.bincount(found.chunk_of[heard], minlength=len(found.chunks))
    owner, bounds = found.owner[rows], np.stack([shown.start, shown.end, readers], axis=1)
    return disagreements(found.chunk_of[owner], owner, found.start[rows], found.end[rows], bounds)


def _token_alpha(found: Marked, shown: _Shown, labels: Sequence[int], heard: Mask) -> tuple[float, int]:
    """Nominal alpha over tokens, and the number of tokens compared.

    A token's value is the label, among these, of the outermost span of the annotator over it, or none.
    """
    rows = np.flatnonzero(heard[found.owner] & np.isin(found.label, labels))
    # The longest span over a token comes first.
    rows = rows[np.lexsort((found.label[rows], (found.start - found.end)[rows]))]
    number, token = spread(shown.low[rows], np.maximum(shown.low, shown.high)[rows])
    size, width = len(shown.chunk_of), len(labels) + 1
    _, outermost = np.unique(found.owner[rows][number] * size + token, return_index=True)
    given = np.searchsorted(labels, found.label[rows][number[outermost]]) + 1
    counts = np.bincount(token[outermost] * width + given, minlength=size * width).reshape(size, width)
    readers = np.bincount(found.chunk_of[heard], minlength=len(found.chunks))[shown.chunk_of]
    counts[:, 0] = readers - counts.sum(axis=1)
    patterns = patterns_of(counts.astype(np.float64))
    return nominal_alpha(*patterns), int(paired(*patterns)[1].sum())
