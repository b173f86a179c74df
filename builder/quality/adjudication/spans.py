"""Gold spans: what annotators marked, with the vote of everyone who saw the chunk.

Spans that mean the same are one group. The labels given within a group compete, and so does silence: an annotator who
saw the chunk and marked nothing there votes for no span.

A label is kept when it holds more than `min_share` of the belief and more than any other label. It is rejected when
another label or silence wins. Everything else is unresolved: a belief of exactly `min_share`, two labels with equal
belief, and bounds that most annotators marked without agreeing on the label. What everybody marked is agreed, even when
a model trusts none of them.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from builder.quality import load
from builder.quality.aggregation import METHODS
from builder.quality.aggregation.majority import TIE, shares
from builder.quality.settings import SPAN_METHODS, Aggregation
from builder.quality.votes import Voter, Voters, Votes
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
    def labels(self) -> set[str]:
        return {s.label for s in self.spans}

    def labels_of(self) -> dict[str, list[str]]:
        """The labels that each annotation gave, in alphabetical order."""
        given: dict[str, list[str]] = defaultdict(list)
        for annotation, label in sorted({(s.annotation_id, s.label) for s in self.spans}):
            given[annotation].append(label)
        return dict(given)

    def bounds(self, label: str) -> tuple[int, int, str]:
        """Most common bounds (and their text) among spans of the label; of equals the longest, then the first."""
        counts = Counter((s.start, s.end, s.text) for s in self.spans if s.label == label)
        return min(counts, key=lambda b: (-counts[b], b[0] - b[1], b[0], b[2]))

    def targets(self, label: str, certain: bool) -> list[str]:
        """Targets named by more than half of the spans of the label, or with `certain` false by any of them."""
        spans = [s for s in self.spans if s.label == label]
        counts = Counter(t for s in spans for t in s.targets)
        return sorted(t for t, n in counts.items() if not certain or 2 * n > len(spans))

    def of(self, annotations: Collection[str]) -> "SpanGroup":
        """The spans of some annotations; all spans when these annotations have none."""
        mine = [s for s in self.spans if s.annotation_id in annotations]
        return SpanGroup(self.chunk_id, self.kind, mine) if mine else self


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


def decision(settings: Aggregation, unanimous: bool, expert: bool = False) -> str:
    """The status of a label that won."""
    if expert or unanimous:
        return "expert" if expert else "agreed"
    return "unresolved" if settings.method == "expert" else "adjudicated"


def gold_spans(
    spans: pa.Table, voters: Voters, windows: pa.Table, settings: Aggregation, accuracy: Mapping[str, float]
) -> pa.Table:
    """GOLD_SPANS in the order of chunk, kind, start, end (descending) and label; one row per group and label.

    `status` is "agreed" (everyone who was asked marked it), "adjudicated", "expert", "unresolved" or "rejected".
    """
    rows: list[GoldRow] = load(SPAN_METHODS[settings.spans])(spans, voters, windows, settings, accuracy)
    rows.sort(key=lambda r: (r["chunk_id"], r["kind"], r["start"], -r["end"], r["label"]))
    return build(rows, GOLD_SPANS)


def exact(
    spans: pa.Table, voters: Voters, windows: pa.Table, settings: Aggregation, accuracy: Mapping[str, float]
) -> list[GoldRow]:
    """Gold of spans that vote for one another when their bounds are the very same."""
    return decide(same_bounds(spans, voters), voters, settings, accuracy)


def overlap(
    spans: pa.Table, voters: Voters, windows: pa.Table, settings: Aggregation, accuracy: Mapping[str, float]
) -> list[GoldRow]:
    """Gold of spans that vote for one another when they overlap by `min_overlap`."""
    return decide(overlapping(spans, voters, settings.min_overlap), voters, settings, accuracy)


def decide(
    groups: Sequence[SpanGroup], voters: Voters, settings: Aggregation, accuracy: Mapping[str, float]
) -> list[GoldRow]:
    """Rows of GOLD_SPANS: one per group and label. Kinds of span do not compete with one another."""
    out: list[GoldRow] = []
    for kind in sorted({g.kind for g in groups}):
        mine = [g for g in groups if g.kind == kind]
        labels = [SILENCE, *sorted({label for g in mine for label in g.labels})]
        beliefs = load(METHODS[settings.method])(_votes(mine, voters, voters.crowd, labels), settings, accuracy)
        of_experts = shares(_votes(mine, voters, voters.experts, labels))
        for i, group in enumerate(mine):
            belief = (of_experts[i] if voters.experts.get(group.chunk_id) else beliefs[i]).tolist()
            out += [_row(group, label, belief, labels, voters, settings) for label in sorted(group.labels)]
    return out


def _votes(
    groups: Sequence[SpanGroup], voters: Voters, side: Mapping[str, list[Voter]], labels: Sequence[str]
) -> Votes:
    rows: list[tuple[int, str, str]] = []
    for i, group in enumerate(groups):
        marked = group.labels_of()
        for voter in side.get(group.chunk_id, ()):
            if voter.annotation_id in marked:
                rows += [(i, voter.annotator, label) for label in marked[voter.annotation_id]]
            elif any(voters.was_asked(voter.annotator, label) for label in group.labels):
                rows.append((i, voter.annotator, SILENCE))
    return Votes.of(rows, len(groups), labels)


def _row(
    group: SpanGroup, label: str, belief: list[float], labels: Sequence[str], voters: Voters, settings: Aggregation
) -> GoldRow:
    marked, competing = group.labels_of(), group.labels
    votes = []
    for voter in voters.of(group.chunk_id):
        given = marked.get(voter.annotation_id, [])
        if given or any(voters.was_asked(voter.annotator, x) for x in competing):
            vote = label if label in given else min(given, default=None)
            votes.append({**voter._asdict(), "label": vote})
    experts = {v.annotation_id for v in voters.experts.get(group.chunk_id, ())}
    deciding = SpanGroup(group.chunk_id, group.kind, [s for s in group.spans if s.label == label]).of(experts)
    unanimous = not experts and all(marked.get(v["annotation_id"]) == [label] for v in votes)
    status = "kept" if unanimous else _verdict(belief, labels.index(label), settings.min_share)
    start, end, text = deciding.bounds(label)
    targets = deciding.targets(label, certain=status == "kept")
    if status == "kept" and not targets and (named := deciding.targets(label, certain=False)):
        # Annotators agree that it is evidence, but not on its targets.
        targets, status = named, "unresolved"
    if status == "kept":
        status = decision(settings, unanimous, bool(experts))
    method = settings.method if settings.spans == "exact" else f"{settings.method}:{settings.spans}"
    return {
        "chunk_id": group.chunk_id, "article_id": voters.article[group.chunk_id], "kind": group.kind,
        "start": start, "end": end, "label": label, "text": text, "targets": targets,
        "probability": belief[labels.index(label)], "method": "expert" if experts else method,
        "votes": votes, "status": status,
    }  # fmt: skip


def _verdict(belief: list[float], mine: int, min_share: float) -> str:
    """Whether the label at `mine` is "kept", "rejected" or "unresolved"; silence is the first label."""
    p, rival = belief[mine], max(x for i, x in enumerate(belief) if i != mine)
    if p > min_share + TIE and rival < p - TIE:
        return "kept"
    undecided = max(belief) <= min_share + TIE and sum(belief[1:]) > min_share + TIE
    return "rejected" if p < 1 - min_share - TIE and not undecided else "unresolved"
