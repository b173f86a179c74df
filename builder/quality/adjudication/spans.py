"""Gold spans: what annotators marked, with the vote of everyone who saw the chunk.

Spans that mean the same are one group. The labels given within a group compete, and so does silence: an annotator who
saw the chunk and marked nothing there votes for no span.

A label is kept when it holds more than `min_share` of the belief and more than any other label. It is rejected when
another label or silence wins. Everything else is unresolved: a belief of exactly `min_share`, two labels with equal
belief, bounds that most annotators marked without agreeing on the label, and a mention that most annotators marked with
a label but within different bounds. What everybody marked is never rejected, even when a model trusts none of them.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from builder.quality.aggregation.believe import Decider, soft_columns
from builder.quality.aggregation.majority import TIE
from builder.quality.settings import SPAN_METHODS
from builder.quality.votes import Floats, Voter, Voters, Votes
from builder.settings import load
from builder.tables import GOLD_SPANS, build, rows_of

#: The label of an annotator who saw the place and marked nothing.
SILENCE = ""
GoldRow = dict[str, Any]


class MarkedSpan(NamedTuple):
    """One annotator's span, in article coordinates."""

    annotation_id: str
    start: int
    end: int
    label: str
    text: str
    targets: tuple[str, ...]


@dataclass
class SpanGroup:
    """Spans in one chunk that compete for being one gold span."""

    chunk_id: str
    kind: str
    spans: list[MarkedSpan] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        return sorted({s.label for s in self.spans})

    def labels_of(self) -> dict[str, list[str]]:
        """The labels that each annotation gave, each once."""
        given: dict[str, list[str]] = defaultdict(list)
        for annotation, label in dict.fromkeys((s.annotation_id, s.label) for s in self.spans):
            given[annotation].append(label)
        return given

    def with_label(self, label: str, annotations: Collection[str] = ()) -> "SpanGroup":
        """The spans of one label; those of some annotations when these have any."""
        spans = [s for s in self.spans if s.label == label]
        return SpanGroup(self.chunk_id, self.kind, [s for s in spans if s.annotation_id in annotations] or spans)

    def bounds(self) -> tuple[int, int, str]:
        """Most common bounds (and their text); of equals the longest, then the first."""
        counts = Counter((s.start, s.end, s.text) for s in self.spans)
        return min(counts, key=lambda b: (-counts[b], b[0] - b[1], b[0], b[2]))

    def targets(self, certain: bool) -> list[str]:
        """Targets named by more than half of the spans, or with `certain` false by any of them."""
        counts = Counter(t for s in self.spans for t in s.targets)
        return sorted(t for t, n in counts.items() if not certain or 2 * n > len(self.spans))

    def targets_if(self, status: str) -> tuple[list[str], str]:
        """The targets of a gold span of this status, "kept" or not, and the status: annotators who agree that it is
        evidence, but not on its targets, leave it unresolved."""
        agreed, named = self.targets(certain=True), self.targets(certain=False)
        status = "unresolved" if status == "kept" and named and not agreed else status
        return agreed if status == "kept" else named, status


def voted_spans(spans: pa.Table, voters: Voters) -> dict[tuple[str, str], list[MarkedSpan]]:
    """The spans of annotations that vote, by chunk and kind, in the order of the text."""
    allowed = {v.annotation_id for chunk in voters.chunks for v in voters.of(chunk)}
    columns = ("annotation_id", "chunk_id", "kind", "start", "end", "label", "text", "targets")
    found: dict[tuple[str, str], set[MarkedSpan]] = defaultdict(set)
    for annotation, chunk, kind, start, end, label, text, targets in rows_of(spans, *columns):
        if annotation in allowed:
            found[chunk, kind].add(MarkedSpan(annotation, start, end, label, text, tuple(targets or ())))
    return {key: sorted(found[key], key=lambda s: (s.start, -s.end, s.label, s.annotation_id)) for key in sorted(found)}


def same_bounds(spans: pa.Table, voters: Voters) -> list[SpanGroup]:
    """Groups of spans that have the very same bounds."""
    groups: dict[tuple[str, str, int, int], SpanGroup] = {}
    for (chunk, kind), marked in voted_spans(spans, voters).items():
        for span in marked:
            groups.setdefault((chunk, kind, span.start, span.end), SpanGroup(chunk, kind)).spans.append(span)
    return list(groups.values())


