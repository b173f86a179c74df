"""Gold spans put together token by token, as a sequence: for long spans whose bounds annotators rarely share.

Each label is a sequence of its own, in which every annotator says of every token that a span begins there (B), goes on
(I), or neither (O); of nested spans of one label only the outermost is seen. Tokens are words and single other
characters. The votes become beliefs by the method chosen, and the likeliest sequence in which no I follows an O is
taken (Viterbi). A span is unresolved when a token of it, or the question whether it begins there, is not decided by
more than `min_share`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from builder.quality.aggregation import TIE
from builder.quality.candidates import Group, Mark, marks_of
from builder.quality.methods import METHODS, weights_of
from builder.quality.panel import Panel, Voter
from builder.quality.settings import Aggregation
from builder.quality.votes import Floats, Votes

_TOKEN = re.compile(r"\w+|[^\w\s]")
_TAGS = ("B", "I", "O")
B, INSIDE, OUT = 0, 1, 2


class _Layer(NamedTuple):
    """One label in one chunk: its marks, who was asked, where its tokens are, and the number of the first of them."""

    chunk: str
    kind: str
    label: str
    marks: list[Mark]
    voters: list[Voter]
    tokens: list[tuple[int, int]]
    first: int


def token_spans(
    spans: pa.Table, panel: Panel, windows: pa.Table, settings: Aggregation, accuracy: Mapping[str, float]
) -> list[dict[str, object]]:
    """Rows of GOLD_SPANS of all chunks that no expert decided."""
    columns = (windows[c].to_pylist() for c in ("chunk_id", "start", "text"))
    shown = {chunk: (start, text) for chunk, start, text in zip(*columns, strict=True)}
    marks = {key: found for key, found in marks_of(spans, panel).items() if not panel.experts.get(key[0])}
    rows: list[dict[str, object]] = []
    for kind, label in sorted({(kind, m.label) for (_, kind), found in marks.items() for m in found}):
        layers: list[_Layer] = []
        size = 0
        for (chunk, its_kind), found in marks.items():
            mine = [m for m in found if m.label == label]
            if its_kind == kind and mine:
                start, text = shown[chunk]
                tokens = [(start + m.start(), start + m.end()) for m in _TOKEN.finditer(text)]
                voters = [v for v in panel.people[chunk] if panel.was_asked(v.annotator, label)]
                layers.append(_Layer(chunk, kind, label, mine, voters, tokens, size))
                size += len(tokens)
        votes = Votes.of([row for layer in layers for row in _votes(layer)], size, _TAGS)
        beliefs = METHODS[settings.method](votes, settings, weights_of(votes, settings, accuracy))
        for layer in layers:
            rows += _spans(layer, beliefs[layer.first :][: len(layer.tokens)], panel, shown[layer.chunk], settings)
    return rows


def _votes(layer: _Layer) -> list[tuple[int, str, str]]:
    out = []
    for voter in layer.voters:
        tags = np.full(len(layer.tokens), OUT)
        covered = 0
        for m in layer.marks:
            if m.annotation_id == voter.annotation_id and m.start >= covered:
                inside = [i for i, (start, end) in enumerate(layer.tokens) if start < m.end and end > m.start]
                tags[inside], tags[inside[:1]], covered = INSIDE, B, m.end
        out += [(layer.first + i, voter.annotator, _TAGS[tag]) for i, tag in enumerate(tags.tolist())]
    return out


def _spans(
    layer: _Layer, beliefs: Floats, panel: Panel, shown: tuple[int, str], settings: Aggregation
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    tags = _viterbi(beliefs)
    start_of = [i for i, tag in enumerate(tags) if tag == B]
    for first in start_of:
        last = first
        while last + 1 < len(tags) and tags[last + 1] == INSIDE:
            last += 1
        inside = beliefs[first : last + 1, :OUT].sum(axis=1)
        certain = float(inside.min()) > settings.min_share + TIE
        # A span that ends where most annotators go on, or begins where some begin and as many go on, is not decided.
        split = beliefs[first : last + 1]
        certain &= not (np.abs(split[:, B] - split[:, INSIDE]) < TIE).any()
        start, end = layer.tokens[first][0], layer.tokens[last][1]
        rows.append(_row(layer, start, end, float(inside.mean()), certain, panel, shown, settings))
    return rows


def _row(
    layer: _Layer, start: int, end: int, probability: float, certain: bool, panel: Panel,
    shown: tuple[int, str], settings: Aggregation,
) -> dict[str, object]:  # fmt: skip
    tokens = [t for t in layer.tokens if start <= t[0] and t[1] <= end]
    supporting: dict[str, list[Mark]] = {}
    for m in layer.marks:
        if 2 * sum(m.start < t[1] and m.end > t[0] for t in tokens) > len(tokens):
            supporting.setdefault(m.annotation_id, []).append(m)
    group = Group(layer.chunk, layer.kind, [m for found in supporting.values() for m in found])
    exact = {m.annotation_id for m in group.marks if (m.start, m.end) == (start, end)}
    targets = group.targets(layer.label, certain=certain) or group.targets(layer.label, certain=False)
    sure = certain and (layer.kind != "evidence" or bool(group.targets(layer.label, certain=True)) or not targets)
    if not sure:
        status = "unresolved"
    elif len(exact) == len(layer.voters):
        status = "agreed"
    else:
        status = "unresolved" if settings.method == "expert" else "adjudicated"
    return {
        "chunk_id": layer.chunk,
        "article_id": panel.article[layer.chunk],
        "kind": layer.kind,
        "start": start,
        "end": end,
        "label": layer.label,
        "text": shown[1][start - shown[0] : end - shown[0]],
        "targets": targets,
        "probability": probability,
        "method": f"{settings.method}:tokens",
        "votes": [
            {
                "annotator": v.annotator,
                "annotation_id": v.annotation_id,
                "label": layer.label if v.annotation_id in supporting else None,
            }
            for v in layer.voters
        ],
        "status": status,
    }


def _viterbi(beliefs: Floats) -> Sequence[int]:
    """The likeliest tags, none of them an I after an O; a tie goes to what marks more, to be shown as unresolved."""
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
