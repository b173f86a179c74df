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
from builder.quality.aggregation.believe import Beliefs, Decider, choose, soft_columns
from builder.quality.aggregation.majority import TIE
from builder.quality.votes import Floats, Integers, Voter, Voters, Votes
from builder.tables import rows_of
from builder.text import token_spans

#: By chunk and kind, the spans that vote.
Marked = Mapping[tuple[str, str], Sequence[MarkedSpan]]


class _Text(NamedTuple):
    """One chunk: its start and text, its tokens, the number of the first of them, its spans, and who was asked."""

    chunk: str
    start: int
    text: str
    starts: Integers
    ends: Integers
    first: int
    spans: list[MarkedSpan]
    voters: list[Voter]

    def within(self, start: int, end: int) -> slice:
        """The tokens that an interval touches."""
        return slice(
            int(np.searchsorted(self.ends, start, side="right")), int(np.searchsorted(self.starts, end, side="left"))
        )


class _Layer(NamedTuple):
    """Labels of one kind that compete for tokens, the chunks where somebody marked one, and the votes there."""

    kind: str
    labels: list[str]
    texts: list[_Text]
    votes: Votes


def tokens(spans: pa.Table, windows: pa.Table, decider: Decider) -> list[GoldRow]:
    """Rows of GOLD_SPANS. An expert's spans are taken as they are; only other chunks are put together from tokens."""
    return _from_tokens(_layers(spans, windows, decider.voters), spans, decider)


def tokens_if_known(spans: pa.Table, windows: pa.Table, decider: Decider) -> list[GoldRow]:
    """Rows of GOLD_SPANS: a kind from tokens where a model can know most of its annotators, else of the same bounds."""
    rows: list[GoldRow] = []
    for kind in sorted(set(spans["kind"].to_pylist())):
        mine = spans.filter(pc.equal(spans["kind"], kind))
        layers = _layers(mine, windows, decider.voters)
        largest = max((layer.votes for layer in layers), key=lambda votes: len(votes.item), default=None)
        known = largest is not None and choose(largest, decider.settings)[0] != "majority"
        rows += _from_tokens(layers, mine, decider) if known else exact(mine, windows, decider)
    return rows


def _from_tokens(layers: Sequence[_Layer], spans: pa.Table, decider: Decider) -> list[GoldRow]:
    by_expert = [g for g in same_bounds(spans, decider.voters) if decider.voters.experts.get(g.chunk_id)]
    rows = decide(by_expert, replace(decider, chosen={}))
    for kind, labels, texts, votes in layers:
        believed = decider.believe(kind, votes)
        for text in texts:
            for number, label in enumerate(labels):
                rows += _spans(text, kind, label, number, believed, decider)
    return rows


def _layers(spans: pa.Table, windows: pa.Table, voters: Voters) -> list[_Layer]:
    marked = {key: found for key, found in voted_spans(spans, voters).items() if not voters.experts.get(key[0])}
    chunks = {chunk for chunk, _ in marked}
    places = {
        chunk: (start, text, np.array(token_spans(text), dtype=np.int64).reshape(-1, 2).T + start)
        for chunk, start, text in rows_of(windows, "chunk_id", "start", "text")
        if chunk in chunks
    }
    layers: list[_Layer] = []
    for kind in sorted({kind for _, kind in marked}):
        for labels in _together(marked, kind, voters):
            texts: list[_Text] = []
            size = 0
            for (chunk, its_kind), found in marked.items():
                mine = [s for s in found if s.label in labels]
                if its_kind == kind and mine:
                    start, text, (starts, ends) = places[chunk]
                    asked = [v for v in voters.crowd[chunk] if voters.was_asked(v.annotator, labels[0])]
                    texts.append(_Text(chunk, start, text, starts, ends, size, mine, asked))
                    size += len(starts)
            layers.append(_Layer(kind, labels, texts, _votes(texts, labels, size)))
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


def _votes(texts: Sequence[_Text], labels: Sequence[str], size: int) -> Votes:
    """One vote per annotator and token: 0 for O, 1 + 2n for the B of label n, and 2 + 2n for its I."""
    names = sorted({voter.annotator for text in texts for voter in text.voters})
    number = {name: i for i, name in enumerate(names)}
    blocks = [np.zeros((3, 0), np.int64)]
    for text in texts:
        for voter in text.voters:
            tags = np.zeros(len(text.starts), np.int64)
            covered = dict.fromkeys(labels, 0)
            for span in text.spans:
                if span.annotation_id == voter.annotation_id and span.start >= covered[span.label]:
                    inside = text.within(span.start, span.end)
                    tags[inside] = 2 + 2 * labels.index(span.label)
                    tags[inside.start : min(inside.start + 1, inside.stop)] -= 1
                    covered[span.label] = span.end
            items = text.first + np.arange(len(tags))
            blocks.append(np.stack([items, np.full(len(tags), number[voter.annotator]), tags]))
    tags_of = ["O", *(f"{side}-{label}" for label in labels for side in "BI")]
    first = np.array([text.first for text in texts], dtype=np.int64)
    item, who, tag = np.concatenate(blocks, axis=1)
    return Votes(size, names, tags_of, item, who, tag, first)