def overlapping(spans: pa.Table, voters: Voters, min_overlap: float) -> list[SpanGroup]:
    """Groups of spans that overlap the group's first bounds by `min_overlap` (intersection over union) or more.

    Bounds that most annotators gave start a group first; of equals the longest, then the first in the text. A group
    takes the nearest spans that no earlier group took: from each annotator those of one pair of bounds.
    """
    by_chunk: dict[tuple[str, str], dict[tuple[int, int], list[MarkedSpan]]] = defaultdict(dict)
    for same in same_bounds(spans, voters):
        by_chunk[same.chunk_id, same.kind][same.spans[0].start, same.spans[0].end] = same.spans
    out: list[SpanGroup] = []
    for (chunk, kind), left in by_chunk.items():
        givers = {bounds: len({s.annotation_id for s in given}) for bounds, given in left.items()}
        for seed in sorted(left, key=lambda b: (-givers[b], b[0] - b[1], b[0])):
            if not left[seed]:
                continue
            group = SpanGroup(chunk, kind)
            for bounds in sorted(left, key=lambda b: (-_overlap(seed, b), b)):
                if _overlap(seed, bounds) < min_overlap:
                    break
                inside = {s.annotation_id for s in group.spans}
                group.spans += [s for s in left[bounds] if s.annotation_id not in inside]
                left[bounds] = [s for s in left[bounds] if s.annotation_id in inside]
            out.append(group)
    return out


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    shared = max(min(one[1], other[1]) - max(one[0], other[0]), 0)
    return shared / (one[1] - one[0] + other[1] - other[0] - shared) if shared else 0.0


def decision(method: str, votes: int, unanimous: bool) -> str:
    """The status of a label that won among so many votes. What rests on one vote is "single", never "agreed"."""
    if votes == 1:
        return "single"
    return "agreed" if unanimous else "unresolved" if method == "expert" else "adjudicated"


def gold_spans(spans: pa.Table, windows: pa.Table, decider: Decider) -> pa.Table:
    """GOLD_SPANS in the order of chunk, kind, start, end (descending) and label; one row per group and label.

    `status` is "agreed" (everyone who was asked marked it), "single" (the only one who was asked did), "adjudicated",
    "expert", "unresolved" or "rejected".
    """
    rows: list[GoldRow] = load(SPAN_METHODS[decider.settings.spans])(spans, windows, decider)
    rows.sort(key=lambda r: (r["chunk_id"], r["kind"], r["start"], -r["end"], r["label"]))
    return build(rows, GOLD_SPANS)


def exact(spans: pa.Table, windows: pa.Table, decider: Decider) -> list[GoldRow]:
    """Gold of spans that vote for one another when their bounds are the very same."""
    return decide(same_bounds(spans, decider.voters), decider)


def overlap(spans: pa.Table, windows: pa.Table, decider: Decider) -> list[GoldRow]:
    """Gold of spans that vote for one another when they overlap by `min_overlap`."""
    return decide(overlapping(spans, decider.voters, decider.settings.min_overlap), decider)


def decide(groups: Sequence[SpanGroup], decider: Decider) -> list[GoldRow]:
    """Rows of GOLD_SPANS: one per group and label. Kinds of span do not compete with one another."""
    out: list[GoldRow] = []
    voters = decider.voters
    for kind in sorted({g.kind for g in groups}):
        mine = [g for g in groups if g.kind == kind]
        labels = [SILENCE, *sorted({label for g in mine for label in g.labels})]
        sides = (_votes(mine, voters, side, labels) for side in (voters.crowd, voters.experts))
        believed = decider.believe(kind, *sides)
        rows: dict[tuple[str, str], list[tuple[SpanGroup, GoldRow]]] = defaultdict(list)
        for group, *beliefs in zip(mine, believed.decides, believed.soft, believed.shares, strict=True):
            for label in group.labels:
                row = _row(group, label, beliefs, labels, decider, believed.method)
                rows[group.chunk_id, label].append((group, row))
        for (chunk, label), found in rows.items():
            by_expert = voters.experts.get(chunk)
            out += [row for _, row in found] if by_expert else _with_open_borders(found, label, decider)
    return out


def _votes(
    groups: Sequence[SpanGroup], voters: Voters, side: Mapping[str, list[Voter]], labels: Sequence[str]
) -> Votes:
    """The votes of one side (`voters.crowd` or `voters.experts`): item i is group i."""
    rows: list[tuple[int, str, str]] = []
    for i, group in enumerate(groups):
        marked = group.labels_of()
        for voter in side.get(group.chunk_id, ()):
            silent = [SILENCE] if voters.was_asked(voter.annotator, *group.labels) else []
            rows += [(i, voter.annotator, label) for label in marked.get(voter.annotation_id, silent)]
    return Votes.of(rows, len(groups), labels)


