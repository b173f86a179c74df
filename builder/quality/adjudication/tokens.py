"""Gold spans put together from tokens, as a sequence: for long spans whose bounds annotators rarely share.

Each label is a sequence of its own, in which every annotator says of every token that a span begins there (B), goes on
(I), or neither (O). Of nested spans of one label only the outermost counts. The configured method turns the votes into
beliefs, and the likeliest sequence in which no I follows an O is used (Viterbi). A span is unresolved when one of its
tokens, or whether a span begins there, is not decided by more than `min_share`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from builder.quality import load
from builder.quality.adjudication.spans import (
    GoldRow,
    MarkedSpan,
    SpanGroup,
    decide,
    decision,
    same_bounds,
    voted_spans,
)  # fmt: skip
from builder.quality.aggregation import METHODS
from builder.quality.aggregation.majority import TIE
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Voter, Voters, Votes
from builder.tables import rows_of
from builder.text import token_spans

_TAGS = ("B", "I", "O")
B, INSIDE, OUT = 0, 1, 2


class _Sequence(NamedTuple):
    """One label in one chunk: its spans, who was asked, the chunk's tokens, and the number of the first of them."""

    chunk: str
    kind: str
    label: str
    spans: list[MarkedSpan]
    voters: list[Voter]
    tokens: list[tuple[int, int]]
    first: int


def tokens(
    spans: pa.Table, voters: Voters, windows: pa.Table, settings: Aggregation, accuracy: Mapping[str, float]
) -> list[GoldRow]:
    """Rows of GOLD_SPANS. An expert's spans are taken as they are; only other chunks are put together from tokens."""
    shown = {chunk: (start, text) for chunk, start, text in rows_of(windows, "chunk_id", "start", "text")}
    marked = {key: found for key, found in voted_spans(spans, voters).items() if not voters.experts.get(key[0])}
    places = {
        chunk: [(shown[chunk][0] + start, shown[chunk][0] + end) for start, end in token_spans(shown[chunk][1])]
        for chunk in {chunk for chunk, _ in marked}
    }
    by_expert = [g for g in same_bounds(spans, voters) if voters.experts.get(g.chunk_id)]
    rows = decide(by_expert, voters, settings, accuracy)
    for kind, label in sorted({(kind, s.label) for (_, kind), found in marked.items() for s in found}):
        sequences: list[_Sequence] = []
        size = 0
        for (chunk, its_kind), found in marked.items():
            mine = [s for s in found if s.label == label]
            if its_kind == kind and mine:
                asked = [v for v in voters.crowd[chunk] if voters.was_asked(v.annotator, label)]
                sequences.append(_Sequence(chunk, kind, label, mine, asked, places[chunk], size))
                size += len(places[chunk])
        votes = Votes.of([row for sequence in sequences for row in _votes(sequence)], size, _TAGS)
        beliefs = load(METHODS[settings.method])(votes, settings, accuracy)
        for sequence in sequences:
            its_own = beliefs[sequence.first :][: len(sequence.tokens)]
            rows += _spans(sequence, its_own, voters, shown[sequence.chunk], settings)
    return rows


def _votes(sequence: _Sequence) -> list[tuple[int, str, str]]:
    out = []
    for voter in sequence.voters:
        tags = np.full(len(sequence.tokens), OUT)
        covered = 0
        for span in sequence.spans:
            if span.annotation_id == voter.annotation_id and span.start >= covered:
                inside = [i for i, (start, end) in enumerate(sequence.tokens) if start < span.end and end > span.start]
                tags[inside], tags[inside[:1]], covered = INSIDE, B, span.end
        out += [(sequence.first + i, voter.annotator, _TAGS[tag]) for i, tag in enumerate(tags.tolist())]
    return out


def _spans(
    sequence: _Sequence, beliefs: Floats, voters: Voters, shown: tuple[int, str], settings: Aggregation
) -> list[GoldRow]:
    rows: list[GoldRow] = []
    tags = _viterbi(beliefs)
    for first in [i for i, tag in enumerate(tags) if tag == B]:
        last = first
        while last + 1 < len(tags) and tags[last + 1] == INSIDE:
            last += 1
        belief = beliefs[first : last + 1]
        inside = belief[:, :OUT].sum(axis=1)
        certain = float(inside.min()) > settings.min_share + TIE
        # A span is not decided where as many annotators begin one as go on with one.
        certain &= not (np.abs(belief[:, B] - belief[:, INSIDE]) < TIE).any()
        tokens = sequence.tokens[first : last + 1]
        start, end = tokens[0][0], tokens[-1][1]
        covering = [s for s in sequence.spans if 2 * sum(s.start < t[1] and s.end > t[0] for t in tokens) > len(tokens)]
        supporting = {s.annotation_id for s in covering}
        exact = {s.annotation_id for s in covering if (s.start, s.end) == (start, end)}
        group = SpanGroup(sequence.chunk, sequence.kind, covering)
        agreed, named = (group.targets(sequence.label, certain=c) for c in (True, False))
        decided = certain and (bool(agreed) or not named)
        votes = [
            {**v._asdict(), "label": sequence.label if v.annotation_id in supporting else None} for v in sequence.voters
        ]
        status = decision(settings, len(exact) == len(sequence.voters)) if decided else "unresolved"
        rows.append({
            "chunk_id": sequence.chunk, "article_id": voters.article[sequence.chunk], "kind": sequence.kind,
            "start": start, "end": end, "label": sequence.label, "text": shown[1][start - shown[0] : end - shown[0]],
            "targets": agreed if certain and agreed else named, "probability": float(inside.mean()),
            "method": f"{settings.method}:tokens", "votes": votes, "status": status,
        })  # fmt: skip
    return rows


def _viterbi(beliefs: Floats) -> Sequence[int]:
    """The likeliest tags, without an I after an O. Of equals the tag that marks more wins, to become unresolved."""
    n = len(beliefs)
    if not n:
        return []
    logs = np.log(np.maximum(beliefs, 1e-12)) + np.array([2e-9, 1e-9, 0.0])
    score = np.array([logs[0, B], -np.inf, logs[0, OUT]])
    back = np.zeros((n, 3), dtype=np.int64)
    for i in range(1, n):
        back[i] = [int(score.argmax()), B if score[B] >= score[INSIDE] else INSIDE, int(score.argmax())]
        score = np.array([score.max(), max(score[B], score[INSIDE]), score.max()]) + logs[i]
    tags = [int(score.argmax())]
    for i in range(n - 1, 0, -1):
        tags.append(int(back[i, tags[-1]]))
    return tags[::-1]
