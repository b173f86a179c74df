"""Gold spans put together from tokens, as a sequence: for long spans whose bounds annotators rarely share.

Every annotator says of every token that a span of a label begins there (B), goes on (I), or neither (O). Labels that
no annotator nests in one another compete for a token; others are decided one by one. Of nested spans of one label only
the outermost counts. The configured method turns the votes into beliefs. Whether a token is inside a span is decided
first: by B and I together. Where two spans meet is decided next: by B against I. A span is unresolved when one of its
tokens, or whether a span begins there, is not decided. What was marked and has no token in a span of its label is
rejected.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.quality.adjudication.spans import (
    GoldRow,
    MarkedSpan,
    SpanGroup,
    decide,
    decision,
    exact,
    same_bounds,
    voted_spans,
)  # fmt: skip
from builder.quality.aggregation.believe import Beliefs, believe, choose, soft_columns
from builder.quality.aggregation.majority import TIE
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Integers, Mask, Voter, Voters, Votes
from builder.tables import rows_of
from builder.text import token_spans

#: By chunk and kind, the spans that vote.
Marked = Mapping[tuple[str, str], Sequence[MarkedSpan]]


class _Sequence(NamedTuple):
    """One chunk: its spans of some labels, who was asked for them, its tokens, and the number of the first of them."""

    chunk: str
    spans: list[MarkedSpan]
    voters: list[Voter]
    starts: Integers
    ends: Integers
    first: int

    def within(self, start: int, end: int) -> slice:
        """The tokens that an interval touches."""
        return slice(
            int(np.searchsorted(self.ends, start, side="right")), int(np.searchsorted(self.starts, end, side="left"))
        )


class _Layer(NamedTuple):
    """Labels of one kind that compete for tokens, with the chunks where somebody marked one, and the votes there."""

    kind: str
    labels: list[str]
    sequences: list[_Sequence]
    votes: Votes


def tokens(
    spans: pa.Table, voters: Voters, windows: pa.Table, settings: Aggregation, accuracy: Mapping[str, float],
    chosen: dict[str, str],
) -> list[GoldRow]:  # fmt: skip
    """Rows of GOLD_SPANS. An expert's spans are taken as they are; only other chunks are put together from tokens."""
    layers = _layers(spans, voters, windows)
    return _from_tokens(layers, spans, voters, windows, settings, accuracy, chosen)


def tokens_if_known(
    spans: pa.Table, voters: Voters, windows: pa.Table, settings: Aggregation, accuracy: Mapping[str, float],
    chosen: dict[str, str],
) -> list[GoldRow]:  # fmt: skip
    """Rows of GOLD_SPANS: entities from tokens when a model can know most annotators, all else of the same bounds.

    Evidence is always counted with the method "auto": several passages may justify a stance, so no model can tell the
    right one.
    """
    is_entity = pc.equal(spans["kind"], "entity")
    entities, others = spans.filter(is_entity), spans.filter(pc.invert(is_entity))
    counted = replace(settings, method="majority") if settings.method == "auto" else settings
    rows = exact(others, voters, windows, counted, accuracy, chosen)
    layers = _layers(entities, voters, windows)
    largest = max(layers, key=lambda layer: len(layer.votes.item), default=None)
    if largest is None or choose(largest.votes, settings)[0] == "majority":
        return rows + exact(entities, voters, windows, settings, accuracy, chosen)
    return rows + _from_tokens(layers, entities, voters, windows, settings, accuracy, chosen)


def _from_tokens(
    layers: Sequence[_Layer], spans: pa.Table, voters: Voters, windows: pa.Table, settings: Aggregation,
    accuracy: Mapping[str, float], chosen: dict[str, str],
) -> list[GoldRow]:  # fmt: skip
    shown = {chunk: (start, text) for chunk, start, text in rows_of(windows, "chunk_id", "start", "text")}
    by_expert = [g for g in same_bounds(spans, voters) if voters.experts.get(g.chunk_id)]
    rows = decide(by_expert, voters, settings, accuracy, {})
    for kind, labels, sequences, votes in layers:
        believed = believe(votes, settings, accuracy)
        chosen[kind] = believed.chosen
        for sequence in sequences:
            for n, label in enumerate(labels):
                rows += _spans(sequence, kind, label, n, believed, voters, shown[sequence.chunk], settings)
    return rows