def _spans(text: _Text, kind: str, label: str, number: int, believed: Beliefs, decider: Decider) -> list[GoldRow]:
    """Rows of the spans of one label in one chunk."""
    mine, min_share = [s for s in text.spans if s.label == label], decider.settings.min_share
    if not mine:
        return []
    here = slice(text.first, text.first + len(text.starts))
    decides = believed.decides[here]
    begins, inside = decides[:, 1 + 2 * number], _inside(decides, number)
    certain = inside > min_share + TIE
    by_label = decides[:, 1::2] + decides[:, 2::2]
    likeliest = by_label.max(axis=1)
    # In a span of some label, none of which is certain; this label is the likeliest.
    of_some = (by_label.sum(axis=1) > min_share + TIE) & (likeliest <= min_share + TIE) & (inside > likeliest - TIE)
    open_ = (inside > 1 - min_share - TIE) | of_some
    places = [text.within(span.start, span.end) for span in mine]
    # A model may believe in a token that nobody marked; such a token is in no span.
    open_ &= np.bincount(np.concatenate([np.r_[w] for w in places]).astype(np.int64), minlength=len(open_)) > 0
    goes_on = np.append(False, open_[:-1] & open_[1:])
    starts_here = open_ & ~(goes_on & (2 * begins < inside + TIE))
    # A border is not decided where as many annotators begin a span as go on with one.
    certain &= ~(goes_on & (np.abs(2 * begins - inside) < TIE))

    def row(first: int, last: int, start: int, end: int, status: str) -> GoldRow:
        def shares_most(span: MarkedSpan) -> bool:
            its = text.within(span.start, span.end)
            return 2 * (int(min(its.stop, last)) - int(max(its.start, first))) > last - first

        touched = [s for s in mine if shares_most(s)]
        giving = {s.annotation_id for s in touched}
        unanimous = len({s.annotation_id for s in touched if (s.start, s.end) == (start, end)}) == len(text.voters)
        targets, status = SpanGroup(text.chunk, kind, touched).targets_if(status)
        votes = [{**v._asdict(), "label": label if v.annotation_id in giving else None} for v in text.voters]
        means = (float(_inside(b[here], number)[first:last].mean()) for b in (believed.soft, believed.shares))
        columns = soft_columns([None, label], *(np.array([1 - p, p]) for p in means))
        probability = columns["posterior"][1]["probability"]
        if status == "kept":
            status = decision(believed.method, len(text.voters), unanimous and probability > min_share)
        silent = len(text.voters) - len(giving)
        if (status == "rejected" and silent < believed.min_backers) or (
            status == "adjudicated" and silent and len(giving) < believed.min_backers
        ):
            status = "unresolved"
        return {
            "chunk_id": text.chunk, "article_id": decider.voters.article[text.chunk], "kind": kind, "start": start,
            "end": end, "label": label, "text": text.text[start - text.start : end - text.start], "targets": targets,
            "probability": probability, **columns, "method": f"{believed.method}:tokens", "votes": votes,
            "status": status,
        }  # fmt: skip

    rows = []
    for first in np.flatnonzero(starts_here).tolist():
        last = first + 1
        while last < len(open_) and open_[last] and not starts_here[last]:
            last += 1
        # Bounds that nobody gave are the model's own: somebody must begin there, and somebody end.
        given = first in {w.start for w in places} and last in {w.stop for w in places}
        status = "kept" if given and certain[first:last].all() else "unresolved"
        rows.append(row(first, last, int(text.starts[first]), int(text.ends[last - 1]), status))
    for start, end in sorted({(s.start, s.end) for s in mine}):
        within = text.within(start, end)
        if within.stop > within.start and not open_[within].any():
            rows.append(row(within.start, within.stop, start, end, "rejected"))
    return rows


def _inside(beliefs: Floats, number: int) -> Floats:
    """The belief that each token is in a span of a label."""
    found: Floats = beliefs[:, 1 + 2 * number] + beliefs[:, 2 + 2 * number]
    return found