def _row(
    group: SpanGroup, label: str, beliefs: Sequence[Floats], labels: Sequence[str], decider: Decider, method: str
) -> GoldRow:
    """One row of GOLD_SPANS; `beliefs` are what decides, the soft labels and the shares of all `labels`."""
    marked, voters, min_share = group.labels_of(), decider.voters, decider.settings.min_share
    votes = [
        {**v._asdict(), "label": label if label in given else min(given, default=None)}
        for v, given in ((v, marked.get(v.annotation_id, [])) for v in voters.of(group.chunk_id))
        if given or voters.was_asked(v.annotator, *group.labels)
    ]
    experts = {v.annotation_id for v in voters.experts.get(group.chunk_id, ())}
    deciding = group.with_label(label, experts)
    status = _verdict(beliefs[0].tolist(), labels.index(label), min_share)
    unanimous = not experts and all(marked.get(v["annotation_id"]) == [label] for v in votes)
    if unanimous and status == "rejected":
        status = "unresolved"
    start, end, text = deciding.bounds()
    targets, status = deciding.targets_if(status)
    places = [0, *(labels.index(x) for x in group.labels)]
    soft = soft_columns([None, *group.labels], *(belief[places] for belief in beliefs[1:]))
    probability = next(p["probability"] for p in soft["posterior"] if p["label"] == label)
    if status == "kept":
        status = "expert" if experts else decision(method, len(votes), unanimous and probability > min_share)
    named = f"{method}:overlap" if decider.settings.spans == "overlap" else method
    return {
        "chunk_id": group.chunk_id, "article_id": voters.article[group.chunk_id], "kind": group.kind,
        "start": start, "end": end, "label": label, "text": text, "targets": targets, "probability": probability,
        **soft, "method": "expert" if experts else named, "votes": votes, "status": status,
    }  # fmt: skip


def _verdict(belief: list[float], mine: int, min_share: float) -> str:
    """Whether the label at `mine` is "kept", "rejected" or "unresolved"; silence is the first label."""
    p, rival = belief[mine], max(x for i, x in enumerate(belief) if i != mine)
    if p > min_share + TIE and rival < p - TIE:
        return "kept"
    undecided = max(belief) <= min_share + TIE and sum(belief[1:]) > min_share + TIE
    return "rejected" if p < 1 - min_share - TIE and not undecided else "unresolved"


def _with_open_borders(found: Sequence[tuple[SpanGroup, GoldRow]], label: str, decider: Decider) -> list[GoldRow]:
    """The rows of one label in one chunk, with one unresolved row per mention whose borders alone are in dispute.

    That is a set of overlapping groups of which none is kept, when more than `min_share` of those who were asked marked
    one of them with the label.
    """
    out: list[GoldRow] = []
    clusters: list[list[tuple[SpanGroup, GoldRow]]] = []
    reach = -1
    for group, row in sorted(found, key=lambda f: (f[1]["start"], -f[1]["end"])):
        if row["start"] >= reach:
            clusters.append([])
        clusters[-1].append((group, row))
        reach = max(reach, row["end"])
    for cluster in clusters:
        rows = [row for _, row in cluster]
        together = SpanGroup(rows[0]["chunk_id"], rows[0]["kind"], [s for g, _ in cluster for s in g.spans])
        mention = together.with_label(label)
        givers = {s.annotation_id for s in mention.spans}
        voters = decider.voters.of(mention.chunk_id)
        asked = [v for v in voters if v.annotation_id in givers or decider.voters.was_asked(v.annotator, label)]
        part = len(givers) / len(asked)
        kept = any(row["status"] not in ("rejected", "unresolved") for row in rows)
        if len(rows) < 2 or kept or part <= decider.settings.min_share + TIE:
            out += rows
            continue
        start, end, text = mention.bounds()
        votes = [{**v._asdict(), "label": label if v.annotation_id in givers else None} for v in asked]
        out.append({
            **rows[0], "start": start, "end": end, "text": text, "targets": mention.targets(certain=False),
            "probability": part, **soft_columns([None, label], *[np.array([1 - part, part])] * 2), "votes": votes,
            "status": "unresolved",
        })  # fmt: skip
    return out