def _layers(spans: pa.Table, voters: Voters, windows: pa.Table) -> list[_Layer]:
    shown = {chunk: (start, text) for chunk, start, text in rows_of(windows, "chunk_id", "start", "text")}
    marked = {key: found for key, found in voted_spans(spans, voters).items() if not voters.experts.get(key[0])}
    places = {}
    for chunk in {chunk for chunk, _ in marked}:
        start, text = shown[chunk]
        places[chunk] = np.array(token_spans(text), dtype=np.int64).reshape(-1, 2) + start
    layers: list[_Layer] = []
    for kind in sorted({kind for _, kind in marked}):
        for labels in _together(marked, kind, voters):
            sequences: list[_Sequence] = []
            size = 0
            for (chunk, its_kind), found in marked.items():
                mine = [s for s in found if s.label in labels]
                if its_kind == kind and mine:
                    asked = [v for v in voters.crowd[chunk] if voters.was_asked(v.annotator, labels[0])]
                    sequences.append(_Sequence(chunk, mine, asked, places[chunk][:, 0], places[chunk][:, 1], size))
                    size += len(places[chunk])
            layers.append(_Layer(kind, labels, sequences, _votes(sequences, labels, size)))
    return layers


def _together(marked: Marked, kind: str, voters: Voters) -> list[list[str]]:
    """The labels of a kind in lists: those of one list were asked together, and no annotator nested or crossed them."""
    apart: set[tuple[str, str]] = set()
    labels = sorted({s.label for (_, its_kind), found in marked.items() if its_kind == kind for s in found})
    for (_, its_kind), found in marked.items():
        own: dict[str, list[MarkedSpan]] = defaultdict(list)
        for span in found if its_kind == kind else ():
            before = own[span.annotation_id]
            apart.update((other.label, span.label) for other in before if other.end > span.start)
            before.append(span)
    names = {voter.annotator for made in voters.crowd.values() for voter in made}
    layers: list[list[str]] = []
    for label in labels:
        for layer in layers:
            together = all(voters.was_asked(name, label) == voters.was_asked(name, layer[0]) for name in names)
            if together and not any((x, label) in apart or (label, x) in apart for x in layer):
                layer.append(label)
                break
        else:
            layers.append([label])
    return layers


def _votes(sequences: Sequence[_Sequence], labels: Sequence[str], size: int) -> Votes:
    """One vote per annotator and token: 0 for O, 1 + 2n for the B of label n, and 2 + 2n for its I."""
    names = sorted({voter.annotator for sequence in sequences for voter in sequence.voters})
    number = {name: i for i, name in enumerate(names)}
    none = np.zeros(0, np.int64)
    item, who, tag = [none], [none], [none]
    for sequence in sequences:
        for voter in sequence.voters:
            tags = np.zeros(len(sequence.starts), np.int64)
            covered = dict.fromkeys(labels, 0)
            for span in sequence.spans:
                if span.annotation_id == voter.annotation_id and span.start >= covered[span.label]:
                    inside = sequence.within(span.start, span.end)
                    tags[inside] = 2 + 2 * labels.index(span.label)
                    tags[inside.start : min(inside.start + 1, inside.stop)] -= 1
                    covered[span.label] = span.end
            item.append(sequence.first + np.arange(len(tags)))
            who.append(np.full(len(tags), number[voter.annotator]))
            tag.append(tags)
    tags_of = ["O", *(f"{side}-{label}" for label in labels for side in "BI")]
    first = np.array([sequence.first for sequence in sequences], dtype=np.int64)
    return Votes(size, names, tags_of, np.concatenate(item), np.concatenate(who), np.concatenate(tag), first)


def _spans(
    sequence: _Sequence, kind: str, label: str, number: int, believed: Beliefs, voters: Voters, shown: tuple[int, str],
    settings: Aggregation,
) -> list[GoldRow]:  # fmt: skip
    """Rows of the spans of one label in one chunk."""
    mine = [s for s in sequence.spans if s.label == label]
    if not mine:
        return []
    here = slice(sequence.first, sequence.first + len(sequence.starts))
    decides, soft, shares = (b[here] for b in (believed.decides, believed.soft, believed.shares))
    begins, inside = decides[:, 1 + 2 * number], _inside(decides, number)
    certain = inside > settings.min_share + TIE
    open_ = (inside > 1 - settings.min_share - TIE) | _of_some_label(decides, inside, settings.min_share)
    marked = np.zeros(len(open_), dtype=np.bool_)
    places = [sequence.within(span.start, span.end) for span in mine]
    for within in places:
        marked[within] = True
    # A model may believe in a token that nobody marked; such a token is in no span.
    open_ &= marked
    goes_on = np.append(False, open_[:-1] & open_[1:])
    starts_here = open_ & ~(goes_on & (2 * begins < inside + TIE))
    # A border is not decided where as many annotators begin a span as go on with one.
    certain &= ~(goes_on & (np.abs(2 * begins - inside) < TIE))

    def row(tokens: slice, start: int, end: int, status: str) -> GoldRow:
        touched = [s for s in mine if 2 * _shared(sequence.within(s.start, s.end), tokens) > tokens.stop - tokens.start]
        group = SpanGroup(sequence.chunk, kind, touched)
        giving = {s.annotation_id for s in touched}
        same = {s.annotation_id for s in touched if (s.start, s.end) == (start, end)}
        agreed, named = (group.targets(label, certain=c) for c in (True, False))
        votes = [{**v._asdict(), "label": label if v.annotation_id in giving else None} for v in sequence.voters]
        sums = [np.array([1 - p, p]) for p in (float(_inside(b, number)[tokens].mean()) for b in (soft, shares))]
        columns = soft_columns([None, label], *sums)
        unanimous = len(same) == len(sequence.voters)
        if status == "kept" and named and not agreed:
            status = "unresolved"
        if status == "kept":
            sure = unanimous and float(sums[0][1]) > settings.min_share
            status = decision(believed.method, len(sequence.voters), sure)
        if status == "rejected" and unanimous:
            status = "unresolved"
        return {
            "chunk_id": sequence.chunk, "article_id": voters.article[sequence.chunk], "kind": kind, "start": start,
            "end": end, "label": label, "text": shown[1][start - shown[0] : end - shown[0]],
            "targets": agreed if status not in ("unresolved", "rejected") else named,
            "probability": columns["posterior"][1]["probability"], **columns, "method": f"{believed.method}:tokens",
            "votes": votes, "status": status,
        }  # fmt: skip

    rows = []
    for first in np.flatnonzero(starts_here).tolist():
        last = first + 1
        while last < len(open_) and open_[last] and not starts_here[last]:
            last += 1
        # Bounds that nobody gave are the model's own: somebody must begin there, and somebody end.
        given = first in {w.start for w in places} and last in {w.stop for w in places}
        status = "kept" if given and certain[first:last].all() else "unresolved"
        rows.append(row(slice(first, last), int(sequence.starts[first]), int(sequence.ends[last - 1]), status))
    for start, end in sorted({(s.start, s.end) for s in mine}):
        within = sequence.within(start, end)
        if within.stop > within.start and not open_[within].any():
            rows.append(row(within, start, end, "rejected"))
    return rows


def _inside(beliefs: Floats, number: int) -> Floats:
    """The belief that each token is in a span of a label."""
    found: Floats = beliefs[:, 1 + 2 * number] + beliefs[:, 2 + 2 * number]
    return found


def _of_some_label(beliefs: Floats, inside: Floats, min_share: float) -> Mask:
    """Tokens that are in a span of some label, none of which is certain, and where this label is the likeliest."""
    by_label = beliefs[:, 1::2] + beliefs[:, 2::2]
    likeliest = by_label.max(axis=1)
    undecided = (by_label.sum(axis=1) > min_share + TIE) & (likeliest <= min_share + TIE)
    found: Mask = undecided & (inside > likeliest - TIE)
    return found


def _shared(one: slice, other: slice) -> int:
    stop, start = min(one.stop, other.stop), max(one.start, other.start)
    return max(int(stop - start), 0)
